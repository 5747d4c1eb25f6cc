/** What one certificate shows, as policies read it. */

import { registryOf, ValueType } from "../slots.js";

/**
 * The facts of a certificate of type `type` that shows `disclosed` and these threshold proofs:
 * { authority, region, cutOff, claims }, claims a Map by registered name.
 *
 * That of a commitment holds how many months are shown to be behind it, and is absent if none are.
 */
export function factsOf(type, { authority, region, cutOff, disclosed, openings = [] }) {
  const registry = registryOf(type);
  const claims = new Map();
  for (const { slot, value } of disclosed) {
    const claim = registry.claimAt(slot);
    if (claim.valueType !== ValueType.COMMITMENT) claims.set(claim.name, value);
  }
  for (const opening of openings) claims.set(registry.claimAt(opening.slot).name, opening.atLeast);
  return Object.freeze({ authority, region, cutOff, claims });
}
