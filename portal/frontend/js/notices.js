// Following a notice's link marks it as read: the form beside it is sent along, nobody waits for the answer.
document.addEventListener("click", (event) => {
  const form = event.target.closest("a[data-notice]")?.closest(".notice").querySelector("form");
  if (form) navigator.sendBeacon(form.action, new FormData(form));
});
