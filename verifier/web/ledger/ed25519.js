/**
 * Ed25519 (RFC 8032) as strictly as the Python side, over WebCrypto.
 *
 * WebCrypto leaves it to the browser whether weak keys and odd encodings pass. Refused here before it is asked: a key
 * or R of small order, a key whose y is not reduced, S not below the group order. R is compared by its bytes in every
 * cofactorless implementation, so that another spelling of it never verifies.
 */

import { hex } from "./digest.js";
import { FormatError, VerificationError } from "./errors.js";

export const PUBLIC_KEY_SIZE = 32;
export const SIGNATURE_SIZE = 64;

const P = 2n ** 255n - 19n;
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const SIGN = 2n ** 255n;
// y-coordinates of the eight points of small order. Reduced or not (y + p), with the sign bit or without: 14 encodings.
const SMALL_ORDER_Y = [
  0n,
  1n,
  P - 1n,
  2707385501144840649318225287225658788936804267575313519463743609750303402022n,
  55188659117513257062467267217118295137698188065244968500265048394206261417927n,
];
const SMALL_ORDER = new Set([...SMALL_ORDER_Y, ...SMALL_ORDER_Y.map((y) => y + P)].filter((y) => y < SIGN));

/**
 * Return `publicKey` if it is 32 bytes, canonically encoded and not of small order.
 *
 * Throws FormatError `key.malformed` for another length, `key.weak` for the degenerate ones.
 */
export function checkPublicKey(publicKey) {
  if (publicKey.length !== PUBLIC_KEY_SIZE) {
    throw new FormatError("key.malformed", `${publicKey.length} bytes where 32 are due`);
  }
  if (isWeak(publicKey)) throw new FormatError("key.weak", hex(publicKey.subarray(0, 4)));
  return publicKey;
}

/**
 * Check one signature. RFC 8032 section 5.1.7, cofactorless, with the strict refusals named above.
 *
 * Throws FormatError `sig.malformed` for a signature that is not 64 bytes, VerificationError `sig.invalid`.
 */
export async function verifyEd25519({ publicKey, message, signature }) {
  if (signature.length !== SIGNATURE_SIZE) {
    throw new FormatError("sig.malformed", `${signature.length} bytes where 64 are due`);
  }
  const isSound = publicKey.length === PUBLIC_KEY_SIZE && !isWeak(publicKey) && isStrict(signature);
  if (!(isSound && (await verifies(publicKey, message, signature)))) {
    throw new VerificationError("sig.invalid", `key ${hex(publicKey.subarray(0, 4))}`);
  }
}

async function verifies(publicKey, message, signature) {
  try {
    const key = await crypto.subtle.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", key, signature, message);
  } catch (error) {
    // A key that is no point, for an implementation that looks when it imports; without Ed25519 nothing can be told.
    if (error.name === "DataError") return false;
    throw error;
  }
}

function isWeak(publicKey) {
  const y = littleEndian(publicKey) % SIGN;
  return y >= P || SMALL_ORDER.has(y);
}

function isStrict(signature) {
  const r = littleEndian(signature.subarray(0, 32)) % SIGN;
  return !SMALL_ORDER.has(r) && littleEndian(signature.subarray(32)) < ORDER;
}

function littleEndian(bytes) {
  return BigInt(`0x${hex(bytes.slice().reverse())}`);
}
