"""The append-only Merkle tree of RFC 9162, section 2.1, over SHA-256: roots, inclusion and consistency
proofs.

Everything here is arithmetic on hashes. Who stores the nodes is the business of the `NodeReader` passed in.

A tree of seven leaves. The complete subtrees of a size, one per bit set in it, are the *frontier*; every root
and every proof is made of complete subtrees alone, so the past is never hashed again.

            root
          /      \\
         A        B·6          frontier of size 7: A (4 leaves), B (2 leaves), 6 (1 leaf)
       /   \\     /   \\
      .     .    B     6
     0 1   2 3  4 5
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from typing import NewType

from ledger.errors import VerificationError
from ledger.reasons import Reason

__all__ = [
    "EMPTY_ROOT",
    "HASH_SIZE",
    "MAX_PATH",
    "MAX_SIZE",
    "Frontier",
    "LeafHash",
    "NodeReader",
    "RootHash",
    "complete_subtrees",
    "leaf_hash",
    "node_hash",
    "prove_consistency",
    "prove_inclusion",
    "range_hash",
    "root_at",
    "root_from_inclusion_path",
    "root_from_leaf_hashes",
    "sibling_ranges",
    "verify_consistency",
    "verify_inclusion",
]

LeafHash = NewType("LeafHash", bytes)
RootHash = NewType("RootHash", bytes)

NodeReader = Callable[[int, int], bytes]
"""(level, index) to the hash of the complete subtree over the 2**level leaves from index * 2**level on."""

HASH_SIZE = 32
MAX_SIZE = 2**63 - 1
MAX_PATH = 63
_HASH_SIZES = frozenset({HASH_SIZE})
EMPTY_ROOT = RootHash(sha256(b"").digest())


def leaf_hash(entry: bytes) -> LeafHash:
    """SHA-256(0x00 ‖ entry). RFC 9162, section 2.1.1."""
    return LeafHash(sha256(b"\x00" + entry).digest())


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right). RFC 9162, section 2.1.1."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The complete subtrees of a growing tree, largest first.

    Invariant: `_nodes[i]` is the hash of the subtree belonging to the i-th highest bit set in `size`.
    """

    __slots__ = ("_nodes", "_size")

    def __init__(self, size: int = 0, nodes: Sequence[bytes] = ()) -> None:
        """Start from `size` leaves, whose complete subtrees have the hashes `nodes` (as many as bits set in
        `size`).

        Raises:
            VerificationError: `log.index_range` for a size out of range, `log.proof_malformed` for other
                nodes.
        """
        _require_size(size)
        _require_path(nodes)
        if len(nodes) != size.bit_count():
            raise VerificationError(Reason.LOG_PROOF_MALFORMED, f"{len(nodes)} subtrees for size {size}")
        self._size = size
        self._nodes = list(nodes)

    @classmethod
    def read(cls, size: int, read_node: NodeReader) -> Frontier:
        """The frontier of the tree of `size` leaves that `read_node` knows."""
        _require_size(size)
        return cls(size, [read_node(level, index) for level, index in complete_subtrees(0, size)])

    @property
    def size(self) -> int:
        return self._size

    @property
    def nodes(self) -> tuple[bytes, ...]:
        """The subtree hashes, largest subtree first."""
        return tuple(self._nodes)

    def copy(self) -> Frontier:
        return Frontier(self._size, self._nodes)

    def append(self, leaf: LeafHash) -> None:
        """Take in the hash of the next leaf.

        Raises:
            VerificationError: `log.proof_malformed` if it is not 32 bytes, `log.index_range` if the tree is
                full.
        """
        self.append_subtree(0, leaf)

    def extend(self, leaves: Iterable[LeafHash]) -> None:
        """Take in the hashes of the next leaves, in order. Errors as in `append`."""
        for leaf in leaves:
            self.append_subtree(0, leaf)

    def append_subtree(self, level: int, node: bytes) -> None:
        """Take in the next 2**level leaves by the hash of their subtree; 2**level has to divide `size`."""
        step = 1 << level
        if self._size & (step - 1) or self._size > MAX_SIZE - step:
            raise VerificationError(
                Reason.LOG_INDEX_RANGE, f"a subtree of level {level} at size {self._size}"
            )
        if len(node) != HASH_SIZE:
            raise VerificationError(Reason.LOG_PROOF_MALFORMED, f"a node of {len(node)} bytes")
        carry = self._size >> level
        while carry & 1:
            node = node_hash(self._nodes.pop(), node)
            carry >>= 1
        self._nodes.append(node)
        self._size += step

    def root_hash(self) -> RootHash:
        """The root at the present size; SHA-256 of nothing for the empty tree."""
        return _fold_subtrees(self._nodes) if self._nodes else EMPTY_ROOT


def root_from_leaf_hashes(leaves: Iterable[LeafHash]) -> RootHash:
    """The root over `leaves`. RFC 9162, section 2.1.1."""
    frontier = Frontier()
    frontier.extend(leaves)
    return frontier.root_hash()


def complete_subtrees(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The (level, index) of the fewest complete subtrees over leaves start ... end - 1, left to right."""
    while start < end:
        level = (end - start).bit_length() - 1
        if start:
            level = min(level, _trailing_zeros(start))
        yield level, start >> level
        start += 1 << level


def root_at(size: int, read_node: NodeReader) -> RootHash:
    """The root of the first `size` leaves, from about log2(size) nodes.

    Raises:
        VerificationError: `log.index_range`.
    """
    _require_size(size)
    return RootHash(range_hash(0, size, read_node)) if size else EMPTY_ROOT


def prove_inclusion(index: int, size: int, read_node: NodeReader) -> list[bytes]:
    """The siblings from leaf `index` up to the root at `size`, the leaf's own sibling first. RFC 9162,
    2.1.3.1.

    Raises:
        VerificationError: `log.index_range` unless 0 <= index < size < 2**63.
    """
    _require_index(index, size)
    return _path_of_node(0, index, size, read_node)


def prove_consistency(old_size: int, new_size: int, read_node: NodeReader) -> list[bytes]:
    """The hashes that link the root at `old_size` to the root at `new_size`. RFC 9162, section 2.1.4.1.

    Raises:
        VerificationError: `log.index_range` unless 1 <= old_size < 2**63 and the same for new_size,
            `log.rollback_detected` if the old size is the larger one.
    """
    _require_growth(old_size, new_size)
    if old_size == 0:
        raise VerificationError(Reason.LOG_INDEX_RANGE, "the empty tree is consistent with anything")
    if old_size == new_size:
        return []
    # The last complete subtree of the old tree is where the two trees part; if it *is* the old tree, the
    # verifier knows its hash already.
    level = _trailing_zeros(old_size)
    index = (old_size - 1) >> level
    seed = [] if index == 0 else [read_node(level, index)]
    return seed + _path_of_node(level, index, new_size, read_node)


def verify_inclusion(
    *, leaf_hash: LeafHash, index: int, size: int, path: Sequence[bytes], root_hash: RootHash
) -> None:
    """Check that `leaf_hash` stands at `index` in the tree of `size` leaves under `root_hash`. RFC 9162,
    2.1.3.2.

    Args:
        index: zero-based, 0 <= index < size.
        size: number of leaves, 1 <= size < 2**63.
        path: 32-byte hashes, the leaf's sibling first; index and size fix how many.
    Raises:
        VerificationError: `log.index_range`, `log.proof_malformed` (these numbers cannot belong together) or
            `log.inclusion_invalid`.
    """
    _require_hash(root_hash)
    computed = root_from_inclusion_path(leaf_hash=leaf_hash, index=index, size=size, path=path)
    if computed != root_hash:
        raise VerificationError(Reason.LOG_INCLUSION_INVALID, f"leaf {index} of {size}: {computed.hex()}")


def root_from_inclusion_path(
    *, leaf_hash: LeafHash, index: int, size: int, path: Sequence[bytes]
) -> RootHash:
    """The root that `path` leads to. It proves nothing until somebody trusted has signed that root at that
    size.

    Arguments and the reasons `log.index_range` and `log.proof_malformed` as in `verify_inclusion`.
    """
    _require_index(index, size)
    _require_path(path)
    _require_hash(leaf_hash)
    inner, border = _path_shape(index, size)
    if len(path) != inner + border.bit_count():
        raise VerificationError(Reason.LOG_PROOF_MALFORMED, f"{len(path)} hashes for leaf {index} of {size}")
    node = _climb_inner(leaf_hash, index, path[:inner])
    return RootHash(_climb_border(node, path[inner:]))


def verify_consistency(
    *, old_size: int, new_size: int, old_root_hash: RootHash, new_root_hash: RootHash, path: Sequence[bytes]
) -> None:
    """Check that the tree of `new_size` leaves begins with the tree of `old_size` leaves. RFC 9162, section
    2.1.4.2.

    Args:
        old_size, new_size: 1 <= old_size <= new_size < 2**63; nothing can be said of an empty old tree.
        path: 32-byte hashes; the two sizes fix how many, none for equal sizes.
    Raises:
        VerificationError: `log.index_range`, `log.rollback_detected` (the new tree is the smaller one),
            `log.fork_detected` (one size, two roots), `log.proof_malformed` or `log.consistency_invalid`.
    """
    _require_path(path)
    _require_growth(old_size, new_size)
    if old_size == 0:
        raise VerificationError(Reason.LOG_PROOF_MALFORMED, "nothing can be proved of an empty tree")
    if old_size == new_size:
        if path:
            raise VerificationError(Reason.LOG_PROOF_MALFORMED, f"{len(path)} hashes between equal sizes")
        if old_root_hash != new_root_hash:
            raise VerificationError(Reason.LOG_FORK_DETECTED, f"two roots at size {old_size}")
        return
    _require_hash(old_root_hash)
    _require_hash(new_root_hash)
    _verify_growth(old_size, new_size, old_root_hash, new_root_hash, path)


def _verify_growth(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> None:
    """The part of `verify_consistency` for 1 <= old_size < new_size."""
    level = _trailing_zeros(old_size)
    index = (old_size - 1) >> level
    inner, border = _path_shape(old_size - 1, new_size)
    inner -= level
    seeded = 1 if index else 0
    if len(path) != seeded + inner + border.bit_count():
        raise VerificationError(
            Reason.LOG_PROOF_MALFORMED, f"{len(path)} hashes from {old_size} to {new_size}"
        )
    seed = path[0] if seeded else old_root
    lower, upper = path[seeded : seeded + inner], path[seeded + inner :]
    # Within the old tree only the left siblings count: what stands right of the seed came later.
    left_of_seed = [node for height, node in enumerate(lower) if index >> height & 1]
    if _climb_border(seed, [*left_of_seed, *upper]) != old_root:
        raise VerificationError(Reason.LOG_CONSISTENCY_INVALID, f"does not lead to the root at {old_size}")
    if _climb_border(_climb_inner(seed, index, lower), upper) != new_root:
        raise VerificationError(Reason.LOG_CONSISTENCY_INVALID, f"does not lead to the root at {new_size}")


def _path_shape(index: int, size: int) -> tuple[int, int]:
    """On the lowest `inner` levels a sibling may be on either side; above, one left sibling per bit set."""
    inner = (index ^ (size - 1)).bit_length()
    return inner, index >> inner


def _climb_inner(node: bytes, index: int, path: Sequence[bytes]) -> bytes:
    for sibling in path:
        pair = sibling + node if index & 1 else node + sibling
        node = sha256(b"\x01" + pair).digest()
        index >>= 1
    return node


def _climb_border(node: bytes, path: Sequence[bytes]) -> bytes:
    for sibling in path:
        node = node_hash(sibling, node)
    return node


def _path_of_node(level: int, index: int, size: int, read_node: NodeReader) -> list[bytes]:
    """The siblings above the complete subtree (level, index) in the tree of `size` leaves."""
    return [range_hash(start, end, read_node) for start, end in _sibling_ranges(level, index, size)]


def sibling_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """For each hash of an inclusion path which leaves it covers, [start, end), the leaf's own sibling first.

    Raises:
        VerificationError: `log.index_range`.
    """
    _require_index(index, size)
    return list(_sibling_ranges(0, index, size))


def _sibling_ranges(level: int, index: int, size: int) -> Iterator[tuple[int, int]]:
    while (size - 1) >> level:
        start = (index ^ 1) << level
        if start < size:  # else the node has no sibling here and moves up as it is
            yield start, min(start + (1 << level), size)
        level += 1
        index >>= 1


def range_hash(start: int, end: int, read_node: NodeReader) -> bytes:
    """The hash over leaves start ... end - 1; a power of two not below end - start has to divide start."""
    return _fold_subtrees([read_node(level, index) for level, index in complete_subtrees(start, end)])


def _fold_subtrees(nodes: Sequence[bytes]) -> RootHash:
    root = nodes[-1]
    for node in reversed(nodes[:-1]):
        root = node_hash(node, root)
    return RootHash(root)


def _trailing_zeros(number: int) -> int:
    return (number & -number).bit_length() - 1


def _require_size(size: int) -> None:
    if not 0 <= size <= MAX_SIZE:
        raise VerificationError(Reason.LOG_INDEX_RANGE, "size out of range")


def _require_index(index: int, size: int) -> None:
    if not 0 <= index < size <= MAX_SIZE:
        raise VerificationError(Reason.LOG_INDEX_RANGE, "index and size out of range")


def _require_growth(old_size: int, new_size: int) -> None:
    _require_size(old_size)
    _require_size(new_size)
    if old_size > new_size:
        raise VerificationError(Reason.LOG_ROLLBACK_DETECTED, f"from {old_size} back to {new_size}")


def _require_hash(value: bytes) -> None:
    if len(value) != HASH_SIZE:
        raise VerificationError(Reason.LOG_PROOF_MALFORMED, f"a hash of {len(value)} bytes")


def _require_path(path: Sequence[bytes]) -> None:
    if len(path) > MAX_PATH:
        raise VerificationError(Reason.LOG_PROOF_MALFORMED, f"{len(path)} hashes")
    if not _HASH_SIZES.issuperset(map(len, path)):
        raise VerificationError(Reason.LOG_PROOF_MALFORMED, "a hash of another length in the path")
