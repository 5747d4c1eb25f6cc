/**
 * Shown strips as a calendar a person can read: a table per kind, a row per year, a cell per month (DOMAIN section 4).
 */

import { el } from "./dom.js";
import { word } from "./words.js";

const STRIP = /^strip\.(.+)\.-(\d{1,2})$/;
const SETTLED = /^settled\.(.+)$/;
const STATES = ["none", "on_time", "back", "other"];

/**
 * What the strips among `disclosed` say, the newest year first.
 * @param {object[]} disclosed as in the report: name, label, value (a strip in hex, a month as YYYYMM)
 * @param {number} cutOff YYYYMM
 * @returns {{kind: string, label: string, settled: object|null, years: {year: number, states: string[]}[]}[]}
 *   `settled` is the claim that says up to which month the kind is complete
 */
export function calendars(disclosed, cutOff) {
  const settled = new Map();
  const kinds = new Map();
  for (const item of disclosed) {
    const until = SETTLED.exec(item.name);
    if (until) settled.set(until[1], item);
  }
  for (const item of disclosed) {
    const strip = STRIP.exec(item.name);
    if (!strip) continue;
    const year = Math.floor(cutOff / 100) - Number(strip[2]);
    const found = kinds.get(strip[1]) ?? { kind: strip[1], label: kindLabel(item.label, year), years: [] };
    found.settled = settled.get(strip[1]) ?? null;
    found.years.push({ year, states: statesOf(item.value, year, cutOff, found.settled?.value) });
    kinds.set(strip[1], found);
  }
  for (const found of kinds.values()) found.years.sort((left, right) => right.year - left.year);
  return [...kinds.values()];
}

/** Whether a disclosed claim is drawn by these calendars. */
export function isDrawn(item, found) {
  return STRIP.test(item.name) || found.some((kind) => kind.settled === item);
}

/** The tables, with a legend of the states that occur. */
export function drawCalendars(found, language) {
  const used = new Set(found.flatMap((kind) => kind.years.flatMap((year) => year.states)));
  return el(
    "div",
    { class: "calendars" },
    found.map((kind) => table(kind, language)),
    el("ul", { class: "legend", "aria-hidden": "true" }, legend(used, language)),
    el("p", { class: "lead small" }, word(language, "months_note")),
  );
}

/** The twelve states of a strip; a month without payment after the settled one is not posted, which is no gap. */
function statesOf(hex, year, cutOff, settled) {
  const bits = Number.parseInt(hex, 16);
  return Array.from({ length: 12 }, (_, at) => {
    const month = year * 100 + at + 1;
    if (month > cutOff) return "later";
    const state = STATES[(bits >> (2 * at)) & 3];
    return state === "none" && settled !== undefined && month > settled ? "not_posted" : state;
  });
}

/** The name of the kind: a strip's label begins with it, then comes the year. */
function kindLabel(label, year) {
  const at = label.indexOf(` ${year}`);
  return at > 0 ? label.slice(0, at) : label;
}

function table(kind, language) {
  const numbers = Array.from({ length: 12 }, (_, at) => at + 1);
  return el(
    "table",
    { class: "calendar", "data-kind": kind.kind },
    el("caption", {}, kind.label, settledNote(kind, language)),
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        el("th", { scope: "col" }, el("span", { class: "only-read" }, word(language, "months_year"))),
        numbers.map((number) => el("th", { scope: "col" }, String(number))),
      ),
    ),
    el("tbody", {}, kind.years.map((year) => row(year, language))),
  );
}

function settledNote({ settled }, language) {
  if (settled === null) return null;
  return el("span", { class: "calendar__note" }, word(language, "months_complete", { month: settled.text }));
}

function row({ year, states }, language) {
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, String(year)),
    states.map((state) => el("td", {}, mark(state), el("span", { class: "only-read" }, stateWord(state, language)))),
  );
}

function legend(used, language) {
  const order = ["on_time", "back", "other", "none", "not_posted", "later"];
  return order
    .filter((state) => used.has(state))
    .map((state) => el("li", {}, mark(state), stateWord(state, language)));
}

function mark(state) {
  return el("span", { class: `month month--${state}`, "aria-hidden": "true" });
}

function stateWord(state, language) {
  return word(language, `month_${state}`);
}
