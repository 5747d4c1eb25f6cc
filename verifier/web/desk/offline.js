/**
 * The offline copy, seen from the page: start it, say when it is whole, offer a new version.
 */

import { el, fill } from "./dom.js";

/** Register the service worker and keep the foot of the page true. */
export async function watchOffline(desk) {
  const line = el("p", { id: "offline" });
  document.querySelector(".foot").append(line);
  const say = (state) => {
    line.dataset.state = state;
    draw(line, desk);
  };
  desk.addEventListener("language", () => draw(line, desk));
  say("begun");
  try {
    const registration = await navigator.serviceWorker.register("sw.js", { updateViaCache: "none" });
    registration.addEventListener("updatefound", () => watchNew(registration, say));
    if (registration.waiting) say("new");
    navigator.serviceWorker.addEventListener("message", (event) => {
      if (event.data === "complete") say(registration.waiting ? "new" : "ready");
    });
    const { active } = await navigator.serviceWorker.ready;
    active.postMessage("complete");
  } catch {
    say("none"); // without HTTPS, in a private window, or on a host that lays no list of files beside the page
  }
}

function watchNew(registration, say) {
  const fresh = registration.installing;
  fresh?.addEventListener("statechange", () => {
    if (fresh.state === "installed" && registration.active) say("new");
  });
}

function draw(line, desk) {
  const words = { begun: "getting_ready", ready: "ready_offline", new: "new_version", none: "not_offline" };
  const isNew = line.dataset.state === "new";
  fill(
    line,
    desk.word(words[line.dataset.state]),
    isNew ? el("button", { type: "button", class: "button", "data-action": "use_now", onclick: useNow }, desk.word("use_now")) : null,
  );
}

/** Put the waiting version in use and open the page again with it: the cards on the screen are gone then. */
async function useNow() {
  const registration = await navigator.serviceWorker.getRegistration();
  navigator.serviceWorker.addEventListener("controllerchange", () => location.reload());
  registration?.waiting?.postMessage("use now");
}

/** Under trusted types a worker's address must be one of this site's own. Markup and code never become trusted. */
export function allowOwnWorkers() {
  if (window.trustedTypes === undefined || window.trustedTypes.defaultPolicy !== null) return;
  window.trustedTypes.createPolicy("default", {
    createScriptURL: (address) => {
      const url = new URL(address, document.baseURI);
      if (url.origin !== location.origin) throw new TypeError("a script of another site");
      return url.href;
    },
  });
}
