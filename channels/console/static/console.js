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

// A choice among filters shows its list at once.
for (const form of document.querySelectorAll("form[data-filters]")) {
  form.addEventListener("change", (event) => {
    if (event.target instanceof HTMLSelectElement) form.requestSubmit();
  });
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

// What went wrong, or was done, is read out first.
document.querySelector("[role=alert], .bad :is(input, select, textarea)")?.focus();
