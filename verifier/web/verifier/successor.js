/**
 * Whether a fetched trust bundle may take the place of the one in use (DESIGN 3.6): pure, without a clock.
 *
 * 1. It is of the same environment and not older: `key.env_test`, `trust.bundle_rollback`.
 * 2. The verifier's clock is not behind a time that was signed: `time.clock_regressed`.
 * 3. No status list is older than one that was seen, and none takes back what was ended for good: `status.list_rollback`.
 * 4. A changed directory or tlog-policy was logged, by what the verifier trusts already; or the root is a new one.
 */

import { parseStatusToken, statusListUri } from "../certificate/status_list.js";
import { bytesEqual } from "../ledger/digest.js";
import { UndeterminedError, VerificationError } from "../ledger/errors.js";
import { verifyListSignature } from "./list_signature.js";
import { isUndone } from "./list_watch.js";
import { PROOF_NAMES, requireLogged } from "./logged.js";
import { CLOCK_SKEW } from "./step_parts.js";

/**
 * Steps 1 to 4 above.
 *
 *   bundle, files     the fetched bundle, opened and as files (a Map)
 *   held, heldFiles   the one in use; null and an empty Map where there is none
 *   newRoot           whether the pinned keys vouched for other root keys in this update
 *   seen              what was seen before
 *   now               POSIX seconds
 *
 * Throws VerificationError, UndeterminedError: the reasons above, and those of `requireLogged`.
 */
export async function checkSuccessor(bundle, files, { held, heldFiles, newRoot, seen, now }) {
  const newest = Math.max((await seen.newest("bundle.version")) ?? 0, held?.version ?? 0);
  if (held !== null && held.environment !== bundle.environment) {
    throw new VerificationError("key.env_test", "the bundle in use is of the other environment");
  }
  if (bundle.version < newest) {
    throw new VerificationError("trust.bundle_rollback", `version ${bundle.version} after ${newest}`);
  }
  const signed = Math.max((await seen.newest("targets.version")) ?? 0, held?.endorsed ?? 0);
  if (bundle.endorsed < signed) {
    // They name an online key, which may have been stolen since.
    throw new VerificationError("trust.bundle_rollback", `targets ${bundle.endorsed} after ${signed}`);
  }
  const behind = Math.max((await seen.newest("time")) ?? 0, bundle.issued, held?.issued ?? 0) - now;
  if (behind > CLOCK_SKEW) throw new UndeterminedError("time.clock_regressed", `${behind} s behind a signed time`);
  await checkLists(bundle, held, seen);
  if (held === null || newRoot) return;
  for (const [name, proof] of PROOF_NAMES) {
    if (!bytesEqual(files.get(name), heldFiles.get(name))) {
      await requireLogged(files.get(name), files.get(proof) ?? null, { held, now });
    }
  }
}

/** Note what was seen: version, time, and the time of each list that its authority signed. */
export async function rememberBundle(bundle, seen, { now }) {
  await seen.advance("bundle.version", bundle.version);
  await seen.advance("targets.version", bundle.endorsed);
  await seen.advance("time", bundle.issued);
  for await (const listed of signedLists(bundle)) {
    // One from the future would lock out the honest ones.
    if (listed.issued <= now + CLOCK_SKEW) await seen.advance(listed.uri, listed.issued);
  }
}

/** The bundle's lists whose signature and name hold; of the others step 8 of a verification says what is wrong. */
async function* signedLists(bundle) {
  for (const [place, token] of bundle.statusTokens) {
    const listed = await parseStatusToken(token);
    const [authority, number] = place.split("/").map(Number);
    if (listed.uri !== statusListUri(authority, number)) continue;
    if (await isSigned(listed, bundle, authority)) yield listed;
  }
}

async function isSigned(listed, { directory, policy }, authority) {
  try {
    await verifyListSignature(listed, { authority, directory, demanded: policy.pqRequired });
  } catch (error) {
    if (error instanceof VerificationError) return false;
    throw error;
  }
  return true;
}

async function checkLists(bundle, held, seen) {
  for await (const listed of signedLists(bundle)) {
    if (listed.issued < ((await seen.newest(listed.uri)) ?? 0)) {
      throw new VerificationError("status.list_rollback", `${listed.uri}: a newer list was seen before`);
    }
    if (held === null) continue;
    for await (const before of signedLists(held)) {
      if (before.uri === listed.uri) checkFollows(before, listed);
    }
  }
}

function checkFollows(before, listed) {
  if (listed.issued < before.issued) {
    throw new VerificationError("status.list_rollback", `${listed.uri}: older than the one in use`);
  }
  if (isUndone(before.statuses, listed.statuses)) {
    throw new VerificationError("status.list_rollback", `${listed.uri}: an end for good is undone`);
  }
}
