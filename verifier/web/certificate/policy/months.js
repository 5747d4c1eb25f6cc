/**
 * What shown strips say about one month: the least and the most it can be worth to a rule, and why.
 *
 * A month is worth FULL when it counts, BACK when it counts only against an allowance for back payments, and NOT
 * otherwise. While something is not shown, not posted or paid elsewhere, the least and the most differ. Each state a
 * month may have is worth something fixed, so what is learned later can only bring the two together.
 *
 * A worth is { least, most, cause }, a finding { cause, kind, month, need, have }: one cause, where (kind "", month null
 * if that makes no sense) and how much.
 */

import { KIND_BY_ID } from "../kinds.js";
import { STRIP_YEARS } from "../slots.js";
import { ALL_BACK, monthIndex } from "./language.js";

export const NOT = 0;
export const BACK = 1;
export const FULL = 2;

const LATE_GRACE = 1; // months that an on-time payment may come after its own
const ON_TIME = 1;
const OTHERWISE = 3;
const FOREVER = 10 ** 9;
const PRIORITY = [0, 3, 1, 2]; // of the states: none, on time, back-paid, counted otherwise

/** Why a month, or a rule, is not simply true. The words stand in `wording`. */
export const Cause = Object.freeze({
  GAP: "gap",
  BACK_PAID: "back_paid",
  OTHERWISE: "otherwise",
  ELSEWHERE: "elsewhere",
  NOT_SETTLED: "not_settled",
  AFTER_CUT_OFF: "after_cut_off",
  NOT_SHOWN: "not_shown",
  POSTED_LATER: "posted_later",
  NO_EMPLOYER_SHOWN: "no_employer_shown",
  YEARLY: "yearly",
  OTHER_EMPLOYER: "other_employer",
  TOO_FEW: "too_few",
  STATUS: "status",
  LOW: "low",
  TOO_OLD: "too_old",
  OTHER_REGION: "other_region",
  NOT_VALID: "not_valid",
});

export const SURE = worth(FULL, FULL);
const OPEN = Object.fromEntries(
  ["YEARLY", "AFTER_CUT_OFF", "NOT_SHOWN", "NOT_SETTLED", "ELSEWHERE"].map((name) => [name, worth(NOT, FULL, Cause[name])]),
);
const NO_PAYMENT = worth(NOT, NOT, Cause.GAP);

/** What a month is worth at least and at most, and for one kind the cause that keeps the least from FULL. */
export function worth(least, most, cause = null) {
  return Object.freeze({ least, most, cause });
}

/** One cause that keeps an answer from true. */
export function finding(cause, { kind = "", month = null, need = null, have = null } = {}) {
  return Object.freeze({ cause, kind, month, need, have });
}

/**
 * The months that some certificates of one person show together; each year is read once, however often it is asked.
 *
 * `here`: these certificates are all that the question is about.
 */
export class ShownMonths {
  #facts;
  #here;
  #newest;
  #years = new Map();
  #settled = new Map();
  #paid = new Map();
  #employed = null;

  constructor(facts, { here }) {
    this.#facts = facts;
    this.#here = here;
    this.#newest = Math.max(...facts.map((shown) => monthIndex(shown.cutOff)));
  }

  /** What the `size` months up to the index `last` are worth, newest first. */
  worths(kinds, last, size, counting) {
    const sureUntil = sureUntilOf(counting);
    const months = Array.from({ length: size }, (_, back) => last - back);
    const rows = kinds.kinds.map((kind) => months.map((month) => this.#worth(kind, month, counting, sureUntil)));
    if (rows.length === 1) return rows[0];
    return months.map((_, at) => ofKinds(rows.map((row) => row[at]), kinds.atLeast));
  }

  /** What keeps the month from being worth FULL, kind by kind. */
  findings(kinds, month, counting) {
    const sureUntil = sureUntilOf(counting);
    return kinds.kinds
      .map((kind) => [kind, this.#worth(kind, month, counting, sureUntil).cause])
      .filter(([, cause]) => cause !== null)
      .map(([kind, cause]) => finding(cause, { kind, month: cause === Cause.YEARLY ? null : month }));
  }

  /** How many different months any shown strip says were paid, on time or later. */
  paid(kind) {
    if (!this.#paid.has(kind)) this.#paid.set(kind, this.#countPaid(kind));
    return this.#paid.get(kind);
  }

  #countPaid(kind) {
    const found = new Set();
    for (const shown of this.#facts) {
      for (let back = 0; back < STRIP_YEARS; back += 1) {
        const strip = shown.claims.get(`strip.${kind}.-${back}`);
        if (strip === undefined) continue;
        const year = Math.floor(shown.cutOff / 100) - back;
        for (let month = 0; month < 12; month += 1) {
          const state = stateIn(strip, month);
          if (state !== 0 && state !== OTHERWISE) found.add(year * 12 + month);
        }
      }
    }
    return found.size;
  }

  #worth(kind, month, counting, sureUntil) {
    const year = Math.floor(month / 12);
    const known = this.#year(kind, year)[month - 12 * year];
    if (known === null) return this.#unknown(kind, month);
    const { state, cutOff } = known;
    if (state === ON_TIME && month <= sureUntil) return SURE;
    if (state === 0) return this.#unpaid(kind, month);
    const [value, cause] = valueOf(state, counting);
    const most = this.#here ? value : FULL;
    if (value !== NOT && postedInDoubt(state, cutOff, month, counting)) return worth(NOT, most, Cause.POSTED_LATER);
    if (value !== NOT && !counting.flexible && !this.#hasEmployer(month)) {
      return worth(NOT, most, Cause.NO_EMPLOYER_SHOWN);
    }
    return worth(value, most, cause);
  }

  #unknown(kind, month) {
    if (KIND_BY_ID.get(kind).yearly) return OPEN.YEARLY;
    return month > this.#newest ? OPEN.AFTER_CUT_OFF : OPEN.NOT_SHOWN;
  }

  #unpaid(kind, month) {
    if (!this.#settled.has(kind)) {
      const settled = this.#facts.map((shown) => shown.claims.get(`settled.${kind}`)).filter((at) => at !== undefined);
      this.#settled.set(kind, settled.length ? Math.max(...settled.map(monthIndex)) : null);
    }
    const until = this.#settled.get(kind);
    if (until === null) return OPEN.NOT_SHOWN;
    if (month > until) return OPEN.NOT_SETTLED;
    return this.#here ? NO_PAYMENT : OPEN.ELSEWHERE;
  }

  /** The best state of each month of a year that a shown strip gives, and the earliest cut-off that gives it. */
  #year(kind, year) {
    const key = `${kind} ${year}`;
    const known = this.#years.get(key);
    if (known !== undefined) return known;
    const found = new Array(12).fill(null);
    this.#years.set(key, found);
    for (const shown of KIND_BY_ID.get(kind).yearly ? [] : this.#facts) {
      const cutOff = monthIndex(shown.cutOff);
      const strip = shown.claims.get(`strip.${kind}.-${Math.floor(cutOff / 12) - year}`);
      if (strip !== undefined) unite(found, strip, cutOff, cutOff - 12 * year);
      const [first, last] = inProvedRun(shown, kind, year);
      for (let month = first; month <= last; month += 1) uniteOne(found, month % 12, ON_TIME, cutOff);
    }
    return found;
  }

  #hasEmployer(month) {
    this.#employed ??= this.#facts.flatMap(employed);
    return this.#employed.some(([first, last]) => first <= month && month <= last);
  }
}

/** The month index up to which a month that was paid on time counts, whatever else is shown. */
function sureUntilOf(counting) {
  if (!counting.flexible) return -1;
  return counting.postedBy === null ? FOREVER : monthOf(counting.postedBy) - LATE_GRACE;
}

/** What one month is worth, from what it is worth for each kind. */
function ofKinds(worths, atLeast) {
  const nth = (values) => values.sort((left, right) => right - left)[atLeast - 1];
  return worth(nth(worths.map((one) => one.least)), nth(worths.map((one) => one.most)));
}

/** Take a strip of a certificate into the states; it knows nothing of months after the `newest` of the year. */
function unite(states, strip, cutOff, newest) {
  for (let month = 0; month <= Math.min(11, newest); month += 1) uniteOne(states, month, stateIn(strip, month), cutOff);
}

function uniteOne(states, month, state, cutOff) {
  const known = states[month];
  const isBetter = known === null || PRIORITY[state] > PRIORITY[known.state];
  const isEarlier = known !== null && state === known.state && cutOff < known.cutOff;
  if (isBetter || isEarlier) states[month] = { state, cutOff };
}

/** The state of a month of the year, 0 to 11, in a strip of 3 bytes: January in the lowest two bits. */
function stateIn(strip, month) {
  return (strip[2 - (month >> 2)] >> (2 * (month & 3))) & 3;
}

/**
 * The first and last month of a year that a threshold proof says were paid on time.
 *
 * The run ends somewhere from the settled month to the cut-off. Of at least k months these are in it wherever it ends.
 */
function inProvedRun(facts, kind, year) {
  const [run, settled] = [facts.claims.get(`ge.run.${kind}`), facts.claims.get(`settled.${kind}`)];
  if (run === undefined || settled === undefined) return [0, -1];
  const cutOff = monthIndex(facts.cutOff);
  const last = Math.min(monthIndex(settled), cutOff);
  return [Math.max(cutOff - run + 1, 12 * year), Math.min(last, 12 * year + 11)];
}

function valueOf(state, counting) {
  if (state === ON_TIME) return [FULL, null];
  if (state === OTHERWISE) return counting.otherwise ? [FULL, null] : [NOT, Cause.OTHERWISE];
  if (counting.back === ALL_BACK) return [FULL, null];
  return [counting.back ? BACK : NOT, Cause.BACK_PAID];
}

/** Strips do not say when money arrived: by the cut-off for sure, and on time within the grace. */
function postedInDoubt(state, cutOff, month, counting) {
  if (counting.postedBy === null) return false;
  const by = monthOf(counting.postedBy);
  return cutOff > by && (state !== ON_TIME || month + LATE_GRACE > by);
}

function monthOf(day) {
  return monthIndex(Number(day.slice(0, 4)) * 100 + Number(day.slice(5, 7)));
}

/** First and last month of each stretch that is shown with an employer. */
function employed(facts) {
  const found = [];
  const employer = facts.claims.get("employer");
  if (employer !== undefined) found.push([monthIndex(employer[2]), monthIndex(facts.cutOff)]);
  for (const [name, value] of facts.claims) {
    if (name.startsWith("spells.")) found.push([monthIndex(value[1]), monthIndex(value[2])]);
  }
  return found;
}
