// What fragments do when the answer is not a fragment.
import { hide, show } from "./toasts.js";

document.addEventListener("htmx:before:response", (event) => {
  const { raw } = event.detail.ctx.response;
  // A redirect is a page of its own (signed out, created, moved): go there instead of swapping it in.
  if (raw.redirected) {
    event.preventDefault();
    location.assign(raw.url);
  }
});
document.addEventListener("htmx:after:request", (event) => {
  if (event.detail.ctx.response.status < 500) hide("offline");
  else show("offline");
});
document.addEventListener("htmx:error", () => show("offline"));
