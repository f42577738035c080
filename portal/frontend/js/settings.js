// The search on the page of all settings: leaves those whose name or description contains what is typed.
const input = document.querySelector("[data-settings-search]");
const plain = (text) =>
  text
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .toLowerCase();

const narrow = () => {
  const wanted = plain(input.value.trim());
  let count = 0;
  for (const group of document.querySelectorAll("[data-settings-group]")) {
    const rows = [...group.querySelectorAll("[data-settings-row]")];
    for (const row of rows) row.hidden = !plain(row.dataset.settingsRow).includes(wanted);
    const left = rows.filter((row) => !row.hidden).length;
    group.hidden = left === 0;
    count += left;
  }
  document.querySelector(".settings-none").hidden = count > 0;
};

input.closest("[hidden]").hidden = false;
input.addEventListener("input", narrow);
