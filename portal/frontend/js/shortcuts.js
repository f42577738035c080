// Keys of links and buttons: data-shortcut="n" or "g d", data-shortcut-label names them in the list that "?" opens.
// Off while somebody types, and for people who switched single keys off (their profile).
const SEQUENCE_MS = 1_200;
const list = document.getElementById("shortcuts");
const isOn = () => list?.dataset.shortcuts === "on";
const TYPES = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], [role=combobox]";

let before = "";
let timer;

const isShown = (element) => element.getClientRects().length > 0;
const carriers = () => [...document.querySelectorAll("[data-shortcut]")];
const find = (keys) => {
  const found = carriers().filter((element) => element.dataset.shortcut === keys);
  return found.find(isShown) ?? found[0];
};

const follow = (element) => {
  if (element.matches("input, select, textarea")) {
    element.focus();
    element.select?.();
  } else element.click();
};

// One line per key that is on the page now; the first of several carriers names it.
const fill = () => {
  const lines = list.querySelector("[data-shortcut-list]");
  for (const old of lines.querySelectorAll("[data-found]")) old.remove();
  if (!isOn()) return;
  const named = new Map();
  for (const { dataset } of carriers())
    if (dataset.shortcutLabel && !named.has(dataset.shortcut))
      named.set(dataset.shortcut, dataset.shortcutLabel);
  for (const [keys, label] of named) {
    const line = document.createElement("div");
    line.dataset.found = "";
    const name = document.createElement("dt");
    name.textContent = label;
    const caps = document.createElement("dd");
    for (const key of keys.split(" ")) {
      const cap = document.createElement("kbd");
      cap.textContent = key.length === 1 ? key.toUpperCase() : key;
      caps.append(cap);
    }
    line.append(name, caps);
    lines.append(line);
  }
};

const filter = () => find("/") ?? document.querySelector("main input[type=search]");

const act = (key) => {
  const keys = before ? `${before} ${key}` : key;
  clearTimeout(timer);
  before = "";
  if (keys === "?") {
    list.showModal();
    return true;
  }
  const target =
    find(keys) ?? (keys === "/" && (filter() ?? document.querySelector("[data-palette-open]")));
  if (target) {
    follow(target);
    return true;
  }
  const isStart = carriers().some((element) => element.dataset.shortcut.startsWith(`${keys} `));
  if (!isStart) return false;
  before = keys;
  timer = setTimeout(() => {
    before = "";
  }, SEQUENCE_MS);
  return true;
};

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (!isOn() || event.key.length !== 1 || event.target.closest?.(TYPES)) return;
  if (document.querySelector("dialog[open]")) return;
  if (act(event.key.toLowerCase())) event.preventDefault();
});
list?.addEventListener("toggle", (event) => event.newState === "open" && fill());
