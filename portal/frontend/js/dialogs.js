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
