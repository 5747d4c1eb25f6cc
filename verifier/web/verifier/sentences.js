/** The report's own words in both languages. Sentences for reasons stand in `certificate/texts`. */

export { OUTCOMES, PHRASES, STEP_OK, STEP_TITLES } from "../generated/sentences.js";
