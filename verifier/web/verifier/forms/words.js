/** The words of a filled form that its template does not say. */

export { FORM_WORDS } from "../../generated/sentences.js";
