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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain, pairwise, repeat

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from certificate.slots import ClaimValue, Registry
from certificate.tree_plan import TreePlan, plan_tree
from ledger.cbor import encode_cbor
from ledger.errors import FormatError, VerificationError
from ledger.reasons import Reason

__all__ = [
    "HASH_SIZE",
    "SALT_SIZE",
    "SEED_SIZE",
    "ClaimsTree",
    "Disclosure",
    "claims_root",
    "disclosure_leaf_hash",
    "root_from_disclosures",
    "salts_from_seed",
]

SEED_SIZE = 32
SALT_SIZE = 16
HASH_SIZE = 32

_LEAF_HEAD = b"\x00\x83\x50"  # leaf prefix, then CBOR: an array of three, a byte string of 16
_COUNTER = modes.CTR(bytes(16))
_digest = type(sha256()).digest


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
    return Cipher(algorithms.AES(seed), _COUNTER).encryptor().update(bytes(SALT_SIZE * slot_count))


def claims_root(registry: Registry, seed: bytes, claims: Mapping[int, ClaimValue]) -> bytes:
    """The root over `claims` (slot to value) under `seed`, every value checked: what an office signs.

    The same as `ClaimsTree.from_seed(...).root()`, without a tree that outlives it.

    Raises:
        FormatError: as `ClaimsTree.from_seed`.
    """
    plan, hashes = _from_seed(registry, seed, claims)
    return plan.fold(hashes)


class ClaimsTree:
    """The whole tree, as the issuer (from seed and values) or the holder (from a disclosure of all) knows it."""

    __slots__ = ("_disclosures", "_nodes", "_registry", "_root", "_slots")

    def __init__(
        self, registry: Registry, disclosures: Mapping[int, Disclosure], plan: TreePlan, hashes: list[bytes]
    ) -> None:
        """`hashes` are those of the leaves of `disclosures` and of the hidden subtrees of `plan`, as in `fold`."""
        self._registry = registry
        self._disclosures = disclosures
        self._slots = tuple(sorted(disclosures))
        self._root = plan.fold(hashes)
        self._nodes = dict(zip(plan.nodes, hashes, strict=True))

    @classmethod
    def from_seed(cls, registry: Registry, seed: bytes, claims: Mapping[int, ClaimValue]) -> ClaimsTree:
        """The tree over `claims` (slot to value), every value checked against the registry.

        Raises:
            FormatError: `schema.field_unknown`, `schema.field_type` and the like for a claim that may not stand there;
                `disc.required_missing` without any claim.
        """
        plan, hashes = _from_seed(registry, seed, claims)
        salts = salts_from_seed(seed, max(claims, default=-1) + 1)
        disclosures = {
            slot: Disclosure(salts[SALT_SIZE * slot : SALT_SIZE * (slot + 1)], slot, value)
            for slot, value in claims.items()
        }
        return cls(registry, disclosures, plan, hashes)

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
        plan, hashes = _read(registry, disclosures, multiproof)
        tree = cls(registry, {item.slot: item for item in disclosures}, plan, hashes)
        if tree.root() != claims_root:
            raise VerificationError(
                Reason.DISC_DIGEST_MISMATCH, "the disclosures do not give the signed root"
            )
        return tree

    @property
    def slots(self) -> tuple[int, ...]:
        """The slots that hold a claim, ascending."""
        return self._slots

    def root(self) -> bytes:
        """The 32-byte claims root."""
        return self._root

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
        # What is hidden beside some of the claims is a node of the tree over all of them, or empty in it as well.
        plan = plan_tree(self._registry.identity_depth, self._registry.fact_depth, tuple(shown))
        multiproof = b"".join([self._nodes[node] for node in plan.hidden])
        return tuple(self._disclosures[slot] for slot in shown), multiproof


def root_from_disclosures(registry: Registry, disclosures: Sequence[Disclosure], multiproof: bytes) -> bytes:
    """The claims root that `disclosures` and `multiproof` lead to; the caller compares it with the signed one.

    Raises:
        FormatError: `disc.duplicate` (a slot twice), `disc.malformed` (slots not rising, hashes missing or left over,
            a salt that is not 16 bytes) or what `Registry.encode_items` raises for a value.
    """
    plan, hashes = _read(registry, disclosures, multiproof)
    return plan.fold(hashes)


def _read(
    registry: Registry, disclosures: Sequence[Disclosure], multiproof: bytes
) -> tuple[TreePlan, list[bytes]]:
    """The plan for the shown slots, and its leaves' and hidden hashes; a multiproof is consumed exactly."""
    slots = tuple([item.slot for item in disclosures])
    items = registry.encode_items(slots, [item.value for item in disclosures])
    for earlier, later in pairwise(slots):
        if earlier == later:
            raise FormatError(Reason.DISC_DUPLICATE, f"slot {later} is shown twice")
        if earlier > later:
            raise FormatError(Reason.DISC_MALFORMED, "shown slots do not rise")
    if any(len(item.salt) != SALT_SIZE for item in disclosures):
        raise FormatError(Reason.DISC_MALFORMED, "a salt is not 16 bytes")
    if len(multiproof) % HASH_SIZE:
        raise FormatError(Reason.DISC_MALFORMED, "the multiproof is not made of whole hashes")
    plan = plan_tree(registry.identity_depth, registry.fact_depth, slots)
    due = HASH_SIZE * len(plan.hidden)
    if len(multiproof) != due:
        what = "missing" if len(multiproof) < due else "left over"
        raise FormatError(Reason.DISC_MALFORMED, f"hashes {what} in the multiproof")
    hashes = [
        sha256(_LEAF_HEAD + shown.salt + item).digest()
        for shown, item in zip(disclosures, items, strict=True)
    ]
    hashes += [multiproof[at : at + HASH_SIZE] for at in range(0, len(multiproof), HASH_SIZE)]
    return plan, hashes


def _from_seed(
    registry: Registry, seed: bytes, claims: Mapping[int, ClaimValue]
) -> tuple[TreePlan, list[bytes]]:
    """The plan over `claims`, and the hashes of its leaves and empty subtrees."""
    if not claims:
        raise FormatError(Reason.DISC_REQUIRED_MISSING, "a certificate states at least one claim")
    slots = sorted(claims)
    plan = plan_tree(registry.identity_depth, registry.fact_depth, tuple(slots))
    salts = plan.salts.unpack(salts_from_seed(seed, slots[-1] + 1))
    items = registry.encode_items(slots, map(claims.__getitem__, slots))
    leaves = map(b"".join, zip(repeat(_LEAF_HEAD), salts, items, strict=False))
    empty = map((b"\x02" + seed).__add__, plan.ends)
    return plan, list(map(_digest, map(sha256, chain(leaves, empty))))


def _check_seed(seed: bytes) -> None:
    if len(seed) != SEED_SIZE:
        raise FormatError(Reason.DISC_MALFORMED, f"a seed of {len(seed)} bytes")
