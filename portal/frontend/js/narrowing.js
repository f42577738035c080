// <input data-narrows="id"> leaves those buttons of #id that contain what is typed, accents and case aside.
const plain = (text) =>
  text
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .toLowerCase();

for (const input of document.querySelectorAll("[data-narrows]")) {
  input.closest("[hidden]")?.removeAttribute("hidden");
  const choices = document.getElementById(input.dataset.narrows);
  input.addEventListener("input", () => {
    const wanted = plain(input.value.trim());
    let count = 0;
    for (const choice of choices.querySelectorAll("button")) {
      choice.hidden = !plain(choice.textContent).includes(wanted);
      if (!choice.hidden) count += 1;
    }
    choices.querySelector(".menu-none").hidden = count > 0;
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown") return;
    event.preventDefault();
    choices.querySelector("button:not([hidden])")?.focus();
  });
}
