// The switch is a form that posts to the profile; here the page turns at once, and a cookie remembers
// the choice for the sign-in page. The listener runs in the capture phase: before htmx reads the form.
const ONE_YEAR_S = 31_536_000;
const root = document.documentElement;

const isLight = () =>
  root.dataset.theme === "light" ||
  (root.dataset.theme === "system" && matchMedia("(prefers-color-scheme: light)").matches);

document.addEventListener(
  "submit",
  (event) => {
    const form = event.target.closest("[data-theme-form]");
    if (!form) return;
    const theme = isLight() ? "dark" : "light";
    root.dataset.theme = theme;
    form.elements.theme.value = theme;
    document.cookie = `theme=${theme};path=/;max-age=${ONE_YEAR_S};samesite=lax`;
  },
  true,
);
