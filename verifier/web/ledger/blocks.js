/**
 * What a verifier keeps of a log: the hashes of its blocks of 256 leaves, and of 65,536 leaves for the old part.
 *
 * They are the entries of the C2SP level-1 and level-2 tiles (DESIGN 3.6). From them the root is recomputed and compared
 * with a cosigned checkpoint, so they need no trust of their own.
 *
 *     0                       start                    whole  size
 *     |  65,536-leaf blocks   |   256-leaf blocks        | edge |
 */

import { FormatError, UndeterminedError } from "./errors.js";
import { MAX_SIZE, bitCount, completeSubtrees, nodeHash, pairHashes, rootAt } from "./merkle.js";
import { TILE_HEIGHT, splitHashes } from "./tiles.js";

export const BLOCK_LEVEL = TILE_HEIGHT;
const LARGE_BLOCK_LEVEL = 2 * TILE_HEIGHT;
export const BLOCK_LEAVES = 1 << BLOCK_LEVEL;
const LARGE_BLOCK_LEAVES = 1 << LARGE_BLOCK_LEVEL;

/** The blocks of the first `size` leaves of a log; made by `Blocks.ofBytes`. */
export class Blocks {
  #rows;

  constructor(size, start, { large, small, rows }) {
    this.size = size;
    this.start = start;
    this.large = large;
    this.small = small;
    this.#rows = rows;
    Object.freeze(this);
  }

  /**
   * From `large`, `small` and `edge` as byte strings, hashes one after the other.
   *
   * size: leaves of the tree whose root this leads to, the last ones beyond a multiple of 256 in no block; start: first
   * leaf of the part with 256-leaf blocks. Throws FormatError `log.proof_malformed` for numbers that do not fit together.
   */
  static async ofBytes(size, start, ...rows) {
    if (rows.some((row) => row.length % 32)) throw malformed("a part of a hash is left over");
    const [large, small, edge] = rows.map(splitHashes);
    if (!(start >= 0 && start <= size && size <= MAX_SIZE)) throw malformed("start and size");
    const [leaves, first] = [BigInt(size), BigInt(start)];
    if (first % BigInt(LARGE_BLOCK_LEAVES)) throw malformed("a large block that is not whole");
    if (BigInt(large.length) !== first >> BigInt(LARGE_BLOCK_LEVEL)) throw malformed(`${large.length} large blocks`);
    if (BigInt(small.length) !== (wholeOf(leaves) - first) >> BigInt(BLOCK_LEVEL)) {
      throw malformed(`${small.length} blocks`);
    }
    if (edge.length !== bitCount(leaves % BigInt(BLOCK_LEAVES))) {
      throw malformed(`${edge.length} subtrees beyond the blocks`);
    }
    const climbed = await climb(leaves, first, { large, small, edge });
    return new Blocks(size, start, { large, small, rows: climbed });
  }

  /** [level, hash] of the block in which leaf `index` stands, or null if it stands in none that is kept. */
  blockOf(index) {
    const [at, start] = [BigInt(index), BigInt(this.start)];
    if (at >= 0n && at < start) return [LARGE_BLOCK_LEVEL, this.large[Number(at >> BigInt(LARGE_BLOCK_LEVEL))]];
    if (at >= start && at < wholeOf(BigInt(this.size))) {
      return [BLOCK_LEVEL, this.small[Number((at - start) >> BigInt(BLOCK_LEVEL))]];
    }
    return null;
  }

  /**
   * The hash of a complete subtree of 2^level leaves; what `merkle.js` calls readNode. index: BigInt.
   *
   * Throws UndeterminedError `log.subtree_unknown` if it is smaller than the blocks kept there, or beyond them.
   */
  readNode = async (level, index) => {
    const { first, row } = this.#rows.get(level) ?? { first: 0n, row: [] };
    if (index >= first && index < first + BigInt(row.length)) return row[Number(index - first)];
    if (level > LARGE_BLOCK_LEVEL && (index + 1n) << BigInt(level) <= BigInt(this.size)) {
      return nodeHash(await this.readNode(level - 1, 2n * index), await this.readNode(level - 1, 2n * index + 1n));
    }
    throw new UndeterminedError("log.subtree_unknown", `subtree ${index} of level ${level}`, {
      hint: "Update the trust bundle, then ask again.",
    });
  };

  /** The root of the first `size` leaves. */
  async rootHash() {
    return rootAt(this.size, this.readNode);
  }
}

/** How many leaves stand in blocks. */
function wholeOf(size) {
  return size - (size % BigInt(BLOCK_LEAVES));
}

/** Per level the number of the first complete subtree that is kept, and the hashes from there on. */
async function climb(size, start, { large, small, edge }) {
  let [level, first, row] = [BLOCK_LEVEL, start >> BigInt(BLOCK_LEVEL), small];
  const rows = new Map([[level, { first, row }]]);
  while (row.length > 1 || level < LARGE_BLOCK_LEVEL) {
    row = await pairHashes(row);
    [level, first] = [level + 1, first >> 1n];
    if (level === LARGE_BLOCK_LEVEL) [first, row] = [0n, [...large, ...row]];
    rows.set(level, { first, row });
  }
  for (const [at, [low, number]] of completeSubtrees(wholeOf(size), size).entries()) {
    rows.set(low, { first: number, row: [edge[at]] });
  }
  return rows;
}

function malformed(detail) {
  return new FormatError("log.proof_malformed", detail, { hint: "Fetch the trust bundle again." });
}
