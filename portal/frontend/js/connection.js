// The pill in the top bar: how news reach this page. A loss that lasts is said once, by a toast.
import { hide, show } from "./toasts.js";

const SAID_AFTER_MS = 3_000;
const SECOND_MS = 1_000;
const root = document.documentElement;
const isAway = (name) => name === "lost" || name === "offline";

let lostAt = 0;
let timer;

const clock = () => {
  const seconds = Math.floor((Date.now() - lostAt) / SECOND_MS);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
};

const draw = () => {
  const pill = document.querySelector("[data-live-pill]");
  const text = pill?.dataset[root.dataset.stream];
  if (!pill) return;
  pill.hidden = !text;
  pill.querySelector("[data-live-text]").textContent = text ?? "";
  pill.querySelector("[data-live-time]").textContent = isAway(root.dataset.stream) ? clock() : "";
};

const tick = () => {
  draw();
  if (Date.now() - lostAt >= SAID_AFTER_MS) show("offline");
};

/** News came: the dot of the pill beats once. */
export function beat() {
  document.querySelector("[data-live-pill]")?.classList.add("is-beating");
}

document.addEventListener("animationend", ({ animationName, target }) => {
  if (animationName === "pulse") target.closest("[data-live-pill]").classList.remove("is-beating");
});

/** open, asking (no stream here: parts look for themselves), lost, offline, hidden, idle. */
export function tell(name) {
  const wasAway = isAway(root.dataset.stream);
  root.dataset.stream = name;
  if (name === "hidden") clearInterval(timer);
  else if (!isAway(name)) {
    clearInterval(timer);
    if (hide("offline")) show("online");
  } else if (!wasAway) {
    lostAt = Date.now();
    clearInterval(timer);
    timer = setInterval(tick, SECOND_MS);
  }
  draw();
}
