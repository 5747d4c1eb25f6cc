/** Who signed a status list: its authority, by Ed25519 and, where the bundle asks for it, by ML-DSA-44 (ADR 0019). */

import { KeyRole } from "../certificate/directory.js";
import { verifySignature } from "../certificate/keys.js";
import { hex } from "../ledger/digest.js";
import { ProjectError, VerificationError } from "../ledger/errors.js";
import { verifyMldsa } from "../ledger/mldsa.js";

/**
 * Check every signature on a list; a second one that is there has to be good, demanded or not.
 *
 * `demanded`: whether the second one may not be missing, once the directory lists such a key of the authority. Throws
 * VerificationError `status.list_wrong_issuer`, `status.list_sig_invalid`, `alg.downgrade`.
 */
export async function verifyListSignature(listed, { authority, directory, demanded }) {
  const { kid, toBeSigned, signature } = listed.sign1;
  await verifiedBy(keyOf(directory, KeyRole.STATUS, kid, authority), verifySignature, toBeSigned, signature);
  if (listed.second !== null) {
    const { second } = listed;
    const key = keyOf(directory, KeyRole.STATUS_MLDSA, second.kid, authority);
    await verifiedBy(key, verifyMldsa, second.toBeSigned, second.signature);
  } else if (demanded && directory.hasKey(KeyRole.STATUS_MLDSA, authority)) {
    const hint = "sync the trust bundle; if that does not help, tell the bureau";
    throw new VerificationError("alg.downgrade", "no post-quantum signature on the list", { hint });
  }
}

function keyOf(directory, role, kid, authority) {
  const key = directory.key(role, kid);
  if (key === null || key.authority !== authority) {
    throw new VerificationError("status.list_wrong_issuer", `key ${hex(kid)}`);
  }
  return key;
}

async function verifiedBy({ publicKey, kid }, verify, message, signature) {
  try {
    await verify({ publicKey, message, signature });
  } catch (error) {
    if (error instanceof ProjectError) throw new VerificationError("status.list_sig_invalid", `key ${hex(kid)}`);
    throw error;
  }
}
