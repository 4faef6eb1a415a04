import { h } from "./dom.js";

const ALLOWED = new Set(["http:", "https:", "tel:"]);
const PHONE =
  "0\\d{2,3}[- ]?\\d{7,8}(?:-\\d{1,6})?|1[3-9]\\d{9}|[48]00-?\\d{3}-?\\d{4}|123\\d{2}|1(?:10|19|20|22)";
// The first group stands for what lookbehind would say; older Safari cannot parse lookbehind.
const FINDS = new RegExp(
  `(https?://[^\\s<>"'，。；、！？（）()【】《》“”]+)|(^|[^\\d.,A-Za-z_*-])(${PHONE})(?![\\d*A-Za-z_元号条年份])`,
  "g",
);
// Phone and identity numbers, as people group their digits.
const PRIVATE = /[\d０-９](?:[ -]?[\d０-９]){10,}[XxＸｘ]?/g;
const CALLS = /(?:拨|打|电话|热线|报警|急救|火警|交警)[^\d。，；]{0,3}$/;

/**
 * The absolute form of `url` when it is http, https or tel without a login in it, otherwise null.
 * @param {unknown} url @param {string} [base] @returns {string | null}
 */
export function safeUrl(url, base = document.baseURI) {
  if (typeof url !== "string" || !url.trim()) return null;
  try {
    const parsed = new URL(url.trim(), base);
    if (!ALLOWED.has(parsed.protocol) || parsed.username || parsed.password) return null;
    return parsed.href;
  } catch {
    return null;
  }
}

/**
 * A page of the assistant's own server, "/book/slip/…", under the path it is mounted at.
 * @param {string} url @returns {string}
 */
export function rooted(url) {
  return url.replace(/^\/(?!\/)/, "");
}

/**
 * A text in which nobody who looks at the screen later can read a phone or identity number.
 * @param {string} text @returns {string}
 */
export function masked(text) {
  return text.replace(PRIVATE, (found) => found.slice(0, 3) + "*".repeat(found.length - 5) + found.slice(-2));
}

/** @param {string} number as people write it @returns {string} a tel: address */
export function telUrl(number) {
  return "tel:" + number.replace(/[^\d+]/g, "");
}

/**
 * Text as nodes, with web addresses and phone numbers made into links. Three-digit numbers count as phones
 * only in an emergency or after a word such as 拨打, because 120 is more often a number of days or yuan.
 * @param {string} text @param {{emergency?: boolean}} [how] @returns {Node[]}
 */
export function linked(text, { emergency = false } = {}) {
  /** @type {Node[]} */
  const nodes = [];
  let at = 0;
  const plain = (/** @type {number} */ end) => {
    if (end > at) nodes.push(document.createTextNode(text.slice(at, end)));
  };
  for (const found of text.matchAll(FINDS)) {
    const [, address, before = "", phone] = found;
    const start = found.index + before.length;
    if (address) {
      const href = safeUrl(address);
      if (!href) continue;
      plain(start);
      nodes.push(outward(href, address));
    } else {
      if (phone.length === 3 && !emergency && !CALLS.test(text.slice(0, start))) continue;
      plain(start);
      nodes.push(h("a", { href: telUrl(phone), class: "tel" }, phone));
    }
    at = start + (address || phone).length;
  }
  plain(text.length);
  return nodes;
}

/**
 * The phone numbers in a text, each once, in order.
 * @param {string} text @returns {string[]}
 */
export function phonesIn(text) {
  return [...new Set(Array.from(text.matchAll(FINDS), (found) => found[3]).filter(Boolean))];
}

/**
 * A link that opens a new tab and says so.
 * @param {string} href already checked @param {...(Node | string)} children
 */
export function outward(href, ...children) {
  return h(
    "a",
    { href, target: "_blank", rel: "noopener noreferrer" },
    ...children,
    h("span", { class: "unseen" }, "（在新窗口打开）"),
  );
}
