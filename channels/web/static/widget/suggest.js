import { h } from "./dom.js";

/**
 * @typedef {import("./types.js").Suggestion} Suggestion
 * @typedef {{input: HTMLInputElement | HTMLTextAreaElement, list: HTMLElement, say?: (text: string) => void,
 *            find: (text: string, signal: AbortSignal) => Promise<Suggestion[]>,
 *            choose: (suggestion: Suggestion) => void}} Parts
 */

const PAUSE = 180; // ms without typing before asking
const LEAST = 2; // characters worth asking for
const MOST = 40; // a longer text is a story, not the beginning of a known question
const PRIVATE = /\d{6}/; // looks like a phone or identity number: not sent before the citizen sends it

/** @param {KeyboardEvent} event @returns {boolean} the key belongs to an input method (229 is what Safari says) */
export function composing(event) {
  return event.isComposing || event.keyCode === 229;
}

/** Type-ahead as the combobox pattern has it: arrows move, Enter takes, Escape closes, focus stays in the input. */
export class Suggest {
  /** @param {Parts} parts */
  constructor({ input, list, find, choose, say = () => {} }) {
    this.input = input;
    this.list = list;
    this.find = find;
    this.choose = choose;
    this.say = say;
    /** @type {Suggestion[]} */
    this.found = [];
    this.active = -1;
    this.timer = 0;
    this.inquiry = new AbortController();
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-expanded", "false");
    input.setAttribute("aria-controls", list.id);
    input.setAttribute("autocomplete", "off");
    list.setAttribute("role", "listbox");
    list.hidden = true;
    input.addEventListener("input", (event) => {
      if (!(/** @type {InputEvent} */ (event).isComposing)) this.#later();
    });
    input.addEventListener("compositionend", () => this.#later());
    input.addEventListener("keydown", (event) => this.#key(/** @type {KeyboardEvent} */ (event)));
    input.addEventListener("blur", () => this.close());
    // Keeps the focus, and with it the list, until the click has landed.
    list.addEventListener("mousedown", (event) => event.preventDefault());
  }

  close() {
    clearTimeout(this.timer);
    this.inquiry.abort();
    this.list.hidden = true;
    this.found = [];
    this.#mark(-1);
    this.input.setAttribute("aria-expanded", "false");
  }

  #later() {
    clearTimeout(this.timer);
    this.inquiry.abort();
    this.timer = setTimeout(() => this.#ask(), PAUSE);
  }

  async #ask() {
    const text = this.input.value.trim();
    if (text.length < LEAST || text.length > MOST || text.includes("\n") || PRIVATE.test(text)) {
      return this.close();
    }
    const inquiry = (this.inquiry = new AbortController());
    const found = await this.find(text, inquiry.signal);
    if (inquiry.signal.aborted) return;
    if (!found.length) return this.close();
    this.#show(found);
  }

  /** @param {Suggestion[]} found */
  #show(found) {
    this.found = found;
    const options = found.map((one, index) => {
      const guide = one.guide && one.guide.name !== one.text ? one.guide.name : "";
      return h(
        "li",
        { role: "option", id: `${this.list.id}-${index}`, "aria-selected": "false", click: () => this.#take(index) },
        h("span", {}, one.text),
        guide && h("span", { class: "where" }, guide),
      );
    });
    this.list.replaceChildren(...options);
    this.list.hidden = false;
    this.#mark(-1);
    this.input.setAttribute("aria-expanded", "true");
    this.say(`有 ${found.length} 条联想，按上下键选择`);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (composing(event) || this.list.hidden) return;
    const count = this.found.length;
    if (event.key === "ArrowDown") this.#mark(this.active + 1 >= count ? -1 : this.active + 1);
    else if (event.key === "ArrowUp") this.#mark(this.active < 0 ? count - 1 : this.active - 1);
    else if (event.key === "Enter" && this.active >= 0) this.#take(this.active);
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  /** @param {number} index -1 for none */
  #mark(index) {
    this.active = index;
    Array.from(this.list.children).forEach((option, at) => {
      option.setAttribute("aria-selected", String(at === index));
      if (at === index) option.scrollIntoView({ block: "nearest" });
    });
    if (index < 0) this.input.removeAttribute("aria-activedescendant");
    else this.input.setAttribute("aria-activedescendant", `${this.list.id}-${index}`);
  }

  /** @param {number} index */
  #take(index) {
    const suggestion = this.found[index];
    this.close();
    if (suggestion) this.choose(suggestion);
  }
}
