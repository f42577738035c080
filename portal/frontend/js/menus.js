// Menus are popovers, or <details> in the shell: without this file they open and close. Here they get the keys of
// menus: arrows, Home, End, the first letter; the browser gives the focus back to the button.
const openMenus = () => document.querySelectorAll("details.menu[open]");
const itemsOf = (menu) => [...menu.querySelectorAll('[role="menuitem"]')];

document.addEventListener("click", (event) => {
  for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
  const item = event.target.closest('[role="menuitem"]:not([aria-disabled])');
  if (item && !item.closest("form[role=none]")) item.closest("[popover]")?.hidePopover();
});

document.addEventListener(
  "toggle",
  (event) => {
    const menu = event.target;
    if (menu.role !== "menu") return;
    const isOpen = event.newState === "open";
    document.querySelector(`[popovertarget="${menu.id}"]`)?.setAttribute("aria-expanded", isOpen);
    if (isOpen) itemsOf(menu)[0]?.focus();
  },
  true,
);

const target = (items, at, key) => {
  if (key === "ArrowDown") return items[(at + 1) % items.length];
  if (key === "ArrowUp") return items.at(at - 1);
  if (key === "Home") return items[0];
  if (key === "End") return items.at(-1);
  if (key.length !== 1) return undefined;
  const after = [...items.slice(at + 1), ...items.slice(0, at + 1)];
  return after.find((item) => item.textContent.trim().toLowerCase().startsWith(key.toLowerCase()));
};

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    for (const menu of openMenus()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  }
  const opener = event.target.closest?.('[aria-haspopup="menu"]');
  if (opener && event.key === "ArrowDown") {
    event.preventDefault();
    document.getElementById(opener.getAttribute("popovertarget"))?.showPopover({ source: opener });
    return;
  }
  const menu = event.target.closest?.('[role="menu"]');
  if (!menu || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Tab") menu.hidePopover();
  const items = itemsOf(menu);
  const next = target(items, items.indexOf(event.target), event.key);
  if (!next) return;
  event.preventDefault();
  event.stopPropagation();
  next.focus();
});
