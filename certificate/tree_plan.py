"""What to hash with what: the shape of a claims tree over some of its slots, worked out once and used many times.

A plan says which maximal subtrees hold none of the slots, and level by level which pairs of hashes make the next ones:

    slots 1 and 2 of four:        1             hashes: those of the leaves 5 and 6, of the hidden subtrees 4 and 7,
                                /   \\                   then of each level: 2 and 3, then 1
                               2     3          levels: [(4, 5), (6, 7)], [(2, 3)], as places in that list
                              / \\   / \\
                             4 [5] [6] 7

Hashing by a plan takes a third of the time of walking the tree. Few plans are ever needed: certificates of one city
fill their slots in few ways, and a request asks the same slots of everyone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from itertools import chain, groupby, pairwise
from operator import itemgetter
from struct import Struct
from typing import Any

__all__ = ["Node", "TreePlan", "plan_tree"]

Node = tuple[int, int]
"""A subtree: number of the tree (0 identity, 1 fact, 2 both under their root) and heap index in it, root = 1."""

_ROOT: Node = (2, 1)
_NODE_PREFIX = b"\x01"
_NODE = f"{len(_NODE_PREFIX) + 2 * 32}s"
_digest = type(sha256()).digest
_MOST_PLANS = 4096  # whoever shows ever other slots makes the cache useless, not large


@dataclass(frozen=True, slots=True)
class TreePlan:
    """How the hashes of n leaves become a root.

    Attributes:
        hidden: the maximal subtrees without any of the leaves, left to right.
        ends: per hidden subtree number of the tree and heap index, as they end what is hashed for an empty one.
        nodes: the leaves, the hidden subtrees, then what is made of them; the last one is the root.
        levels: per level what picks the hashes that are joined, each pair behind the node prefix, which stands in
            front of all hashes; and what cuts them, laid end to end, into what is hashed for each node.
        salts: what picks the leaves' salts of 16 bytes out of those of all slots up to the last one.
    """

    hidden: tuple[Node, ...]
    ends: tuple[bytes, ...]
    nodes: tuple[Node, ...]
    levels: tuple[tuple[Callable[[Sequence[bytes]], Sequence[bytes]], Struct], ...]
    salts: Struct

    def fold(self, hashes: list[bytes]) -> bytes:
        """The root. `hashes` holds those of the leaves and of `hidden`, and receives the rest of `nodes`."""
        known = [_NODE_PREFIX, *hashes]
        for pick, pairs in self.levels:
            # No line of Python for each of a hundred hashes.
            known += map(_digest, map(sha256, pairs.unpack(b"".join(pick(known)))))
        hashes[:] = known[1:]
        return hashes[-1]


@lru_cache(maxsize=_MOST_PLANS)
def plan_tree(identity_depth: int, fact_depth: int, slots: tuple[int, ...]) -> TreePlan:
    """The plan over identity and fact tree for these slots, which rise; without any, the root itself is hidden."""
    if not slots:
        return TreePlan((_ROOT,), (), (_ROOT,), (), Struct(""))
    planner = _Planner(slots)
    split = bisect_left(slots, 1 << identity_depth)
    left = planner.walk(0, 1, 0, identity_depth, 0, split)
    right = planner.walk(1, 1, 1 << identity_depth, fact_depth, split, len(slots))
    planner.join(left, right, _ROOT)
    return planner.plan()


class _Planner:
    """Collects the nodes of one plan: leaves, hidden subtrees, and joined pairs by their height above the lowest."""

    def __init__(self, slots: Sequence[int]) -> None:
        self.slots = slots
        self.height: dict[Node, int] = {}
        self.leaves: list[Node] = []
        self.hidden: list[Node] = []
        self.joined: list[tuple[Node, Node, Node]] = []

    def walk(self, tree: int, heap: int, first: int, depth: int, low: int, high: int) -> Node:
        """The subtree `heap` over 2**depth slots from `first`, among which slots[low:high] are."""
        node = (tree, heap)
        if low == high or depth == 0:
            self.height[node] = 0
            (self.hidden if low == high else self.leaves).append(node)
            return node
        half = first + (1 << depth - 1)
        middle = bisect_left(self.slots, half, low, high)
        left = self.walk(tree, 2 * heap, first, depth - 1, low, middle)
        right = self.walk(tree, 2 * heap + 1, half, depth - 1, middle, high)
        return self.join(left, right, node)

    def join(self, left: Node, right: Node, node: Node) -> Node:
        self.height[node] = 1 + max(self.height[left], self.height[right])
        self.joined.append((left, right, node))
        return node

    def plan(self) -> TreePlan:
        joined = sorted(self.joined, key=lambda pair: self.height[pair[2]])
        nodes = (*self.leaves, *self.hidden, *(node for _, _, node in joined))
        place = {node: at for at, node in enumerate(nodes, start=1)}
        levels: list[tuple[Any, Struct]] = []
        for _, level in groupby(joined, key=lambda pair: self.height[pair[2]]):
            pairs = [(0, place[left], place[right]) for left, right, _ in level]
            levels.append((itemgetter(*chain.from_iterable(pairs)), Struct(_NODE * len(pairs))))
        ends = tuple(bytes((tree,)) + heap.to_bytes(2) for tree, heap in self.hidden)
        return TreePlan(tuple(self.hidden), ends, nodes, tuple(levels), _picking_salts(self.slots))


def _picking_salts(slots: Sequence[int]) -> Struct:
    gaps = (after - before - 1 for before, after in pairwise((-1, *slots)))
    return Struct("".join(f"{16 * gap}x16s" for gap in gaps))
