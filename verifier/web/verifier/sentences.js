/** The report's own words in both languages. Sentences for reasons stand in `certificate/texts`. */

import { atLeastText, formatValue } from "../certificate/texts.js";

/** A shown claim's value for people; of a threshold commitment, what was shown of it. */
export function disclosedText(report, disclosure, claim, language) {
  const opening = report.openings.find(({ slot }) => slot === disclosure.slot);
  return opening === undefined
    ? formatValue(claim, disclosure.value, language)
    : atLeastText(opening.atLeast, language);
}

export { PHRASES, STEP_OK } from "../generated/sentences.js";
