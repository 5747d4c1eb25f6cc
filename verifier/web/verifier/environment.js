/** What never stands in a production bundle: test regions, and keys whose private half everybody can read. */

import { Environment } from "../certificate/numbers.js";
import { hex } from "../ledger/digest.js";
import { VerificationError } from "../ledger/errors.js";
import { isPrinted } from "./printed_keys.js";

const TEST_REGION = "99";

/**
 * Refuse a production bundle that holds what belongs to tests. A test bundle may hold anything.
 *
 * `signers` are raw public keys. Throws VerificationError `key.env_test`.
 */
export async function checkEnvironment(directory, policy, { signers }) {
  if (directory.environment !== Environment.PRODUCTION) return;
  for (const office of directory.offices) {
    // The prefix "9" would cover test regions as well: step 3 refuses each certificate of one.
    if (office.regionPrefix.startsWith(TEST_REGION)) {
      throw new VerificationError("key.env_test", `office ${office.number} stands in a test region`);
    }
  }
  const keys = [
    ...directory.keys.map((key) => key.publicKey),
    ...policy.logs.map((log) => log.key.publicKey),
    ...policy.witnesses.map((witness) => witness.key.publicKey),
    ...signers,
  ];
  for (const key of keys) {
    if (await isPrinted(key)) {
      throw new VerificationError("key.env_test", `key ${hex(key.subarray(0, 4))} is printed in test vectors`);
    }
  }
}
