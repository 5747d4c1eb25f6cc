/**
 * Texts that people will see: what they may contain, so that nobody is fooled by what is invisible or looks alike.
 *
 * Characters are told apart by tables of the Python side, not by the browser's: each browser has another Unicode.
 */

import { FORBIDDEN, MARKS, SCRIPTS } from "../generated/characters.js";
import { FormatError } from "../ledger/errors.js";
import { inRanges, parseRanges } from "./ranges.js";

const MAX_MARKS = 4; // combining marks on one base letter; Vietnamese and Indic names need two
// Marks and fillers that show nothing: grapheme joiner, Hangul fillers, Khmer inherent vowels, Mongolian and other
// variation selectors, the empty Braille pattern. With one of them two names look the same.
const INVISIBLE =
  /[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\u{e0100}-\u{e01ef}]/u;
// ASCII and the everyday Han range: printable, in NFC by construction, without marks. Nearly all names end here.
const INNER = " -~\\u4e00-\\u9fff\\uff08\\uff09\\u3001\\u00b7";
const OUTER = INNER.replace(" -~", "!-~");
const PLAIN = new RegExp(`^[${OUTER}](?:[${INNER}]*[${OUTER}])?$`, "u");
const SPACE_AT_AN_END = /^[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]|[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]$/u;
const FULL_WIDTH = /[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]/u;

const forbidden = parseRanges(FORBIDDEN);
const marks = parseRanges(MARKS);
const scripts = Object.values(SCRIPTS).map(parseRanges);

/**
 * Throw FormatError unless `text` may be shown to people.
 *
 * `schema.field_missing` (empty), `schema.text_too_long` (code points, or combining marks on one letter),
 * `schema.text_forbidden_char`, `schema.text_not_nfc`.
 */
export function checkDisplayText(text, { maxCodePoints = 128 } = {}) {
  if (!text) throw new FormatError("schema.field_missing", "an empty text");
  const points = Array.from(text, (character) => character.codePointAt(0));
  if (points.length > maxCodePoints) {
    throw new FormatError("schema.text_too_long", `${points.length} code points, at most ${maxCodePoints}`);
  }
  if (PLAIN.test(text)) return;
  const hidden = points.find((point) => inRanges(forbidden, point)) ?? text.match(INVISIBLE)?.[0].codePointAt(0);
  if (hidden !== undefined) throw new FormatError("schema.text_forbidden_char", `U+${nameOf(hidden)}`);
  if (SPACE_AT_AN_END.test(text)) {
    throw new FormatError("schema.text_forbidden_char", "space at the start or the end");
  }
  if (longestRunOfMarks(points) > MAX_MARKS) {
    throw new FormatError("schema.text_too_long", `more than ${MAX_MARKS} marks on one letter`);
  }
  if (text.normalize("NFC") !== text) throw new FormatError("schema.text_not_nfc", "not in normalization form C");
}

/**
 * `schema.text_confusable` for a text that mixes like-looking scripts or uses full-width letters or digits, else null.
 *
 * Such a text is shown with a warning: it may be a rare but honest name, and it never counts as a match.
 */
export function confusableWarning(text) {
  if (PLAIN.test(text)) return null;
  const points = Array.from(text, (character) => character.codePointAt(0));
  const mixed = scripts.filter((script) => points.some((point) => inRanges(script, point)));
  return mixed.length > 1 || FULL_WIDTH.test(text) ? "schema.text_confusable" : null;
}

function longestRunOfMarks(points) {
  let [longest, run] = [0, 0];
  for (const point of points) {
    run = inRanges(marks, point) ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest;
}

function nameOf(point) {
  return point.toString(16).toUpperCase().padStart(4, "0");
}
