/**
 * The one answer to a policy, from whatever certificates show: true, false or undetermined (DESIGN section 5).
 *
 * Each month has a least and a most it can be worth. A rule that holds for the least is true, one that fails for the
 * most is false, anything between is undetermined; so showing more can decide an answer and never turn it.
 *
 * An answer is { value, findings }: value null for undetermined; findings say what keeps it from true, newest first.
 */

import { bytesEqual } from "../../ledger/digest.js";
import { monthIndex } from "./language.js";
import { BACK, Cause, finding, FULL, NOT, ShownMonths, SURE, worth } from "./months.js";

const MAX_FINDINGS = 12;
const NO_LIMIT = 10 ** 12;
const TRUE = answer(true);

/** What `policy` answers to the shown `facts` of one person; `today` is the day of the question, "YYYY-MM-DD". */
export function answerPolicy(policy, facts, { today }) {
  if (today < policy.validFrom || today > policy.validTo) return answer(null, [finding(Cause.NOT_VALID)]);
  const near = facts.filter((shown) => inRegions(policy, shown));
  if (!near.length) return answer(null, [finding(facts.length ? Cause.OTHER_REGION : Cause.NOT_SHOWN)]);
  const asked = Number(today.slice(0, 4)) * 12 + Number(today.slice(5, 7)) - 1;
  const young = near.filter((shown) => asked - monthIndex(shown.cutOff) <= policy.maxAge);
  if (!young.length) {
    const newest = Math.max(...near.map((shown) => monthIndex(shown.cutOff)));
    const age = { month: newest, need: policy.maxAge, have: asked - newest };
    return answer(null, [finding(Cause.TOO_OLD, age)]);
  }
  const found = answerYoung(policy, young);
  const minted = found.value === null ? mintedAnswer(policy, young) : null;
  return trimmed(minted === null ? found : answer(minted));
}

function answer(value, findings = []) {
  return Object.freeze({ value, findings: Object.freeze(findings) });
}

function answerYoung(policy, young) {
  if (!policy.here) return answerRule(policy.rule, new Shown(young, { here: false }));
  const authorities = [...new Set(young.map((shown) => shown.authority))].sort((left, right) => left - right);
  const answers = authorities.map((authority) => {
    const shown = young.filter((one) => one.authority === authority);
    return answerRule(policy.rule, new Shown(shown, { here: true }));
  });
  return atLeast(1, answers);
}

/**
 * The answer that the bureau minted into a newest certificate, for this very text of the policy.
 *
 * A no is one authority's, so it counts only where no other is asked or shown.
 */
function mintedAnswer(policy, young) {
  const newest = Math.max(...young.map((shown) => shown.cutOff));
  const answers = young
    .filter((shown) => shown.cutOff === newest)
    .flatMap((shown) => [...shown.claims].filter(([name]) => name.startsWith("pol.")))
    .filter(([, [digest]]) => bytesEqual(digest, policy.digest))
    .map(([, [, said]]) => said);
  if (answers.includes(true)) return true;
  const isAlone = policy.here && new Set(young.map((shown) => shown.authority)).size === 1;
  return answers.length && isAlone ? false : null;
}

function inRegions(policy, facts) {
  const region = String(facts.region).padStart(6, "0");
  return !policy.regions.length || policy.regions.some((prefix) => region.startsWith(prefix));
}

function trimmed(found) {
  return found.value === true ? TRUE : answer(found.value, firstDifferent(found.findings));
}

/** As many as an answer names; no more are made. */
function firstDifferent(findings) {
  const kept = new Map();
  for (const one of findings) {
    kept.set([one.cause, one.kind, one.month, one.need, one.have].join("|"), one);
    if (kept.size === MAX_FINDINGS) break;
  }
  return [...kept.values()];
}

/** The facts that are judged together; `here`: they are all that this question is about. */
class Shown {
  constructor(facts, { here }) {
    this.facts = facts;
    this.here = here;
    this.months = new ShownMonths(facts, { here });
    this.cutOff = Math.max(...facts.map((shown) => monthIndex(shown.cutOff))); // month index of the newest one
  }

  claims(name) {
    return this.facts.filter((shown) => shown.claims.has(name)).map((shown) => shown.claims.get(name));
  }

  /** Whether a claim of this name says no for good: the newest certificate shows it, and no other is asked. */
  mayBeFalse(name) {
    const newest = this.facts.filter((shown) => monthIndex(shown.cutOff) === this.cutOff);
    return this.here && newest.every((shown) => shown.claims.has(name));
  }

  lastMonth(end) {
    return end.month === null ? this.cutOff - end.lag : end.month;
  }

  /** The last `size` months up to the end of `rule`, newest first. */
  worths(rule, size) {
    return this.months.worths(rule.kinds, this.lastMonth(rule.end), size, rule.counting);
  }

  /** What speaks against the month `back` months before the end of `rule`. */
  findings(rule, back) {
    return this.months.findings(rule.kinds, this.lastMonth(rule.end) - back, rule.counting);
  }
}

function answerRule(rule, shown) {
  if (rule.type === "COMBINED") {
    return atLeast(rule.atLeast, rule.parts.map((part) => answerRule(part, shown)));
  }
  return PRIMITIVES[rule.type](rule, shown);
}

/** Whether at least `wanted` of the answers are true, in Kleene's logic. */
function atLeast(wanted, answers) {
  const yes = answers.filter((one) => one.value === true).length;
  const open = answers.filter((one) => one.value === null).length;
  if (yes >= wanted) return TRUE;
  const value = yes + open >= wanted ? null : false;
  // What is undetermined can still be mended; what is false explains a false answer.
  return answer(value, answers.filter((one) => one.value === value).flatMap((one) => one.findings));
}

/**
 * `fits` is a test on months' worth, newest first, that a greater worth never breaks.
 * `findings` says what speaks against the month at a place.
 */
function judged(worths, fits, findings) {
  if (fits(worths.map((one) => one.least))) return TRUE;
  const value = fits(worths.map((one) => one.most)) ? null : false;
  return answer(value, firstDifferent(limits(worths, value, findings)));
}

/** What is false for good explains a no; what may still turn out well explains that it cannot be told. */
function* limits(worths, value, findings) {
  for (const [back, one] of worths.entries()) {
    if (value === false ? one.most !== FULL : one.most !== one.least) yield* findings(back);
  }
}

function answerRun(rule, shown) {
  return judged(
    shown.worths(rule, rule.months),
    (values) => isUnbroken(values, rule.counting.back),
    (back) => shown.findings(rule, back),
  );
}

function isUnbroken(values, back) {
  return !values.includes(NOT) && howMany(values, BACK) <= Math.max(back, 0);
}

function howMany(values, wanted) {
  return values.filter((value) => value === wanted).length;
}

function answerCount(rule, shown) {
  const worths = shown.worths(rule, Math.max(rule.window, rule.gapWindow));
  const fits = (values) => {
    const inside = values.slice(0, rule.window);
    const counted = howMany(inside, FULL) + Math.min(howMany(inside, BACK), Math.max(rule.counting.back, 0));
    return counted >= rule.months && gapsFit(values.slice(0, rule.gapWindow), rule);
  };
  const found = judged(worths, fits, (back) => shown.findings(rule, back));
  return found.value === true || found.findings.length ? found : answer(found.value, [tooFew(worths, rule)]);
}

function gapsFit(values, rule) {
  let [total, longest, current] = [0, 0, 0];
  for (const value of values) {
    current = value === NOT ? current + 1 : 0;
    total += value === NOT ? 1 : 0;
    longest = Math.max(longest, current);
  }
  const isWithinTotal = rule.maxGapTotal === null || total <= rule.maxGapTotal;
  return isWithinTotal && (rule.maxGapSingle === null || longest <= rule.maxGapSingle);
}

function tooFew(worths, rule) {
  const have = worths.slice(0, rule.window).filter((one) => one.most === FULL).length;
  return finding(Cause.TOO_FEW, { need: rule.months, have });
}

function answerTotal(rule, shown) {
  const bounds = rule.kinds.kinds.map((kind) => totalOf(rule, kind, shown));
  const nth = (values) => values.sort((left, right) => right - left)[rule.kinds.atLeast - 1];
  const [least, most] = [nth(bounds.map(([low]) => low)), nth(bounds.map(([, high]) => high))];
  if (least >= rule.months) return TRUE;
  const value = most < rule.months ? false : null;
  const [kind] = rule.kinds.kinds;
  const open = shown.claims(`months.${kind}`).length ? Cause.ELSEWHERE : Cause.NOT_SHOWN;
  const cause = value === false ? Cause.TOO_FEW : open;
  return answer(value, [finding(cause, { kind, need: rule.months, have: least })]);
}

/** Months at least and at most. Two bureaus may both count a month, so their totals are not added up. */
function totalOf(rule, kind, shown) {
  const extraNames = [...(rule.deemed ? ["deemed"] : []), ...(rule.moved ? ["moved"] : [])];
  let [low, isExact] = [0, true];
  for (const { claims } of shown.facts) {
    const months = claims.get(`months.${kind}`);
    const proved = claims.get(`ge.total.${kind}`) ?? 0;
    const extra = extraNames.map((name) => claims.get(`${name}.${kind}`));
    isExact &&= months !== undefined && !extra.includes(undefined);
    const more = extra.reduce((sum, value) => sum + (value ?? 0), 0);
    low = Math.max(low, Math.max(months ?? 0, proved) + more);
  }
  low = Math.max(low, shown.months.paid(kind));
  return [low, isExact && shown.here ? low : NO_LIMIT];
}

function answerEmployer(rule, shown) {
  const last = shown.lastMonth(rule.end);
  const payers = paidBy(rule, shown, last);
  const worths = shown
    .worths(rule, rule.months)
    .map((month, at) => worth(Math.min(month.least, payers[at].least), Math.min(month.most, payers[at].most)));
  const findings = (back) => {
    const { cause } = payers[back];
    const ofPayer = cause === null ? [] : [finding(cause, { month: last - back })];
    return [...shown.findings(rule, back), ...ofPayer];
  };
  return judged(worths, (values) => isUnbroken(values, rule.counting.back), findings);
}

/** Per month, newest first: whether the shown employer is one of those asked for, and was in it already. */
function paidBy(rule, shown, last) {
  const stretches = shown.facts
    .filter((facts) => facts.claims.has("employer"))
    .map((facts) => {
      const [uscc, , since] = facts.claims.get("employer");
      return { isAsked: rule.usccs.includes(uscc), since: monthIndex(since), cutOff: monthIndex(facts.cutOff) };
    });
  const other = worth(NOT, shown.mayBeFalse("employer") ? NOT : FULL, Cause.OTHER_EMPLOYER);
  const noneShown = worth(NOT, FULL, Cause.NO_EMPLOYER_SHOWN);
  return Array.from({ length: rule.months }, (_, back) => {
    const month = last - back;
    const known = stretches.filter((one) => month <= one.cutOff);
    if (known.some((one) => one.isAsked && one.since <= month)) return SURE;
    return known.length ? other : noneShown;
  });
}

function answerStatus(rule, shown) {
  return perKind(rule.kinds, shown, "status", (value) => value === rule.value, Cause.STATUS, rule.value);
}

function answerBase(rule, shown) {
  return perKind(rule.kinds, shown, "base_avg12", (value) => value >= rule.atLeast, Cause.LOW, rule.atLeast);
}

function perKind(kinds, shown, name, holds, cause, need) {
  const answers = kinds.kinds.map((kind) => {
    const values = shown.claims(`${name}.${kind}`);
    if (values.some(holds)) return TRUE;
    if (!values.length) return answer(null, [finding(Cause.NOT_SHOWN, { kind })]);
    return answer(shown.mayBeFalse(`${name}.${kind}`) ? false : null, [finding(cause, { kind, need })]);
  });
  return atLeast(kinds.atLeast, answers);
}

const PRIMITIVES = Object.freeze({
  RUN: answerRun,
  COUNT: answerCount,
  TOTAL: answerTotal,
  EMPLOYER: answerEmployer,
  STATUS: answerStatus,
  BASE: answerBase,
});
