import { h } from "./dom.js";
import { rooted, safeUrl } from "./text.js";

/** @typedef {import("./types.js").Message} Message */

const PAPER = `
  @page { margin: 18mm; }
  body { font: 12pt/1.6 sans-serif; color: #000; background: #fff; }
  h1 { font-size: 18pt; margin: 0 0 8pt; }
  p { white-space: pre-line; margin: 0 0 8pt; }
  dt { font-weight: bold; margin-top: 8pt; break-after: avoid; }
  dd { margin: 0; white-space: pre-line; }
  ul { list-style: none; margin: 0; padding: 0; }
  li { padding-left: 20pt; text-indent: -20pt; break-inside: avoid; }
  footer { margin-top: 16pt; padding-top: 6pt; border-top: 1pt solid #000; font-size: 10pt; }
`;

/**
 * Print one answer alone, whatever page the widget stands on.
 * @param {ParentNode & Node} root where the hidden frame may live
 * @param {Message} message @param {URL} base @param {Date} now
 */
export function printChecklist(root, message, base, now) {
  const frame = h("iframe", { class: "unseen", title: "打印", "aria-hidden": "true", tabindex: "-1" });
  root.append(frame);
  const page = frame.contentWindow;
  if (!page) return;
  page.document.documentElement.lang = "zh-CN";
  page.document.title = message.guide?.name || "办事清单";
  const Sheet = /** @type {typeof globalThis} */ (/** @type {unknown} */ (page)).CSSStyleSheet;
  try {
    const sheet = new Sheet();
    sheet.replaceSync(PAPER);
    page.document.adoptedStyleSheets = [sheet];
  } catch {
    // An older browser prints it in its own style.
  }
  page.document.body.append(...checklist(message, base, now));
  page.addEventListener("afterprint", () => frame.remove(), { once: true });
  page.focus();
  page.print();
}

/**
 * @param {Message} message @param {URL} base @param {Date} now
 * @returns {HTMLElement[]} what goes on paper: links are written out, materials have boxes to tick
 */
export function checklist(message, base, now) {
  const guide = message.guide;
  const links = message.links
    .map(({ label, url }) => ({ label, href: safeUrl(rooted(url), base.href) }))
    .filter(({ href }) => href)
    .flatMap(({ label, href }) => [h("dt", {}, label), h("dd", {}, decodeURI(String(href)))]);
  const origin = guide
    ? `来源：办事指南《${guide.name}》，${guide.department}，第 ${guide.version} 版` +
      `${guide.verified_at ? `，${guide.verified_at} 核实` : ""}。${new URL(`guides/${guide.id}`, base).href}`
    : "";
  return [
    h("h1", {}, guide?.name || "办事清单"),
    h("p", {}, message.text),
    h("dl", {}, ...message.facts.flatMap((fact) => [h("dt", {}, fact.label), h("dd", {}, ...value(fact))]), ...links),
    h("footer", {}, origin, h("br"), `打印日期：${now.toLocaleDateString("zh-CN")}。办理前请以办事指南最新版本为准。`),
  ];
}

/** @param {import("./types.js").Fact} fact @returns {(string | HTMLElement)[]} */
function value({ label, value }) {
  const lines = value.split(/\n|[；;]/).map((line) => line.trim()).filter(Boolean);
  if (lines.length < 2 && !label.includes("材料")) return [value];
  return [h("ul", {}, ...lines.map((line) => h("li", {}, `☐ ${line}`)))];
}
