"""The tree against the outside vectors, a naive recursive tree and every mutation of a proof (ATTACKS L)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import VerificationError
from ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    LeafHash,
    RootHash,
    leaf_hash,
    node_hash,
    prove_consistency,
    prove_inclusion,
    root_at,
    root_from_inclusion_path,
    root_from_leaf_hashes,
    verify_consistency,
    verify_inclusion,
)
from ledger.reasons import Reason
from tests.attacks.marking import attack

VECTORS = Path(__file__).parents[1] / "vectors"
SIZES = range(1, 131)
LEAVES = [leaf_hash(b"entry %d" % number) for number in range(max(SIZES))]

MALFORMED = Reason.LOG_PROOF_MALFORMED
RANGE = Reason.LOG_INDEX_RANGE
NOT_INCLUDED = Reason.LOG_INCLUSION_INVALID
NOT_CONSISTENT = Reason.LOG_CONSISTENCY_INVALID


def naive_root(leaves: Sequence[bytes]) -> RootHash:
    """RFC 9162, section 2.1.1, word by word."""
    if not leaves:
        return RootHash(sha256(b"").digest())
    if len(leaves) == 1:
        return RootHash(leaves[0])
    split = naive_split(len(leaves))
    return RootHash(sha256(b"\x01" + naive_root(leaves[:split]) + naive_root(leaves[split:])).digest())


def naive_split(size: int) -> int:
    """The largest power of two below `size`."""
    split = 1
    while split * 2 < size:
        split *= 2
    return split


def naive_inclusion(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """RFC 9162, section 2.1.3.1, word by word."""
    if len(leaves) == 1:
        return []
    split = naive_split(len(leaves))
    if index < split:
        return [*naive_inclusion(index, leaves[:split]), naive_root(leaves[split:])]
    return [*naive_inclusion(index - split, leaves[split:]), naive_root(leaves[:split])]


def naive_consistency(old_size: int, leaves: Sequence[bytes], whole: bool = True) -> list[bytes]:
    """RFC 9162, section 2.1.4.1, word by word."""
    if old_size == len(leaves):
        return [] if whole else [naive_root(leaves)]
    split = naive_split(len(leaves))
    if old_size <= split:
        return [*naive_consistency(old_size, leaves[:split], whole), naive_root(leaves[split:])]
    return [*naive_consistency(old_size - split, leaves[split:], False), naive_root(leaves[:split])]


def read_node(level: int, index: int) -> bytes:
    return NODES[level][index]


def all_nodes(leaves: Sequence[bytes]) -> list[list[bytes]]:
    nodes = [list(leaves)]
    while len(nodes[-1]) > 1:
        row = nodes[-1]
        nodes.append([node_hash(row[at], row[at + 1]) for at in range(0, len(row) - 1, 2)])
    return nodes


NODES = all_nodes(LEAVES)
ROOTS = [naive_root(LEAVES[:size]) for size in range(max(SIZES) + 1)]


def reason_of(call: Callable[[], object]) -> Reason:
    with pytest.raises(VerificationError) as caught:
        call()
    return caught.value.reason


def load(name: str) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads((VECTORS / "merkle" / name).read_text("utf-8"))["cases"]
    return cases


def b64(text: str | None) -> bytes:
    return base64.b64decode(text or "", validate=True)


def test_hashes_of_the_specification() -> None:
    """RFC 6962 reference values: the hash of an empty leaf, and of no leaf at all."""
    empty_leaf = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert leaf_hash(b"").hex() == empty_leaf
    assert leaf_hash(b"L123456").hex() == "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    assert (
        node_hash(b"N123", b"N456").hex()
        == "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"
    )
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@attack("L01")
def test_inclusion_vectors() -> None:
    cases = load("inclusion.json")
    assert (len(cases), sum(case["wantErr"] for case in cases)) == (98, 92)
    for case in cases:
        failed = None
        try:
            verify_inclusion(
                leaf_hash=LeafHash(b64(case["leafHash"])),
                index=case["leafIdx"],
                size=case["treeSize"],
                path=[b64(node) for node in case["proof"] or []],
                root_hash=RootHash(b64(case["root"])),
            )
        except VerificationError as exc:
            failed = exc.reason
        assert (failed is not None) == case["wantErr"], case["name"]
        assert failed in (None, MALFORMED, RANGE, NOT_INCLUDED), case["name"]


@attack("L01")
def test_consistency_vectors() -> None:
    cases = load("consistency.json")
    assert (len(cases), sum(case["wantErr"] for case in cases)) == (98, 92)
    seen = set()
    for case in cases:
        failed = None
        try:
            verify_consistency(
                old_size=case["size1"],
                new_size=case["size2"],
                old_root_hash=RootHash(b64(case["root1"])),
                new_root_hash=RootHash(b64(case["root2"])),
                path=[b64(node) for node in case["proof"] or []],
            )
        except VerificationError as exc:
            failed = exc.reason
        assert (failed is not None) == case["wantErr"], case["name"]
        seen.add(failed)
    assert seen == {None, MALFORMED, NOT_CONSISTENT, Reason.LOG_ROLLBACK_DETECTED, Reason.LOG_FORK_DETECTED}


def test_roots_of_all_sizes() -> None:
    frontier = Frontier()
    assert frontier.root_hash() == EMPTY_ROOT == naive_root([])
    for size in SIZES:
        frontier.append(LEAVES[size - 1])
        assert frontier.size == size
        assert frontier.root_hash() == ROOTS[size] == root_from_leaf_hashes(LEAVES[:size])
        assert root_at(size, read_node) == ROOTS[size]
        assert Frontier.read(size, read_node).nodes == frontier.nodes


def test_inclusion_proofs_of_all_sizes() -> None:
    for size in SIZES:
        for index in range(size):
            path = prove_inclusion(index, size, read_node)
            if size <= 70:
                assert path == naive_inclusion(index, LEAVES[:size])
            verify_inclusion(
                leaf_hash=LEAVES[index], index=index, size=size, path=path, root_hash=ROOTS[size]
            )


def test_consistency_proofs_of_all_sizes() -> None:
    for new_size in SIZES:
        for old_size in range(1, new_size + 1):
            path = prove_consistency(old_size, new_size, read_node)
            if new_size <= 70:
                assert path == naive_consistency(old_size, LEAVES[:new_size])
            verify_consistency(
                old_size=old_size,
                new_size=new_size,
                old_root_hash=ROOTS[old_size],
                new_root_hash=ROOTS[new_size],
                path=path,
            )


def inclusion_reason(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> Reason:
    return reason_of(
        lambda: verify_inclusion(
            leaf_hash=LeafHash(leaf), index=index, size=size, path=path, root_hash=RootHash(root)
        )
    )


def flipped(value: bytes, bit: int = 0) -> bytes:
    return bytes([value[0] ^ 1 << bit]) + value[1:]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 33, 70])
def test_mutated_inclusion_proofs_are_refused(size: int) -> None:
    root = ROOTS[size]
    for index in range(size):
        leaf = LEAVES[index]
        path = prove_inclusion(index, size, read_node)
        wrong = (NOT_INCLUDED, MALFORMED)
        assert inclusion_reason(leaf, index - 1, size, path, root) in (*wrong, RANGE)
        assert inclusion_reason(leaf, index + 1, size, path, root) in (*wrong, RANGE)
        # twice or half the size moves the leaf unless the path has the same shape there; then the root
        # differs
        if size > 1:
            assert inclusion_reason(leaf, index, size * 2, path, root) == MALFORMED
            assert inclusion_reason(leaf, index, size // 2, path, root) in (*wrong, RANGE)
        assert inclusion_reason(leaf, index, size, [*path, root], root) == MALFORMED
        assert inclusion_reason(leaf, index, size, [root, *path], root) == MALFORMED
        assert inclusion_reason(leaf, index, size, path, flipped(root)) == NOT_INCLUDED
        assert inclusion_reason(flipped(leaf), index, size, path, root) == NOT_INCLUDED
        for at, node in enumerate(path):
            assert inclusion_reason(leaf, index, size, path[:at] + path[at + 1 :], root) == MALFORMED
            changed = [*path[:at], flipped(node, at % 8), *path[at + 1 :]]
            assert inclusion_reason(leaf, index, size, changed, root) == NOT_INCLUDED


@attack("L02", Reason.LOG_INDEX_RANGE)
@pytest.mark.parametrize(
    ("index", "size", "reason"),
    [(-1, 8, RANGE), (8, 8, RANGE), (0, 0, RANGE), (2**63, 2**63 + 1, RANGE), (0, 2**63, RANGE)],
)
def test_index_and_size_ranges(index: int, size: int, reason: Reason) -> None:  # L02
    assert inclusion_reason(LEAVES[0], index, size, [], ROOTS[1]) == reason
    assert reason_of(lambda: prove_inclusion(index, size, read_node)) == reason
    assert (
        reason_of(lambda: root_from_inclusion_path(leaf_hash=LEAVES[0], index=index, size=size, path=[]))
        == reason
    )


@attack("L03", Reason.LOG_PROOF_MALFORMED)
def test_hashes_of_other_lengths() -> None:  # L03
    path, root = prove_inclusion(2, 8, read_node), ROOTS[8]
    for bad in (path[0][:31], path[0] + b"\0", b""):
        assert inclusion_reason(LEAVES[2], 2, 8, [bad, *path[1:]], root) == MALFORMED
        assert inclusion_reason(LEAVES[2], 2, 8, path, bad) == MALFORMED
        assert inclusion_reason(bad, 2, 8, path, root) == MALFORMED
    assert inclusion_reason(LEAVES[2], 2, 8, path * 24, root) == MALFORMED


def test_the_largest_tree_is_handled_without_walking_it() -> None:
    path = [bytes([level]) * 32 for level in range(63)]
    root = root_from_inclusion_path(leaf_hash=LEAVES[0], index=0, size=2**63 - 1, path=path)
    verify_inclusion(leaf_hash=LEAVES[0], index=0, size=2**63 - 1, path=path, root_hash=root)
    assert inclusion_reason(LEAVES[0], 1, 2**63 - 1, path, root) == NOT_INCLUDED


@attack("L06", Reason.LOG_PROOF_MALFORMED)
def test_inner_nodes_are_no_leaves() -> None:  # L06, L07, L08
    inner = NODES[1][0]
    for leaf in (leaf_hash(NODES[0][0] + NODES[0][1]), leaf_hash(b"\x01" + NODES[0][0] + NODES[0][1])):
        assert inclusion_reason(leaf, 0, 4, [NODES[1][1]], ROOTS[4]) == MALFORMED
    assert inclusion_reason(inner, 0, 4, [NODES[1][1]], ROOTS[4]) == MALFORMED
    # Under a size of the sender's choice the arithmetic cannot tell an inner node from a leaf hash. Two
    # things can:
    # the size is signed, and a verifier hashes the entry itself (test_proof.py).
    assert (
        root_from_inclusion_path(leaf_hash=LeafHash(inner), index=0, size=2, path=[NODES[1][1]]) == ROOTS[4]
    )
    a, b, c = LEAVES[:3]
    assert root_from_leaf_hashes([a, b, c]) != root_from_leaf_hashes([a, b, c, c])


def consistency_reason(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: list[bytes]
) -> Reason:
    return reason_of(
        lambda: verify_consistency(
            old_size=old_size,
            new_size=new_size,
            old_root_hash=RootHash(old_root),
            new_root_hash=RootHash(new_root),
            path=path,
        )
    )


@attack("L11", Reason.LOG_ROLLBACK_DETECTED, Reason.LOG_CONSISTENCY_INVALID, Reason.LOG_PROOF_MALFORMED)
@pytest.mark.parametrize("new_size", [2, 3, 7, 8, 20, 33, 64])
def test_mutated_consistency_proofs_are_refused(new_size: int) -> None:  # L11
    for old_size in range(1, new_size):
        old, new = ROOTS[old_size], ROOTS[new_size]
        path = prove_consistency(old_size, new_size, read_node)
        wrong = (NOT_CONSISTENT, MALFORMED)
        assert consistency_reason(new_size, old_size, new, old, path) == Reason.LOG_ROLLBACK_DETECTED
        assert consistency_reason(old_size, new_size, new, old, path) == NOT_CONSISTENT
        assert consistency_reason(old_size, new_size, flipped(old), new, path) == NOT_CONSISTENT
        assert consistency_reason(old_size, new_size, old, flipped(new), path) == NOT_CONSISTENT
        assert consistency_reason(old_size, new_size, old, new, [*path, new]) == MALFORMED
        assert consistency_reason(old_size, new_size, old, new, [old, *path]) == MALFORMED
        assert consistency_reason(old_size, new_size, old, new, []) == MALFORMED
        assert consistency_reason(0, new_size, EMPTY_ROOT, new, path) == MALFORMED
        assert consistency_reason(old_size - 1, new_size, old, new, path) in wrong
        for at, node in enumerate(path):
            assert consistency_reason(old_size, new_size, old, new, path[:at] + path[at + 1 :]) == MALFORMED
            changed = [*path[:at], flipped(node, at % 8), *path[at + 1 :]]
            assert consistency_reason(old_size, new_size, old, new, changed) == NOT_CONSISTENT


@attack("L12", Reason.LOG_FORK_DETECTED)
def test_equal_sizes() -> None:  # L11, L12
    root = ROOTS[5]
    verify_consistency(old_size=5, new_size=5, old_root_hash=root, new_root_hash=root, path=[])
    assert consistency_reason(5, 5, root, root, [root]) == MALFORMED
    assert consistency_reason(5, 5, root, ROOTS[6], []) == Reason.LOG_FORK_DETECTED
    assert consistency_reason(0, 0, EMPTY_ROOT, EMPTY_ROOT, []) == MALFORMED
    assert consistency_reason(5, 2**63, root, root, []) == RANGE
    assert consistency_reason(4, 5, root[:31], root, [root]) == MALFORMED
    assert consistency_reason(4, 5, root, root + root, [root]) == MALFORMED
    assert consistency_reason(-1, 5, root, root, []) == RANGE


def test_prove_consistency_ranges() -> None:
    assert reason_of(lambda: prove_consistency(0, 5, read_node)) == RANGE
    assert reason_of(lambda: prove_consistency(6, 5, read_node)) == Reason.LOG_ROLLBACK_DETECTED


def test_frontier_guards() -> None:
    frontier = Frontier()
    frontier.append(LEAVES[0])
    assert reason_of(lambda: frontier.append_subtree(1, NODES[1][1])) == RANGE
    assert reason_of(lambda: frontier.append(LeafHash(b"short"))) == MALFORMED
    assert reason_of(lambda: Frontier(3, [LEAVES[0]])) == MALFORMED
    assert reason_of(lambda: Frontier(2**63, [LEAVES[0]])) == RANGE
    assert reason_of(lambda: root_at(-1, read_node)) == RANGE
    full = Frontier(2**63 - 1, [LEAVES[0]] * 63)
    assert reason_of(lambda: full.append(LEAVES[0])) == RANGE
    assert frontier.size == 1
    assert frontier.root_hash() == RootHash(LEAVES[0])


@given(st.lists(st.integers(0, 7), max_size=40))
@settings(max_examples=40, deadline=None)
def test_frontier_takes_whole_subtrees(levels: list[int]) -> None:
    """Subtrees appended by their hash give the root that their leaves give one by one."""
    frontier = Frontier()
    for level in levels:
        while frontier.size % (1 << level):
            level -= 1
        if frontier.size + (1 << level) <= max(SIZES):
            frontier.append_subtree(level, read_node(level, frontier.size >> level))
    assert frontier.root_hash() == ROOTS[frontier.size]
    copy = frontier.copy()
    copy.append(LEAVES[0])
    assert frontier.root_hash() == ROOTS[frontier.size]


@attack("L01", Reason.LOG_INCLUSION_INVALID)
@given(st.integers(1, 130), st.data())
@settings(max_examples=60, deadline=None)
def test_any_flipped_bit_is_noticed(size: int, data: st.DataObject) -> None:  # L01
    index = data.draw(st.integers(0, size - 1))
    path = prove_inclusion(index, size, read_node)
    material = bytearray(LEAVES[index] + b"".join(path) + ROOTS[size])
    bit = data.draw(st.integers(0, len(material) * 8 - 1))
    material[bit // 8] ^= 1 << bit % 8
    hashes = [bytes(material[at : at + 32]) for at in range(0, len(material), 32)]
    assert inclusion_reason(hashes[0], index, size, hashes[1:-1], hashes[-1]) == NOT_INCLUDED
