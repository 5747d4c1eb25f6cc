"""Attacks on what is disclosed: lines P18 to P23."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest

from certificate.certificate import encode_certificate, parse_certificate
from certificate.cose import encode_sign1
from certificate.holding import disclose
from certificate.numbers import HEADER_X, CertificateType
from certificate.request import PolicyItem, SlotsItem
from certificate.slot_tree import Disclosure
from ledger.reasons import Reason
from tests.attacks.forging import embellished, forged_paper, presented
from tests.attacks.marking import attack
from tests.verifier.judging import assert_refused, assert_undetermined
from tests.world import REGISTRY, SLOTS_24, World
from verifier.expect import STATIC, Asked

DESK = "东门支行3号窗口"


# --- P18 to P23: what is disclosed -----------------------------------------------------------------------------------


@attack("P18", Reason.DISC_DIGEST_MISMATCH)
@pytest.mark.parametrize("at", range(4))
def test_P18_a_value_changed_with_its_salt_kept(at: int) -> None:
    """One value changed, its salt kept; one salt changed, its value kept; two salts exchanged."""
    world = World()
    value = 202609 if at == 0 else b"UUT"
    changed = embellished(world, lambda d: [*d[:at], replace(d[at], value=value), *d[at + 1 :]])
    assert_refused(world.verify(changed), 9, Reason.DISC_DIGEST_MISMATCH)
    salted = embellished(world, lambda d: [*d[:at], replace(d[at], salt=bytes(16)), *d[at + 1 :]])
    assert_refused(world.verify(salted), 9, Reason.DISC_DIGEST_MISMATCH)
    swapped = embellished(
        world, lambda d: [replace(d[0], salt=d[3].salt), *d[1:3], replace(d[3], salt=d[0].salt)]
    )
    assert_refused(world.verify(swapped), 9, Reason.DISC_DIGEST_MISMATCH)


@attack("P18", Reason.DISC_DIGEST_MISMATCH)
def test_P18_hashes_beside_the_disclosures_changed() -> None:
    """Hidden hashes flipped, exchanged, doubled in place of another."""
    world = World()
    for change in (
        lambda m: bytes([m[0] ^ 1]) + m[1:],
        lambda m: m[32:64] + m[:32] + m[64:],
        lambda m: m[:-32] + m[:32],
        lambda m: bytes(len(m)),
    ):
        data = embellished(world, lambda shown: shown, hashes=change)
        assert_refused(world.verify(data), 9, Reason.DISC_DIGEST_MISMATCH)


@attack("P19", Reason.DISC_MALFORMED)
@pytest.mark.parametrize("slot", [1, 4, 304 + 3, 448])
def test_P19_a_disclosure_that_nothing_signed_refers_to(slot: int) -> None:
    """A claim added: the hashes beside it no longer fit. Which one is too many, nobody can tell."""
    world = World()
    values: dict[int, object] = {1: "0017", 4: "990000", 307: 360, 448: [None, "样例", 202101, 9]}
    extra = Disclosure(bytes(16), slot, values[slot])  # type: ignore[arg-type]  # right for its slot
    data = embellished(world, lambda shown: sorted([*shown, extra], key=lambda d: d.slot))
    assert_refused(world.verify(data), 9, Reason.DISC_MALFORMED)


@attack("P19", Reason.DISC_DIGEST_MISMATCH)
def test_P19_an_added_disclosure_with_hashes_that_fit() -> None:
    """The same, with as many hashes as such a set needs."""
    world = World()
    whole = world.certificate()
    more = parse_certificate(disclose(whole, (*SLOTS_24, 304 + 3)))
    forged = [replace(d, value=999) if d.slot == 307 else d for d in more.disclosures]
    data = encode_certificate(more.sign1, forged, more.multiproof, more.proof)
    assert_refused(world.verify(presented(world, data)), 9, Reason.DISC_DIGEST_MISMATCH)


@attack("P20", Reason.DISC_DUPLICATE)
@pytest.mark.parametrize("at", range(4))
def test_P20_a_disclosure_twice(at: int) -> None:
    """The same disclosure twice; the same slot with another value."""
    world = World()
    twice = embellished(world, lambda d: [*d[: at + 1], d[at], *d[at + 1 :]])
    assert_refused(world.verify(twice), 9, Reason.DISC_DUPLICATE)
    value = 202609 if at == 0 else b"UUT"
    other = embellished(world, lambda d: [*d[: at + 1], replace(d[at], value=value), *d[at + 1 :]])
    assert_refused(world.verify(other), 9, Reason.DISC_DUPLICATE)


@attack("P20", Reason.DISC_MALFORMED)
def test_P20_disclosures_out_of_order() -> None:
    """Each set has one spelling: slots rise."""
    world = World()
    for order in itertools.islice(itertools.permutations(range(4)), 1, None):
        data = embellished(world, lambda d, order=order: [d[at] for at in order])  # type: ignore[misc]
        assert_refused(world.verify(data), 9, Reason.DISC_MALFORMED)


def with_disclosure_item(world: World, item: object) -> bytes:
    """An answer whose first disclosure is `item`."""
    parsed = parse_certificate(world.shown())
    shown = [item, *(d.encode() for d in parsed.disclosures[1:])]
    extras = [shown, parsed.multiproof, list(parsed.sign1.unprotected[HEADER_X])[2]]
    sign1 = parsed.sign1
    forged = encode_sign1(sign1.protected_bytes, sign1.payload_bytes, sign1.signature, {HEADER_X: extras})
    return presented(world, forged)


@attack("P21", Reason.DISC_MALFORMED)
@pytest.mark.parametrize(
    "name", ["exp", "iss", "cnf", "expires", "authority", "_sd", "...", "__proto__", "name"]
)
def test_P21_a_disclosure_named_like_a_clear_field(name: str) -> None:
    """Claims have slot numbers and no names: one that is named like a clear field is malformed."""
    report = World().verify(with_disclosure_item(World(), [bytes(16), name, 1]))
    assert_refused(report, 2, Reason.DISC_MALFORMED)


@attack("P22", Reason.DISC_MALFORMED)
@pytest.mark.parametrize(
    "item",
    [
        [bytes(16), 16],
        [bytes(16), 16, 202610, None],
        [bytes(16)],
        [],
        [16, bytes(16), 202610],
        ["salt", 16, 202610],
        [bytes(16), True, 202610],
        [bytes(16), b"\x10", 202610],
        [bytes(16), 16, None],
        {0: bytes(16), 1: 16, 2: 202610},
        b"",
        None,
        16,
    ],
    ids=repr,
)
def test_P22_disclosures_of_another_shape(item: object) -> None:
    """Two or four parts, a name for a number, a number for a salt, no value."""
    world = World()
    assert_refused(world.verify(with_disclosure_item(world, item)), 2, Reason.DISC_MALFORMED)


@attack("P22", Reason.DISC_MALFORMED)
@pytest.mark.parametrize("size", [0, 4, 15, 17, 32])
def test_P22_a_salt_of_another_length(size: int) -> None:
    """A salt of 4 bytes, and of any length but 16."""
    world = World()
    data = embellished(world, lambda d: [replace(d[0], salt=bytes(size)), *d[1:]])
    assert_refused(world.verify(data), 9, Reason.DISC_MALFORMED)


@attack("P22", Reason.DISC_MALFORMED)
@pytest.mark.parametrize(
    "change", [lambda m: m[:-1], lambda m: m[:-32], lambda m: m + bytes(32), lambda m: b""]
)
def test_P22_hashes_missing_or_left_over(change: Callable[[bytes], bytes]) -> None:
    """Hashes cut, missing, left over."""
    world = World()
    data = embellished(world, lambda shown: shown, hashes=change)
    assert_refused(world.verify(data), 9, Reason.DISC_MALFORMED)


@attack("P23", Reason.DISC_REQUIRED_MISSING)
@pytest.mark.parametrize("at", range(4))
def test_P23_what_was_asked_is_hidden(at: int) -> None:
    """Type, times and status place are always visible; an asked claim that is hidden is missed."""
    world = World()
    slots = SLOTS_24[:at] + SLOTS_24[at + 1 :]
    assert_refused(world.verify(world.presentation(slots=slots)), 10, Reason.DISC_REQUIRED_MISSING)


@attack("P23", Reason.SCHEMA_FIELD_MISSING, Reason.SCHEMA_FIELD_TYPE)
@pytest.mark.parametrize("field", range(1, 12))
def test_P23_a_clear_field_is_hidden(field: int) -> None:
    """Each clear field left out, or null: signed by the office, and no certificate."""
    world = World()
    payload = world.body().encode()
    without = [*payload[:field], *payload[field + 1 :]]
    report = world.verify(forged_paper(world, payload=without), expect=STATIC)
    assert_refused(report, 2, Reason.SCHEMA_FIELD_MISSING)
    payload[field] = None
    report = world.verify(forged_paper(world, payload=payload), expect=STATIC)
    if field != 11:  # without a holder it is paper
        assert_refused(report, 2, Reason.SCHEMA_FIELD_TYPE)


@attack("P23", Reason.SCHEMA_FIELD_MISSING)
@pytest.mark.parametrize("presenter", [1, 2])
def test_P23_a_proxy_without_a_key(presenter: int) -> None:
    """A proxy's or guardian's certificate as paper: it is bound to a key or it is none."""
    world = World()
    payload = world.body(paper=True).encode()
    payload[12] = presenter
    report = world.verify(forged_paper(world, payload=payload), expect=STATIC)
    assert_refused(report, 2, Reason.SCHEMA_FIELD_MISSING)


@attack("P22", Reason.SCHEMA_FIELD_UNKNOWN, Reason.ENC_TOO_LARGE)
def test_P22_more_disclosures_than_slots() -> None:
    """More disclosures than the tree has slots, more hashes than it has nodes."""
    world = World()
    data = embellished(world, lambda d: [d[0]] * (REGISTRY.slot_count + 1))
    assert_refused(world.verify(data), 2, Reason.SCHEMA_FIELD_UNKNOWN)
    many = embellished(world, lambda d: d, hashes=lambda m: m + bytes(32 * REGISTRY.slot_count))
    assert_refused(world.verify(many), 2, Reason.ENC_TOO_LARGE)


@attack("P23", Reason.POLICY_UNKNOWN)
def test_P23_a_question_that_nobody_knows() -> None:
    """A policy that is not in the bundle: cannot be told, never yes."""
    world = World()
    items = (SlotsItem(CertificateType.CONTRIBUTION, SLOTS_24), PolicyItem("housing.24", bytes(32)))
    request = world.request(registration=world.registration(policies=("housing.24",)), items=items)
    report = world.verify(world.presentation(request=request), expect=Asked(request))
    assert_undetermined(report, 11, Reason.POLICY_UNKNOWN)
