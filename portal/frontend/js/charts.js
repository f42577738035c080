// A chart is one stop of the Tab key; here the arrow keys go along its columns, which say their figures.
const STEPS = { ArrowLeft: -1, ArrowRight: 1 };

document.addEventListener("keydown", (event) => {
  const columns = [...(event.target.closest?.("[data-chart]")?.querySelectorAll(".col-over") ?? [])];
  const at = columns.indexOf(event.target);
  const next = { Home: columns[0], End: columns.at(-1) }[event.key] ?? columns[at + STEPS[event.key]];
  if (at < 0 || !next) return;
  event.preventDefault();
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
});
