/**
 * Proof that a trust file was logged: a directory or tlog-policy nobody else sees is not accepted (DESIGN 3.6).
 *
 *   proof-directory.cbor, proof-policy.cbor    [1, authority, proof]      a full proof of the file's type-3 entry
 */

import { takeArray, takeInt, takeVersion } from "../certificate/schema.js";
import { decodeCbor } from "../ledger/cbor.js";
import { sha256 } from "../ledger/digest.js";
import { encodeEntry, EntryType } from "../ledger/entry.js";
import { FormatError, UndeterminedError, VerificationError } from "../ledger/errors.js";
import { parseProof, verifyFullProof } from "../ledger/proof.js";
import { DIRECTORY_NAME, POLICY_NAME } from "./trust.js";

/** File of the bundle to the file with its proof. */
export const PROOF_NAMES = new Map([
  [DIRECTORY_NAME, "proof-directory.cbor"],
  [POLICY_NAME, "proof-policy.cbor"],
]);

/**
 * Check that `content`, the new file, was logged, by the logs and witnesses that the verifier trusts already.
 *
 * `proof`: what came beside it, or null; `held`: the bundle in use; `now`: POSIX seconds. Throws VerificationError
 * `log.inclusion_missing`, `log.inclusion_invalid`, and what `verifyFullProof` throws; UndeterminedError
 * `log.unknown_origin`, and what it throws; FormatError: as the parsers.
 */
export async function requireLogged(content, proof, { held, now }) {
  if (proof === null) {
    throw new VerificationError("log.inclusion_missing", "a trust file without proof that it was logged");
  }
  const fields = takeArray(decodeCbor(proof), 3);
  takeVersion(fields[0]);
  const parsed = parseProof(fields[2]);
  if (parsed.form !== "full") throw new FormatError("log.proof_malformed", "a trust file takes a full proof");
  const log = held.directory.log(parsed.log);
  if (log === null) throw new UndeterminedError("log.unknown_origin", `log ${parsed.log}`);
  const entry = encodeEntry(EntryType.TRUST_FILE, takeInt(fields[1], 1, 65535), await sha256(content));
  await verifyFullProof(parsed, { entry, origin: log.origin, policy: held.policy, now });
}
