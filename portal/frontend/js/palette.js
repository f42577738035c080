// The command palette: the server answers lines; until it has, what is shown is narrowed here.
const DEBOUNCE_MS = 120;
const PAGE_ROWS = 5;
const RECENT_MOST = 8;
const OBJECT_PAGE = /^\/[a-z-]+\/(?!new$)[\w-]+$/;
const ACTIVE = "aria-activedescendant";

const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** Whether the letters of a line stand in a text in their order. */
const fits = (line, text) => {
  let at = 0;
  for (const letter of fold(line).replaceAll(" ", "")) {
    at = text.indexOf(letter, at) + 1;
    if (!at) return false;
  }
  return true;
};

// Which pages of objects this person saw last in this browser: addresses alone, names come from the server.
const recall = (key) => {
  try {
    return JSON.parse(localStorage.getItem(key)) || [];
  } catch {
    return [];
  }
};
const remember = (key) => {
  const here = location.pathname;
  if (!OBJECT_PAGE.test(here)) return;
  const paths = [here, ...recall(key).filter((path) => path !== here)];
  try {
    localStorage.setItem(key, JSON.stringify(paths.slice(0, RECENT_MOST)));
  } catch {
    // A browser that stores nothing has no recent pages.
  }
};

class Palette {
  constructor(dialog) {
    this.dialog = dialog;
    this.input = dialog.querySelector("input");
    this.body = dialog.querySelector(".palette-body");
    this.said = dialog.querySelector(".palette-said");
    this.offline = dialog.querySelector(".palette-offline");
    this.opening = this.body.innerHTML;
    this.shownFor = null;
    this.input.addEventListener("input", () => this.typed());
    dialog.addEventListener("keydown", (event) => this.key(event));
    dialog.addEventListener("submit", (event) => {
      if (event.target.contains(this.input)) event.preventDefault();
    });
    this.body.addEventListener("pointermove", ({ target }) => {
      const row = target.closest("[role=option]");
      if (row && row !== this.chosen) this.choose(row, false);
    });
    this.body.addEventListener("click", (event) => {
      const row = event.target.closest("[role=option]");
      if (row && !row.href) this.act(row);
    });
    dialog.addEventListener("close", () => dialog.open || this.stop());
  }

  open() {
    if (this.dialog.open) return;
    this.body.innerHTML = this.opening;
    this.input.value = "";
    this.dialog.showModal();
    this.input.focus();
    this.choose(this.rows[0]);
    this.ask();
  }

  stop() {
    clearTimeout(this.timer);
    this.asked?.abort();
  }

  get rows() {
    return [...this.body.querySelectorAll("[role=option]:not([hidden])")];
  }

  get chosen() {
    return this.body.querySelector("[aria-selected=true]");
  }

  choose(row, scrolls = true) {
    this.chosen?.setAttribute("aria-selected", "false");
    if (!row) return this.input.removeAttribute(ACTIVE);
    row.setAttribute("aria-selected", "true");
    this.input.setAttribute(ACTIVE, row.id);
    if (scrolls) row.scrollIntoView({ block: "nearest" });
  }

  typed() {
    this.narrow();
    this.stop();
    this.timer = setTimeout(() => this.ask(), DEBOUNCE_MS);
  }

  /** What still fits stays, at once; a plan of another line goes. */
  narrow() {
    const line = this.input.value.replace(/^\s*[>@#?]/, "");
    this.body.querySelector(".palette-plan")?.remove();
    for (const group of this.body.querySelectorAll("[role=group]")) {
      const rows = [...group.querySelectorAll("[role=option]")];
      for (const row of rows) row.hidden = "plan" in row.dataset || !fits(line, fold(row.textContent));
      group.hidden = rows.every((row) => row.hidden);
    }
    this.choose(this.rows[0]);
  }

  async ask() {
    this.stop();
    const line = this.input.value;
    const asked = (this.asked = new AbortController());
    const wanted = new URLSearchParams({ q: line, page: location.pathname + location.search });
    for (const path of recall(this.dialog.dataset.recent)) wanted.append("recent", path);
    this.body.setAttribute("aria-busy", "true");
    try {
      const headers = { "HX-Request": "true" };
      const answer = await fetch(`${this.dialog.dataset.palette}?${wanted}`, { headers, signal: asked.signal });
      const elsewhere = answer.headers.get("HX-Redirect");
      if (elsewhere) return location.assign(elsewhere);
      if (!answer.ok || answer.redirected) throw new Error(answer.status);
      const html = await answer.text();
      if (asked.signal.aborted) return;
      this.show(html, line);
    } catch {
      if (!asked.signal.aborted) this.offline.hidden = false;
    }
    if (this.asked === asked) this.body.removeAttribute("aria-busy");
  }

  show(html, line) {
    this.offline.hidden = true;
    this.body.innerHTML = html;
    this.body.scrollTop = 0;
    this.shownFor = line;
    this.said.textContent = this.body.querySelector("[data-said]").dataset.said;
    this.choose(this.rows[0]);
  }

  key(event) {
    const { key } = event;
    if (event.isComposing) return;
    if (event.target !== this.input) {
      if (key === "Escape" && event.target.closest(".palette-plan")) {
        event.preventDefault();
        this.input.focus();
      }
      return;
    }
    const row = this.chosen;
    if (key === "Enter") {
      event.preventDefault();
      this.act(row, event.ctrlKey || event.metaKey);
    } else if (key === "Tab" && !event.shiftKey && row?.dataset.line && row.dataset.line !== this.input.value) {
      event.preventDefault();
      this.write(row.dataset.line);
    } else if (!event.shiftKey) this.move(event);
  }

  move(event) {
    const { rows } = this;
    const at = rows.indexOf(this.chosen);
    const last = rows.length - 1;
    const to = {
      ArrowDown: at < last ? at + 1 : 0,
      ArrowUp: at > 0 ? at - 1 : last,
      PageDown: Math.min(at + PAGE_ROWS, last),
      PageUp: Math.max(at - PAGE_ROWS, 0),
      Home: 0,
      End: last,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.choose(rows[to]);
  }

  write(line) {
    this.input.value = line;
    this.input.focus();
    this.typed();
    this.ask();
  }

  /** Goes there, goes on with the line, or carries the plan out: the one that is shown, for the line as it is. */
  act(row, inNewTab = false) {
    if (!row || row.ariaDisabled === "true") return;
    if (row.href && inNewTab) window.open(row.href, "_blank", "noopener");
    else if (row.href) location.assign(row.href);
    else if (row.dataset.line) this.write(row.dataset.line);
    else if (this.shownFor === this.input.value) {
      const plan = this.body.querySelector(".palette-plan");
      const button = plan?.querySelector("[type=submit]");
      if (plan && "dangerous" in plan.dataset) (plan.querySelector(".input") ?? button).focus();
      else button?.click();
    }
  }
}

const dialog = document.getElementById("palette");
if (dialog) {
  const palette = new Palette(dialog);
  remember(dialog.dataset.recent);
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.key.toLowerCase() !== "k") return;
    event.preventDefault();
    if (dialog.open) dialog.close();
    else palette.open();
  });
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-palette-open]");
    if (!opener || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    palette.open();
  });
  window.addEventListener("pagehide", () => dialog.close());
}
