"""The claims tree: agreement with a naive tree, one spelling per disclosure set, nothing shown but what is shown."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from itertools import combinations

import cbor2
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st

from certificate.numbers import CertificateType
from certificate.slot_tree import ClaimsTree, Disclosure, claims_root, root_from_disclosures
from certificate.slots import REGISTRIES, Claim, ClaimValue, Registry, ValueType
from ledger.errors import FormatError, ProjectError, VerificationError
from ledger.reasons import Reason
from tests.attacks.marking import attack
from tests.world import REGISTRY, claims_of_60_months

SEED = bytes(range(32))


def small_registry(identity_depth: int, fact_depth: int) -> Registry:
    """A registry whose every slot takes a count, so that whole small trees can be tried."""
    count = (1 << identity_depth) + (1 << fact_depth)
    claims = tuple(Claim(f"c{slot}", slot, ValueType.COUNT, "test") for slot in range(count))
    return Registry(
        CertificateType.CONTRIBUTION,
        fact_depth,
        claims,
        {claim.slot: claim for claim in claims},
        {claim.name: claim for claim in claims},
        identity_depth,
    )


def naive_root(registry: Registry, seed: bytes, claims: dict[int, ClaimValue]) -> bytes:
    """Written from DESIGN 3.2 alone, with cbor2 and a keystream of its own."""
    stream = (
        Cipher(algorithms.AES(seed), modes.CTR(bytes(16))).encryptor().update(bytes(16 * registry.slot_count))
    )

    def hash_of(tree: int, heap: int, first: int, width: int) -> bytes:
        if not any(first <= slot < first + width for slot in claims):
            return sha256(b"\x02" + seed + bytes([tree]) + heap.to_bytes(2, "big")).digest()
        if width == 1:
            leaf = cbor2.dumps([stream[16 * first : 16 * first + 16], first, claims[first]])
            return sha256(b"\x00" + leaf).digest()
        half = width // 2
        left, right = hash_of(tree, 2 * heap, first, half), hash_of(tree, 2 * heap + 1, first + half, half)
        return sha256(b"\x01" + left + right).digest()

    identity = 1 << registry.identity_depth
    facts = 1 << registry.fact_depth
    return sha256(b"\x01" + hash_of(0, 1, 0, identity) + hash_of(1, 1, identity, facts)).digest()


def test_the_root_is_that_of_a_naive_tree() -> None:
    rng = random.Random(1)
    for _ in range(40):
        registry = small_registry(rng.randint(0, 3), rng.randint(0, 5))
        held = rng.sample(range(registry.slot_count), rng.randint(1, registry.slot_count))
        claims: dict[int, ClaimValue] = {slot: rng.randint(0, 1000) for slot in held}
        seed = rng.randbytes(32)
        assert ClaimsTree.from_seed(registry, seed, claims).root() == naive_root(registry, seed, claims)
    real = claims_of_60_months()
    assert ClaimsTree.from_seed(REGISTRY, SEED, real).root() == naive_root(REGISTRY, SEED, real)


def test_every_subset_of_small_trees_leads_to_the_root_and_has_one_spelling() -> None:
    registry = small_registry(1, 3)  # 2 + 8 slots
    claims: dict[int, ClaimValue] = {0: 7, 2: 1, 3: 2, 6: 3, 7: 4, 9: 5}
    tree = ClaimsTree.from_seed(registry, SEED, claims)
    spellings = set()
    for size in range(len(claims) + 1):
        for shown in combinations(sorted(claims), size):
            disclosures, multiproof = tree.disclose(shown)
            assert root_from_disclosures(registry, disclosures, multiproof) == tree.root()
            spellings.add((tuple(d.slot for d in disclosures), multiproof))
            assert len(multiproof) // 32 == hidden_subtrees(registry, shown)
    assert len(spellings) == 2 ** len(claims)


def hidden_subtrees(registry: Registry, shown: tuple[int, ...]) -> int:
    """How many maximal subtrees hold none of `shown`, counted without the code under test."""

    def count(first: int, width: int) -> int:
        if not any(first <= slot < first + width for slot in shown):
            return 1
        return 0 if width == 1 else count(first, width // 2) + count(first + width // 2, width // 2)

    identity = 1 << registry.identity_depth
    return 1 if not shown else count(0, identity) + count(identity, 1 << registry.fact_depth)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_other_spelling_of_a_real_disclosure_set_is_refused(data: st.DataObject) -> None:
    tree = ClaimsTree.from_seed(REGISTRY, SEED, claims_of_60_months())
    shown = data.draw(st.lists(st.sampled_from(tree.slots), unique=True, min_size=1, max_size=8))
    disclosures, multiproof = tree.disclose(shown)
    assert root_from_disclosures(REGISTRY, disclosures, multiproof) == tree.root()
    for changed_disclosures, changed_proof in other_spellings(disclosures, multiproof, data):
        with pytest.raises(FormatError):  # another number or order of hashes or slots never parses
            root_from_disclosures(REGISTRY, changed_disclosures, changed_proof)


def other_spellings(
    disclosures: tuple[Disclosure, ...], multiproof: bytes, data: st.DataObject
) -> list[tuple[list[Disclosure], bytes]]:
    shown = list(disclosures)
    at = data.draw(st.integers(0, len(shown) - 1))
    cut = data.draw(st.integers(1, len(multiproof) // 32))
    return [
        (shown, multiproof + bytes(32)),
        (shown, multiproof + b"\x00"),
        (shown, multiproof[: -32 * cut]),
        ([*shown[: at + 1], *shown[at:]], multiproof),
        ([*shown, replace(shown[at], slot=527)], multiproof) if shown[-1].slot < 526 else (shown, b""),
        ([replace(shown[at], salt=b"short"), *shown[at + 1 :]], multiproof),
    ]


def test_swapped_hashes_and_values_lead_elsewhere() -> None:
    tree = ClaimsTree.from_seed(REGISTRY, SEED, claims_of_60_months())
    disclosures, multiproof = tree.disclose([0, 17])
    hashes = [multiproof[at : at + 32] for at in range(0, len(multiproof), 32)]
    for at in range(len(hashes) - 1):
        swapped = [*hashes[:at], hashes[at + 1], hashes[at], *hashes[at + 2 :]]
        assert root_from_disclosures(REGISTRY, disclosures, b"".join(swapped)) != tree.root()
    changed = [replace(disclosures[0], value="测试乙"), *disclosures[1:]]
    assert root_from_disclosures(REGISTRY, changed, multiproof) != tree.root()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda d: [d[1], d[0]], Reason.DISC_MALFORMED),
        (lambda d: [d[0], d[0], d[1]], Reason.DISC_DUPLICATE),
        (lambda d: [d[0], replace(d[1], slot=528)], Reason.SCHEMA_FIELD_UNKNOWN),
        (lambda d: [d[0], replace(d[1], value="055555")], Reason.SCHEMA_FIELD_TYPE),
        (lambda d: [d[0], replace(d[1], salt=bytes(15))], Reason.DISC_MALFORMED),
    ],
)
def test_malformed_disclosures_have_their_reason(change: object, reason: Reason) -> None:
    tree = ClaimsTree.from_seed(REGISTRY, SEED, claims_of_60_months())
    disclosures, multiproof = tree.disclose([0, 17])
    assert callable(change)
    with pytest.raises(FormatError) as refusal:
        root_from_disclosures(REGISTRY, change(disclosures), multiproof)
    assert refusal.value.reason is reason


def test_a_holder_derives_any_subset_from_the_full_disclosure() -> None:
    tree = ClaimsTree.from_seed(REGISTRY, SEED, claims_of_60_months())
    everything, hashes = tree.disclose(tree.slots)
    held = ClaimsTree.from_disclosures(REGISTRY, everything, hashes, claims_root=tree.root())
    rng = random.Random(2)
    for _ in range(50):
        shown = rng.sample(tree.slots, rng.randint(1, 6))
        assert held.disclose(shown) == tree.disclose(shown)
    with pytest.raises(VerificationError) as refusal:
        ClaimsTree.from_disclosures(REGISTRY, everything, hashes, claims_root=bytes(32))
    assert refusal.value.reason is Reason.DISC_DIGEST_MISMATCH


def test_a_claim_that_is_not_held_cannot_be_shown() -> None:
    tree = ClaimsTree.from_seed(REGISTRY, SEED, claims_of_60_months())
    with pytest.raises(FormatError) as refusal:
        tree.disclose([REGISTRY.slot_of("balance.pension")])
    assert refusal.value.reason is Reason.DISC_REQUIRED_MISSING


def test_absent_and_hidden_claims_look_alike() -> None:
    """The multiproof beside a name has the same length whether one more claim exists or a hundred."""
    few: dict[int, ClaimValue] = {0: "测试甲"}
    many = claims_of_60_months()
    lengths = {len(ClaimsTree.from_seed(REGISTRY, SEED, claims).disclose([0])[1]) for claims in (few, many)}
    assert lengths == {32 * 5}


@attack("A40")
def test_an_undisclosed_birth_date_cannot_be_guessed() -> None:
    """A40: 33,480 dates hashed against every hash beside the disclosures give no hit: 128 bits of salt a leaf."""
    claims = claims_of_60_months() | {REGISTRY.slot_of("birth_date"): 19900101}
    tree = ClaimsTree.from_seed(REGISTRY, SEED, claims)
    _, multiproof = tree.disclose([REGISTRY.slot_of("name")])
    hashes = {multiproof[at : at + 32] for at in range(0, len(multiproof), 32)}
    dates = [
        year * 10000 + month * 100 + day
        for year in range(1930, 2020)
        for month in range(1, 13)
        for day in range(1, 32)
    ]
    slot = REGISTRY.slot_of("birth_date")
    guesses = (sha256(b"\x00" + cbor2.dumps([bytes(16), slot, date])).digest() for date in dates)
    assert len(dates) > 30_000
    assert not any(guess in hashes for guess in guesses)
    salts = [d.salt for d in tree.disclose(tree.slots)[0]]
    assert len(set(salts)) == len(salts)


def test_a_roster_of_sixteen_thousand_slots_is_possible() -> None:
    roster = REGISTRIES[CertificateType.EMPLOYER]
    assert roster.slot_count == 16 + 2**14
    tree = ClaimsTree.from_seed(roster, SEED, {0: "样例制造有限公司(测试)", 16: 1200})
    disclosures, multiproof = tree.disclose([16])
    assert root_from_disclosures(roster, disclosures, multiproof) == tree.root()
    assert len(multiproof) == 32 * (14 + 1)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.binary(max_size=20), st.integers(-2, 600), st.integers() | st.text() | st.binary())
    ),
    st.binary(),
)
def test_garbage_disclosures_raise_nothing_but_our_error(
    rows: list[tuple[bytes, int, ClaimValue]], proof: bytes
) -> None:
    with suppress(ProjectError):
        root_from_disclosures(REGISTRY, [Disclosure(*row) for row in rows], proof)


def test_a_plan_kept_for_some_slots_serves_any_seed_and_values() -> None:
    """Plans are shared by all certificates that fill the same slots, and the root alone agrees with the whole tree."""
    rng = random.Random(5)
    for _ in range(30):
        held = rng.sample(sorted(REGISTRY.by_slot), rng.randint(1, 40))
        counts = small_registry(4, 9)
        for _ in range(2):
            claims: dict[int, ClaimValue] = {slot: rng.randint(0, 10**6) for slot in held}
            seed = rng.randbytes(32)
            root = claims_root(counts, seed, claims)
            assert root == naive_root(counts, seed, claims)
            assert root == ClaimsTree.from_seed(counts, seed, claims).root()
    with pytest.raises(FormatError) as refusal:
        claims_root(REGISTRY, SEED, {})
    assert refusal.value.reason is Reason.DISC_REQUIRED_MISSING
