// The switch is a form that posts to the profile; here the page turns at once and a cookie remembers
// the choice for the sign-in page.
const ONE_YEAR_S = 31_536_000;

document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-theme-form]");
  if (!form) return;
  const root = document.documentElement;
  const chosen = form.elements.theme;
  const theme = chosen.value;
  root.dataset.theme = theme;
  document.cookie = `theme=${theme};path=/;max-age=${ONE_YEAR_S};samesite=lax`;
  // The request that htmx is about to send has read the form already.
  queueMicrotask(() => {
    chosen.value = theme === "light" ? "dark" : "light";
  });
});
