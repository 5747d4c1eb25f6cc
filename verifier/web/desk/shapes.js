/**
 * The three shapes of a verdict, drawn: a circle with a tick, an octagon with a cross, a dashed diamond with a question
 * mark. They differ without any colour.
 */

import { svg } from "./dom.js";

const OUTLINES = {
  valid: () => [svg("circle", { cx: 32, cy: 32, r: 28, class: "shape__body" }), stroke("M19 33l9 9 17-19")],
  invalid: () => [
    svg("path", { d: "M20 4h24l16 16v24L44 60H20L4 44V20z", class: "shape__body" }),
    stroke("M22 22l20 20M42 22L22 42"),
  ],
  undetermined: () => [
    svg("path", { d: "M32 3l29 29-29 29L3 32z", class: "shape__body shape__body--dashed" }),
    stroke("M25 26a7 7 0 1 1 10 6c-2 1-3 3-3 5M32 45v.5"),
  ],
};
const STEPS = {
  ok: "M5 13l4 4 10-11",
  no: "M6 6l12 12M18 6L6 18",
  "cannot tell": "M8.5 9a3.5 3.5 0 1 1 5 3.2c-1.2.6-1.5 1.6-1.5 2.8M12 19v.4",
  "not run": "M6 12h12",
};

/** The large shape. `label` says it to who cannot see it. */
export function verdictShape(tone, label) {
  return svg("svg", { viewBox: "0 0 64 64", class: `shape shape--${tone}`, role: "img", "aria-label": label }, OUTLINES[tone]());
}

/** The small mark of a step; its word stands beside it. */
export function stepMark(outcome) {
  return svg("svg", { viewBox: "0 0 24 24", class: "step__mark", "aria-hidden": "true" }, svg("path", { d: STEPS[outcome] }));
}

function stroke(d) {
  return svg("path", { d, class: "shape__stroke" });
}
