/**
 * What a text from a keyboard, a clipboard or a file says (certificate/qr_text.py), and what happened to it on its way.
 *
 *     TS1:…   0o…     an answer or a paper certificate
 *     TSQ1:…          a request: somebody held the stand's own code before the scanner
 *
 * base45 has capital letters, digits, spaces and $%*+-./: only, so three kinds of damage can be undone without a doubt:
 * letters that came as small ones, full-width or Chinese characters that an input method put in the place of ASCII, and
 * spaces that were trimmed from the end or collapsed. Whether the outcome is what was signed is for the signatures.
 */

import { decodeBase45 } from "../certificate/base45.js";
import { decodeCbor, Tagged } from "../ledger/cbor.js";
import { decodeFileText } from "../certificate/qr_text.js";

export const MAX_LETTERS = 131_072; // of one text: longer than any object

const SHOWN = "TS1:";
const ASKED = "TSQ1:";
const FILE = "0o";
const FULL_WIDTH = /[\uff01-\uff5e]/g;
const CHINESE = new Map([
  ["\u3000", " "],
  ["\u00a0", " "],
  ["\u3002", "."],
  ["\u3001", "/"],
  ["\uffe5", "$"],
  ["\u00a5", "$"],
  ["\u2014", "-"],
  ["\u2212", "-"],
]);
const MOST_LOST = 4; // spaces; each has a chance of one in 2,025 at every place of the text
const MOST_TRIES = 60_000;
const MOST_CANDIDATES = 40;

/**
 * Read one text. The result is one of
 *   {kind: "shown", candidates: [Uint8Array, …], mended: [word, …]}   the text of an answer; several when spaces were
 *       lost in a place where only the signature tells how many: try them in this order
 *   {kind: "asked"}                    a request
 *   {kind: "broken", mended}           ours by its beginning, and no object by its end
 *   {kind: "foreign"}                  something else
 * The words: "letter_case", "full_width", "line_breaks", "spaces".
 */
export function readText(raw) {
  if (raw.length > MAX_LETTERS) return { kind: "foreign" };
  const mended = [];
  const whole = raw.replace(/^[\s\ufeff]+/, "").replace(/[\r\n\t]+$/, "");
  if (whole.startsWith(FILE)) return readFileText(whole.trimEnd());
  const ascii = noted(mended, "full_width", whole, toAscii(whole));
  const text = noted(mended, "letter_case", ascii, /^ts/i.test(ascii) ? ascii.toUpperCase() : ascii);
  if (text.startsWith(ASKED)) return { kind: "asked" };
  if (!text.startsWith(SHOWN)) return { kind: "foreign" };
  const [body, changes] = mendBody(text.slice(SHOWN.length));
  mended.push(...changes);
  if (body.length === 0) return { kind: "broken", mended };
  return { kind: "shown", candidates: body.map((each) => latin1Bytes(SHOWN + each)), mended };
}

/** The texts that stand in a longer one (a mail, a list): each beginning opens a new one, other lines go on with it. */
export function splitTexts(raw) {
  const texts = [];
  for (const line of raw.split(/\r\n|\r|\n/)) {
    if (/^\s*(?:TS1:|TSQ1:|0o)/i.test(toAscii(line)) || texts.length === 0) texts.push(line);
    else if (line.trim() !== "") texts[texts.length - 1] += `\n${line}`;
  }
  return texts.filter((text) => text.trim() !== "");
}

function readFileText(text) {
  const joined = text.replace(/\s+/g, "");
  const mended = joined === text ? [] : ["line_breaks"];
  try {
    return isObject(decodeFileText(joined))
      ? { kind: "shown", candidates: [latin1Bytes(joined)], mended }
      : { kind: "broken", mended };
  } catch {
    return { kind: "broken", mended };
  }
}

/** [what the letters behind the mark may have been, what was done to them]. */
function mendBody(body) {
  if (isWhole(body)) return [[body], []];
  if (/[\r\n\t]/.test(body)) {
    for (const joint of ["", " "]) {
      const joined = body.replace(/[\r\n\t]+/g, joint);
      if (isWhole(joined)) return [[joined], ["line_breaks"]];
    }
  }
  const found = withSpaces(body.replace(/[\r\n\t]+/g, ""));
  return [found, found.length > 0 ? ["spaces"] : []];
}

/** The whole objects one gets by putting back one to four spaces: beside those that are there, or at the end. */
function withSpaces(body) {
  const gaps = [...body.matchAll(/ +/g)].map((gap) => gap.index);
  const places = [...gaps, body.length];
  let tries = 0;
  for (let lost = 1; lost <= MOST_LOST; lost += 1) {
    if ((body.length + lost) % 3 === 1) continue; // no base45 text has such a length
    const found = [];
    for (const chosen of choices(places, lost)) {
      tries += 1;
      if (tries > MOST_TRIES) return found;
      const text = inserted(body, chosen);
      if (isWhole(text)) found.push(text);
      if (found.length >= MOST_CANDIDATES) return found;
    }
    if (found.length > 0) return found;
  }
  return [];
}

/** All rising choices of `count` of `places`, repetitions allowed; the last places first: the end is trimmed most often. */
function* choices(places, count, from = places.length - 1) {
  if (count === 0) {
    yield [];
    return;
  }
  for (let at = from; at >= 0; at -= 1) {
    for (const rest of choices(places, count - 1, at)) yield [...rest, places[at]];
  }
}

function inserted(body, places) {
  let text = "";
  let from = 0;
  for (const place of places) {
    text += `${body.slice(from, place)} `;
    from = place;
  }
  return text + body.slice(from);
}

function isWhole(body) {
  if (!groupsFit(body)) return false;
  try {
    return isObject(decodeBase45(body));
  } catch {
    return false;
  }
}

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const VALUES = new Int8Array(128).fill(-1);
[...ALPHABET].forEach((letter, value) => (VALUES[letter.charCodeAt(0)] = value));

/** Whether each group of three is at most 65,535: most wrong places fail here, long before an exception is made. */
function groupsFit(body) {
  if (body.length % 3 === 1) return false;
  for (let at = 0; at + 2 < body.length; at += 3) {
    const [a, b, c] = [valueAt(body, at), valueAt(body, at + 1), valueAt(body, at + 2)];
    if (a < 0 || b < 0 || c < 0 || a + 45 * b + 2025 * c > 0xffff) return false;
  }
  return true;
}

function valueAt(text, at) {
  const code = text.charCodeAt(at);
  return code < 128 ? VALUES[code] : -1;
}

/** One COSE_Sign1 and nothing behind it; the steps look closer. */
function isObject(bytes) {
  try {
    const item = decodeCbor(bytes);
    return item instanceof Tagged && Number(item.tag) === 18 && Array.isArray(item.value) && item.value.length === 4;
  } catch {
    return false;
  }
}

function toAscii(text) {
  const narrow = text.replace(FULL_WIDTH, (letter) => String.fromCharCode(letter.charCodeAt(0) - 0xfee0));
  return Array.from(narrow, (letter) => CHINESE.get(letter) ?? letter).join("");
}

function noted(mended, word, before, after) {
  if (before !== after) mended.push(word);
  return after;
}

function latin1Bytes(text) {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}
