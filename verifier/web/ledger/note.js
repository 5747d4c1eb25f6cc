/**
 * Signed notes (C2SP signed-note): a text, and lines that say who signed it. One note has one spelling.
 *
 * Stricter than the specification where it leaves room: no C1 controls, no line or paragraph separators, no signature
 * line twice. Which signatures count is decided where the trust is: `trust_policy.js`.
 */

import { bytesEqual, concat, hex, sha256, utf8 } from "./digest.js";
import { checkPublicKey } from "./ed25519.js";
import { FormatError } from "./errors.js";
import { checkMldsaPublicKey } from "./mldsa.js";

const MAX_NOTE = 1_000_000;
const MAX_SIGNATURES = 100;
export const KEY_ID_SIZE = 4;
const MAX_NAME = 255;
const MAX_VKEY = 4096;
const DASH = "\u2014 ";
const KEY_ID_HEX = /^[0-9a-f]{8}$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const TEXT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
// Controls, and two separators that some readers take for a line's end.
const FORBIDDEN_IN_TEXT = /[^\P{Cc}\n]|[\p{Cs}\p{Zl}\p{Zp}]/u;
const FORBIDDEN_IN_NAME = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Zs}+]/u;

/** The byte that tells how a key signs. */
export const SignatureType = Object.freeze({
  ED25519: 0x01,
  COSIGNATURE: 0x04, // Ed25519 over a checkpoint with the time at which a witness saw it
  ML_DSA_44: 0x06, // over a tree with the signer's name and a time; logs and witnesses both
});
const SIGNATURE_TYPES = new Set(Object.values(SignatureType));

/**
 * A public key with the name it signs under: {name, algorithm, publicKey, keyId (4 bytes)}.
 *
 * Throws FormatError `ckpt.malformed` (name), `alg.not_allowed`, `key.malformed` or `key.weak`.
 */
async function makeVerifierKey(name, algorithm, publicKey) {
  requireName(name);
  if (!SIGNATURE_TYPES.has(algorithm)) throw new FormatError("alg.not_allowed", `signature type ${algorithm}`);
  if (algorithm === SignatureType.ML_DSA_44) {
    checkMldsaPublicKey(publicKey);
  } else {
    checkPublicKey(publicKey);
  }
  return Object.freeze({ name, algorithm, publicKey, keyId: await keyIdOf(name, algorithm, publicKey) });
}

/** SHA-256(name || 0x0A || signature type || public key), first four bytes: a label, not a strong hash. */
async function keyIdOf(name, algorithm, publicKey) {
  const digest = await sha256(utf8(name), Uint8Array.of(0x0a, algorithm), publicKey);
  return digest.slice(0, KEY_ID_SIZE);
}

/** Whether a signature line names `key`, by name and key id both. */
export function isBy(signature, key) {
  return signature.name === key.name && bytesEqual(signature.keyId, key.keyId);
}

/** Key id || blob: the form in which a proof carries a signature line. */
export function keyedBlob(signature) {
  return concat(signature.keyId, signature.blob);
}

/**
 * Read `<name>+<key id in hex>+<base64 of type and public key>`.
 *
 * Throws FormatError `ckpt.malformed`, `enc.base64_noncanonical`, `enc.too_large`, `alg.not_allowed`, `key.malformed`
 * or `key.weak`.
 */
export async function parseVkey(text) {
  if (codePoints(text) > MAX_VKEY) throw new FormatError("enc.too_large", "an overlong key");
  const [name, keyId, ...rest] = text.split("+");
  if (!rest.length || !KEY_ID_HEX.test(keyId)) throw new FormatError("ckpt.malformed", "not name, key id and key");
  const data = decodeBase64(rest.join("+"));
  if (!SIGNATURE_TYPES.has(data[0])) {
    throw new FormatError("alg.not_allowed", `key ${keyId}`, { hint: "Use a key of type 0x01, 0x04 or 0x06." });
  }
  const key = await makeVerifierKey(name, data[0], data.slice(1));
  if (hex(key.keyId) !== keyId) throw new FormatError("key.malformed", `key id ${keyId} is not of this name and key`);
  return key;
}

/**
 * Read a signed note: {text, signatures: [{name, keyId, blob}, ...]}. Nothing about it has been verified.
 *
 * Throws FormatError `enc.too_large` beyond 1 MB or 100 signatures, `enc.utf8_invalid`, `enc.base64_noncanonical` or
 * `ckpt.malformed`.
 */
export function parseNote(data) {
  if (data.length > MAX_NOTE) throw new FormatError("enc.too_large", `a note of ${data.length} bytes`);
  const whole = decodeUtf8(data, "a note that is not UTF-8");
  const at = whole.lastIndexOf("\n\n");
  if (at < 0) throw new FormatError("ckpt.malformed", "no blank line before the signatures");
  const text = whole.slice(0, at + 1);
  if (text === "\n" || FORBIDDEN_IN_TEXT.test(text)) {
    throw new FormatError("ckpt.malformed", "an empty text, or a control character");
  }
  return Object.freeze({ text, signatures: parseSignatureLines(whole.slice(at + 2)) });
}

/**
 * Read one or more signature lines, each ending in a newline.
 *
 * Throws FormatError `ckpt.malformed`, `enc.base64_noncanonical` or `enc.too_large`.
 */
function parseSignatureLines(lines) {
  if (!lines.endsWith("\n")) throw new FormatError("ckpt.malformed", "no signature line, or one cut short");
  const parts = lines.slice(0, -1).split("\n");
  if (parts.length > MAX_SIGNATURES) throw new FormatError("enc.too_large", "too many signature lines");
  const signatures = parts.map(parseSignatureLine);
  if (new Set(parts).size !== parts.length) {
    throw new FormatError("ckpt.malformed", "the same signature line twice");
  }
  return Object.freeze(signatures);
}

function parseSignatureLine(line) {
  if (!line.startsWith(DASH)) throw new FormatError("ckpt.malformed", "a line that is no signature");
  const [name, encoded, ...more] = line.slice(DASH.length).split(" ");
  requireName(name);
  if (!encoded || more.length) throw new FormatError("ckpt.malformed", "not name and signature");
  const data = decodeBase64(encoded);
  if (data.length <= KEY_ID_SIZE) {
    throw new FormatError("ckpt.malformed", "a signature without key id or without content");
  }
  return Object.freeze({ name, keyId: data.slice(0, KEY_ID_SIZE), blob: data.slice(KEY_ID_SIZE) });
}

/** Standard base64 with padding (RFC 4648, section 4). */
export function encodeBase64(data) {
  let text = "";
  for (const byte of data) text += String.fromCharCode(byte);
  return btoa(text);
}

/** The bytes that `text` is the one spelling of. Throws FormatError `enc.base64_noncanonical`. */
export function decodeBase64(text) {
  if (BASE64.test(text)) {
    const letters = atob(text);
    const data = new Uint8Array(letters.length);
    for (let at = 0; at < data.length; at += 1) data[at] = letters.charCodeAt(at);
    // Unused bits of the last character; all before it has one spelling.
    if (encodeBase64(data.slice(-(data.length % 3 || 3))) === text.slice(-4)) return data;
  }
  throw new FormatError("enc.base64_noncanonical", "not the one spelling");
}

/** The text of UTF-8 bytes. Throws FormatError `enc.utf8_invalid` with `detail`. */
export function decodeUtf8(data, detail) {
  try {
    return TEXT.decode(data);
  } catch {
    throw new FormatError("enc.utf8_invalid", detail);
  }
}

function codePoints(text) {
  return [...text].length;
}

function requireName(name) {
  if (!name || codePoints(name) > MAX_NAME || FORBIDDEN_IN_NAME.test(name)) {
    throw new FormatError("ckpt.malformed", "an empty or overlong key name, or one with a plus, space or control");
  }
}
