/* What the pages gain with scripts: large type, asking the assistant from the search box and from links, printing. */
import { Client } from "./widget/api.js";
import { BangbanChat } from "./widget/element.js";
import { Store } from "./widget/store.js";
import { Suggest } from "./widget/suggest.js";

const root = document.documentElement;
const store = new Store();

/** @returns {BangbanChat | null} */
function chat() {
  const found = document.querySelector("bangban-chat");
  return found instanceof BangbanChat ? found : null;
}

/** @param {boolean} large */
function enlarge(large) {
  root.classList.toggle("elder", large);
  for (const button of document.querySelectorAll("[data-elder-switch]")) {
    button.setAttribute("aria-pressed", String(large));
    button.textContent = large ? "标准字号" : "大字版";
  }
}

/** @param {string} text */
async function ask(text) {
  const assistant = chat();
  if (!assistant || !text.trim()) return;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  assistant.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
  await assistant.ask(text);
}

for (const hidden of document.querySelectorAll("[data-with-scripts]")) hidden.removeAttribute("hidden");

enlarge(store.elder() ?? false);
for (const button of document.querySelectorAll("[data-elder-switch]")) {
  button.addEventListener("click", () => {
    const large = !root.classList.contains("elder");
    store.keepElder(large);
    enlarge(large);
    chat()?.setAttribute("elder", String(large));
  });
}
addEventListener("bangban-elder", (event) => enlarge(/** @type {CustomEvent<boolean>} */ (event).detail));

for (const button of document.querySelectorAll("[data-print]")) button.addEventListener("click", () => print());

for (const link of document.querySelectorAll("a[data-ask]")) {
  link.addEventListener("click", (event) => {
    if (!chat()) return;
    event.preventDefault();
    ask(link.getAttribute("data-ask") ?? "");
  });
}
for (const link of document.querySelectorAll("a[data-prefill]")) {
  link.addEventListener("click", (event) => {
    if (!chat()) return;
    event.preventDefault();
    chat()?.prefill(link.getAttribute("data-prefill") ?? "");
  });
}

const form = /** @type {HTMLFormElement | null} */ (document.querySelector("form[data-search]"));
const input = /** @type {HTMLInputElement | null} */ (form?.querySelector("input[name=q]") ?? null);
const list = /** @type {HTMLElement | null} */ (form?.querySelector("[data-options]") ?? null);
if (form && input && list) {
  const client = new Client(new URL("../", import.meta.url));
  const suggest = new Suggest({
    input,
    list,
    find: (text, signal) => client.suggest(text, form.dataset.region ?? "", signal),
    choose: (one) => {
      input.value = one.text;
      ask(one.text);
    },
  });
  form.addEventListener("submit", (event) => {
    suggest.close();
    if (event.submitter?.getAttribute("name") !== "ask" || !chat()) return;
    event.preventDefault();
    ask(input.value);
  });
}

// A link from elsewhere may bring a beginning, never a question that sends itself.
const brought = new URLSearchParams(location.search).get("ask");
if (brought) customElements.whenDefined("bangban-chat").then(() => setTimeout(() => chat()?.prefill(brought), 0));
