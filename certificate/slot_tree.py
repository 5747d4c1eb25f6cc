"""The claims tree of a certificate: salted leaves in fixed slots, and the multiproof that shows some of them.

    claims_root = node(identity tree, fact tree)
    leaf        = SHA-256(0x00 || CBOR [salt, slot, value])
    node        = SHA-256(0x01 || left || right)                       as in RFC 9162 section 2.1.1
    empty       = SHA-256(0x02 || seed || tree || heap index)          one hash for a subtree without any claim

Salts and empty hashes come from the certificate's 32 random bytes, its seed. A reader of the certificate cannot tell
an absent claim from a hidden one. A multiproof holds the hashes of the maximal hidden subtrees in pre-order, as one
byte string that is consumed exactly, so each set of shown slots has exactly one proof.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from certificate.slots import ClaimValue, Registry
from ledger.cbor import encode_cbor
from ledger.errors import FormatError, VerificationError
from ledger.merkle import node_hash
from ledger.reasons import Reason

__all__ = [
    "HASH_SIZE",
    "SALT_SIZE",
    "SEED_SIZE",
    "ClaimsTree",
    "Disclosure",
    "disclosure_leaf_hash",
    "root_from_disclosures",
    "salts_from_seed",
]

SEED_SIZE = 32
SALT_SIZE = 16
HASH_SIZE = 32


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One claim shown: its salt, its slot and its value, exactly what its leaf commits to."""

    salt: bytes
    slot: int
    value: ClaimValue

    def encode(self) -> list[object]:
        return [self.salt, self.slot, self.value]


def disclosure_leaf_hash(disclosure: Disclosure) -> bytes:
    """SHA-256(0x00 || deterministic CBOR of [salt, slot, value])."""
    return sha256(b"\x00" + encode_cbor(disclosure.encode())).digest()


def salts_from_seed(seed: bytes, slot_count: int) -> bytes:
    """The salts of slots 0...slot_count-1 in a row, 16 bytes each: AES-256-CTR keystream under `seed`, counter 0."""
    _check_seed(seed)
    encryptor = Cipher(algorithms.AES(seed), modes.CTR(bytes(16))).encryptor()
    return encryptor.update(bytes(SALT_SIZE * slot_count)) + encryptor.finalize()


class ClaimsTree:
    """The whole tree, as the issuer (from seed and values) or the holder (from a disclosure of all) knows it."""

    __slots__ = ("_absent", "_disclosures", "_registry", "_slots")

    def __init__(
        self, registry: Registry, disclosures: Mapping[int, Disclosure], absent: Callable[[int, int], bytes]
    ) -> None:
        """`absent(tree, heap index)` is the hash of a subtree without any of `disclosures`."""
        self._registry = registry
        self._disclosures = disclosures
        self._slots = sorted(disclosures)
        self._absent = absent

    @classmethod
    def from_seed(cls, registry: Registry, seed: bytes, claims: Mapping[int, ClaimValue]) -> ClaimsTree:
        """The tree over `claims` (slot to value), every value checked against the registry.

        Raises:
            FormatError: `schema.field_unknown`, `schema.field_type` and the like for a claim that may not stand there.
        """
        _check_seed(seed)
        salts = salts_from_seed(seed, max(claims, default=0) + 1)
        disclosures = {}
        for slot, value in claims.items():
            registry.check_value(slot, value)
            salt = salts[SALT_SIZE * slot : SALT_SIZE * (slot + 1)]
            disclosures[slot] = Disclosure(salt, slot, value)

        def empty(tree: int, heap: int) -> bytes:
            return sha256(b"\x02" + seed + bytes((tree,)) + heap.to_bytes(2)).digest()

        return cls(registry, disclosures, empty)

    @classmethod
    def from_disclosures(
        cls, registry: Registry, disclosures: Sequence[Disclosure], multiproof: bytes, *, claims_root: bytes
    ) -> ClaimsTree:
        """The tree of a holder, who has claims with their salts and the hashes of the subtrees beside them.

        Raises:
            FormatError: as `root_from_disclosures`; `disc.required_missing` without any disclosure.
            VerificationError: `disc.digest_mismatch` if they do not give `claims_root`.
        """
        if not disclosures:
            raise FormatError(
                Reason.DISC_REQUIRED_MISSING, "no claim to show", hint="take the holder's whole file"
            )
        hidden: dict[tuple[int, int], bytes] = {}
        if _read(registry, disclosures, multiproof, hidden) != claims_root:
            raise VerificationError(
                Reason.DISC_DIGEST_MISMATCH, "the disclosures do not give the signed root"
            )
        return cls(registry, {item.slot: item for item in disclosures}, lambda tree, heap: hidden[tree, heap])

    @property
    def slots(self) -> tuple[int, ...]:
        """The slots that hold a claim, ascending."""
        return tuple(self._slots)

    def root(self) -> bytes:
        """The 32-byte claims root."""
        return _fold(self._registry, self._slots, self._leaf, self._absent)

    def disclose(self, slots: Sequence[int]) -> tuple[tuple[Disclosure, ...], bytes]:
        """The disclosures of `slots` in ascending order and the multiproof beside them.

        Raises:
            FormatError: `disc.required_missing` if a slot holds no claim.
        """
        shown = sorted(set(slots))
        missing = [slot for slot in shown if slot not in self._disclosures]
        if missing:
            raise FormatError(
                Reason.DISC_REQUIRED_MISSING, f"slots {missing} hold no claim in this certificate"
            )
        if not shown:
            return (), self.root()
        proof: list[bytes] = []

        def hide(tree: int, heap: int) -> bytes:
            proof.append(self._subtree(tree, heap))
            return proof[-1]

        _fold(self._registry, shown, self._leaf, hide)
        return tuple(self._disclosures[slot] for slot in shown), b"".join(proof)

    def _leaf(self, slot: int) -> bytes:
        return disclosure_leaf_hash(self._disclosures[slot])

    def _subtree(self, tree: int, heap: int) -> bytes:
        """The hash of one subtree, by its heap index."""
        first, width = _trees(self._registry)[tree]
        level = heap.bit_length() - 1
        width >>= level
        first += width * (heap - (1 << level))
        low = bisect_left(self._slots, first)
        high = bisect_left(self._slots, first + width, low)
        return _walk(self._slots, self._leaf, self._absent, tree, heap, first, width, low, high)


def root_from_disclosures(registry: Registry, disclosures: Sequence[Disclosure], multiproof: bytes) -> bytes:
    """The claims root that `disclosures` and `multiproof` lead to; the caller compares it with the signed one.

    Raises:
        FormatError: `disc.duplicate` (a slot twice), `disc.malformed` (slots not rising, hashes missing or left over,
            a salt that is not 16 bytes) or what `Registry.check_value` raises for a value.
    """
    return _read(registry, disclosures, multiproof, {})


def _read(
    registry: Registry,
    disclosures: Sequence[Disclosure],
    multiproof: bytes,
    hidden: dict[tuple[int, int], bytes],
) -> bytes:
    """Consume a multiproof exactly; `hidden` receives (tree, heap index) -> hash. Returns the root."""
    for disclosure in disclosures:
        registry.check_value(disclosure.slot, disclosure.value)
    slots = [item.slot for item in disclosures]
    for earlier, later in pairwise(slots):
        if earlier == later:
            raise FormatError(Reason.DISC_DUPLICATE, f"slot {later} is shown twice")
        if earlier > later:
            raise FormatError(Reason.DISC_MALFORMED, "shown slots do not rise")
    if any(len(item.salt) != SALT_SIZE for item in disclosures):
        raise FormatError(Reason.DISC_MALFORMED, "a salt is not 16 bytes")
    if len(multiproof) % HASH_SIZE:
        raise FormatError(Reason.DISC_MALFORMED, "the multiproof is not made of whole hashes")
    hashes = [multiproof[at : at + HASH_SIZE] for at in range(0, len(multiproof), HASH_SIZE)]
    hashes.reverse()
    leaves = {item.slot: item for item in disclosures}

    def take(tree: int, heap: int) -> bytes:
        if not hashes:
            raise FormatError(Reason.DISC_MALFORMED, "hashes missing in the multiproof")
        hidden[tree, heap] = hashes.pop()
        return hidden[tree, heap]

    root = (
        _fold(registry, slots, lambda slot: disclosure_leaf_hash(leaves[slot]), take)
        if slots
        else take(-1, 1)
    )
    if hashes:
        raise FormatError(Reason.DISC_MALFORMED, "hashes left over in the multiproof")
    return root


Leaf = Callable[[int], bytes]
Hidden = Callable[[int, int], bytes]


def _trees(registry: Registry) -> tuple[tuple[int, int], tuple[int, int]]:
    """First slot and width of the identity tree and of the fact tree."""
    identity = 1 << registry.identity_depth
    return (0, identity), (identity, 1 << registry.fact_depth)


def _fold(registry: Registry, slots: Sequence[int], leaf: Leaf, hidden: Hidden) -> bytes:
    """The root over both trees, visited in pre-order: `leaf(slot)` for each of the ascending `slots`, and
    `hidden(tree, heap index)` for each maximal subtree that holds none of them."""
    (_, identity), (_, facts) = _trees(registry)
    split = bisect_left(slots, identity)
    return node_hash(
        _walk(slots, leaf, hidden, 0, 1, 0, identity, 0, split),
        _walk(slots, leaf, hidden, 1, 1, identity, facts, split, len(slots)),
    )


def _walk(
    slots: Sequence[int],
    leaf: Leaf,
    hidden: Hidden,
    tree: int,
    heap: int,
    first: int,
    width: int,
    low: int,
    high: int,
) -> bytes:
    """The hash of the subtree `heap` with `width` slots from `first`, in which slots[low:high] lie."""
    if low == high:
        return hidden(tree, heap)
    if width == 1:
        return leaf(first)
    half = width >> 1
    middle = bisect_left(slots, first + half, low, high)
    return node_hash(
        _walk(slots, leaf, hidden, tree, 2 * heap, first, half, low, middle),
        _walk(slots, leaf, hidden, tree, 2 * heap + 1, first + half, half, middle, high),
    )


def _check_seed(seed: bytes) -> None:
    if len(seed) != SEED_SIZE:
        raise FormatError(Reason.DISC_MALFORMED, f"a seed of {len(seed)} bytes")
