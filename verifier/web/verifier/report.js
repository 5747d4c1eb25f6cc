/**
 * What a verification says: eleven steps, one outcome, one reason, and the facts that were authenticated.
 *
 * A report is { outcome, reason, steps, certificate, disclosed, openings, notes, policies, trust, evidence, parts }:
 *
 *   outcome      invalid if a step says no, else undetermined if one cannot tell, else valid
 *   reason       of the lowest-numbered step that made the outcome; null when valid
 *   steps        one result per step, 1...11
 *   certificate  { body, authority, office }; null unless the issuer's signature holds
 *   disclosed    the shown claims; empty unless they lead to the signed root
 *   openings     of the commitments among them, what each shows: at least so many months
 *   policies     the asked policies with their answers; empty unless steps 9 and 10 hold
 *   notes        reasons worth saying although nothing failed (`pres.static_copy`, `schema.text_confusable`)
 *   trust        bundle facts for the reader: environment, version, issued and expires (POSIX seconds), digest
 *   evidence     what a file needs to be judged again in forty years: digests (32 bytes) and the completed proof
 *   parts        one report per presentation when several answered one request; else empty
 */

// The one list of DESIGN section 4; code, docs/VERIFY.md, reports and vectors use these numbers.
export const STEP_NAMES = Object.freeze([
  "text",
  "structure",
  "issuer key",
  "issuer signature",
  "ledger",
  "position",
  "time",
  "status",
  "disclosures",
  "holder and request",
  "policy",
]);

export const StepOutcome = Object.freeze({
  OK: "ok",
  NO: "no",
  CANNOT_TELL: "cannot tell",
  NOT_RUN: "not run", // its input was not authenticated
});

export const Outcome = Object.freeze({ VALID: "valid", INVALID: "invalid", UNDETERMINED: "undetermined" });

const NO_EVIDENCE = Object.freeze({
  certificateDigest: null,
  requestDigest: null,
  statusListDigest: null,
  checkpointRoot: null,
  checkpointSize: null,
  proof: null,
});

/** One step's word. `reason` is null for ok and for not run; `detail` holds sizes, indexes and key ids only. */
export function stepResult(step, outcome, reason = null, detail = "") {
  return Object.freeze({ step, name: STEP_NAMES[step - 1], outcome, reason, detail });
}

/** A report with what is given, and nothing of the rest. */
export function makeReport(fields) {
  return Object.freeze({
    certificate: null,
    disclosed: Object.freeze([]),
    openings: Object.freeze([]),
    notes: Object.freeze([]),
    policies: Object.freeze([]),
    trust: Object.freeze({}),
    evidence: NO_EVIDENCE,
    parts: Object.freeze([]),
    ...fields,
  });
}

/** [outcome, reason]: any no, else any cannot-tell, else valid; the lowest-numbered such step names the reason. */
export function judge(steps) {
  const no = steps.find((step) => step.outcome === StepOutcome.NO);
  if (no !== undefined) return [Outcome.INVALID, no.reason];
  const open = steps.find((step) => step.outcome === StepOutcome.CANNOT_TELL);
  return open === undefined ? [Outcome.VALID, null] : [Outcome.UNDETERMINED, open.reason];
}
