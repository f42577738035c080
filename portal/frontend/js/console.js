// A machine's screen: asks for a ticket, opens the websocket with it, and lets noVNC draw. Loaded by its page only.
import RFB from "@novnc/novnc";

import "../css/console.css";

const TYPED_MS = 15;
const LAST_LATIN = 0xff;
const UNICODE = 0x01000000;
const RETURN = 0xff0d;

const page = document.querySelector("[data-console]");
const find = (selector) => page.querySelector(selector);
const screen = find("#console-screen");
const tools = find(".console-tools");
const again = find("[data-do=again]");
const form = find(".console-paste");
const text = find("#console-text");
const words = (name) => find(`[data-phase="${name}"]`)?.textContent.trim();

let rfb = null;

const say = (state, sentence) => {
  page.dataset.state = state;
  find("#console-state").textContent = sentence;
  tools.hidden = state !== "connected";
  again.hidden = state !== "ended";
};

const ended = (sentence) => {
  rfb = null;
  form.hidden = true;
  say("ended", sentence);
  again.focus();
};

const ticket = async () => {
  const answer = await fetch(page.dataset.console, {
    method: "POST",
    headers: { "X-CSRFToken": page.dataset.csrf, "Content-Type": "application/json", Accept: "application/json" },
    body: "{}",
  });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.errors?.[0]?.detail ?? words("refused"));
  return body.url;
};

const show = (socket) => {
  const place = document.createElement("div");
  screen.replaceChildren(place);
  rfb = new RFB(place, socket, { shared: true });
  rfb.scaleViewport = true;
  rfb.focusOnClick = true;
  rfb.background = "transparent";
  rfb.addEventListener("connect", () => {
    say("connected", words("connected"));
    rfb.focus();
  });
  rfb.addEventListener("securityfailure", () => ended(words("refused")));
};

const connect = async () => {
  say("connecting", words("connecting"));
  let url;
  try {
    url = await ticket();
  } catch (error) {
    ended(error instanceof TypeError || error instanceof SyntaxError ? words("lost") : error.message);
    return;
  }
  const socket = new WebSocket(url, ["binary"]);
  socket.binaryType = "arraybuffer";
  let isOpen = false;
  socket.addEventListener("open", () => {
    isOpen = true;
  });
  socket.addEventListener("close", (event) => ended(words(event.code) ?? words(isOpen ? "lost" : "refused")));
  show(socket);
};

// Keys of a text, one by one: a screen without a clipboard of its own takes nothing else.
const keysym = (letter) => {
  const code = letter.codePointAt(0);
  if (letter === "\n") return RETURN;
  return code <= LAST_LATIN ? code : UNICODE + code;
};

const type = async (letters) => {
  for (const letter of letters) {
    rfb?.sendKey(keysym(letter), null);
    await new Promise((done) => setTimeout(done, TYPED_MS));
  }
};

const toggle = () => {
  form.hidden = !form.hidden;
  if (form.hidden) rfb?.focus();
  else text.focus();
};

const actions = {
  again: connect,
  keys: () => {
    rfb?.sendCtrlAltDel();
    rfb?.focus();
  },
  paste: toggle,
  full: () => (document.fullscreenElement ? document.exitFullscreen() : page.requestFullscreen()),
};

page.addEventListener("click", (event) => actions[event.target.closest("[data-do]")?.dataset.do]?.());
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const typed = text.value;
  text.value = "";
  toggle();
  type(typed);
});
addEventListener("pagehide", () => rfb?.disconnect());

if (page.dataset.obstacle) ended(page.dataset.obstacle);
else connect();
