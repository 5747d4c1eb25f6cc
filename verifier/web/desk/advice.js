/**
 * What a report means to a clerk: which verdict it is, and what to do next. Decides nothing itself.
 */

import { word } from "./words.js";

const SYNC = [
  "trust.missing", "trust.bundle_stale", "status.list_missing", "status.list_stale", "status.list_expired",
  "key.unknown", "policy.unknown", "ckpt.stale", "log.subtree_unknown", "ckpt.quorum_unmet", "org.unregistered",
];
const AGAIN = [
  "pres.expired", "pres.nonce_replayed", "pres.nonce_mismatch", "pres.request_mismatch", "pres.audience_mismatch",
  "pres.transcript_mismatch", "pres.binding_missing",
];
const NEXT = new Map([
  ...SYNC.map((reason) => [reason, "sync"]),
  ...AGAIN.map((reason) => [reason, "again"]),
  ["time.expired", "newer"],
  ["policy.data_too_old", "newer"],
  ["status.replaced", "replaced"],
  ["status.suspended", "bureau"],
  ["policy.not_settled", "wait"],
  ["policy.undetermined", "more"],
  ["policy.retired", "again"],
  ["disc.required_missing", "more"],
  ["policy.not_met", "not_met"],
  ["time.clock_regressed", "clock"],
  ["time.issued_in_future", "clock"],
  ["time.not_yet_valid", "clock"],
]);

const NO_FORGERY = new Map([
  ["policy.not_met", "not_met"],
  ["status.replaced", "replaced"],
  ["time.expired", "expired"],
]);

/**
 * The verdict's name: valid, met, static, invalid, not_met, replaced, expired or undetermined.
 * A rule that is not met, or a certificate that is merely old, does not read like a forgery.
 */
export function verdictOf(report) {
  if (report.outcome === "undetermined") return "undetermined";
  if (report.outcome !== "valid") return NO_FORGERY.get(report.reason) ?? "invalid";
  if (isStatic(report)) return "static";
  const asked = report.policies;
  return asked.length > 0 && asked.every((policy) => policy.answer === "true") ? "met" : "valid";
}

/** Which shape and colour it has: valid, invalid or undetermined. */
export function toneOf(report) {
  return report.outcome === "valid" || report.outcome === "undetermined" ? report.outcome : "invalid";
}

/** Whether a paper copy was judged. */
export function isStatic(report) {
  return report.notes.some((note) => note.reason === "pres.static_copy");
}

/** The sentence of the reason, without its code; "" when nothing failed. */
export function reasonSentence(report) {
  const step = report.steps.find((one) => one.reason !== null && one.reason === report.reason);
  return step === undefined ? "" : withoutCode(step.text, step.reason);
}

/** A step's sentence without the code that `tally verify` puts behind it. */
export function withoutCode(text, reason) {
  const code = ` [${reason}]`;
  return reason !== null && text.endsWith(code) ? text.slice(0, -code.length) : text;
}

/**
 * What to do next.
 * @param {object} report as reportJson gives it
 * @param {object} options language; posts: kind -> day of month on which it posts, as this organisation says
 * @returns {{kind: string, text: string, update: boolean, again: boolean, later: boolean}}
 */
export function adviceFor(report, { language, posts = {} }) {
  const kind = nextKind(report);
  const text = kind === "wait" ? waitText(report, language, posts) : word(language, `help_${kind}`);
  const open = report.outcome === "undetermined";
  return {
    kind,
    text,
    update: kind === "sync",
    again: open && ["sync", "clock"].includes(kind),
    later: open && report.certificate !== null && canBeCompleted(report),
  };
}

/** The months that a rule waits for: {kind, months}, in the order of the findings. */
export function missingMonths(report) {
  const kinds = new Map();
  for (const finding of report.policies.flatMap((policy) => policy.findings)) {
    if (!["not_settled", "after_cut_off"].includes(finding.cause) || finding.month === null) continue;
    const months = kinds.get(finding.kind) ?? new Set();
    kinds.set(finding.kind, months.add(finding.month));
  }
  return [...kinds].map(([kind, months]) => ({ kind, months: [...months].sort() }));
}

function nextKind(report) {
  if (report.outcome === "valid") return isStatic(report) ? "static" : "ok";
  const known = NEXT.get(report.reason);
  if (known === "more" || known === "wait") return missingMonths(report).length > 0 ? "wait" : "more";
  if (known !== undefined) return known;
  if (report.outcome === "undetermined") return "other";
  return /^(enc|image)\./.test(report.reason ?? "") ? "reread" : "forged";
}

/** Only what time can complete is taken in for now: everything before the rule passed. */
function canBeCompleted(report) {
  return report.steps.slice(0, 10).every((step) => step.outcome === "ok") && missingMonths(report).length > 0;
}

function waitText(report, language, posts) {
  const stop = language === "zh" ? "、" : ", ";
  return missingMonths(report)
    .map(({ kind, months }) => {
      const day = posts[kind];
      const posting = day === undefined ? "" : word(language, "help_posts", { day });
      return word(language, "help_wait", { kind: kindName(report, kind), months: months.join(stop), posts: posting });
    })
    .join(" ");
}

/** The kind's name as the report spells it: a strip's label begins with it. */
function kindName(report, kind) {
  const all = [report, ...report.parts].flatMap((part) => part.disclosed);
  const item = all.find((one) => one.name.startsWith(`strip.${kind}.`));
  return item === undefined ? kind : item.label.replace(/ \d{4}.*$/, "");
}
