import { h, icon, ICONS } from "./dom.js";
import { rating } from "./rating.js";
import { linked, outward, phonesIn, rooted, safeUrl, telUrl } from "./text.js";

/**
 * @typedef {import("./types.js").Message} Message
 * @typedef {import("./types.js").Asked} Asked
 * @typedef {import("./types.js").Said} Said
 * @typedef {import("./types.js").Choice} Choice
 * @typedef {{base: URL, canSpeak: boolean, choose: (choice: Choice) => void, retry: (entry: Asked) => void,
 *            speak: (entry: Said, button: HTMLButtonElement) => void, print: (message: Message) => void,
 *            rate: import("./rating.js").Rate}} Hands
 */

/** @type {Record<string, string>} what kind of message this is, where it is not a plain answer */
const KINDS = {
  clarify: "请选一个",
  emergency: "紧急情况，请马上拨打",
  handoff: "转人工",
  ticket: "投诉举报",
  book: "预约",
  error: "出了点问题",
};

/**
 * One message of the assistant.
 * @param {Said} entry @param {Hands} hands @returns {HTMLElement}
 */
export function said(entry, hands) {
  const message = entry.message;
  const urgent = message.act === "emergency";
  const kind = KINDS[message.act];
  return h(
    "article",
    { class: `said ${urgent ? "urgent" : ""}`, "aria-label": "帮办的回答" },
    kind && h("p", { class: "kind" }, kind),
    urgent && calls(message, hands),
    ...shown(message).map((part) => h("p", { class: "words" }, ...linkedParts(part, urgent))),
    facts(message),
    links(message, hands, urgent),
    choices(message, hands),
    source(message, hands),
    tools(entry, hands),
    rating(entry, hands.rate),
  );
}

/**
 * One question of the citizen, and what became of it.
 * @param {Asked} entry @param {Hands} hands @returns {HTMLElement}
 */
export function asked(entry, hands) {
  return h(
    "div",
    { class: `asked ${entry.state}` },
    h("p", { class: "words" }, h("span", { class: "unseen" }, "您问："), entry.text),
    entry.failure && failed(entry, hands),
  );
}

/** @param {Asked} entry @param {Hands} hands */
function failed(entry, hands) {
  const failure = entry.failure;
  if (!failure) return null;
  const button = h("button", { type: "button", class: "plain retry", click: () => hands.retry(entry) }, "重试");
  // A countdown in the log would be read out every second.
  const again = h("span", { "aria-live": "off" }, button);
  const count = () => {
    const left = Math.ceil((failure.until - Date.now()) / 1000);
    button.disabled = left > 0;
    button.textContent = left > 0 ? `${left} 秒后可重试` : "重试";
    if (left > 0) setTimeout(count, 500);
  };
  count();
  return h("div", { class: "failure" }, h("span", {}, `没有送到。${failure.reason}`), failure.again && again);
}

/**
 * The paragraphs to show. The text is complete on its own, for channels that have nothing else; where its facts or
 * choices are shown below as such, its first paragraph is enough.
 * @param {Message} message
 */
function shown(message) {
  const paragraphs = withoutChoices(message);
  const offered = (message.act === "clarify" || message.act === "refuse") && message.choices.length;
  return (message.guide && message.facts.length) || offered ? paragraphs.slice(0, 1) : paragraphs;
}

/**
 * The paragraphs without the numbered list of the choices, which follow as such.
 * @param {Message} message
 */
export function withoutChoices(message) {
  return message.text.split(/\n{2,}/).filter((paragraph) => !lists(paragraph, message));
}

/** @param {string} paragraph @param {Message} message whether it is the numbered list of the choices */
function lists(paragraph, message) {
  return paragraph.split("\n").every((line, at) => line === `${at + 1}. ${message.choices[at]?.label}`);
}

/** @param {string} text @param {boolean} emergency */
function linkedParts(text, emergency) {
  return linked(text, { emergency });
}

/** @param {Message} message @param {Hands} hands the numbers to call, as large buttons */
function calls(message, hands) {
  const named = message.links
    .filter((link) => safeUrl(link.url, hands.base.href)?.startsWith("tel:"))
    .map((link) => ({ label: link.label, href: /** @type {string} */ (safeUrl(link.url)) }));
  const found = phonesIn([message.text, ...message.facts.map((fact) => fact.value)].join("\n"));
  const numbers = named.length ? named : found.map((number) => ({ label: number, href: telUrl(number) }));
  if (!numbers.length) return null;
  return h(
    "p",
    { class: "calls" },
    ...numbers.slice(0, 4).map(({ label, href }) => {
      const number = href.slice(4);
      return h("a", { class: "call", href }, icon(ICONS.phone), label.includes(number) ? label : `${label} ${number}`);
    }),
  );
}

/** @param {Message} message */
function facts(message) {
  if (!message.facts.length) return null;
  const pairs = message.facts.flatMap((fact) => [
    h("dt", {}, fact.label),
    h("dd", {}, ...linked(fact.value, { emergency: message.act === "emergency" })),
  ]);
  return h("dl", { class: "facts" }, ...pairs);
}

/** @param {Message} message @param {Hands} hands @param {boolean} urgent calls are then shown above already */
function links(message, hands, urgent) {
  const items = message.links.map(({ label, url }) => {
    const href = safeUrl(rooted(url), hands.base.href);
    if (!href) return null;
    if (href.startsWith("tel:")) {
      const number = href.slice(4);
      if (urgent) return null;
      return h("li", {}, h("a", { href, class: "go" }, icon(ICONS.phone), h("span", {}, label), where(number)));
    }
    const said = h("span", {}, label || "打开链接");
    // A page of this very site, such as the slip, opens in its place: the conversation is on the next page too.
    const own = new URL(href).origin === location.origin;
    const link = own ? h("a", { href }, said) : outward(href, icon(ICONS.out), said, where(new URL(href).host));
    link.className = "go";
    return h("li", {}, link);
  });
  return items.some(Boolean) ? h("ul", { class: "links", "aria-label": "可以去的地方" }, ...items) : null;
}

/** @param {string} place the host or number a link leads to, which its label cannot fake */
function where(place) {
  return h("span", { class: "where" }, place);
}

/** @param {Message} message @param {Hands} hands */
function choices(message, hands) {
  if (!message.choices.length) return null;
  const list = message.text.split(/\n{2,}/).find((paragraph) => lists(paragraph, message));
  // Ways out such as 不约了 have no number.
  const numbered = message.act === "clarify" ? message.choices.length : (list?.split("\n").length ?? 0);
  const items = message.choices.map((choice, index) => {
    const department = choice.guide?.department ?? "";
    return h(
      "li",
      {},
      h(
        "button",
        { type: "button", class: "choice", click: () => hands.choose(choice) },
        index < numbered && h("span", { class: "number" }, `${index + 1}`),
        h("span", {}, choice.label),
        Boolean(department) && !choice.label.includes(department) && h("span", { class: "where" }, department),
      ),
    );
  });
  const label = numbered ? "请选一个" : "接着问";
  return h("ul", { class: numbered ? "choices tall" : "choices", "aria-label": label }, ...items);
}

/** @param {Message} message @param {Hands} hands where the facts come from */
function source(message, hands) {
  const guide = message.guide;
  if (!guide || !Number.isInteger(guide.id)) return null;
  const checked = guide.verified_at ? `，${day(String(guide.verified_at))}核实` : "";
  const address = new URL(`guides/${guide.id}`, hands.base).href;
  return h(
    "p",
    { class: "source" },
    "来源：",
    outward(address, `办事指南《${guide.name}》`),
    `，${guide.department}，第 ${guide.version} 版${checked}`,
  );
}

/** @param {Said} entry @param {Hands} hands */
function tools(entry, hands) {
  const message = entry.message;
  const speak = h(
    "button",
    { type: "button", class: "plain", "aria-pressed": "false", click: () => hands.speak(entry, speak) },
    icon(ICONS.speak),
    h("span", {}, "朗读"),
  );
  const print = h(
    "button",
    { type: "button", class: "plain", click: () => hands.print(message) },
    icon(ICONS.print),
    "打印清单",
  );
  const printable = message.act === "answer" && message.facts.length > 0;
  if (!hands.canSpeak && !printable) return null;
  return h("p", { class: "tools" }, hands.canSpeak && speak, printable && print);
}

/** @param {string} iso @returns {string} 2026-10-15 as 2026 年 10 月 15 日; anything else as it came */
function day(iso) {
  const parts = /^(\d{4})-(\d{2})-(\d{2})/.exec(iso);
  return parts ? `${parts[1]} 年 ${Number(parts[2])} 月 ${Number(parts[3])} 日` : iso;
}
