// Dialogs open and close by `command` and `commandfor`, natively. Older browsers get the same here.
const native = "commandForElement" in HTMLButtonElement.prototype;

document.addEventListener("click", (event) => {
  const dialog = event.target.closest("dialog[open]");
  if (dialog && event.target === dialog) dialog.close();
  if (native) return;
  const button = event.target.closest("button[commandfor]");
  const target = button && document.getElementById(button.getAttribute("commandfor"));
  if (!target) return;
  if (button.getAttribute("command") === "show-modal") target.showModal();
  else target.close();
});

// A refusal stands in the dialog: what it is about is marked and gets the focus. A field that has a line of its own
// for it has it there; the others are told above.
const controlOf = (form, field) =>
  [...form.elements].find(
    (control) =>
      !control.hidden &&
      control.type !== "hidden" &&
      (control.name === field || control.labels?.[0]?.textContent.trim().startsWith(field)),
  );

const linesOf = (root) => root.querySelectorAll(".field .err[id$=_fault]");

const unmark = (form) => {
  for (const line of linesOf(form)) {
    if ("heard" in line.dataset) line.replaceChildren();
  }
  for (const control of form.querySelectorAll("[aria-invalid=true]")) {
    control.removeAttribute("aria-invalid");
  }
};

// What stands in a line marks its field, be it a refusal or what a plan says while one types.
const follow = (root) => {
  for (const line of linesOf(root)) {
    const control = line.closest(".field").querySelector(".input");
    if (line.firstChild) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
  }
};

const tell = (fault, control) => {
  control.setAttribute?.("aria-invalid", "true");
  const line = control.closest?.(".field")?.querySelector(".err[id$=_fault]");
  const label = control.labels?.[0]?.firstChild?.textContent.trim();
  const named = fault.querySelector("b");
  if (line) {
    named?.remove();
    const text = document.createElement("span");
    text.textContent = fault.querySelector("p").textContent.trim();
    line.replaceChildren(fault.querySelector("svg"), text);
    line.dataset.heard = "";
    fault.remove();
  } else if (label && named) named.textContent = label;
};

document.addEventListener("htmx:after:swap", () => {
  for (const dialog of document.querySelectorAll("dialog[open]")) follow(dialog);
  const form = document.querySelector("dialog[open] form:has(.faults > :not([data-heard]))");
  if (!form) return;
  unmark(form);
  const faults = [...form.querySelectorAll("[data-fault]")];
  const controls = faults.map(({ dataset }) => dataset.fault && controlOf(form, dataset.fault));
  for (const [at, control] of controls.entries()) {
    faults[at].dataset.heard = "";
    if (control) tell(faults[at], control);
  }
  if (!form.querySelector("[data-fault]")) form.querySelector(".faults").replaceChildren();
  (controls.find(Boolean) ?? form.querySelector("[type=submit]")).focus();
});

// What was refused is not told again when the question is asked anew.
document.addEventListener(
  "close",
  ({ target }) => {
    const faults = target.querySelector?.(".faults");
    if (!faults) return;
    faults.replaceChildren();
    unmark(target);
    follow(target);
  },
  true,
);
