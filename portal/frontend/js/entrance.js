// Sign-in and password change: the eye, Caps Lock, the time that is left, rules ticked while one types.
const SECOND_MS = 1_000;
const field = (name) => document.querySelector(`input[name="${name}"]`);

for (const button of document.querySelectorAll("[data-reveals]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const input = field(button.dataset.reveals);
    const isShown = input.type === "password";
    input.type = isShown ? "text" : "password";
    button.setAttribute("aria-pressed", String(isShown));
    input.focus();
  });
}

const caps = document.querySelector("[data-caps]");
document.addEventListener("keyup", (event) => {
  if (caps && event.getModifierState) caps.hidden = !event.getModifierState("CapsLock");
});

const left = document.querySelector("[data-countdown]");
if (left) {
  const end = Date.now() + Number(left.dataset.countdown) * SECOND_MS;
  const timer = setInterval(() => {
    const seconds = Math.max(0, Math.ceil((end - Date.now()) / SECOND_MS));
    left.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    if (seconds === 0) clearInterval(timer);
  }, SECOND_MS);
}

const rules = document.querySelector("[data-rules]");
const names = rules?.dataset.names.toLowerCase().split(" ").filter(Boolean) ?? [];
const checks = {
  length: (fresh, _again, _old, rule) => fresh.length >= Number(rule.dataset.least),
  fresh: (fresh, _again, old) => fresh !== old,
  unlike: (fresh) => !names.some((name) => fresh.toLowerCase().includes(name)),
  same: (fresh, again) => fresh === again,
};
const judge = () => {
  const [old, fresh, again] = ["old_password", "new_password1", "new_password2"].map(
    (name) => field(name).value,
  );
  for (const rule of rules.querySelectorAll("[data-rule]")) {
    const isMet = fresh !== "" && checks[rule.dataset.rule](fresh, again, old, rule);
    rule.classList.toggle("met", isMet);
    rule.querySelector("[data-said]").textContent = isMet ? rules.dataset.met : "";
  }
};
if (rules) {
  document.querySelector("[data-password-form]").addEventListener("input", judge);
  judge();
}
