// The one script of every page. No eval, no inline handlers: the content security policy is strict.
import htmx from "htmx.org/dist/htmx.esm.js";
import "../css/main.css";
import "./charts.js";
import "./copy.js";
import "./creation.js";
import "./dialogs.js";
import "./fields.js";
import "./folds.js";
import "./live.js";
import "./log.js";
import "./menus.js";
import "./narrowing.js";
import "./notices.js";
import "./palette.js";
import "./requests.js";
import "./shortcuts.js";
import "./tabs.js";
import "./theme.js";
import "./tables.js";
import "./toasts.js";
import "./tooltips.js";

// By itself it would begin a moment after the page has loaded, and not hear what is typed before.
htmx.initialize();
