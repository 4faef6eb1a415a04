import { asked, said } from "./answer.js";
import { h, icon, ICONS } from "./dom.js";

/**
 * @typedef {import("./types.js").Entry} Entry
 * @typedef {import("./answer.js").Hands} Hands
 */

export const MOST = 500; // characters of a question
const NEAR = 50; // left when the counter appears
const SLOW = 8_000; // ms until the citizen is told that it still goes on

/** The widget's elements: built once, then changed in place. It knows nothing of servers or storage. */
export class View {
  /** @param {{title: string, inline: boolean, hotline: string}} how @param {Hands} hands */
  constructor({ title, inline, hotline }, hands) {
    this.hands = hands;
    /** @type {Map<string, HTMLElement>} */
    this.shown = new Map();
    this.slow = 0;

    this.heading = h("h2", { id: "title" });
    this.elder = h("button", { type: "button", class: "tool", "aria-pressed": "false" }, "大字版");
    this.wipe = h("button", { type: "button", class: "tool", "aria-label": "清空对话记录" }, "清空");
    this.shut = h("button", { type: "button", class: "tool square", "aria-label": "关闭对话窗口" }, icon(ICONS.close));
    this.offline = h("p", { class: "offline", role: "status" });
    this.hello = h("p", { class: "words" });
    this.hot = h("ul", { class: "choices", "aria-label": "大家常问" });
    this.hotTitle = h("p", { class: "kind", hidden: true }, "大家常问");
    this.start = h("div", { class: "said start" }, this.hello, this.hotTitle, this.hot);
    this.log = h("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": "对话记录", tabindex: "0" });
    this.log.append(this.start);
    this.typing = h("p", { class: "typing", role: "status" });
    this.urgent = h("p", { class: "unseen", role: "alert" });
    this.spoken = h("p", { class: "unseen", role: "status" });
    this.box = h("textarea", {
      id: "box",
      rows: "2",
      maxlength: String(MOST),
      placeholder: "例如：身份证丢了怎么补办",
      "aria-describedby": "note count",
      enterkeyhint: "send",
    });
    this.options = h("ul", { id: "options", class: "options", "aria-label": "联想问题" });
    this.count = h("span", { id: "count", class: "count", role: "status" });
    this.send = h("button", { type: "submit", class: "send" }, icon(ICONS.send), "发送");
    this.form = h(
      "form",
      { class: "composer", novalidate: true },
      this.options,
      h("label", { for: "box", class: "unseen" }, "请输入要问的事，回车发送"),
      this.box,
      this.send,
      this.count,
    );
    this.note = h("p", { id: "note", class: "note" }, "没有问到，请不要输入身份证号、银行卡号。记录只留在本标签页，公用电脑用完请点“清空”。");
    this.panel = h(
      "section",
      { id: "panel", class: "panel", "aria-labelledby": "title", tabindex: "-1", role: inline ? "region" : "dialog" },
      h("header", {}, this.heading, h("div", { class: "bar" }, this.elder, this.wipe, !inline && this.shut)),
      this.offline,
      this.log,
      this.typing,
      this.form,
      this.note,
      this.urgent,
      this.spoken,
    );
    this.launcherText = h("span");
    this.launcher = h(
      "button",
      { type: "button", class: "launcher", "aria-haspopup": "dialog", "aria-controls": "panel", "aria-expanded": "false" },
      icon(ICONS.chat),
      this.launcherText,
    );
    this.root = h("div", { class: inline ? "root inline" : "root", lang: "zh-CN" }, this.panel, !inline && this.launcher);
    this.name(title, hotline);
    this.box.addEventListener("input", () => this.counted());
  }

  /** @param {string} title @param {string} hotline */
  name(title, hotline) {
    this.heading.textContent = title;
    this.launcherText.textContent = title;
    this.log.setAttribute("aria-label", `${title}对话记录`);
    this.hello.textContent =
      `您好，这里是${title}。要办什么事，用平常的话说就行，我按已公布的办事指南回答。` +
      `想找人工，请说“转人工”或拨打 ${hotline}。`;
  }

  /** @param {string[]} questions @param {(question: string) => void} ask */
  questions(questions, ask) {
    const item = (/** @type {string} */ text) =>
      h("li", {}, h("button", { type: "button", class: "choice", click: () => ask(text) }, text));
    this.hot.replaceChildren(...questions.map(item));
    this.hotTitle.hidden = questions.length === 0;
  }

  /** Show an entry that is new, or again as it is now. @param {Entry} entry */
  put(entry) {
    const before = this.shown.get(entry.id);
    const now = entry.role === "user" ? asked(entry, this.hands) : said(entry, this.hands);
    this.shown.set(entry.id, now);
    if (before) before.replaceWith(now);
    else this.log.append(now);
    if (entry.role === "bot" && entry.message.act === "emergency") this.urgent.textContent = entry.message.text;
  }

  /** @param {Entry} entry */
  toEnd(entry) {
    const element = this.shown.get(entry.id);
    if (element) this.log.append(element);
  }

  empty() {
    for (const element of this.shown.values()) element.remove();
    this.shown.clear();
    this.urgent.textContent = "";
  }

  /** Bring the last question to the top, so that its answer is read from the beginning; or one entry. @param {Entry} [entry] */
  scroll(entry) {
    const questions = this.log.querySelectorAll(".asked");
    const last = entry ? this.shown.get(entry.id) : /** @type {HTMLElement | undefined} */ (questions[questions.length - 1]);
    if (!last) return;
    const inner = this.log.scrollHeight > this.log.clientHeight + 1;
    const scroller = inner ? this.log : this.panel;
    scroller.scrollTop = last.offsetTop - 12 + (inner ? 0 : this.log.offsetTop);
  }

  /** @param {boolean} busy */
  busy(busy) {
    clearTimeout(this.slow);
    this.send.disabled = busy;
    this.root.classList.toggle("busy", busy);
    this.typing.textContent = busy ? "正在查办事指南" : "";
    if (busy) this.slow = setTimeout(() => (this.typing.textContent = "还在查，请再等等"), SLOW);
  }

  /** @param {boolean} online */
  online(online) {
    this.offline.textContent = online ? "" : "网络断开了。恢复以后，没送到的话可以点“重试”。";
  }

  counted() {
    const left = MOST - this.box.value.length;
    this.count.textContent = left > NEAR ? "" : left > 0 ? `还可以输入 ${left} 个字` : "已到 500 字上限";
  }

  /** @returns {HTMLElement[]} what Tab reaches in the panel, in order */
  stops() {
    const all = this.panel.querySelectorAll("a[href], button, input, textarea, [tabindex='0']");
    return /** @type {HTMLElement[]} */ (Array.from(all)).filter(
      (one) => !(/** @type {HTMLButtonElement} */ (one).disabled) && one.getClientRects().length > 0,
    );
  }
}
