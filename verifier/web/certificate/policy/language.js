/**
 * What a policy says, as values (DOMAIN section 6). A rule is a tree of five primitives, a wage test, and/or/k-of.
 *
 * Months are counted as year * 12 + month - 1; amounts are fen; days are texts "YYYY-MM-DD".
 *
 *   kinds      { kinds, atLeast }                    in a month, at least so many of these kinds
 *   end        { month, lag }                        the last month looked at: a fixed one, or so many before the cut-off
 *   counting   { back, otherwise, postedBy, flexible }
 *              back: how many back-paid months may count, 0 none; otherwise: whether state 3 counts;
 *              postedBy: the money must have arrived by this day, or null; flexible: whether months without an employer count
 *   RUN        { type, kinds, months, end, counting }
 *   COUNT      { type, kinds, months, window, end, counting, gapWindow, maxGapTotal, maxGapSingle }
 *   TOTAL      { type, kinds, months, deemed, moved }
 *   EMPLOYER   { type, kinds, months, usccs, end, counting }
 *   STATUS     { type, kinds, value }
 *   BASE       { type, kinds, atLeast }
 *   COMBINED   { type, atLeast, parts }              all of the parts is `and`, one is `or`
 */

export const ALL_BACK = -1; // back-paid months count, however many

/** One policy file, read and checked; fields as in certificate/policy/language.py. */
export class Policy {
  constructor(fields) {
    Object.assign(this, fields);
    Object.freeze(this);
  }

  title(language) {
    return language === "zh" ? this.titleZh : this.titleEn;
  }
}

/** The primitives of a rule, left to right. */
export function leaves(rule) {
  return rule.type === "COMBINED" ? rule.parts.flatMap(leaves) : [rule];
}

/** The index of a month YYYYMM. */
export function monthIndex(month) {
  return Math.floor(month / 100) * 12 + (month % 100) - 1;
}

/** A month for people: 2026-10. */
export function monthText(index) {
  const year = String(Math.floor(index / 12)).padStart(4, "0");
  return `${year}-${String((index % 12) + 1).padStart(2, "0")}`;
}
