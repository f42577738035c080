// Groups of the side bar: a cookie remembers which ones were opened and folded, and the server draws them so.
const ONE_YEAR_S = 31_536_000;
const groups = [...document.querySelectorAll("[data-fold]")];

const remembered = () => {
  const cookie = document.cookie.split("; ").find((one) => one.startsWith("nav="));
  return cookie ? cookie.slice(4).split(".") : [];
};

for (const group of groups)
  group.querySelector("summary").addEventListener("click", () => {
    const name = group.dataset.fold;
    const others = remembered().filter((one) => one && one !== name && one !== `!${name}`);
    // The click comes before the group turns.
    const value = [...others, group.open ? `!${name}` : name].join(".");
    document.cookie = `nav=${value};path=/;max-age=${ONE_YEAR_S};samesite=lax`;
  });

// Where the side bar is longer than the window, the entry one is at is in sight.
document.querySelector(".nav [aria-current]")?.scrollIntoView({ block: "nearest" });
