/**
 * The verdict card: what a report says, for a clerk. Draws from the JSON of `reportJson` and from nothing else; all of
 * its text is text.
 */

import { adviceFor, reasonSentence, toneOf, verdictOf, withoutCode } from "./advice.js";
import { el } from "./dom.js";
import { calendars, drawCalendars, isDrawn } from "./months.js";
import { stepMark, verdictShape } from "./shapes.js";
import { word } from "./words.js";

const DAY = 86_400;
const IDENTITY = ["name", "id_tail", "id_no", "birth_date", "employer_name", "employer_uscc"];
const USE = ["for.audience", "for.purpose"];

/**
 * The card of one report.
 * @param {object} report as reportJson gives it
 * @param {object} options
 *   language "zh" or "en"; now POSIX seconds of the verification; posts kind -> day of month;
 *   actions name -> function, a button for each of update, again, later, print, save, form, close that is given
 * @returns {HTMLElement}
 */
export function drawVerdict(report, { language, now, posts = {}, actions = {} }) {
  const parts = report.parts.length > 0 ? report.parts : [report];
  return el(
    "article",
    { class: `verdict verdict--${toneOf(report)} appear`, "data-verdict": verdictOf(report), tabindex: "-1" },
    head(report, language),
    el(
      "div",
      { class: "verdict__body" },
      guidance(report, { language, posts, actions }),
      policies(report.policies, language),
      shownParts(report, language, parts.map((part, at) => certificate(part, { language, now, at: at + 1, all: parts.length }))),
      steps(report.steps, language),
      evidence(report, language),
      el("p", { class: "small lead" }, word(language, "checked_at", { time: moment(now, language) })),
      buttons(["save", "form", "print", "close"], actions, language),
    ),
  );
}

function head(report, language) {
  const tone = toneOf(report);
  const verdict = verdictOf(report);
  return el(
    "header",
    { class: "verdict__head" },
    verdictShape(tone, word(language, `shape_${tone}`)),
    el(
      "div",
      {},
      el("h3", { class: "verdict__word" }, word(language, `verdict_${verdict}`)),
      el("p", { class: "verdict__sub" }, word(language, `verdict_${verdict}_sub`)),
    ),
  );
}

function guidance(report, { language, posts, actions }) {
  const advice = adviceFor(report, { language, posts });
  const reason = reasonSentence(report);
  const wanted = ["update", "again", "later"].filter((name) => advice[name]);
  const notes = report.notes.filter((note) => note.reason !== "pres.static_copy" || advice.kind !== "static");
  return el(
    "section",
    { class: "guidance" },
    reason ? [el("h4", {}, word(language, "why")), el("p", { class: "guidance__why" }, reason)] : null,
    el("h4", {}, word(language, "next")),
    el("p", { class: "guidance__next" }, advice.text),
    notes.map((note) => el("p", { class: "note note--wait" }, note.text)),
    buttons(wanted, actions, language, "update"),
  );
}

function policies(judged, language) {
  if (judged.length === 0) return null;
  return el(
    "section",
    { class: "part" },
    el("h4", {}, word(language, "policies")),
    judged.map((policy) =>
      el(
        "div",
        { class: `rule rule--${policy.answer}` },
        el(
          "p",
          { class: "rule__title" },
          el("span", { class: "rule__answer" }, word(language, `policy_${policy.answer}`)),
          el("span", {}, policy.title),
        ),
        policy.sentences.length > 0 ? el("ul", {}, policy.sentences.map((text) => el("li", {}, text))) : null,
        facts([
          [word(language, "legal_basis"), policy.legal_basis],
          [word(language, "policy_id"), `${policy.id} (${policy.version})`],
        ]),
      ),
    ),
  );
}

/** What does not hold is not laid before the eye; it opens on demand. */
function shownParts(report, language, drawn) {
  if (verdictOf(report) !== "invalid" || report.certificate === null) return drawn;
  return el("details", { class: "more part" }, el("summary", {}, word(language, "shown_anyway")), drawn);
}

function certificate(part, { language, now, at, all }) {
  if (part.certificate === null) return null;
  const view = part.certificate;
  const title = all > 1 ? el("p", { class: "chip" }, word(language, "parts", { at, all })) : null;
  return el(
    "div",
    { class: "certificate" },
    title,
    el("section", { class: "part" }, el("h4", {}, word(language, "shown")), onlyFor(part, language), person(part, language), shown(part, language)),
    el(
      "section",
      { class: "part" },
      el("h4", {}, word(language, "who")),
      el("p", { class: "scope" }, view.scope),
      presenter(view, language),
      facts([
        [word(language, "who_office"), view.office.name],
        view.authority.name === view.office.name ? null : [word(language, "who_authority"), view.authority.name],
        [word(language, "who_type"), word(language, `type_${view.type}`)],
        [word(language, "who_number"), view.number],
        [word(language, "who_region"), String(view.region)],
        [word(language, "when_cut_off"), month(view.cut_off)],
        [word(language, "when_issued"), view.issued],
        [word(language, "when_expires"), `${view.expires} (${left(view.expires, now, language)})`],
      ]),
    ),
  );
}

function presenter(view, language) {
  if (view.presenter === "self") return null;
  return el("p", { class: "note note--wait" }, word(language, `presenter_${view.presenter}`));
}

/** Paper made out for one use says so; another use is not covered. */
function onlyFor(part, language) {
  const texts = part.disclosed.filter((item) => USE.includes(item.name)).map((item) => item.text);
  return texts.length > 0 ? el("p", { class: "note note--wait" }, word(language, "for_only"), texts.join(" · ")) : null;
}

/** Name and number first and large: they are what the clerk compares with a document. */
function person(part, language) {
  const items = part.disclosed.filter((item) => IDENTITY.includes(item.name));
  if (items.length === 0) return null;
  return el(
    "dl",
    { class: "person" },
    items.map((item) => el("div", {}, el("dt", {}, item.label), el("dd", {}, item.text))),
  );
}

function shown(part, language) {
  if (part.disclosed.length === 0) return el("p", { class: "lead" }, word(language, "shown_nothing"));
  const found = calendars(part.disclosed, part.certificate.cut_off);
  const others = part.disclosed.filter((item) => !isDrawn(item, found) && ![...IDENTITY, ...USE].includes(item.name));
  return [
    found.length > 0 ? drawCalendars(found, language) : null,
    others.length > 0 ? facts(others.map((item) => [item.label, item.text])) : null,
  ];
}

function steps(results, language) {
  const ok = results.filter((step) => step.outcome === "ok").length;
  return el(
    "details",
    { class: "more part steps" },
    el("summary", {}, `${word(language, "steps")} · ${word(language, "steps_sum", { ok })}`),
    el(
      "ol",
      { class: "steps__list" },
      results.map((step) =>
        el(
          "li",
          { class: "step", "data-outcome": step.outcome },
          stepMark(step.outcome),
          el(
            "div",
            {},
            el(
              "p",
              { class: "step__title" },
              `${step.step} ${word(language, `step_${step.step}`)}`,
              el("span", { class: "step__word" }, word(language, `step_${step.outcome.replace(" ", "_")}`)),
            ),
            el("p", { class: "step__text" }, withoutCode(step.text, step.reason)),
            step.reason === null ? null : el("p", { class: "small code" }, joined([step.reason, step.detail])),
          ),
        ),
      ),
    ),
  );
}

function evidence(report, language) {
  const found = report.evidence;
  const point = found.checkpoint_root === null ? null : joined([found.checkpoint_size, found.checkpoint_root]);
  const rows = [
    [word(language, "evidence_reason"), report.reason],
    [word(language, "evidence_certificate"), found.certificate_digest],
    [word(language, "evidence_request"), found.request_digest],
    [word(language, "evidence_list"), found.status_list_digest],
    [word(language, "evidence_checkpoint"), point],
    [word(language, "trust_digest"), report.trust.digest ?? null],
  ].filter(([, value]) => value !== null);
  if (rows.length === 0) return null;
  return el(
    "details",
    { class: "more part evidence" },
    el("summary", {}, word(language, "evidence")),
    el("div", { class: "code small" }, facts(rows)),
  );
}

function buttons(names, actions, language, main = null) {
  const given = names.filter((name) => actions[name] !== undefined);
  if (given.length === 0) return null;
  return el(
    "div",
    { class: "buttons no-print" },
    given.map((name) =>
      el(
        "button",
        {
          type: "button",
          class: name === main || names.length === 1 ? "button button--main" : "button",
          "data-action": name,
          onclick: actions[name],
        },
        word(language, `do_${name}`),
      ),
    ),
  );
}

function facts(rows) {
  return el(
    "dl",
    { class: "facts" },
    rows.filter((row) => row !== null).map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]),
  );
}

/** Until the end of the UTC day that is signed. */
function left(expires, now, language) {
  const days = Math.floor(Date.parse(`${expires}T00:00:00Z`) / 1000 / DAY) - Math.floor(now / DAY);
  return days < 0 ? word(language, "when_over") : word(language, "when_left", { days });
}

function month(period) {
  return `${Math.floor(period / 100)}-${String(period % 100).padStart(2, "0")}`;
}

function moment(seconds, language) {
  const at = new Date(seconds * 1000);
  return new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", { dateStyle: "medium", timeStyle: "short" }).format(at);
}

function joined(values) {
  return values.filter((value) => value !== "" && value !== null).join("  ");
}
