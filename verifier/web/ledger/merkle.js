/**
 * The append-only Merkle tree of RFC 9162, section 2.1, over SHA-256: roots and inclusion, as a verifier needs them.
 *
 * Indexes and sizes go up to 2^63 - 1: they come in as Number or BigInt (see `cbor.js`) and are BigInt inside. Levels
 * and numbers of hashes are Numbers.
 */

import { concat, sha256 } from "./digest.js";
import { VerificationError } from "./errors.js";

export const HASH_SIZE = 32;
export const MAX_SIZE = 2n ** 63n - 1n;
export const MAX_PATH = 63;

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** SHA-256(0x00 || entry). RFC 9162, section 2.1.1. */
export async function leafHash(entry) {
  return sha256(LEAF, entry);
}

/** SHA-256(0x01 || left || right). RFC 9162, section 2.1.1. */
export async function nodeHash(left, right) {
  return sha256(NODE, left, right);
}

/** The [level, index] (Number, BigInt) of the fewest complete subtrees over leaves start ... end - 1, left to right. */
export function completeSubtrees(start, end) {
  const found = [];
  let at = BigInt(start);
  const stop = BigInt(end);
  while (at < stop) {
    let level = bitLength(stop - at) - 1;
    if (at) level = Math.min(level, trailingZeros(at));
    found.push([level, at >> BigInt(level)]);
    at += 1n << BigInt(level);
  }
  return found;
}

/**
 * The root of the first `size` leaves; `readNode(level, index)` gives the hash of a complete subtree.
 *
 * Throws VerificationError `log.index_range`.
 */
export async function rootAt(size, readNode) {
  requireSize(size);
  return size > 0 ? rangeHash(0, size, readNode) : sha256(new Uint8Array(0));
}

/**
 * The root that `path` leads to. It proves nothing until somebody trusted has signed that root at that size.
 *
 * index: zero-based, 0 <= index < size < 2^63; path: 32-byte hashes, the leaf's sibling first; index and size fix how
 * many. Throws VerificationError `log.index_range` or `log.proof_malformed`.
 */
export async function rootFromInclusionPath({ leafHash: leaf, index, size, path }) {
  requireIndex(index, size);
  requirePath(path);
  requireHash(leaf);
  const at = BigInt(index);
  const inner = bitLength(at ^ (BigInt(size) - 1n));
  const border = bitCount(at >> BigInt(inner));
  if (path.length !== inner + border) {
    throw new VerificationError("log.proof_malformed", `${path.length} hashes for leaf ${index} of ${size}`);
  }
  let node = leaf;
  for (const [height, sibling] of path.entries()) {
    const isRight = height >= inner || (at >> BigInt(height)) & 1n;
    node = isRight ? await nodeHash(sibling, node) : await nodeHash(node, sibling);
  }
  return node;
}

/**
 * For each hash of an inclusion path which leaves it covers, [start, end) as BigInt, the leaf's own sibling first.
 *
 * Throws VerificationError `log.index_range`.
 */
export function siblingRanges(index, size) {
  requireIndex(index, size);
  const ranges = [];
  const end = BigInt(size);
  let at = BigInt(index);
  for (let level = 0n; (end - 1n) >> level; level += 1n) {
    const start = (at ^ 1n) << level;
    // Else the node has no sibling here and moves up as it is.
    if (start < end) ranges.push([start, minimum(start + (1n << level), end)]);
    at >>= 1n;
  }
  return ranges;
}

/** The hash over leaves start ... end - 1; a power of two not below end - start has to divide start. */
export async function rangeHash(start, end, readNode) {
  const nodes = [];
  for (const [level, index] of completeSubtrees(start, end)) nodes.push(await readNode(level, index));
  let root = nodes.pop();
  while (nodes.length) root = await nodeHash(nodes.pop(), root);
  return root;
}

/** The row above a row of hashes: the parents of its pairs. An odd last hash has no parent yet. */
export async function pairHashes(row) {
  const pairs = Array.from({ length: row.length >> 1 }, (_, i) => concat(NODE, row[2 * i], row[2 * i + 1]));
  return Promise.all(pairs.map((pair) => sha256(pair)));
}

/** How many bits are set in a BigInt that is not negative. */
export function bitCount(number) {
  let count = 0;
  for (let rest = number; rest; rest &= rest - 1n) count += 1;
  return count;
}

function bitLength(number) {
  return number ? number.toString(2).length : 0;
}

function trailingZeros(number) {
  return bitLength(number & -number) - 1;
}

function minimum(left, right) {
  return left < right ? left : right;
}

function requireSize(size) {
  if (!(size >= 0 && size <= MAX_SIZE)) throw new VerificationError("log.index_range", "size out of range");
}

function requireIndex(index, size) {
  if (!(index >= 0 && index < size && size <= MAX_SIZE)) {
    throw new VerificationError("log.index_range", "index and size out of range");
  }
}

function requireHash(value) {
  if (value.length !== HASH_SIZE) throw new VerificationError("log.proof_malformed", `a hash of ${value.length} bytes`);
}

function requirePath(path) {
  if (path.length > MAX_PATH) throw new VerificationError("log.proof_malformed", `${path.length} hashes`);
  if (path.some((node) => node.length !== HASH_SIZE)) {
    throw new VerificationError("log.proof_malformed", "a hash of another length in the path");
  }
}
