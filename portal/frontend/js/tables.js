// Lists: `/` finds, J K and arrows move between rows, Enter opens (the name is a link), X ticks, Shift+X and
// Shift-click tick a range, Escape clears. What is ticked lives while its rows are on the page.
const CARD = "[data-table]";
const BOX = ".pick input[name=ids]";
const TYPING = "input:not([type=checkbox]), textarea, select, [contenteditable]";

const picked = new Set();
let anchor;

const card = () => document.querySelector(CARD);
const boxes = (list) => [...list.querySelectorAll(BOX)];
const links = (list) => [...list.querySelectorAll("tr[data-row] [data-row-link]")];

const show = (list) => {
  const all = boxes(list);
  const count = all.filter((box) => box.checked).length;
  const bar = list.querySelector("[data-table-bulk]");
  if (!bar) return;
  bar.classList.toggle("is-open", count > 0);
  const text = count === 1 ? bar.dataset.one : bar.dataset.many;
  bar.querySelector("[role=status]").textContent = count ? text.replace("#", count) : "";
  const head = list.querySelector("[data-table-all]");
  if (head) {
    head.checked = count > 0 && count === all.length;
    head.indeterminate = count > 0 && count < all.length;
  }
};

const tick = (box, isOn) => {
  box.checked = isOn;
  if (isOn) picked.add(box.value);
  else picked.delete(box.value);
};

const tickTo = (list, box, isOn, isRange) => {
  const all = boxes(list);
  const from = isRange ? all.findIndex((one) => one.value === anchor) : -1;
  const to = all.indexOf(box);
  const [low, high] = from < 0 ? [to, to] : [Math.min(from, to), Math.max(from, to)];
  for (const one of all.slice(low, high + 1)) tick(one, isOn);
  anchor = box.value;
  show(list);
};

const clear = (list) => {
  for (const box of boxes(list)) tick(box, false);
  show(list);
};

// Rows come and go; what is gone from the page is no longer ticked.
const settle = () => {
  const list = card();
  if (!list) return;
  const all = boxes(list);
  const here = new Set(all.map((box) => box.value));
  for (const value of [...picked]) if (!here.has(value)) picked.delete(value);
  for (const box of all) box.checked = picked.has(box.value);
  show(list);
};

const move = (list, step) => {
  const all = links(list);
  const now = all.findIndex((link) => link.closest("tr").contains(document.activeElement));
  const next = all[now < 0 ? (step > 0 ? 0 : all.length - 1) : now + step];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
};

const tickHere = (list, isRange) => {
  const box = document.activeElement?.closest("tr[data-row]")?.querySelector(BOX);
  if (box) tickTo(list, box, isRange || !box.checked, isRange);
};

const KEYS = {
  "/": (list) => list.querySelector("[data-table-search]")?.select(),
  j: (list) => move(list, 1),
  k: (list) => move(list, -1),
  x: (list, event) => tickHere(list, event.shiftKey),
};

document.addEventListener("keydown", (event) => {
  const list = card();
  if (!list || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest(TYPING) || document.querySelector("dialog[open]")) return;
  const isInRows = event.target.closest("tr[data-row]") !== null;
  if (event.key === "Escape") return picked.size > 0 && clear(list);
  const areOff = document.getElementById("shortcuts")?.dataset.shortcuts === "off";
  const arrow = isInRows && { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const act = arrow ? () => move(list, arrow) : !areOff && KEYS[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act(list, event);
});

document.addEventListener("click", (event) => {
  const list = event.target.closest(CARD);
  if (!list) return;
  const box = event.target.closest(BOX);
  if (box) tickTo(list, box, box.checked, event.shiftKey);
  else if (event.target.closest("[data-table-clear]")) clear(list);
  else if (event.target.matches("[data-table-all]")) {
    const isOn = event.target.checked;
    for (const one of boxes(list)) tick(one, isOn);
    show(list);
  }
});

// The saved filter is what the address says now, not what it said when the page came.
document.addEventListener("submit", (event) => {
  if (event.target.matches("[data-table-keep]"))
    event.target.elements.query.value = location.search;
});

document.addEventListener("htmx:after:swap", settle);
addEventListener("pageshow", settle);
