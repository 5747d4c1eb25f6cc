/**
 * Proofs that an entry is logged (DESIGN section 3.3), in three forms, always beginning with log and index.
 *
 *     full    [log, index, size, path, [key id || blob, ...]]
 *     short   [log, index, path]                 exactly the lowest 8 hashes; the verifier's bundle holds the rest
 *     recent  [log, index, size, path, [...], known]   as full, without what lies below `known` and the verifier holds
 *
 * `path` is one byte string of 32-byte hashes. The root is not carried: it is recomputed from the entry, so it is worth
 * what the signatures over it are worth. Numbered steps of a full proof:
 *
 * 1. The entry's own hash and the path give the root at `size` (`log.index_range`, `log.proof_malformed`).
 * 2. Log and quorum signed that root (`trust_policy.js`). If nobody known did, entry and path do not belong together:
 *    `log.inclusion_invalid`.
 *
 * In JavaScript: {form: "full" | "short" | "recent", log, index, size?, path: [hash, ...], signatures?, known?}.
 */

import { makeCheckpoint, verifyCosignature } from "./checkpoint.js";
import { bytesEqual, concat } from "./digest.js";
import { FormatError, VerificationError } from "./errors.js";
import { HASH_SIZE, MAX_PATH, MAX_SIZE, leafHash, rootFromInclusionPath } from "./merkle.js";
import { KEY_ID_SIZE } from "./note.js";
import { TILE_HEIGHT, splitHashes } from "./tiles.js";
import { verifySignatures } from "./trust_policy.js";

export const MAX_LOG = 2 ** 32 - 1;
const MAX_SIGNATURES = 32;
const MAX_BLOB = 4096;

/** Stands on its own, given a trust policy. Throws as `parseProof` for what is out of range. */
export function makeFullProof(log, index, size, path, signatures) {
  requireNumbers(log, index, size);
  requirePath(path);
  requireSignatures(signatures);
  return Object.freeze({ form: "full", log, index, size, path, signatures });
}

/** Ends in the entry's complete 256-leaf block: exactly 8 hashes. Throws as `parseProof`. */
function makeShortProof(log, index, path) {
  requireNumbers(log, index, MAX_SIZE);
  requirePath(path);
  if (path.length !== TILE_HEIGHT) {
    throw new FormatError("log.proof_malformed", `${path.length} hashes where ${TILE_HEIGHT} are due`);
  }
  return Object.freeze({ form: "short", log, index, path });
}

/** A full proof without the large siblings below `known` <= size, which the verifier said it holds. */
function makeRecentProof(log, index, size, path, signatures, known) {
  requireNumbers(log, index, size);
  requirePath(path);
  requireSignatures(signatures);
  if (!(known >= 0 && known <= size)) throw new FormatError("log.index_range", "the known size is out of range");
  return Object.freeze({ form: "recent", log, index, size, path, signatures, known });
}

/**
 * Read a proof from a decoded CBOR array; its length tells the form.
 *
 * Throws FormatError `schema.field_type`, `schema.field_missing`, `schema.field_unknown`, `enc.number_range`,
 * `log.index_range`, `log.proof_malformed`, `enc.too_large` or `sig.malformed`.
 */
export function parseProof(value) {
  if (!Array.isArray(value)) throw new FormatError("schema.field_type", "a proof that is no array");
  if (value.length === 3) return makeShortProof(integer(value[0]), integer(value[1]), hashes(value[2]));
  if (value.length < 5) throw new FormatError("schema.field_missing", `a proof of ${value.length} fields`);
  if (value.length > 6) throw new FormatError("schema.field_unknown", `a proof of ${value.length} fields`);
  const [log, index, size] = value.slice(0, 3).map(integer);
  const path = hashes(value[3]);
  const signatures = byteStrings(value[4]);
  if (value.length === 5) return makeFullProof(log, index, size, path, signatures);
  return makeRecentProof(log, index, size, path, signatures, integer(value[5]));
}

/** The array to encode as CBOR, the inverse of `parseProof`. */
export function encodeProof(proof) {
  const path = concat(...proof.path);
  if (proof.form === "short") return [proof.log, proof.index, path];
  const shown = [proof.log, proof.index, proof.size, path, [...proof.signatures]];
  return proof.form === "full" ? shown : [...shown, proof.known];
}

/**
 * Check that `entry` is logged where `proof` says, in the log named `origin`. Steps 1 and 2 above.
 *
 * entry: the logged bytes, computed by the caller from what it wants to see logged; now: POSIX seconds; known: as in
 * `verifySignatures`. Returns {log, index, size, rootHash, leafHash, checkpoint (verified)}. Throws as
 * `rootFromInclusionPath` and `verifySignatures`; `log.inclusion_invalid` if nobody known signed what the proof leads to.
 */
export async function verifyFullProof(proof, { entry, origin, policy, now, known = null }) {
  const { log, index, size, path, signatures } = proof;
  const leaf = await leafHash(entry);
  const rootHash = await rootFromInclusionPath({ leafHash: leaf, index, size, path });
  const signed = makeCheckpoint(origin, size, rootHash);
  try {
    const checkpoint = await verifySignatures(signed, signatures, { policy, now, known });
    return Object.freeze({ log, index, size, rootHash, leafHash: leaf, checkpoint });
  } catch (error) {
    if (error.reason === "ckpt.sig_invalid" && !(await anyCosigned(signed, signatures, policy))) {
      throw new VerificationError("log.inclusion_invalid", `entry ${index} of ${size} does not lead to a signed root`, {
        hint: "The entry is another one, or the proof was damaged; ask for a fresh proof.",
      });
    }
    throw error;
  }
}

async function anyCosigned(checkpoint, blobs, policy) {
  for (const { key } of policy.witnesses) {
    for (const blob of blobs.filter((one) => bytesEqual(one.subarray(0, KEY_ID_SIZE), key.keyId))) {
      try {
        await verifyCosignature(checkpoint, blob.subarray(KEY_ID_SIZE), { key });
        return true;
      } catch (error) {
        if (!(error instanceof VerificationError)) throw error;
      }
    }
  }
  return false;
}

function integer(value) {
  if (typeof value !== "bigint" && !Number.isSafeInteger(value)) {
    throw new FormatError("schema.field_type", "a number is due");
  }
  return value;
}

function hashes(value) {
  if (!(value instanceof Uint8Array)) throw new FormatError("schema.field_type", "a path is one byte string");
  if (value.length % HASH_SIZE || value.length > MAX_PATH * HASH_SIZE) {
    throw new FormatError("log.proof_malformed", `a path of ${value.length} bytes`);
  }
  return Object.freeze(splitHashes(value));
}

function byteStrings(value) {
  if (!Array.isArray(value) || !value.every((blob) => blob instanceof Uint8Array)) {
    throw new FormatError("schema.field_type", "signatures are an array of byte strings");
  }
  return value;
}

function requireNumbers(log, index, size) {
  if (!(log >= 0 && log <= MAX_LOG)) throw new FormatError("enc.number_range", "log number out of range");
  if (!(index >= 0 && index < size && size <= MAX_SIZE)) {
    throw new FormatError("log.index_range", "index and size out of range");
  }
}

function requirePath(path) {
  if (path.length > MAX_PATH || path.some((node) => node.length !== HASH_SIZE)) {
    throw new FormatError("log.proof_malformed", `${path.length} hashes, or one of another length`);
  }
}

function requireSignatures(blobs) {
  if (blobs.length > MAX_SIGNATURES || blobs.some((blob) => blob.length > MAX_BLOB)) {
    throw new FormatError("enc.too_large", `${blobs.length} signatures, or one too long`);
  }
  if (blobs.some((blob) => blob.length <= KEY_ID_SIZE)) {
    throw new FormatError("sig.malformed", "a signature without key id or without content");
  }
}
