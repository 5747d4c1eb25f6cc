/**
 * The state of the trust bundle in the header, and the banner of a test environment.
 */

import { el, fill } from "./dom.js";

const DAY = 86_400;
const HOUR = 3_600_000;

/** Draw it now, when the bundle or the language changes, and every hour. */
export function showTrust(line, banner, desk) {
  const draw = () => {
    drawLine(line, desk);
    banner.hidden = desk.trust?.facts.environment !== "test";
    fill(banner, desk.word("banner_test"));
  };
  desk.addEventListener("trust", draw);
  desk.addEventListener("language", draw);
  setInterval(draw, HOUR);
  draw();
}

/** "ok", "over" or "none". */
export function trustState(desk) {
  if (desk.trust === null) return "none";
  return desk.trust.expires < desk.now() ? "over" : "ok";
}

/** A day of this device's zone, YYYY-MM-DD. */
export function dayText(seconds) {
  const at = new Date(seconds * 1000);
  const two = (number) => String(number).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

function drawLine(line, desk) {
  const state = trustState(desk);
  fill(
    line,
    el(
      "a",
      { class: "trust-line", "data-state": state, href: "#about" },
      el("span", { class: "trust-line__dot", "aria-hidden": "true" }),
      lineText(desk, state),
    ),
  );
}

function lineText(desk, state) {
  if (state === "none") return desk.word("trust_none");
  return desk.word("trust_line", { date: dayText(desk.trust.issued), left: leftText(desk, state) });
}

function leftText(desk, state) {
  if (state === "over") return desk.word("trust_over");
  const days = Math.floor((desk.trust.expires - desk.now()) / DAY);
  return days === 0 ? desk.word("trust_last_day") : desk.word("trust_left", { days });
}
