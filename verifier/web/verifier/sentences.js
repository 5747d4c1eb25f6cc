/** The report's own words in both languages. Sentences for reasons stand in `certificate/texts`. */

export { PHRASES, STEP_OK } from "../generated/sentences.js";
