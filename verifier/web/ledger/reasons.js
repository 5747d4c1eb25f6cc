/** What the stable words of refusals mean for a verdict (ledger/reasons.py); the words themselves are plain strings. */

import { VERDICTS } from "../generated/reasons.js";

export const Verdict = Object.freeze({ NO: "no", CANNOT_TELL: "cannot_tell", NOTE: "note" });

/** The verdict of a step that ends in `reason`. "No" and "cannot tell" never share a code. */
export function verdictOf(reason) {
  return VERDICTS[reason];
}
