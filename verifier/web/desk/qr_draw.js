/**
 * QR codes drawn as the product draws them elsewhere: one symbol, alphanumeric mode, no compression (certificate/qr_draw.py).
 */

import { FormatError } from "../ledger/errors.js";
import { encodeQR } from "../vendor/qr/qr.js";
import { svg } from "./dom.js";

const MAX_LETTERS = 4296; // version 40, level L
const QUIET = 4; // modules; ISO/IEC 18004, 6.3.8

/**
 * The symbol of an alphanumeric text at level L as an SVG element, one unit a module, its quiet zone included.
 * `label` is what it is to those who do not see it. Throws FormatError `qr.too_large`.
 */
export function drawQr(text, label = "QR") {
  if (text.length > MAX_LETTERS) throw new FormatError("qr.too_large", `${text.length} letters, at most ${MAX_LETTERS}`);
  const rows = encodeQR(text, "raw", { ecc: "low", encoding: "alphanumeric", border: QUIET });
  const side = rows.length;
  return svg(
    "svg",
    { class: "code-picture", viewBox: `0 0 ${side} ${side}`, role: "img", "aria-label": label, "shape-rendering": "crispEdges" },
    svg("path", { d: `M0 0h${side}v${side}h-${side}z`, fill: "#fff" }),
    svg("path", { d: rows.map(runs).join(""), fill: "#000" }),
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
