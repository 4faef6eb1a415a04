/*
 * Puts the Bangban assistant on any page with one tag:
 *   <script src="https://host/widget.js" data-region="980100" data-title="云桥市帮办" defer></script>
 * It adds a <bangban-chat> element unless the page already has one, and loads its modules from where it came itself.
 */
(() => {
  "use strict";
  const script = /** @type {HTMLScriptElement | undefined} */ (
    document.currentScript || Array.from(document.scripts).find((one) => /\/widget\.js([?#]|$)/.test(one.src))
  );
  if (!script) return;
  const base = new URL(".", script.src);
  const given = script.dataset;
  const settings = ["region", "title", "elder", "api", "inline", "hotline", "theme"];

  function place() {
    if (document.querySelector("bangban-chat")) return;
    const chat = document.createElement("bangban-chat");
    for (const name of settings) {
      const value = given[name];
      if (value !== undefined) chat.setAttribute(name, value);
    }
    document.body.append(chat);
  }

  import(new URL("static/widget/element.js", base).href).then(
    () => (document.body ? place() : addEventListener("DOMContentLoaded", place, { once: true })),
    // A module from another origin needs that origin's consent, just as its API does.
    (reason) => console.error("Bangban: 组件没有加载。请确认本页面的域名在帮办的跨域许可名单中。", reason),
  );
})();
