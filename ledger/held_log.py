"""A log as a verifier holds it: a cosigned checkpoint with the blocks that lead to its root (DESIGN 3.3, 3.6).

With it a proof needs fewer hashes, and no signature where the entry's block is held:

    full     the lowest hashes have to give the block's hash if the block is held and complete in the proof's tree: 8 of
             them, or 16 for the old part of the log; else log and quorum decide
    short    its 8 hashes have to give the block's hash
    recent   the siblings left out are filled in from the blocks, then as full

A block that is held decides against any signature: keys of a log that were stolen, retired or not, cannot put an entry
into a past that the verifier holds (ATTACKS A39a). A full proof of a tree that ended within the block says nothing of
the complete block; there log and quorum decide, without the witnesses that were retired.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ledger.blocks import BLOCK_LEAVES, BLOCK_LEVEL, Blocks
from ledger.errors import FormatError, UndeterminedError, VerificationError
from ledger.merkle import LeafHash, leaf_hash, range_hash, root_from_inclusion_path, sibling_ranges
from ledger.proof import FullProof, LoggedEntry, Proof, RecentProof, ShortProof, verify_full_proof
from ledger.reasons import Reason
from ledger.trust_policy import CheckpointMemory, TrustPolicy, VerifiedCheckpoint

__all__ = ["HeldLog", "complete_recent", "smallest_proof", "verify_proof"]


@dataclass(frozen=True, slots=True)
class HeldLog:
    """Blocks and the checkpoint they lead to.

    Args:
        signatures: those of the checkpoint as a proof carries them, key id ‖ blob.
    Raises:
        FormatError: `log.proof_malformed` when the sizes differ.
        VerificationError: `log.inclusion_invalid` when the blocks lead to another root.
    """

    blocks: Blocks
    checkpoint: VerifiedCheckpoint
    signatures: tuple[bytes, ...]

    def __post_init__(self) -> None:
        signed = self.checkpoint.checkpoint
        if signed.size != self.blocks.size:
            raise FormatError(
                Reason.LOG_PROOF_MALFORMED, f"blocks of {self.blocks.size} of {signed.size} entries"
            )
        if self.blocks.root_hash() != signed.root_hash:
            raise VerificationError(Reason.LOG_INCLUSION_INVALID, "the blocks do not lead to the signed root")

    @property
    def time(self) -> int:
        """POSIX seconds: the newest time a witness stated; 0 without witnesses."""
        return max((time for _, time in self.checkpoint.cosignature_times), default=0)


def verify_proof(
    proof: Proof,
    *,
    entry: bytes,
    origin: str,
    policy: TrustPolicy,
    now: int,
    held: HeldLog | None,
    known: CheckpointMemory | None = None,
) -> tuple[LoggedEntry, FullProof]:
    """Check that `entry` is logged where `proof` says; also the proof completed to its full form, for the file.

    Args:
        held: what the verifier holds of this log, None for nothing.
        others: as in `verify_full_proof`.
    Raises:
        UndeterminedError: `log.subtree_unknown` if the proof leaves out what is not held.
        VerificationError: `log.inclusion_invalid`, `log.proof_malformed`, and what `verify_full_proof` raises.
    """
    shown = complete_recent(proof, held) if isinstance(proof, RecentProof) else proof
    block = None if held is None else held.blocks.block_of(shown.index)
    if held is not None and block is not None and _reaches(shown, block[0]):
        leaf = leaf_hash(entry)
        _require_block(leaf, shown, *block)
        return _logged(shown, leaf, held), _completed(shown, held, block[0])
    if isinstance(shown, ShortProof):
        raise _unknown(f"the block of entry {shown.index}")
    if (
        block is not None
    ):  # of a tree in which the held block was not complete: a stolen old key could make such a one
        policy, known = policy.of_today(), None
    return verify_full_proof(shown, entry=entry, origin=origin, policy=policy, now=now, known=known), shown


def complete_recent(proof: RecentProof, held: HeldLog | None) -> FullProof:
    """Fill in the siblings that a recent proof leaves out.

    Raises:
        UndeterminedError: `log.subtree_unknown` if less is held than the proof says.
        VerificationError: `log.proof_malformed` for a number of hashes that does not fit.
    """
    if proof.known and (held is None or held.blocks.size < proof.known):
        raise _unknown(f"the log up to {proof.known}")
    carried = iter(proof.path)
    path = []
    for start, end in sibling_ranges(proof.index, proof.size):
        if held is not None and _is_left_out(start, end, proof.known):
            path.append(range_hash(start, end, held.blocks.read_node))
        else:
            path.append(_next(carried))
    if next(carried, None) is not None:
        raise VerificationError(Reason.LOG_PROOF_MALFORMED, "hashes left over in a recent proof")
    return FullProof(proof.log, proof.index, proof.size, tuple(path), proof.signatures)


def smallest_proof(proof: FullProof, *, holds: int) -> Proof:
    """The smallest form of `proof` that decides for a verifier who holds the log's first `holds` entries.

    Short needs a proof that reaches the end of its entry's block: one made since the block was complete.
    """
    if _block_end(proof.index) <= min(holds, proof.size):
        return ShortProof(proof.log, proof.index, proof.path[:BLOCK_LEVEL])
    known = min(holds, proof.size)
    known -= known % BLOCK_LEAVES
    if not known:
        return proof
    ranges = zip(proof.path, sibling_ranges(proof.index, proof.size), strict=True)
    kept = tuple(node for node, (start, end) in ranges if not _is_left_out(start, end, known))
    if len(kept) == len(proof.path):
        return proof
    return RecentProof(proof.log, proof.index, proof.size, kept, proof.signatures, known)


def _block_end(index: int, level: int = BLOCK_LEVEL) -> int:
    return ((index >> level) + 1) << level


def _reaches(proof: FullProof | ShortProof, level: int) -> bool:
    """Whether the lowest `level` hashes are those of the complete block; in a smaller tree it had another hash."""
    if isinstance(proof, ShortProof):
        return level == BLOCK_LEVEL
    return proof.size >= _block_end(proof.index, level)


def _require_block(leaf: LeafHash, proof: FullProof | ShortProof, level: int, block: bytes) -> None:
    if len(proof.path) < level:
        raise VerificationError(
            Reason.LOG_PROOF_MALFORMED, f"{len(proof.path)} hashes below a complete block"
        )
    root = root_from_inclusion_path(
        leaf_hash=leaf,
        index=proof.index % (1 << level),
        size=1 << level,
        path=proof.path[:level],
    )
    if root != block:
        raise VerificationError(
            Reason.LOG_INCLUSION_INVALID,
            f"entry {proof.index} does not lead to the block that is held",
            hint="The entry is another one, or the proof was damaged; ask for a fresh proof.",
        )


def _logged(proof: FullProof | ShortProof, leaf: LeafHash, held: HeldLog) -> LoggedEntry:
    signed = held.checkpoint.checkpoint
    return LoggedEntry(proof.log, proof.index, signed.size, signed.root_hash, leaf, held.checkpoint)


def _completed(proof: FullProof | ShortProof, held: HeldLog, level: int) -> FullProof:
    """The full proof under the held checkpoint: the hashes below the block as shown, the rest from the blocks."""
    size = held.blocks.size
    low = proof.path[:level]
    high = [
        range_hash(start, end, held.blocks.read_node)
        for start, end in sibling_ranges(proof.index, size)[level:]
    ]
    return FullProof(proof.log, proof.index, size, (*low, *high), held.signatures)


def _is_left_out(start: int, end: int, known: int) -> bool:
    return end - start >= BLOCK_LEAVES and end <= known


def _next(carried: Iterator[bytes]) -> bytes:
    node = next(carried, None)
    if node is None:
        raise VerificationError(Reason.LOG_PROOF_MALFORMED, "hashes missing in a recent proof")
    return node


def _unknown(detail: str) -> UndeterminedError:
    return UndeterminedError(
        Reason.LOG_SUBTREE_UNKNOWN, detail, hint="Update the trust bundle, or ask for a full proof."
    )
