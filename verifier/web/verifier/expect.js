/** What a verifier expects to see. There is no default and no mode without checks. */

import { FOLDED } from "../generated/characters.js";

const DOTS = /[\u2022\u2027\u22c5\u30fb\uff65]/gu; // for the one of names, U+00B7
const SPACES = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/gu;

const folded = new Map(
  FOLDED.split(" ").map((pair) => {
    const [letter, parts] = pair.split("=");
    return [characterOf(letter), parts.split(".").map(characterOf).join("")];
  }),
);

/**
 * An answer to this request: its bytes, and whom the organisation asked if it knows that, kept on its side, sent to
 * nobody: { name, idTail }, each or both null; `idTail` are the last four characters of the ID number.
 */
export class Asked {
  constructor(request, subject = null) {
    Object.assign(this, { request, subject });
    Object.freeze(this);
  }
}

/** A paper copy: authentic at most, and to be compared with an identity document. */
class Static {}

export const STATIC = Object.freeze(new Static());

/**
 * An answer that was filed: its dates, status and policies are judged as of its day, by what was filed; keys, directory
 * and log by what the trust bundle knows today, so that what was found out since counts.
 *
 * `shown` is what was expected then (Asked or STATIC), `time` POSIX seconds, `filed` { proofs, statusTokens, policies }:
 * Maps by `placeKey` of log and index, of authority and number, and by policy id.
 */
export class Archive {
  constructor(shown, time, filed) {
    Object.assign(this, { shown, time, filed });
    Object.freeze(this);
  }
}

/** Whether `expect` is one of the three. */
export function isExpectation(expect) {
  return expect instanceof Asked || expect === STATIC || expect instanceof Archive;
}

/** Two numbers as one key of a Map. */
export function placeKey(first, second) {
  return `${first}/${second}`;
}

/** What is known of the person, by the name of the claim that must agree. */
export function subjectClaims(subject) {
  const known = subject === null ? [] : [["name", subject.name], ["id_tail", subject.idTail]];
  return known.filter(([, value]) => value !== null && value !== undefined);
}

/** Whether two spellings are of one name or number: spaces, letter case and the kind of middle dot do not count. */
export function sameText(left, right) {
  return plain(left) === plain(right);
}

function plain(text) {
  const joined = text.normalize("NFC").replace(SPACES, "").replace(DOTS, "\u00b7");
  return Array.from(joined, (letter) => folded.get(letter) ?? letter.toLowerCase()).join("");
}

function characterOf(hexPoint) {
  return String.fromCodePoint(Number.parseInt(hexPoint, 16));
}
