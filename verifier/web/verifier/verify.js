/**
 * `verify`: all eleven steps, every time, over everything that was shown (DESIGN section 4, docs/VERIFY.md).
 *
 * The steps stand in verifier/steps.js; here they are run for each presentation of one answer, and their results joined.
 */

import { FormatError } from "../ledger/errors.js";
import { hex } from "../ledger/digest.js";
import { Archive, Asked, isExpectation } from "./expect.js";
import { judge, makeReport, Outcome, STEP_NAMES, StepOutcome, stepResult } from "./report.js";
import { ownRequest } from "./step_parts.js";
import { Run } from "./steps.js";

const MAX_PARTS = 16;
const SEVERITY = [StepOutcome.OK, StepOutcome.NOT_RUN, StepOutcome.CANNOT_TELL, StepOutcome.NO];

/**
 * Judge what someone shows: a report (verifier/report.js). Never rejects for any `data`.
 *
 *   data    one presentation or paper certificate as text, file or bytes (Uint8Array); or an array of several
 *           presentations that together answer one request
 *   trust   the opened bundle
 *   now     POSIX seconds, whole; the verifier's clock
 *   expect  `new Asked(request)`, `STATIC`, or an `Archive` of either to judge a filed answer again
 *   seen    the verifier's memory; a valid answer is marked as used in it
 *
 * Throws ConfigError `store.io_error` of that memory; without it there is no verdict.
 */
export async function verify(data, { trust, now, expect, seen }) {
  if (!isExpectation(expect)) {
    throw new TypeError("expect is a request asked, STATIC or a filed answer; there is no mode without checks");
  }
  if (!Number.isSafeInteger(now)) throw new TypeError("now is a whole number of POSIX seconds");
  let parts;
  try {
    parts = partsOf(data);
  } catch (error) {
    if (error instanceof FormatError) return refused(error, trust);
    throw error;
  }
  const newestTime = Math.max(trust.issued, (await seen.newest("time")) ?? 0);
  const runs = parts.map((part) => new Run(part, { trust, now, expect, seen, newestTime }));
  for (const run of runs) await run.stepsToDisclosures();
  await finish(runs);
  let reports = runs.map((run) => run.report());
  if (!(expect instanceof Archive) && reports.every((report) => report.outcome === Outcome.VALID)) {
    reports = await spend(runs, reports, seen);
  }
  await seen.advance("bundle.version", trust.version);
  if (trust.endorsed > ((await seen.newest("targets.version")) ?? 0)) {
    await seen.advance("targets.version", trust.endorsed);
  }
  await seen.advance("time", trust.issued);
  return reports.length === 1 ? reports[0] : joined(reports);
}

/** Steps 10 and 11 of each, over what all of them show. */
async function finish(runs) {
  const [asked, identity] = [await shownItems(runs), shownIdentity(runs)];
  const holders = runs
    .filter((run) => run.certificate !== null)
    .map(({ certificate }) => (certificate.body.cnf === null ? null : hex(certificate.body.cnf)));
  // Paper answers no question.
  const isAsked = runs[0].question instanceof Asked;
  const facts = isAsked ? runs.filter((run) => run.isAuthentic).map((run) => run.facts()) : [];
  const oneHolder = new Set(holders).size === 1;
  for (const run of runs) await run.holderAndPolicy(asked, identity, facts, { oneHolder });
}

/** What was shown, as bytes: an object that is already parsed could differ from what was signed. */
function partsOf(data) {
  const parts = data instanceof Uint8Array ? [data] : data;
  if (!Array.isArray(parts) || !parts.every((part) => part instanceof Uint8Array)) {
    throw new FormatError("schema.field_type", "bytes are due, or a list of them");
  }
  if (parts.length < 1 || parts.length > MAX_PARTS) {
    throw new FormatError("enc.too_large", `${parts.length} presentations`);
  }
  return parts.map((part) => part.slice()); // nobody changes it meanwhile
}

/** Positions of the request's items that at least one presentation discloses whole. */
async function shownItems(runs) {
  const { question, trust } = runs[0];
  if (!(question instanceof Asked)) return new Set();
  try {
    const { items } = (await ownRequest(trust, question.request)).request.body;
    return new Set(items.flatMap((item, at) => (runs.some((run) => run.shows(item)) ? [at] : [])));
  } catch (error) {
    if (error instanceof FormatError) return new Set(); // step 10 says so
    throw error;
  }
}

/** Names and last four digits that the presentations disclose, wherever they lead to the signed root. */
function shownIdentity(runs) {
  const shown = new Map();
  for (const [claim, value] of runs.flatMap((run) => run.identity())) {
    shown.set(claim, [...(shown.get(claim) ?? []), value]);
  }
  return shown;
}

/** Mark a valid answer as used. Another tab may have been quicker: then it is a replay here. */
async function spend(runs, reports, seen) {
  const keys = runs.flatMap((run) => run.replayKeys);
  if (!keys.length || (await seen.useOnce(keys))) return reports;
  const replayed = stepResult(10, StepOutcome.NO, "pres.nonce_replayed", "this answer was used before");
  const notRun = stepResult(11, StepOutcome.NOT_RUN);
  return reports.map((report) =>
    Object.freeze({
      ...report,
      outcome: Outcome.INVALID,
      reason: replayed.reason,
      steps: Object.freeze([...report.steps.slice(0, 9), replayed, notRun]),
    }),
  );
}

/** One report for several presentations: the worst of each step, with each part's own report beside it. */
function joined(reports) {
  const isWorse = (left, right) => SEVERITY.indexOf(left.outcome) > SEVERITY.indexOf(right.outcome);
  const steps = STEP_NAMES.map((_, at) =>
    reports.map((report) => report.steps[at]).reduce((worst, step) => (isWorse(step, worst) ? step : worst)),
  );
  const [outcome, reason] = judge(steps);
  return Object.freeze({ ...reports[0], outcome, reason, steps: Object.freeze(steps), parts: Object.freeze(reports) });
}

function refused(error, trust) {
  const steps = STEP_NAMES.map((_, at) =>
    at === 0
      ? stepResult(1, StepOutcome.NO, error.reason, error.detail)
      : stepResult(at + 1, StepOutcome.NOT_RUN),
  );
  return makeReport({ outcome: Outcome.INVALID, reason: error.reason, steps, trust: trust.facts });
}
