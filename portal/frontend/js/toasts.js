// Toasts leave after six seconds, wait under the pointer or the focus, and stay when they are errors.
const LIFETIME_MS = 6000;

const dismissLater = (toast) => {
  if (toast.dataset.timed || toast.classList.contains("danger")) return;
  toast.dataset.timed = "true";
  let timer;
  const wait = () => {
    timer = setTimeout(() => toast.remove(), LIFETIME_MS);
  };
  const hold = () => clearTimeout(timer);
  for (const name of ["pointerenter", "focusin"]) toast.addEventListener(name, hold);
  for (const name of ["pointerleave", "focusout"]) toast.addEventListener(name, wait);
  wait();
};
// A part that polls would say the same every second: the newest of a name stays.
const dropEarlier = () => {
  const named = new Map();
  for (const toast of document.querySelectorAll("#toasts [data-toast]")) {
    named.get(toast.dataset.toast)?.remove();
    named.set(toast.dataset.toast, toast);
  }
};
const scan = () => {
  dropEarlier();
  document.querySelectorAll("#toasts .toast").forEach(dismissLater);
};

document.addEventListener("click", (event) => {
  event.target.closest("[data-toast-close]")?.closest(".toast").remove();
});
document.addEventListener("htmx:after:swap", scan);
scan();

/** Show one of the prepared toasts (a <template> in the page) once. */
export function show(name) {
  const region = document.getElementById("toasts");
  const template = document.getElementById(`toast-${name}`);
  if (!region || !template || region.querySelector(`[data-toast="${name}"]`)) return;
  region.append(template.content.cloneNode(true));
  scan();
}

/** Take it away again; answers whether it was there. */
export function hide(name) {
  const toast = document.querySelector(`#toasts [data-toast="${name}"]`);
  toast?.remove();
  return Boolean(toast);
}
