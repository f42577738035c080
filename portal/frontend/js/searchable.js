// <select data-searchable="placeholder"> becomes an input with a list that narrows while one types; the select
// stays in the form and holds the value. Without this file it is a select.
const MOST = 60;
const plain = (text) =>
  text
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .replaceAll("_", " ")
    .toLowerCase();

const make = (name, attributes) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
};

function enhance(select) {
  const id = `${select.id}-list`;
  const offered = [...select.options].filter(({ value }) => value || !select.required);
  const choices = offered.map((option) => ({
    option,
    words: plain(`${option.text} ${option.value}`),
  }));
  const box = make("div", { class: "searchable" });
  const list = make("ul", { id, role: "listbox", hidden: "" });
  const input = make("input", {
    class: "input",
    type: "text",
    role: "combobox",
    autocomplete: "off",
    "aria-expanded": "false",
    "aria-controls": id,
    "aria-autocomplete": "list",
    placeholder: select.dataset.searchable,
  });
  for (const name of ["aria-describedby", "aria-invalid"])
    if (select.hasAttribute(name)) input.setAttribute(name, select.getAttribute(name));
  // What is hidden cannot be asked for: the browser asks for what is typed.
  const isAsked = select.required;
  input.required = isAsked;
  select.required = false;
  list.setAttribute("aria-label", select.labels[0]?.textContent.trim() ?? "");
  input.id = select.id;
  select.removeAttribute("id");
  select.hidden = true;
  let active = -1;

  const shown = () => [...list.children];
  const rest = () => {
    input.value = isAsked && !select.value ? "" : (select.selectedOptions[0]?.text ?? "");
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const mark = (at) => {
    const lines = shown();
    active = Math.max(-1, Math.min(at, lines.length - 1));
    for (const [index, line] of lines.entries())
      line.setAttribute("aria-selected", String(index === active));
    lines[active]?.scrollIntoView({ block: "nearest" });
    if (active >= 0) input.setAttribute("aria-activedescendant", lines[active].id);
  };
  const take = (line) => {
    select.value = line.dataset.value;
    select.dispatchEvent(new Event("change", { bubbles: true }));
    rest();
  };
  const open = (wanted) => {
    const asked = plain(wanted).split(" ");
    const found = choices.filter(({ words }) => asked.every((word) => words.includes(word))).slice(0, MOST);
    list.replaceChildren(
      ...found.map(({ option }, index) => {
        const line = make("li", { id: `${id}-${index}`, role: "option", "data-value": option.value });
        line.textContent = option.text;
        return line;
      }),
    );
    list.hidden = found.length === 0;
    input.setAttribute("aria-expanded", String(found.length > 0));
    mark(wanted ? 0 : found.findIndex(({ option }) => option.selected));
  };

  input.addEventListener("focus", () => input.select());
  input.addEventListener("click", () => list.hidden && open(""));
  input.addEventListener("input", () => open(input.value));
  input.addEventListener("blur", rest);
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      if (list.hidden) open("");
      else mark(active + step);
    } else if (event.key === "Enter" && !list.hidden && shown()[active]) {
      event.preventDefault();
      take(shown()[active]);
    } else if (event.key === "Escape" && !list.hidden) {
      // The list closes, not the dialog around it.
      event.preventDefault();
      rest();
    }
  });
  // The pointer must not take the focus: leaving the input closes the list.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const line = event.target.closest("li");
    if (line) take(line);
  });
  select.after(box);
  box.append(input, list, select);
  rest();
}

for (const select of document.querySelectorAll("select[data-searchable]")) enhance(select);
