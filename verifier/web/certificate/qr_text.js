/**
 * How objects travel as text (DESIGN 3.5): QR text in base45, and base64url in a file.
 *
 *     TS1:...     a presentation or a paper certificate       TSQ1:...    a request
 *     0o...       the same bytes in base64url without padding; every object begins with the bytes d2 84, hence "0o"
 *
 * Each object has one text in each form. A QR code never holds a link.
 */

import { FormatError } from "../ledger/errors.js";
import { decodeBase45, encodeBase45 } from "./base45.js";

export const MAX_BYTES = 65_536;
const PREFIX = "TS1:";
const REQUEST_PREFIX = "TSQ1:";
const FILE_START = "0o";
const TAG_18 = 0xd2;
const BASE64URL = /^[A-Za-z0-9_-]*$/;

/** The QR text of a presentation or paper certificate. */
export function encodeQrText(data) {
  return PREFIX + encodeBase45(data);
}

/** The QR text of a request. */
export function encodeRequestText(data) {
  return REQUEST_PREFIX + encodeBase45(data);
}

/** The file form of any object: base64url without padding, without a line end. */
function encodeFileText(data) {
  return btoa(latin1(data)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The bytes behind the file form. Throws FormatError `enc.base64_noncanonical`. */
export function decodeFileText(text) {
  if (!BASE64URL.test(text) || text.length % 4 === 1) {
    throw new FormatError("enc.base64_noncanonical", "not base64url without padding");
  }
  const data = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  if (encodeFileText(data) !== text) throw new FormatError("enc.base64_noncanonical", "unused bits are set");
  return data;
}

/**
 * The bytes of a presentation or certificate, given (as bytes) as QR text, as file text or as they are.
 *
 * Throws FormatError `enc.too_large`, `enc.prefix_unknown`, `enc.base45_invalid`, `enc.base64_noncanonical`.
 */
export function decodeAny(data) {
  return decode(data, PREFIX);
}

/** The bytes of a request in any of its forms. Throws as `decodeAny`. */
export function decodeAnyRequest(data) {
  return decode(data, REQUEST_PREFIX);
}

function decode(data, prefix) {
  if (data.length > MAX_BYTES) throw new FormatError("enc.too_large", `${data.length} bytes, at most ${MAX_BYTES}`);
  if (data[0] === TAG_18) return data;
  const text = latin1(data); // what is not ASCII is refused below, each form by its own alphabet
  return text.startsWith(FILE_START) ? decodeFileText(text) : decodeBase45Text(text, prefix);
}

function decodeBase45Text(text, prefix) {
  if (text.length > MAX_BYTES && [...text].length > MAX_BYTES) {
    throw new FormatError("enc.too_large", `more than ${MAX_BYTES} characters`);
  }
  if (!text.startsWith(prefix)) throw new FormatError("enc.prefix_unknown", `no ${prefix}`);
  return decodeBase45(text.slice(prefix.length));
}

function latin1(data) {
  let text = "";
  for (const byte of data) text += String.fromCharCode(byte);
  return text;
}
