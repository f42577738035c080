// Parts that show what changes carry data-live="deployment:<id> operation" and hx-trigger="live". One stream
// per page says which topics changed. While it is lost, and where a server has none, the parts ask now and
// then instead; a hidden page listens to nothing and catches up when it is shown.
import { beat, tell } from "./connection.js";

const LOST_MS = 2_000;
const CALM_MS = 30_000;
const SPACING_MS = 400;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;

let source;
let sourceTopics = "";
let lastId = "";
let isLost = true;
let hasOpened = false;
let retryMs = FIRST_RETRY_MS;
let retryTimer;
const asked = new WeakMap();

const parts = () => [...document.querySelectorAll("[data-live]")];
const topicsOf = (part) => part.dataset.live.split(" ").filter(Boolean);

// A part asks at most every SPACING_MS, or as its data-live-spacing says; what happens in between is asked for once,
// afterwards.
const ask = (part) => {
  const now = performance.now();
  const due = asked.get(part) ?? 0;
  if (due > now) return;
  const spacing = Number(part.dataset.liveSpacing) || SPACING_MS;
  const wait = Math.max(0, due + spacing - now);
  asked.set(part, now + wait);
  setTimeout(() => part.isConnected && part.dispatchEvent(new CustomEvent("live")), wait);
};
const askAll = () => parts().forEach(ask);

const close = () => {
  clearTimeout(retryTimer);
  source?.close();
  source = undefined;
  sourceTopics = "";
  isLost = true;
};

// Before the first stream opens there is none to lose: a server without streams answers nothing to listen to.
const lost = () => {
  close();
  if (!navigator.onLine) {
    tell("offline");
    return;
  }
  tell(hasOpened ? "lost" : "asking");
  retryTimer = setTimeout(open, retryMs);
  retryMs = Math.min(LAST_RETRY_MS, retryMs * 2);
};

const hear = (event) => {
  if (event.lastEventId) lastId = event.lastEventId;
  const topics = new Set(JSON.parse(event.data).topics);
  beat();
  for (const part of parts()) if (topicsOf(part).some((topic) => topics.has(topic))) ask(part);
};

function open() {
  const topics = [...new Set(parts().flatMap(topicsOf))].sort().join(" ");
  if (document.hidden || (source && topics === sourceTopics)) return;
  close();
  if (!navigator.onLine) tell("offline");
  else if (!topics) tell("idle");
  if (!topics || !navigator.onLine) return;
  const address = new URL("/live", location.href);
  address.searchParams.set("topics", topics);
  if (lastId) address.searchParams.set("last", lastId);
  const opened = new EventSource(address);
  source = opened;
  sourceTopics = topics;
  opened.addEventListener("open", () => {
    isLost = false;
    hasOpened = true;
    retryMs = FIRST_RETRY_MS;
    tell("open");
  });
  opened.addEventListener("change", hear);
  opened.addEventListener("reset", askAll);
  opened.addEventListener("close", () => {
    // The session or the role that let the page listen is gone: what the parts are answered says so.
    lost();
    askAll();
  });
  opened.addEventListener("error", () => {
    if (opened !== source) return;
    isLost = true;
    // A browser gives up on answers that are no stream; it comes back by itself from broken connections.
    if (opened.readyState === EventSource.CLOSED || !navigator.onLine) lost();
    else tell("lost");
  });
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    close();
    tell("hidden");
    return;
  }
  askAll();
  open();
});
document.addEventListener("htmx:after:swap", open);
addEventListener("offline", lost);
addEventListener("online", () => {
  retryMs = FIRST_RETRY_MS;
  askAll();
  open();
});
addEventListener("pagehide", close);
addEventListener("pageshow", open);
const isAwake = () => !document.hidden && navigator.onLine;
setInterval(() => isAwake() && isLost && askAll(), LOST_MS);
setInterval(() => isAwake() && askAll(), CALM_MS);
open();
