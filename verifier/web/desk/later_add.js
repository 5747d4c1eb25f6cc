/**
 * "Accept for now, until D": asked in a dialog, then put on this device's list.
 */

import { missingMonths } from "./advice.js";
import { el } from "./dom.js";
import { addEntry } from "./later_list.js";
import { dayText } from "./trust_line.js";

const DAY = 86_400;
const DEFAULT_DAYS = 30;
const MOST_DAYS = 180;

/** Ask until when; resolves once the dialog is closed, with the entry or null. */
export function askUntil(desk, report) {
  const now = desk.now();
  const until = el("input", {
    type: "date",
    class: "field__input",
    id: "later-until",
    required: true,
    min: dayText(now),
    max: dayText(now + MOST_DAYS * DAY),
    value: dayText(now + DEFAULT_DAYS * DAY),
  });
  const reference = el("input", { type: "text", class: "field__input", id: "later-reference", maxlength: 40, autocomplete: "off" });
  const dialog = el(
    "dialog",
    { "aria-labelledby": "later-ask" },
    el(
      "form",
      { method: "dialog" },
      el("h2", { id: "later-ask" }, desk.word("later_title")),
      el("p", {}, desk.word("later_text")),
      field(desk, "later_until", until),
      field(desk, "later_reference", reference),
      el(
        "div",
        { class: "buttons" },
        el("button", { class: "button button--main", value: "add" }, desk.word("later_add")),
        el("button", { class: "button", value: "", formnovalidate: true }, desk.word("later_cancel")),
      ),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "add" ? added(desk, report, until.value, reference.value.trim()) : null);
    });
  });
}

function added(desk, report, until, reference) {
  const entry = addEntry({ number: report.certificate.number, reference, missing: missingMonths(report), until });
  desk.dispatchEvent(new Event("later"));
  desk.announce(desk.word("later_done", { date: until }));
  return entry;
}

function field(desk, name, input) {
  return el("div", { class: "field" }, el("label", { class: "field__label", for: input.id }, desk.word(name)), input);
}
