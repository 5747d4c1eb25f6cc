/** What the ledger logs: `[1, entry type, authority, digest]` (DESIGN section 3.3), nothing about a person. */

import { encodeUnsigned } from "./cbor.js";
import { concat } from "./digest.js";
import { FormatError } from "./errors.js";

const DIGEST_SIZE = 32;

/** What the digest of an entry is the digest of. */
export const EntryType = Object.freeze({
  PADDING: 0,
  CERTIFICATE: 1,
  STATUS_LIST: 2,
  TRUST_FILE: 3,
  ACCESS_LOG_HEAD: 4,
  KEY_EVENT: 5,
});

/**
 * The logged bytes.
 *
 * Throws FormatError `log.entry_type`, `enc.number_range` (authority) or `schema.field_type` (digest).
 */
export function encodeEntry(entryType, authority, digest) {
  if (!(entryType >= 0 && entryType <= 5)) throw new FormatError("log.entry_type", "no such entry type");
  if (digest.length !== DIGEST_SIZE) throw new FormatError("schema.field_type", `a digest of ${digest.length} bytes`);
  if (!(authority >= 0 && authority < 2n ** 63n)) throw new FormatError("enc.number_range", "authority out of range");
  return concat(Uint8Array.of(0x84, 1, entryType), encodeUnsigned(authority), Uint8Array.of(0x58, 0x20), digest);
}
