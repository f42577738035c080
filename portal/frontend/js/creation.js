// The steps of a creation work by their form alone. A script fills figures in at once, keeps what is typed in the
// address (Back, Forward and a reload find it again) and goes between the steps by Alt and the arrow keys.
const steps = () => document.querySelector("form[data-stepper]");

const keep = (form) => {
  const values = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (name !== "csrfmiddlewaretoken" && name !== "go") values.append(name, value);
  }
  history.replaceState(history.state, "", `${form.action}?${values}`);
};

const mark = (form) => {
  for (const button of form.querySelectorAll("button[name=fill]")) {
    const pairs = button.value.split(",").map((pair) => pair.split("="));
    const fits = pairs.every(([name, value]) => form.elements[name]?.value === value);
    button.setAttribute("aria-pressed", String(fits));
  }
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("form[data-stepper] button[name=fill]");
  if (!button) return;
  event.preventDefault();
  for (const pair of button.value.split(",")) {
    const [name, value] = pair.split("=");
    button.form.elements[name].value = value;
  }
  button.form.dispatchEvent(new Event("change", { bubbles: true }));
});

document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-stepper]");
  if (!form) return;
  keep(form);
  mark(form);
});
document.addEventListener("submit", (event) => {
  if (event.target.matches("form[data-stepper]")) keep(event.target);
});

document.addEventListener("keydown", (event) => {
  const form = event.altKey && !event.ctrlKey && !event.metaKey && steps();
  const name = { ArrowLeft: "[data-step-back]", ArrowRight: "[data-step-on]" }[event.key];
  if (!form || !name) return;
  event.preventDefault();
  const button = form.querySelector(name);
  if (button) form.requestSubmit(button);
});

const first = steps();
if (first) mark(first);
