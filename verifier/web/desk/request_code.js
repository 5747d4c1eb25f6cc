// A request on a screen or a stand: its QR code, byte for byte what the wallet reads elsewhere, and its two digits.

import { encodeQR } from "../vendor/qr/qr.js";
import { el, svg } from "./dom.js";
import { say } from "./scan_words.js";

const QUIET = 4; // modules; ISO/IEC 18004, 6.3.8

/** The symbol of an alphanumeric text at level L as an SVG element, one unit a module. */
export function drawCode(text, label) {
  const rows = encodeQR(text, "raw", { ecc: "low", encoding: "alphanumeric", border: QUIET });
  const side = rows.length;
  return svg(
    "svg",
    { class: "code-picture", viewBox: `0 0 ${side} ${side}`, role: "img", "aria-label": label, "shape-rendering": "crispEdges" },
    svg("path", { d: `M0 0h${side}v${side}h-${side}z`, fill: "#fff" }),
    svg("path", { d: rows.map(runs).join(""), fill: "#000" }),
  );
}

/** A request (requests.js) as a figure: the code, and large the two digits that both screens show. */
export function drawRequest(request, language) {
  const digits = el("strong", { class: "digits", "data-digits": request.digits }, request.digits);
  return el(
    "figure",
    { class: "request", "data-request": request.digest },
    drawCode(request.text, say(language, "request_code")),
    el("figcaption", {}, el("p", { class: "request__digits" }, say(language, "request_digits"), " ", digits)),
  );
}

function runs(row, y) {
  let path = "";
  for (let x = 0; x < row.length; x += 1) {
    const from = x;
    while (row[x]) x += 1;
    if (x > from) path += `M${from} ${y}h${x - from}v1h-${x - from}z`;
  }
  return path;
}
