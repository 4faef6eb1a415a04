import { h } from "./dom.js";

/**
 * @typedef {import("./types.js").Said} Said
 * @typedef {(entry: Said, useful: boolean, comment: string) => Promise<boolean>} Rate whether it has arrived
 */

const LONGEST = 200; // characters of a remark, as the server takes them

/**
 * Whether an answer helped: two buttons, and after 没用 a field for what is wrong. Nothing moves but what comes below.
 * @param {Said} entry @param {Rate} rate @returns {HTMLElement | null} null where there is nothing to rate
 */
export function rating(entry, rate) {
  if (!entry.turn || !(entry.message.guide || entry.message.faq)) return null;
  const told = h("span", { class: "told" }, "回答得怎么样？");
  const yes = h("button", { type: "button", class: "plain", click: () => give(true) }, "有用");
  const no = h("button", { type: "button", class: "plain", click: () => give(false) }, "没用");
  const remark = h("input", { class: "remark", maxlength: String(LONGEST), autocomplete: "off", enterkeyhint: "send" });
  const send = h("button", { type: "submit", class: "plain" }, "告诉帮办");
  const why = h(
    "form",
    { class: "wrong", hidden: true, submit: explain },
    h("label", {}, h("span", {}, "哪里不对？（请不要写个人信息）"), remark),
    send,
  );

  function press() {
    yes.setAttribute("aria-pressed", String(entry.useful === true));
    no.setAttribute("aria-pressed", String(entry.useful === false));
  }

  /** @param {boolean} useful */
  async function give(useful) {
    why.hidden = useful;
    if (entry.useful !== useful) await tell(useful, "");
  }

  /** @param {SubmitEvent} event */
  async function explain(event) {
    event.preventDefault();
    const comment = remark.value.trim();
    if (!comment || send.disabled) return;
    send.disabled = true;
    const arrived = await tell(false, comment);
    send.disabled = false;
    if (!arrived) return;
    remark.value = "";
    no.focus(); // what had the focus goes away
    why.hidden = true;
  }

  /** @param {boolean} useful @param {string} comment */
  async function tell(useful, comment) {
    const before = entry.useful;
    entry.useful = useful;
    press();
    const arrived = await rate(entry, useful, comment);
    if (!arrived && entry.useful === useful) entry.useful = before;
    press();
    told.textContent = arrived ? "谢谢您告诉我们" : "没有送到，请再点";
    return arrived;
  }

  press();
  const buttons = h("div", { class: "useful", role: "group", "aria-label": "这个回答有没有用" }, told, yes, no);
  return h("div", { class: "rating" }, buttons, why);
}
