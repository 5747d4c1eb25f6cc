/** SHA-256 and the few operations on byte strings (Uint8Array) that every module shares. */

import { sha256Now } from "./sha256.js";

const FEW = 1024; // bytes up to which hashing here is quicker than asking WebCrypto

/** SHA-256 over the chunks one after the other: 32 bytes. */
export async function sha256(...chunks) {
  const data = chunks.length === 1 ? chunks[0] : concat(...chunks);
  return data.length <= FEW ? sha256Now(data) : new Uint8Array(await crypto.subtle.digest("SHA-256", data));
}

/** The chunks one after the other, copied. */
export function concat(...chunks) {
  let size = 0;
  for (const chunk of chunks) size += chunk.length;
  const all = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** Whether two byte strings are the same. */
export function bytesEqual(left, right) {
  return left.length === right.length && compareBytes(left, right) === 0;
}

/** Bytewise order, a prefix before what it begins: negative, 0 or positive. */
export function compareBytes(left, right) {
  const shared = Math.min(left.length, right.length);
  for (let i = 0; i < shared; i += 1) {
    if (left[i] !== right[i]) return left[i] - right[i];
  }
  return left.length - right.length;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Lowercase hexadecimal; also the form in which a byte string is a key of a Map or Set. */
export function hex(data) {
  let text = "";
  for (const byte of data) text += HEX[byte];
  return text;
}

/** The bytes of lowercase or uppercase hexadecimal written by this program, not by a stranger. */
export function fromHex(text) {
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

const UTF8 = new TextEncoder();

/** UTF-8 of a text without lone surrogates. */
export function utf8(text) {
  return UTF8.encode(text);
}
