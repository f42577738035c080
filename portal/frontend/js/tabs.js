// Tabs are links; here the arrow keys go along them, and the current one is in sight on phones.
const STEPS = { ArrowLeft: -1, ArrowRight: 1 };

document.addEventListener("keydown", (event) => {
  const links = [...(event.target.closest("[data-tabs]")?.querySelectorAll("a") ?? [])];
  if (!links.length) return;
  const at = links.indexOf(event.target);
  const next = { Home: links[0], End: links.at(-1) }[event.key] ?? links[(at + STEPS[event.key] + links.length) % links.length];
  if (!next) return;
  event.preventDefault();
  next.focus();
});
for (const link of document.querySelectorAll("[data-tabs] [aria-current]")) {
  const tabs = link.parentElement;
  const [inner, outer] = [link, tabs].map((each) => each.getBoundingClientRect());
  tabs.scrollLeft += inner.left + inner.width / 2 - (outer.left + outer.width / 2);
}
