"""A second opinion: merkletools, written by others for Chainpoint, on sizes 1 to 300 (docs/adr/0003).

It knows no domain separation, so it is given a hash that puts 0x01 before its argument, and leaf hashes as leaves.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from ledger.merkle import Frontier, LeafHash, leaf_hash, node_hash, prove_inclusion, root_from_inclusion_path

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it misses an optional hash function, which we do not use
    from merkletools import MerkleTools

MAX_SIZE = 300
LEAVES = [leaf_hash(b"leaf %d" % number) for number in range(MAX_SIZE)]


def oracle(size: int, hash_function: Callable[[bytes], Any]) -> Any:
    tools = MerkleTools()
    tools.hash_function = hash_function
    tools.add_leaf([leaf.hex() for leaf in LEAVES[:size]])
    tools.make_tree()
    return tools


def separated(data: bytes) -> Any:
    return sha256(b"\x01" + data)


def read_node(level: int, index: int) -> bytes:
    if level == 0:
        return LEAVES[index]
    return node_hash(read_node(level - 1, 2 * index), read_node(level - 1, 2 * index + 1))


def test_roots_and_proofs_agree() -> None:
    frontier = Frontier()
    proofs = 0
    for size in range(1, MAX_SIZE + 1):
        frontier.append(LEAVES[size - 1])
        tools = oracle(size, separated)
        assert tools.get_merkle_root() == frontier.root_hash().hex()
        for index in {0, size // 3, size // 2, size - 2, size - 1} & set(range(size)):
            theirs = tools.get_proof(index)
            path = prove_inclusion(index, size, read_node)
            assert [next(iter(step.values())) for step in theirs] == [node.hex() for node in path]
            ours = [
                {"right" if step.get("right") else "left": node.hex()}
                for step, node in zip(theirs, path, strict=True)
            ]
            assert tools.validate_proof(ours, LEAVES[index].hex(), tools.get_merkle_root())
            root = root_from_inclusion_path(
                leaf_hash=LeafHash(LEAVES[index]),
                index=index,
                size=size,
                path=[bytes.fromhex(next(iter(step.values()))) for step in theirs],
            )
            assert root.hex() == tools.get_merkle_root()
            proofs += 1
    assert proofs == 1490


def test_without_separation_the_oracle_disagrees() -> None:
    """The agreement above is no accident of comparing a thing with itself."""
    assert oracle(2, sha256).get_merkle_root() != node_hash(LEAVES[0], LEAVES[1]).hex()
    assert oracle(1, sha256).get_merkle_root() == LEAVES[0].hex()
