// What fragments do when the answer is not their fragment.
import { hide, show } from "./toasts.js";

const UNPROCESSABLE = 422;

document.addEventListener("htmx:before:response", (event) => {
  const { raw } = event.detail.ctx.response;
  // A redirect is a page of its own (signed out, created, moved): go there instead of swapping it in.
  if (raw.redirected) {
    event.preventDefault();
    location.assign(raw.url);
  }
});

document.addEventListener("htmx:after:request", (event) => {
  const { ctx } = event.detail;
  const { status } = ctx.response;
  // An error page never replaces a part of a page; a notice for the toasts says where it goes.
  const isMeant = status < 400 || status === UNPROCESSABLE || ctx.hx.retarget;
  if (!isMeant) ctx.swap = "none";
  if (!isMeant && status >= 500) show("offline");
  else if (hide("offline")) show("online");
});

document.addEventListener("htmx:error", () => show("offline"));
