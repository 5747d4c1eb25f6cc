/** ML-DSA-44 (FIPS 204) over the vendored library, loaded when the first such signature is checked. */

import { hex } from "./digest.js";
import { FormatError, VerificationError } from "./errors.js";

export const MLDSA_PUBLIC_KEY_SIZE = 1312;
export const MLDSA_SIGNATURE_SIZE = 2420;
const MAX_CONTEXT = 255;

/** Return `publicKey` if it can be one. Throws FormatError `key.malformed` for another length than 1,312 bytes. */
export function checkMldsaPublicKey(publicKey) {
  if (publicKey.length !== MLDSA_PUBLIC_KEY_SIZE) {
    throw new FormatError("key.malformed", `${publicKey.length} bytes where ${MLDSA_PUBLIC_KEY_SIZE} are due`);
  }
  return publicKey;
}

/**
 * Check one signature. FIPS 204, algorithm 3.
 *
 * Throws FormatError `key.malformed`, or `sig.malformed` for a signature of another length; VerificationError
 * `sig.invalid`.
 */
export async function verifyMldsa({ publicKey, message, signature, context = new Uint8Array(0) }) {
  checkMldsaPublicKey(publicKey);
  if (signature.length !== MLDSA_SIGNATURE_SIZE || context.length > MAX_CONTEXT) {
    throw new FormatError("sig.malformed", `${signature.length} bytes where ${MLDSA_SIGNATURE_SIZE} are due`);
  }
  const { ml_dsa44: mldsa } = await import("../vendor/ml-dsa/ml-dsa.js");
  if (!mldsa.verify(signature, message, publicKey, { context })) {
    throw new VerificationError("sig.invalid", `key ${hex(publicKey.subarray(0, 4))}`);
  }
}
