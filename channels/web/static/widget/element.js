import { withoutChoices } from "./answer.js";
import { Client } from "./api.js";
import { Conversation } from "./conversation.js";
import { h } from "./dom.js";
import { printChecklist } from "./print.js";
import { Reader } from "./speech.js";
import { Store } from "./store.js";
import { composing, Suggest } from "./suggest.js";
import { View } from "./view.js";

/** @typedef {import("./types.js").Entry} Entry */

const HOME = new URL("../../", import.meta.url); // this file is static/widget/element.js under it
const SHEETS = ["../palette.css", "./widget.css"].map((name) => new URL(name, import.meta.url).href);
const LISTEN = 60_000; // ms between looks for notices, while the panel is open and seen
const FULL = "(max-width: 480px), (max-height: 480px)"; // as in widget.css

/**
 * <bangban-chat region title elder api inline hotline theme>: the assistant, in a shadow root.
 * Methods: show(), hide(), ask(text), prefill(text). Event: "bangban-elder" (detail: boolean) when the citizen switches.
 */
export class BangbanChat extends HTMLElement {
  static observedAttributes = ["region", "title", "elder", "hotline"];

  #title = "帮办";
  #started = false;
  #reader = new Reader();
  #store = new Store();
  #listening = 0;
  /** @type {Promise<void>} */
  ready = Promise.resolve();

  connectedCallback() {
    this.#listening = setInterval(() => this.#hear(), LISTEN);
    if (this.#started) return;
    this.#started = true;
    this.ready = this.#start();
  }

  disconnectedCallback() {
    this.#reader.stop();
    clearInterval(this.#listening);
  }

  /** @param {string} name @param {string | null} _before @param {string | null} value */
  attributeChangedCallback(name, _before, value) {
    if (name === "title" && value !== null) {
      this.#title = value || "帮办";
      this.removeAttribute("title"); // else the browser shows it as a tooltip over the whole panel
    }
    if (!this.view) return;
    if (name === "elder") this.#enlarge(on(value));
    else if (name === "region") this.#settle();
    else this.view.name(this.#title, this.#hotline);
  }

  async #start() {
    const shadow = this.attachShadow({ mode: "open" });
    const client = new Client(this.#base);
    this.talk = new Conversation(client, this.#store);
    const inline = on(this.getAttribute("inline"));
    this.view = new View({ title: this.#title, inline, hotline: this.#hotline }, {
      base: client.base,
      canSpeak: this.#reader.can,
      choose: (choice) => this.#ask({ text: choice.label, choice: choice.id }),
      retry: (entry) => this.talk?.retry(entry),
      speak: (entry, button) => this.#reader.toggle(aloud(entry.message), button, this.#large),
      rate: async (entry, useful, comment) => (await this.talk?.rate(entry, useful, comment)) ?? false,
      print: (message) => printChecklist(shadow, message, client.base, new Date()),
    });
    this.#listen(client);
    for (const entry of this.talk.entries) this.view.put(entry);
    this.view.urgent.textContent = ""; // what was urgent before the reload is not announced again
    this.#enlarge(this.#store.elder() ?? on(this.getAttribute("elder")));
    this.view.online(navigator.onLine !== false);
    this.view.panel.hidden = !inline;
    await dress(shadow);
    shadow.append(this.view.root);
    if (!inline && this.#store.opened() && !matchMedia(FULL).matches) this.#open();
    this.view.scroll();
    this.#settle();
    if (inline) this.#hear();
  }

  /** Look for notices, unless nobody would see them. */
  #hear() {
    if (!document.hidden && this.view && !this.view.panel.hidden) this.talk?.listen();
  }

  /** @param {Client} client */
  #listen(client) {
    const { view, talk } = /** @type {{view: View, talk: Conversation}} */ (this);
    const entryOf = (/** @type {Event} */ event) => /** @type {CustomEvent<Entry>} */ (event).detail;
    talk.addEventListener("entry", (event) => {
      view.put(entryOf(event));
      view.scroll();
    });
    talk.addEventListener("told", (event) => view.scroll(entryOf(event)));
    talk.addEventListener("moved", (event) => view.toEnd(entryOf(event)));
    talk.addEventListener("busy", () => view.busy(talk.busy));
    talk.addEventListener("cleared", () => view.empty());
    // Before our own keys, so that the open list takes Enter and Escape first.
    this.suggest = new Suggest({
      input: view.box,
      list: view.options,
      find: (text, signal) => client.suggest(text, talk.region, signal),
      choose: (one) => this.#ask({ text: one.text }),
      say: (text) => (view.spoken.textContent = text),
    });
    view.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#ask({ text: view.box.value });
    });
    view.box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || composing(event)) return;
      event.preventDefault();
      this.#ask({ text: view.box.value });
    });
    view.panel.addEventListener("keydown", (event) => this.#panelKey(event));
    view.launcher.addEventListener("click", () => (view.panel.hidden ? this.show() : this.hide()));
    view.shut.addEventListener("click", () => this.hide());
    view.wipe.addEventListener("click", () => {
      this.#reader.stop();
      talk.clear();
      view.spoken.textContent = "对话记录已清空";
      view.box.focus();
    });
    view.elder.addEventListener("click", () => {
      this.#enlarge(!this.#large);
      this.#store.keepElder(this.#large);
      this.dispatchEvent(new CustomEvent("bangban-elder", { detail: this.#large, bubbles: true, composed: true }));
    });
    addEventListener("online", () => view.online(true));
    addEventListener("offline", () => view.online(false));
  }

  /** Open the panel and put the focus where the next thing is done. */
  async show() {
    await this.ready;
    this.#open();
    const view = this.view;
    if (!view) return;
    // On a touch screen the keyboard would cover the greeting.
    if (matchMedia("(pointer: coarse)").matches) view.panel.focus();
    else view.box.focus();
    view.scroll();
  }

  /** Close the panel; the focus goes back to the button that opens it. */
  hide() {
    const view = this.view;
    if (!view || this.#inline) return;
    this.suggest?.close();
    this.#reader.stop();
    view.panel.hidden = true;
    view.launcher.setAttribute("aria-expanded", "false");
    view.root.classList.remove("open");
    this.#store.keepOpened(false);
    view.launcher.focus();
  }

  /** Ask as if it had been typed. @param {string} text */
  async ask(text) {
    await this.show();
    await this.#ask({ text });
  }

  /** Put a text into the box for the citizen to finish. @param {string} text */
  async prefill(text) {
    await this.show();
    if (!this.view) return;
    this.view.box.value = text.slice(0, this.view.box.maxLength);
    this.view.counted();
    this.view.box.focus();
  }

  get #base() {
    const api = this.getAttribute("api");
    return api ? new URL(api.endsWith("/") ? api : `${api}/`, document.baseURI) : HOME;
  }

  get #hotline() {
    return this.getAttribute("hotline") || "12345";
  }

  get #inline() {
    return this.view?.root.classList.contains("inline") ?? false;
  }

  get #large() {
    return this.view?.root.classList.contains("elder") ?? false;
  }

  #open() {
    const view = this.view;
    if (!view || this.#inline) return;
    view.panel.hidden = false;
    // Filling the screen, the panel hides the page, so the page is out of reach of the keyboard too.
    view.panel.setAttribute("aria-modal", String(matchMedia(FULL).matches));
    view.launcher.setAttribute("aria-expanded", "true");
    view.root.classList.add("open");
    this.#store.keepOpened(true);
    this.#hear();
  }

  /** @param {boolean} large */
  #enlarge(large) {
    this.view?.root.classList.toggle("elder", large);
    this.view?.elder.setAttribute("aria-pressed", String(large));
  }

  /** The region is known or has changed: its hot questions. */
  async #settle() {
    const { view, talk } = this;
    if (!view || !talk) return;
    talk.region = this.getAttribute("region") ?? "";
    const questions = await talk.client.hot(talk.region);
    view.questions(questions, (text) => this.#ask({ text }));
  }

  /** @param {{text: string, choice?: string}} question */
  async #ask(question) {
    const { view, talk } = this;
    if (!view || !talk || talk.busy || !question.text.trim()) return;
    this.suggest?.close();
    this.#reader.stop();
    const typed = !question.choice;
    if (typed) {
      view.box.value = "";
      view.counted();
    }
    // The send button is disabled now; a focus on it would be lost.
    if (this.shadowRoot?.activeElement === view.send) view.box.focus();
    await talk.ask(question);
  }

  /** @param {KeyboardEvent} event */
  #panelKey(event) {
    const view = this.view;
    if (!view || this.#inline || composing(event)) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      this.hide();
    }
    if (event.key !== "Tab" || view.panel.getAttribute("aria-modal") !== "true") return;
    const stops = view.stops();
    const last = stops.length - 1;
    const [from, to] = event.shiftKey ? [0, last] : [last, 0];
    if (this.shadowRoot?.activeElement === stops[from]) {
      event.preventDefault();
      stops[to].focus();
    }
  }
}

/** @param {string | null} value of an attribute that is either on or off */
function on(value) {
  return value !== null && value !== "false";
}

/** @param {import("./types.js").Message} message @returns {string} as it is read aloud */
function aloud(message) {
  const facts = message.facts.map((fact) => `${fact.label}：${fact.value}`);
  return [...withoutChoices(message), ...facts, ...message.choices.map((choice, at) => `${at + 1}，${choice.label}`)].join("。\n");
}

/** Give the shadow root its style. Constructed sheets need no style-src of the page; links are for older browsers. */
async function dress(/** @type {ShadowRoot} */ shadow) {
  try {
    shadow.adoptedStyleSheets = await Promise.all(
      SHEETS.map(async (address) => {
        const response = await fetch(address, { credentials: "omit" });
        if (!response.ok) throw new Error(`${address}: ${response.status}`);
        return new CSSStyleSheet().replace(await response.text());
      }),
    );
  } catch {
    const sheets = SHEETS.map((href) => h("link", { rel: "stylesheet", href }));
    const loaded = sheets.map(
      (sheet) => new Promise((done) => ["load", "error"].forEach((name) => sheet.addEventListener(name, done))),
    );
    shadow.append(...sheets);
    await Promise.all(loaded);
  }
}

if (!customElements.get("bangban-chat")) customElements.define("bangban-chat", BangbanChat);
