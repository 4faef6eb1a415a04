// What scripts add to the console. Every page is complete without.

// Leaving a form that was changed asks first.
let changed = false;
for (const form of document.querySelectorAll("form[data-keeps]")) {
  form.addEventListener("input", () => (changed = true));
  form.addEventListener("submit", () => (changed = false));
}
addEventListener("beforeunload", (event) => {
  if (changed) event.preventDefault();
});

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

// What went wrong, or else what was done, is read out first.
const first = ["[role=alert]", ".bad :is(input, select, textarea)", ".told[role=status]"];
first.map((one) => document.querySelector(one)).find(Boolean)?.focus();
