/** Rows of hashes, as tiles (C2SP tlog-tiles) and the files of a trust bundle hold them. */

import { VerificationError } from "./errors.js";

export const TILE_HEIGHT = 8;
const HASH_SIZE = 32;

/**
 * The 32-byte hashes standing one after the other in `data`, as views.
 *
 * Throws VerificationError `log.proof_malformed` if a part of a hash is left over.
 */
export function splitHashes(data) {
  if (data.length % HASH_SIZE) {
    throw new VerificationError("log.proof_malformed", `${data.length} bytes are no row of hashes`);
  }
  return Array.from({ length: data.length / HASH_SIZE }, (_, i) => data.subarray(HASH_SIZE * i, HASH_SIZE * (i + 1)));
}
