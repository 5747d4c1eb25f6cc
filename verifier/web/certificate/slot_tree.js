/**
 * The claims tree of a certificate: salted leaves in fixed slots, and the multiproof that shows some of them.
 *
 *   claims_root = node(identity tree, fact tree)
 *   leaf        = SHA-256(0x00 || CBOR [salt, slot, value])
 *   node        = SHA-256(0x01 || left || right)                       as in RFC 9162 section 2.1.1
 *
 * A reader of the certificate cannot tell an absent claim from a hidden one. A multiproof holds the hashes of the maximal
 * hidden subtrees in pre-order, as one byte string that is consumed exactly, so each set of shown slots has exactly one
 * proof.
 */

import { sha256 } from "../ledger/digest.js";
import { FormatError } from "../ledger/errors.js";
import { planTree } from "./tree_plan.js";

export const SALT_SIZE = 16;
export const HASH_SIZE = 32;

const LEAF_HEAD = Uint8Array.of(0x00, 0x83, 0x50); // leaf prefix, then CBOR: an array of three, a byte string of 16
const NODE_PREFIX = Uint8Array.of(0x01);

/** One claim shown: its salt, its slot and its value, exactly what its leaf commits to. */
export class Disclosure {
  constructor(salt, slot, value) {
    this.salt = salt;
    this.slot = slot;
    this.value = value;
    Object.freeze(this);
  }

  encode() {
    return [this.salt, this.slot, this.value];
  }
}

/**
 * The claims root that `disclosures` and `multiproof` lead to; the caller compares it with the signed one.
 *
 * Throws FormatError `disc.duplicate` (a slot twice), `disc.malformed` (slots not rising, hashes missing or left over, a
 * salt that is not 16 bytes) or what `Registry.encodeItems` throws for a value.
 */
export async function rootFromDisclosures(registry, disclosures, multiproof) {
  const slots = disclosures.map((shown) => shown.slot);
  const items = registry.encodeItems(slots, disclosures.map((shown) => shown.value));
  requireRising(slots);
  if (disclosures.some((shown) => shown.salt.length !== SALT_SIZE)) {
    throw new FormatError("disc.malformed", "a salt is not 16 bytes");
  }
  if (multiproof.length % HASH_SIZE) {
    throw new FormatError("disc.malformed", "the multiproof is not made of whole hashes");
  }
  const plan = planTree(registry.identityDepth, registry.factDepth, slots);
  const due = HASH_SIZE * plan.hidden;
  if (multiproof.length !== due) {
    const what = multiproof.length < due ? "missing" : "left over";
    throw new FormatError("disc.malformed", `hashes ${what} in the multiproof`);
  }
  const leaves = await Promise.all(disclosures.map((shown, at) => sha256(LEAF_HEAD, shown.salt, items[at])));
  return fold(plan.shape, leaves, multiproof);
}

function requireRising(slots) {
  for (let at = 1; at < slots.length; at += 1) {
    if (slots[at - 1] === slots[at]) throw new FormatError("disc.duplicate", `slot ${slots[at]} is shown twice`);
    if (slots[at - 1] > slots[at]) throw new FormatError("disc.malformed", "shown slots do not rise");
  }
}

async function fold(shape, leaves, multiproof) {
  if (Array.isArray(shape)) {
    const [left, right] = await Promise.all(shape.map((part) => fold(part, leaves, multiproof)));
    return sha256(NODE_PREFIX, left, right);
  }
  if (shape.leaf !== undefined) return leaves[shape.leaf];
  return multiproof.subarray(HASH_SIZE * shape.hidden, HASH_SIZE * (shape.hidden + 1));
}
