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


@dataclass(frozen=True, slots=True)
class _Subtree:
    """A subtree with `width` slots from `first`; `tree` 0 or 1 and `heap` (root 1) name it, `tree` -1 is the top."""

    tree: int
    heap: int
    first: int
    width: int

    def holds(self, slots: Sequence[int]) -> bool:
        """Whether one of the ascending `slots` lies in it."""
        at = bisect_left(slots, self.first)
        return at < len(slots) and slots[at] < self.first + self.width

    def halves(self) -> tuple[_Subtree, _Subtree]:
        half = self.width // 2
        return (
            _Subtree(self.tree, 2 * self.heap, self.first, half),
            _Subtree(self.tree, 2 * self.heap + 1, self.first + half, half),
        )


def _top(registry: Registry) -> tuple[_Subtree, _Subtree]:
    identity = 1 << registry.identity_depth
    return _Subtree(0, 1, 0, identity), _Subtree(1, 1, identity, 1 << registry.fact_depth)


class ClaimsTree:
    """The whole tree, as the issuer (from seed and values) or the holder (from a full disclosure) knows it."""

    __slots__ = ("_disclosures", "_hash_of_absent", "_registry", "_slots")

    def __init__(
        self,
        registry: Registry,
        disclosures: Mapping[int, Disclosure],
        hash_of_absent: Callable[[int, int], bytes],
    ) -> None:
        self._registry = registry
        self._disclosures = disclosures
        self._slots = sorted(disclosures)
        self._hash_of_absent = hash_of_absent

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
        absent: dict[tuple[int, int], bytes] = {}
        for item in disclosures:
            registry.check_value(item.slot, item.value)
        walk = _Reader(registry, disclosures, multiproof, absent)
        if walk.root() != claims_root:
            raise VerificationError(
                Reason.DISC_DIGEST_MISMATCH, "the disclosures do not give the signed root"
            )
        return cls(registry, {item.slot: item for item in disclosures}, lambda tree, heap: absent[tree, heap])

    @property
    def slots(self) -> tuple[int, ...]:
        """The slots that hold a claim, ascending."""
        return tuple(self._slots)

    def root(self) -> bytes:
        """The 32-byte claims root."""
        identity, facts = _top(self._registry)
        return node_hash(self._hash(identity), self._hash(facts))

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
        proof = bytearray()
        if not shown:
            proof += self.root()
        else:
            for subtree in _top(self._registry):
                self._collect(subtree, shown, proof)
        return tuple(self._disclosures[slot] for slot in shown), bytes(proof)

    def _collect(self, subtree: _Subtree, shown: Sequence[int], proof: bytearray) -> None:
        if not subtree.holds(shown):
            proof += self._hash(subtree)
        elif subtree.width > 1:
            for half in subtree.halves():
                self._collect(half, shown, proof)

    def _hash(self, subtree: _Subtree) -> bytes:
        if not subtree.holds(self._slots):
            return self._hash_of_absent(subtree.tree, subtree.heap)
        if subtree.width == 1:
            return disclosure_leaf_hash(self._disclosures[subtree.first])
        left, right = subtree.halves()
        return node_hash(self._hash(left), self._hash(right))


def root_from_disclosures(registry: Registry, disclosures: Sequence[Disclosure], multiproof: bytes) -> bytes:
    """The claims root that `disclosures` and `multiproof` lead to; the caller compares it with the signed one.

    Raises:
        FormatError: `disc.duplicate` (a slot twice), `disc.malformed` (slots not rising, hashes missing or left over,
            a salt that is not 16 bytes) or what `Registry.check_value` raises for a value.
    """
    for disclosure in disclosures:
        registry.check_value(disclosure.slot, disclosure.value)
    return _Reader(registry, disclosures, multiproof, {}).root()


class _Reader:
    """One pre-order walk that consumes a multiproof exactly; `hidden` receives (tree, heap index) -> hash."""

    def __init__(
        self,
        registry: Registry,
        disclosures: Sequence[Disclosure],
        multiproof: bytes,
        hidden: dict[tuple[int, int], bytes],
    ) -> None:
        self.slots = [item.slot for item in disclosures]
        for earlier, later in zip(self.slots, self.slots[1:], strict=False):
            if earlier == later:
                raise FormatError(Reason.DISC_DUPLICATE, f"slot {later} is shown twice")
            if earlier > later:
                raise FormatError(Reason.DISC_MALFORMED, "shown slots do not rise")
        if any(len(item.salt) != SALT_SIZE for item in disclosures):
            raise FormatError(Reason.DISC_MALFORMED, "a salt is not 16 bytes")
        if self.slots and not 0 <= self.slots[0] <= self.slots[-1] < registry.slot_count:
            raise FormatError(Reason.DISC_UNREFERENCED, "a slot outside the tree of this certificate type")
        if len(multiproof) % HASH_SIZE:
            raise FormatError(Reason.DISC_MALFORMED, "the multiproof is not made of whole hashes")
        self.registry = registry
        self.leaves = {item.slot: item for item in disclosures}
        self.multiproof = multiproof
        self.at = 0
        self.hidden = hidden

    def root(self) -> bytes:
        if self.slots:
            identity, facts = _top(self.registry)
            root = node_hash(self._hash(identity), self._hash(facts))
        else:
            root = self._next()
        if self.at != len(self.multiproof):
            raise FormatError(Reason.DISC_MALFORMED, "hashes left over in the multiproof")
        return root

    def _hash(self, subtree: _Subtree) -> bytes:
        if not subtree.holds(self.slots):
            hidden = self._next()
            self.hidden[subtree.tree, subtree.heap] = hidden
            return hidden
        if subtree.width == 1:
            return disclosure_leaf_hash(self.leaves[subtree.first])
        left, right = subtree.halves()
        return node_hash(self._hash(left), self._hash(right))

    def _next(self) -> bytes:
        chunk = self.multiproof[self.at : self.at + HASH_SIZE]
        if not chunk:
            raise FormatError(Reason.DISC_MALFORMED, "hashes missing in the multiproof")
        self.at += HASH_SIZE
        return chunk


def _check_seed(seed: bytes) -> None:
    if len(seed) != SEED_SIZE:
        raise FormatError(Reason.DISC_MALFORMED, f"a seed of {len(seed)} bytes")
