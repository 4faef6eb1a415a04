const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an element. Strings become text nodes, functions become listeners, `true` an empty attribute;
 * nothing is ever parsed as HTML and there are no style attributes, so a strict policy holds.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | boolean | null | undefined | ((event: any) => void)>} [attributes]
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children) if (child) element.append(child);
  return element;
}

/**
 * A line icon, hidden from screen readers; its neighbour text says what it means.
 * @param {string} path SVG path data in a 24 by 24 box
 */
export function icon(path) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  svg.setAttribute("class", "icon");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

export const ICONS = {
  chat: "M4 5h16v11H10l-5 4v-4H4z M8 9h8 M8 12.5h5",
  close: "M6 6l12 12 M18 6L6 18",
  send: "M5 12h13 M12 6l6 6-6 6",
  out: "M9 6H6v12h12v-3 M13 5h6v6 M19 5l-8 8",
  phone: "M6 4h4l1.5 5-2.5 1.5a11 11 0 0 0 4.500 4.500L15 12.500l5 1.500v4a2 2 0 0 1-2 2A14 14 0 0 1 4 6a2 2 0 0 1 2-2z",
  speak: "M5 9.500h3l5-4v13l-5-4H5z M16.500 9a4 4 0 0 1 0 6 M19 6.500a8 8 0 0 1 0 11",
  print: "M7 9V4h10v5 M7 17H4V9h16v8h-3 M7 14h10v6H7z",
};
