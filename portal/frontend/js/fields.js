// Ready-made answers of a field write themselves into it; a form hears of it as if somebody had typed.
const reveal = () => {
  for (const presets of document.querySelectorAll(".presets[hidden]")) presets.hidden = false;
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-fill]");
  if (!button) return;
  const input = button.closest(".span").querySelector("input");
  input.value = button.dataset.fill;
  for (const name of ["input", "change"]) input.dispatchEvent(new Event(name, { bubbles: true }));
  input.focus();
});
document.addEventListener("htmx:after:swap", reveal);
reveal();
