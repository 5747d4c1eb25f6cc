/**
 * Keys that published test vectors print, by the first 8 bytes of their SHA-256.
 *
 * Their private halves are known to everybody, so no production bundle holds one (DESIGN 8.6).
 */

import { hex, sha256 } from "../ledger/digest.js";

const SIZE = 8;

/** Whether the raw public key (bytes) stands in a vector set, or belongs to a private key that does. */
export async function isPrinted(publicKey) {
  const { PRINTED_KEYS } = await import("../generated/printed_keys.js"); // a test bundle never asks
  return PRINTED_KEYS.includes(hex((await sha256(publicKey)).slice(0, SIZE)));
}
