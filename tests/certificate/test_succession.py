"""The succession of holder keys: who may state it, where it must be logged, and for how long it counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from certificate.cose import parse_sign1, sign_object
from certificate.directory import Directory, VoidRange
from certificate.numbers import Typ
from certificate.succession import (
    Succession,
    SuccessionReason,
    encode_succession,
    parse_succession,
    verify_succession,
)
from ledger.errors import FormatError, ProjectError
from ledger.reasons import Reason
from tests.world import SECONDS, World, signer
from verifier.trust import TrustBundle

DAY = 86400


def judged(
    data: bytes, trust: TrustBundle, *, now: int = SECONDS, directory: Directory | None = None
) -> Succession:
    return verify_succession(
        parse_succession(data),
        directory=directory or trust.directory,
        policy=trust.policy,
        now=now,
        max_age=DAY,
    )


def refusal(make: Callable[[], object]) -> Reason:
    with pytest.raises(ProjectError) as refused:
        make()
    return refused.value.reason


def test_a_logged_statement_of_an_office_counts() -> None:
    world = World()
    data = world.succession()
    found = judged(data, world.bundle())
    assert (found.body.old_key, found.body.new_key) == (
        world.holder.public_key,
        signer("new holder").public_key,
    )
    assert (found.authority, found.office, found.body.reason) == (1, 1, SuccessionReason.LOST)
    parsed = parse_succession(data)
    assert encode_succession(parsed.sign1, parsed.proof) == data


def test_every_flipped_bit_of_the_signed_part_is_noticed() -> None:
    """Each bit of the statement turned in turn; the proof is another test's."""
    world = World()
    data = world.succession()
    trust, proof = world.bundle(), parse_succession(data).proof
    signed = encode_succession(parse_succession(data).sign1, None)
    for bit in range(len(signed) * 8):
        changed = bytearray(signed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ProjectError):
            judged(encode_succession(parse_succession(bytes(changed)).sign1, proof), trust)


@pytest.mark.parametrize(
    ("signed_by", "reason"),
    [
        ("stranger", Reason.KEY_UNKNOWN),
        ("status", Reason.KEY_PURPOSE_MISMATCH),
        ("registrar", Reason.KEY_PURPOSE_MISMATCH),
    ],
)
def test_only_an_office_key_may_state_it(signed_by: str, reason: Reason) -> None:
    world = World()
    data = world.succession(key=signer(signed_by))
    assert refusal(lambda: judged(data, world.bundle())) is reason


def test_without_its_entry_in_the_ledger_it_is_nothing() -> None:
    """Missing, another statement's, or another entry's proof."""
    world = World()
    assert refusal(lambda: judged(world.succession(logged=False), world.bundle())) is (
        Reason.LOG_INCLUSION_MISSING
    )
    later = parse_succession(world.succession(time=SECONDS - 50))
    data = world.succession()
    foreign = encode_succession(parse_succession(data).sign1, later.proof)
    assert refusal(lambda: judged(foreign, world.bundle())) is Reason.LOG_INCLUSION_INVALID


def test_the_position_is_judged_as_a_certificates() -> None:
    world = World()
    data = world.succession()
    proof = parse_succession(data).proof
    assert proof is not None
    honest, at = world.directory(), proof.index
    office, others = honest.keys[0], honest.keys[1:]
    trust = world.bundle()
    for directory, reason in (
        (
            replace(honest, keys=(replace(office, to_index=at), *others)),
            Reason.KEY_OUT_OF_RANGE,
        ),
        (
            replace(honest, keys=(replace(office, void_from=at), *others)),
            Reason.KEY_COMPROMISED_AFTER,
        ),
        (replace(honest, voids=(VoidRange(1, 1, at, at + 1),)), Reason.KEY_VOID_ENTRY),
    ):
        assert refusal(lambda d=directory: judged(data, trust, directory=d)) is reason  # type: ignore[misc]  # bound now
    judged(data, trust, directory=replace(honest, keys=(replace(office, void_from=at + 1), *others)))


def test_an_old_statement_cannot_be_played_back() -> None:
    world = World()
    data, trust = world.succession(time=SECONDS), world.bundle()
    judged(data, trust, now=SECONDS + DAY)
    assert refusal(lambda: judged(data, trust, now=SECONDS + DAY + 1)) is Reason.TIME_EXPIRED


@pytest.mark.parametrize(("ahead", "reason"), [(300, None), (301, Reason.TIME_ISSUED_IN_FUTURE)])
def test_a_statement_from_the_future_waits(ahead: int, reason: Reason | None) -> None:
    world = World()
    data, trust = world.succession(time=SECONDS + ahead), world.bundle()
    if reason is None:
        judged(data, trust)
    else:
        assert refusal(lambda: judged(data, trust)) is reason


@pytest.mark.parametrize(
    ("at", "value", "reason"),
    [
        (0, bytes(32), Reason.KEY_WEAK),
        (0, b"k" * 31, Reason.SCHEMA_FIELD_TYPE),
        (1, b"\x02" + b"\xff" * 32, Reason.KEY_MALFORMED),
        (1, signer("holder").public_key, Reason.SCHEMA_FIELD_TYPE),
        (2, -1, Reason.ENC_NUMBER_RANGE),
        (2, SECONDS * 1000, Reason.ENC_NUMBER_RANGE),
        (2, "now", Reason.SCHEMA_FIELD_TYPE),
        (3, 0, Reason.ENC_NUMBER_RANGE),
        (3, 4, Reason.ENC_NUMBER_RANGE),
        (3, True, Reason.SCHEMA_FIELD_TYPE),
    ],
)
def test_fields_are_judged(at: int, value: object, reason: Reason) -> None:
    payload: list[object] = [signer("holder").public_key, signer("new holder").public_key, SECONDS, 1]
    payload[at] = value
    with pytest.raises(FormatError) as refused:
        parse_succession(sign_object(signer("office"), Typ.SUCCESSION, payload))
    assert refused.value.reason is reason


def test_no_other_kind_passes_for_it() -> None:
    world = World()
    assert refusal(lambda: parse_succession(world.certificate())) is Reason.KEY_PURPOSE_MISMATCH
    assert refusal(lambda: parse_sign1(world.succession(), Typ.CERTIFICATE, with_x=True)) is (
        Reason.KEY_PURPOSE_MISMATCH
    )
