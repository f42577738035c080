// A button with data-copy puts that text on the clipboard and says so in its own name for a moment.
const SHOWN_MS = 1_600;

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  const name = button.getAttribute("aria-label");
  button.classList.add("is-done");
  button.setAttribute("aria-label", button.dataset.copied);
  setTimeout(() => {
    button.classList.remove("is-done");
    button.setAttribute("aria-label", name);
  }, SHOWN_MS);
});
