// A log that is being followed stays at its end while lines arrive.
const follow = (log) => {
  const pressed = log.querySelector("[data-log-follow]")?.getAttribute("aria-pressed") === "true";
  const output = log.querySelector("[role=log]");
  if (pressed && output) output.scrollTop = output.scrollHeight;
};
const followAll = () => document.querySelectorAll("[data-log]").forEach(follow);

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-log-follow]");
  if (!button) return;
  button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
  follow(button.closest("[data-log]"));
});
document.addEventListener("htmx:after:swap", followAll);
followAll();
