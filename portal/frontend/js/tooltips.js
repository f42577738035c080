// Tooltips are shown by the style sheet. Here Esc hides them, and what they say describes their element.
let count = 0;

const describe = (event) => {
  const tooltip = event.target.closest?.("[data-tooltip]");
  if (!tooltip) return;
  delete tooltip.dataset.hidden;
  const text = tooltip.querySelector("[role=tooltip]");
  const described = tooltip.querySelector("a, button, input, [tabindex]");
  if (!described || text.id) return;
  text.id = `tooltip-${(count += 1)}`;
  described.setAttribute("aria-describedby", text.id);
};

for (const name of ["pointerover", "focusin"]) document.addEventListener(name, describe);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const tooltip of document.querySelectorAll("[data-tooltip]:is(:hover, :focus-within)")) {
    tooltip.dataset.hidden = "";
  }
});
