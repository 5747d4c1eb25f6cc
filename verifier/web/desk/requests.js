/**
 * The stand's request on this screen, and the stack of requests for one applicant each.
 */

import { say } from "./scan_words.js";
import { el, fill } from "./dom.js";
import { drawQr } from "./qr_draw.js";
import { openRequests, Stack } from "./request_stack.js";

const LISTED = "requests/index.json";
const NAME = /^[A-Za-z0-9._-]+$/;
const MOST = 2000;
const AT_ONCE = 8;
const CHECK = 60_000; // milliseconds: a request that ran out disappears by itself

/** Read the requests beside the page into `desk.requests` (a Stack) and show the stand's one in `container`. */
export async function mountRequests(container, desk) {
  const [requests, refused] = await openRequests(await laidForms());
  desk.requests = new Stack(requests);
  const draw = () => fill(container, drawn(desk, refused));
  desk.addEventListener("language", draw);
  setInterval(draw, CHECK);
  draw();
}

/** A request (request_stack.js) as a figure: the code, and large the two digits that both screens show. */
export function drawRequest(request, desk) {
  const digits = el("strong", { class: "digits", "data-digits": request.digits }, request.digits);
  return el(
    "figure",
    { class: "request", "data-request": request.digest },
    drawQr(request.text, say(desk.language, "request_code")),
    el("figcaption", {}, el("p", { class: "request__digits" }, desk.word("ask_digits"), " ", digits)),
  );
}

function drawn(desk, refused) {
  const stand = desk.requests.stand(desk.now());
  const bad = refused === 0 ? null : el("p", { class: "note note--wait" }, say(desk.language, "requests_refused", { refused }));
  if (stand === null) return [bad, desk.requests.requests.length > 0 ? null : el("p", { class: "lead" }, desk.word("ask_none"))];
  return el("section", { class: "panel" }, el("h3", { class: "panel__title" }, desk.word("ask_title")), bad, drawRequest(stand, desk));
}

/** The files that the host laid beside the page, as bytes and in its order; none where there is no list of them. */
async function laidForms() {
  const names = await listedNames();
  const forms = names.map(() => null);
  const left = [...names.keys()];
  const next = async () => {
    for (let at = left.shift(); at !== undefined; at = left.shift()) forms[at] = await laidForm(names[at]);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
  return forms.filter((form) => form !== null);
}

async function laidForm(name) {
  try {
    const answer = await fetch(`requests/${name}`, { cache: "no-cache" });
    return answer.ok ? new TextEncoder().encode((await answer.text()).replace(/[\r\n]+$/, "")) : null;
  } catch {
    return null; // offline, and never seen before
  }
}

async function listedNames() {
  try {
    const answer = await fetch(LISTED, { cache: "no-cache" });
    if (!answer.ok) return [];
    const { requests } = await answer.json();
    return requests.map(({ file }) => file).filter((name) => NAME.test(name)).slice(0, MOST);
  } catch {
    return []; // no list: paper only
  }
}
