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

// A refusal stands in the dialog: what it is about is marked and gets the focus.
const controlOf = (form, field) =>
  [...form.elements].find(
    (control) =>
      control.type !== "hidden" &&
      (control.name === field || control.labels?.[0]?.textContent.trim().startsWith(field)),
  );

const unmark = (form) => {
  for (const control of form.querySelectorAll("[aria-invalid=true]")) {
    control.removeAttribute("aria-invalid");
  }
};

// What a plan says beside a field while one types marks it, too.
const follow = (root) => {
  for (const told of root.querySelectorAll(".err[id$=_fault]")) {
    const control = told.parentElement.querySelector(".input");
    if (told.firstChild) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
  }
};

document.addEventListener("htmx:after:swap", () => {
  for (const dialog of document.querySelectorAll("dialog[open]")) follow(dialog);
  const form = document.querySelector("dialog[open] form:has(.faults > :not([data-heard]))");
  if (!form) return;
  unmark(form);
  for (const fault of form.querySelector(".faults").children) fault.dataset.heard = "";
  const faults = [...form.querySelectorAll("[data-fault]")];
  const controls = faults.map(({ dataset }) => dataset.fault && controlOf(form, dataset.fault));
  for (const [at, control] of controls.entries()) {
    control?.setAttribute?.("aria-invalid", "true");
    const label = control?.labels?.[0]?.firstChild?.textContent.trim();
    const named = faults[at].querySelector("b");
    if (label && named) named.textContent = label;
  }
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
