/**
 * One judgement: `verify` with the desk's bundle, clock and memory, and what is needed to file it.
 */

import { UndeterminedError } from "../ledger/errors.js";
import { Asked, STATIC } from "../verifier/expect.js";
import { verify } from "../verifier/verify.js";

/**
 * @param {Desk} desk
 * @param {Uint8Array[]} parts
 * @param {Uint8Array|null} request
 * @returns {Promise<Judged>}
 */
export async function judge(desk, parts, request) {
  if (desk.trust === null) throw new UndeterminedError("trust.missing", "no bundle");
  const now = desk.now();
  const report = await verify(parts.length === 1 ? parts[0] : parts, {
    trust: desk.trust,
    now,
    expect: request === null ? STATIC : new Asked(request),
    seen: desk.seen,
  });
  return Object.freeze({ report, parts, request, now, trust: desk.trust });
}
