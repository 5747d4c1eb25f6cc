/**
 * A log as a verifier holds it: a cosigned checkpoint with the blocks that lead to its root (DESIGN 3.3, 3.6).
 *
 * With it a proof needs fewer hashes, and no signature where the entry's block is held:
 *
 *     full     the lowest hashes have to give the block's hash if the block is held and complete in the proof's tree: 8
 *              of them, or 16 for the old part of the log; else log and quorum decide
 *     short    its 8 hashes have to give the block's hash
 *     recent   the siblings left out are filled in from the blocks, then as full
 *
 * A block that is held decides against any signature: keys of a log that were stolen, retired or not, cannot put an
 * entry into a past that the verifier holds (ATTACKS A39a). A full proof of a tree that ended within the block says
 * nothing of the complete block; there log and quorum decide, without the witnesses that were retired.
 */

import { BLOCK_LEAVES, BLOCK_LEVEL } from "./blocks.js";
import { bytesEqual } from "./digest.js";
import { FormatError, UndeterminedError, VerificationError } from "./errors.js";
import { leafHash, rangeHash, rootFromInclusionPath, siblingRanges } from "./merkle.js";
import { makeFullProof, verifyFullProof } from "./proof.js";

/**
 * Blocks and the verified checkpoint they lead to; signatures: those of the checkpoint as a proof carries them.
 *
 * Returns {blocks, checkpoint, signatures, time (POSIX seconds: the newest a witness stated, 0 without witnesses)}.
 * Throws FormatError `log.proof_malformed` when the sizes differ, VerificationError `log.inclusion_invalid` when the
 * blocks lead to another root.
 */
export async function makeHeldLog(blocks, checkpoint, signatures) {
  const signed = checkpoint.checkpoint;
  if (signed.size !== blocks.size) {
    throw new FormatError("log.proof_malformed", `blocks of ${blocks.size} of ${signed.size} entries`);
  }
  if (!bytesEqual(await blocks.rootHash(), signed.rootHash)) {
    throw new VerificationError("log.inclusion_invalid", "the blocks do not lead to the signed root");
  }
  const time = checkpoint.cosignatureTimes.reduce((latest, [, stated]) => (stated > latest ? stated : latest), 0);
  return Object.freeze({ blocks, checkpoint, signatures, time });
}

/**
 * Check that `entry` is logged where `proof` says: [logged entry, the proof completed to its full form, for the file].
 *
 * held: what the verifier holds of this log, null for nothing; others as in `verifyFullProof`. Throws UndeterminedError
 * `log.subtree_unknown` if the proof leaves out what is not held, VerificationError `log.inclusion_invalid`,
 * `log.proof_malformed`, and what `verifyFullProof` throws.
 */
export async function verifyProof(proof, { entry, origin, policy, now, held, known = null }) {
  const shown = proof.form === "recent" ? await completeRecent(proof, held) : proof;
  const block = held === null ? null : held.blocks.blockOf(shown.index);
  if (block !== null && reaches(shown, block[0])) {
    const leaf = await leafHash(entry);
    await requireBlock(leaf, shown, block);
    return [logged(shown, leaf, held), await completed(shown, held, block[0])];
  }
  if (shown.form === "short") throw unknown(`the block of entry ${shown.index}`);
  // Of a tree in which the held block was not complete: a stolen old key could make such a one.
  const trusted = block === null ? { policy, known } : { policy: policy.ofToday(), known: null };
  return [await verifyFullProof(shown, { entry, origin, now, ...trusted }), shown];
}

/**
 * Fill in the siblings that a recent proof leaves out.
 *
 * Throws UndeterminedError `log.subtree_unknown` if less is held than the proof says, VerificationError
 * `log.proof_malformed` for a number of hashes that does not fit.
 */
async function completeRecent(proof, held) {
  if (proof.known > 0 && (held === null || held.blocks.size < proof.known)) {
    throw unknown(`the log up to ${proof.known}`);
  }
  const path = [];
  let used = 0;
  for (const [start, end] of siblingRanges(proof.index, proof.size)) {
    if (held !== null && isLeftOut(start, end, proof.known)) {
      path.push(await rangeHash(start, end, held.blocks.readNode));
      continue;
    }
    if (used === proof.path.length) {
      throw new VerificationError("log.proof_malformed", "hashes missing in a recent proof");
    }
    path.push(proof.path[used]);
    used += 1;
  }
  if (used !== proof.path.length) {
    throw new VerificationError("log.proof_malformed", "hashes left over in a recent proof");
  }
  return makeFullProof(proof.log, proof.index, proof.size, path, proof.signatures);
}

/** Whether the lowest `level` hashes are those of the complete block; in a smaller tree it had another hash. */
function reaches(proof, level) {
  if (proof.form === "short") return level === BLOCK_LEVEL;
  const height = BigInt(level);
  return proof.size >= ((BigInt(proof.index) >> height) + 1n) << height;
}

async function requireBlock(leaf, proof, [level, block]) {
  if (proof.path.length < level) {
    throw new VerificationError("log.proof_malformed", `${proof.path.length} hashes below a complete block`);
  }
  const size = 1n << BigInt(level);
  const path = proof.path.slice(0, level);
  const root = await rootFromInclusionPath({ leafHash: leaf, index: BigInt(proof.index) % size, size, path });
  if (!bytesEqual(root, block)) {
    throw new VerificationError("log.inclusion_invalid", `entry ${proof.index} does not lead to the block that is held`, {
      hint: "The entry is another one, or the proof was damaged; ask for a fresh proof.",
    });
  }
}

function logged(proof, leaf, held) {
  const { size, rootHash } = held.checkpoint.checkpoint;
  return Object.freeze({ log: proof.log, index: proof.index, size, rootHash, leafHash: leaf, checkpoint: held.checkpoint });
}

/** The full proof under the held checkpoint: the hashes below the block as shown, the rest from the blocks. */
async function completed(proof, held, level) {
  const { size, readNode } = held.blocks;
  const path = proof.path.slice(0, level);
  for (const [start, end] of siblingRanges(proof.index, size).slice(level)) {
    path.push(await rangeHash(start, end, readNode));
  }
  return makeFullProof(proof.log, proof.index, size, path, held.signatures);
}

function isLeftOut(start, end, known) {
  return end - start >= BigInt(BLOCK_LEAVES) && end <= known;
}

function unknown(detail) {
  return new UndeterminedError("log.subtree_unknown", detail, {
    hint: "Update the trust bundle, or ask for a full proof.",
  });
}
