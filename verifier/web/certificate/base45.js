/**
 * base45 (RFC 9285), strict: the text QR codes carry most densely in their alphanumeric mode.
 *
 * Two bytes become three letters, a single last byte two. Every byte string has one text, and a text that is no such
 * text is refused: lower case, other lengths, groups above 65,535 or 255.
 */

import { FormatError } from "../ledger/errors.js";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const VALUES = new Map([...ALPHABET].map((letter, value) => [letter.charCodeAt(0), value]));

/** The base45 text of `data`. */
export function encodeBase45(data) {
  let text = "";
  for (let at = 0; at < data.length; at += 2) {
    const isPair = at + 1 < data.length;
    let rest = isPair ? data[at] * 256 + data[at + 1] : data[at];
    for (let letters = isPair ? 3 : 2; letters; letters -= 1) {
      text += ALPHABET[rest % 45];
      rest = Math.floor(rest / 45);
    }
  }
  return text;
}

/** The bytes of a base45 text. Throws FormatError `enc.base45_invalid`. */
export function decodeBase45(text) {
  const rest = text.length % 3;
  if (rest === 1) throw invalid(text);
  const data = new Uint8Array(((text.length - rest) / 3) * 2 + (rest === 2 ? 1 : 0));
  let at = 0;
  for (let start = 0; start < text.length; start += 3) {
    const isPair = start + 2 < text.length;
    const group = value(text, start) + 45 * value(text, start + 1) + (isPair ? 2025 * value(text, start + 2) : 0);
    if (group > (isPair ? 0xffff : 0xff)) throw invalid(text);
    if (isPair) data[at++] = group >> 8;
    data[at++] = group & 0xff;
  }
  return data;
}

function value(text, at) {
  const found = VALUES.get(text.charCodeAt(at));
  if (found === undefined) throw invalid(text);
  return found;
}

function invalid(text) {
  return new FormatError("enc.base45_invalid", `in a text of ${text.length} characters`);
}
