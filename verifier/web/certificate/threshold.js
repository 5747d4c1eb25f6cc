/**
 * Threshold commitments: "at least k months", without the number (docs/adr/0017).
 *
 *   below(x)   = SHA-256(0x04 || salt || slot || level || x)      one level down; `level` is that of x
 *   commitment = `months` levels below a top that only issuer and holder know
 *
 * Slot and level are 2 bytes, big-endian; salt is that of the claim's leaf. Whoever shows the hash at level k, from which
 * k steps lead to the commitment, has a chain of at least k months. Going down is easy, going up is a preimage.
 */

import { bigEndian } from "../ledger/cbor.js";
import { bytesEqual, concat, sha256 } from "../ledger/digest.js";
import { FormatError, VerificationError } from "../ledger/errors.js";
import { takeArray, takeBytes, takeInt } from "./schema.js";
import { HASH_SIZE } from "./slot_tree.js";
import { ValueType } from "./slots.js";

export const MAX_LEVEL = 1200;
const MAX_OPENINGS = 18;
const STEP = Uint8Array.of(0x04);

/** The hash at level `atLeast` of the chain behind the commitment in `slot`. */
export class Opening {
  constructor(slot, atLeast, value) {
    this.slot = slot;
    this.atLeast = atLeast;
    this.value = value;
    Object.freeze(this);
  }
}

/**
 * The fourth part of what is laid beside a certificate: at least one opening, their slots rising.
 *
 * Throws FormatError `schema.…`, `enc.number_range`, or `disc.malformed` for their order.
 */
export function parseOpenings(item) {
  const openings = takeArray(item, null, { atMost: MAX_OPENINGS }).map((part) => {
    const [slot, atLeast, value] = takeArray(part, 3);
    return new Opening(takeInt(slot, 0, 2 ** 16 - 1), takeInt(atLeast, 1, MAX_LEVEL), takeBytes(value, HASH_SIZE));
  });
  const rise = openings.every((opening, at) => at === 0 || openings[at - 1].slot < opening.slot);
  if (!openings.length || !rise) {
    throw new FormatError("disc.malformed", "openings are at least one, their slots rising");
  }
  return Object.freeze(openings);
}

/**
 * Check that each opening leads to the commitment shown in its slot; `disclosures` are such as lead to the signed root.
 *
 * Throws VerificationError `disc.unreferenced` when no commitment is shown in the slot, `disc.digest_mismatch`.
 */
export async function verifyOpenings(openings, disclosures, registry) {
  const shown = new Map(
    disclosures
      .filter((item) => registry.claimAt(item.slot).valueType === ValueType.COMMITMENT)
      .map((item) => [item.slot, item]),
  );
  for (const opening of openings) {
    const commitment = shown.get(opening.slot);
    if (commitment === undefined) {
      throw new VerificationError("disc.unreferenced", `no commitment is shown in slot ${opening.slot}`);
    }
    if (!bytesEqual(await descend(opening, commitment.salt), commitment.value)) {
      throw new VerificationError(
        "disc.digest_mismatch",
        `slot ${opening.slot} does not show ${opening.atLeast} months`,
      );
    }
  }
}

async function descend({ slot, atLeast, value }, salt) {
  const head = concat(STEP, salt, bigEndian(slot, 2));
  let hash = value;
  for (let level = atLeast; level > 0; level -= 1) hash = await sha256(head, bigEndian(level, 2), hash);
  return hash;
}
