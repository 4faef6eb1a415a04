// The form of a guide with scripts: rows are arranged in the page, and it is checked while one types.

const form = document.querySelector("form[data-lint]");
const PAUSE = 600; // milliseconds without typing before the form is checked
const NAMES = ["name", "value", "data-row", "data-rows", "data-blank", "data-field", "data-understood"];
const IDS = ["id", "for", "aria-describedby"];
let timer = 0;
let checking = null;

/** Calls a row and all in it by another name, templates too. */
function rename(root, from, to) {
  const [fromId, toId] = [from, to].map((name) => "f-" + name.replaceAll(".", "-"));
  for (const element of [...(root.matches ? [root] : []), ...root.querySelectorAll("*")]) {
    for (const key of NAMES) {
      const old = element.getAttribute(key);
      // A field's own words are not a name.
      if (key === "value" && element.localName !== "button") continue;
      if (old === from || old?.startsWith(from + ".")) element.setAttribute(key, to + old.slice(from.length));
    }
    for (const key of IDS) {
      const old = element.getAttribute(key);
      if (old) element.setAttribute(key, old.split(" ").map((id) => (id.startsWith(fromId + "-") ? toId + id.slice(fromId.length) : id)).join(" "));
    }
    if (element instanceof HTMLTemplateElement) rename(element.content, from, to);
  }
}

/** Numbers the rows of a list from the first on. */
function renumber(rows) {
  const list = rows.dataset.rows;
  const all = [...rows.children];
  // By way of names that nothing has, so that two rows never share one.
  all.forEach((row, at) => rename(row, row.dataset.row, `${list}.moved${at}`));
  all.forEach((row, at) => {
    rename(row, row.dataset.row, `${list}.${at}`);
    const arranged = [...row.children].filter((child) => child.matches("legend, .arrange"));
    for (const number of arranged.flatMap((child) => [...child.querySelectorAll("[data-number]")])) number.textContent = at + 1;
  });
}

function add(button) {
  const list = button.closest(".list");
  const rows = list.querySelector(":scope > [data-rows]");
  const template = list.querySelector(":scope > template");
  const row = document.importNode(template.content, true).firstElementChild;
  rows.append(row);
  renumber(rows);
  row.querySelector("input:not([type=hidden]), select, textarea")?.focus();
}

function drop(button) {
  const row = button.closest("[data-row]");
  const rows = row.parentElement;
  const list = rows.closest(".list");
  const next = row.nextElementSibling ?? row.previousElementSibling;
  row.remove();
  renumber(rows);
  (next?.querySelector("input:not([type=hidden]), select, textarea") ?? list).focus();
}

function up(button) {
  const row = button.closest("[data-row]");
  row.previousElementSibling?.before(row);
  renumber(row.parentElement);
  button.focus();
}

/** What stands before a problem that keeps the guide from being submitted. */
function must() {
  const mark = document.createElement("strong");
  mark.textContent = "必须改";
  return mark;
}

/** What is wrong, beside its field and all together. */
function show({ problems, completeness, missing, hours }) {
  for (const box of form.querySelectorAll(".findings")) box.replaceChildren();
  const all = document.createElement("ul");
  for (const { id, heading, message, fix, stops } of problems) {
    const words = fix ? `${message}。${fix}` : message;
    const told = document.createElement("p");
    told.className = "problem";
    told.append(...(stops ? [must(), "："] : []), words);
    document.getElementById(`${id}-told`)?.append(told);
    const link = document.createElement("a");
    link.href = `#${id}`;
    link.textContent = heading;
    const line = document.createElement("li");
    line.append(link, "：", ...(stops ? [must(), "，"] : []), words);
    all.append(line);
  }
  const none = document.createElement("p");
  none.textContent = "没有发现问题。";
  form.querySelector("[data-findings]").replaceChildren(problems.length ? all : none);
  const lacking = missing.length ? `，缺${missing.join("、")}` : "";
  const summary = form.querySelector("[data-summary]");
  const stopping = problems.filter((one) => one.stops).length;
  const counted = `${stopping ? `${stopping} 处必须改，` : ""}${problems.length - stopping} 处提示`;
  const said = `完整度 ${Math.round(completeness * 100)}%${lacking}，${counted}`;
  if (summary.textContent !== said) summary.textContent = said;
  for (const section of form.querySelectorAll("details.section")) {
    const count = section.querySelectorAll(".findings > .problem").length;
    section.querySelector("[data-wrong]").textContent = count ? `${count} 处提示` : "";
  }
  for (const line of form.querySelectorAll("[data-understood]")) line.textContent = hours[line.dataset.understood] ?? "";
}

async function check() {
  checking?.abort();
  checking = new AbortController();
  try {
    const answer = await fetch(form.dataset.lint, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      signal: checking.signal,
    });
    if (answer.ok) show(await answer.json());
  } catch (error) {
    // Away, or overtaken by the next check: saving shows the same.
    if (error.name !== "AbortError" && !(error instanceof TypeError)) throw error;
  }
}

function soon() {
  clearTimeout(timer);
  timer = setTimeout(check, PAUSE);
}

form?.addEventListener("input", soon);
form?.addEventListener("click", (event) => {
  const button = event.target.closest("button[name]");
  const act = { add, drop, up }[button?.name];
  if (!act) return;
  event.preventDefault();
  act(button);
  form.dispatchEvent(new Event("input", { bubbles: true }));
});
// A link to what is folded away opens it.
form?.addEventListener("click", (event) => {
  const target = event.target.closest("a[href^='#']") && document.getElementById(event.target.closest("a").hash.slice(1));
  for (let one = target; one && one !== form; one = one.parentElement) if (one.localName === "details") one.open = true;
  if (target?.matches("input, select, textarea, .list")) {
    event.preventDefault();
    target.focus();
  }
});
