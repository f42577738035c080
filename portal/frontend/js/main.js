// The one script of every page. No eval, no inline handlers: the content security policy is strict.
import "htmx.org/dist/htmx.esm.js";
import "../css/main.css";
import "./creation.js";
import "./dialogs.js";
import "./fields.js";
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
import "./toasts.js";
import "./tooltips.js";
