/**
 * The list of applications accepted for now, each with its follow-up request as a code.
 */

import { kindName, reasonText } from "../certificate/texts.js";
import { ProjectError } from "../ledger/errors.js";
import { el, fill } from "./dom.js";
import { currentEntries, removeEntry, setFollow } from "./later_list.js";
import { dayText } from "./trust_line.js";

const HOUR = 3_600_000;

/** Draw now, when the list or the language changes, and every hour: entries end by themselves. */
export function mountLater(container, desk) {
  const count = document.getElementById("later-count");
  const draw = () => {
    const entries = currentEntries(dayText(desk.now()));
    fill(count, String(entries.length));
    count.hidden = entries.length === 0;
    fill(
      container,
      el("p", { class: "lead" }, desk.word("later_intro")),
      entries.length === 0 ? el("p", { class: "empty" }, desk.word("later_empty")) : null,
      el("ul", { class: "later" }, entries.map((entry) => item(desk, entry))),
    );
  };
  desk.addEventListener("later", draw);
  desk.addEventListener("language", draw);
  window.addEventListener("storage", draw);
  setInterval(draw, HOUR);
  draw();
}

function item(desk, entry) {
  const changed = () => desk.dispatchEvent(new Event("later"));
  return el(
    "li",
    { class: "panel", "data-entry": entry.id },
    el("p", { class: "chip" }, desk.word("later_expires", { date: entry.until })),
    el(
      "dl",
      { class: "facts" },
      fact(desk.word("who_number"), entry.number),
      entry.reference ? fact(desk.word("later_reference_short"), entry.reference) : null,
      entry.missing.map(({ kind, months }) => fact(desk.word("later_missing"), `${kindText(kind, desk)} ${months.join(" ")}`)),
    ),
    follow(desk, entry, changed),
    el("button", { type: "button", class: "button button--quiet", onclick: () => { removeEntry(entry.id); changed(); } }, desk.word("later_remove")),
  );
}

function follow(desk, entry, changed) {
  const told = el("p", { role: "status" });
  const place = el("div", { class: "later__follow" });
  const input = el("input", { type: "file", class: "only-read", tabindex: "-1", "aria-label": desk.word("later_follow_load") });
  input.addEventListener("change", async () => {
    try {
      const { followUpText } = await import("./later_follow.js");
      setFollow(entry.id, await followUpText(input.files[0], desk));
      changed();
    } catch (error) {
      const reason = error instanceof ProjectError ? error.reason : "image.unreadable";
      fill(told, desk.word("later_follow_bad", { text: reasonText(reason, desk.language) }));
    }
  });
  const show = async () => {
    const { drawFollowUp } = await import("./later_follow.js");
    fill(place, await drawFollowUp(entry.follow, desk));
  };
  const button = (name, act) => el("button", { type: "button", class: "button", onclick: act }, desk.word(name));
  return [
    el("h3", {}, desk.word("later_follow")),
    entry.follow === null ? el("p", {}, desk.word("later_follow_none")) : null,
    el("div", { class: "buttons" }, entry.follow === null ? null : button("later_follow_show", show), button("later_follow_load", () => input.click())),
    input,
    told,
    place,
  ];
}

/** The kind in words; an entry of a page that knew other kinds keeps its id. */
function kindText(kind, desk) {
  return kindName(kind, desk.language) ?? kind;
}

function fact(name, value) {
  return [el("dt", {}, name), el("dd", {}, value)];
}
