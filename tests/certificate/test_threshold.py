"""Threshold commitments: every k up to the number of months is shown, no k above it, and nothing under another name."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from certificate.numbers import CertificateType
from certificate.slot_tree import Disclosure
from certificate.slots import REGISTRIES
from certificate.threshold import (
    MAX_LEVEL,
    Opening,
    commit_months,
    lower_openings,
    open_months,
    parse_openings,
    verify_openings,
)
from ledger.errors import FormatError, ProjectError, VerificationError
from ledger.reasons import Reason

REGISTRY = REGISTRIES[CertificateType.CONTRIBUTION]
TOTAL, RUN = REGISTRY.slot_of("ge.total.pension.emp"), REGISTRY.slot_of("ge.run.pension.emp")
SEED, SALT = b"s" * 32, b"t" * 16


def shown(months: int, *, seed: bytes = SEED, salt: bytes = SALT, slot: int = TOTAL) -> Disclosure:
    return Disclosure(salt, slot, commit_months(seed, salt, slot, months))


def check(opening: Opening, disclosure: Disclosure) -> Reason | None:
    try:
        verify_openings([opening], [disclosure], REGISTRY)
    except VerificationError as refused:
        return refused.reason
    return None


def levels(months: int) -> dict[int, Opening]:
    """What the chain of `months` has at each level, brought down step by step."""
    opening = open_months(SEED, TOTAL, months)
    found = {months: opening}
    for level in range(months - 1, 0, -1):
        opening = found[level] = opening.lowered(level, SALT)
    return found


def test_every_number_up_to_n_is_shown_and_none_above(full: bool) -> None:
    """For all n to 600 in the full run: each k <= n leads to the commitment, and no known hash does as a k > n.

    The commitments of a chain that grows at its top have nothing in common, so each n is a chain of its own.
    """
    for n in range(1, 601) if full else (1, 2, 3, 24, 84, 180, 599, 600):
        disclosure, found = shown(n), levels(n)
        for k in range(1, n + 1) if full or n < 100 else (1, 12, n // 2, n - 1, n):
            assert check(found[k], disclosure) is None
            with pytest.raises(FormatError):
                found[k].lowered(k + 1, SALT)
        for k in range(n + 1, 601) if full or n > 590 else (n + 1, n + 2, 2 * n, 600):
            assert check(replace(found[n], at_least=k), disclosure) is Reason.DISC_DIGEST_MISMATCH


def test_a_hash_counts_at_its_own_level_only() -> None:
    """The level is hashed with each step: neither repeating nor leaving out steps leads anywhere."""
    disclosure = shown(24)
    for level, opening in levels(24).items():
        for claimed in range(1, 40):
            expected = None if claimed == level else Reason.DISC_DIGEST_MISMATCH
            assert check(replace(opening, at_least=claimed), disclosure) is expected


@pytest.mark.parametrize(
    "other",
    [
        shown(24, seed=b"S" * 32),  # another certificate's seed
        shown(24, seed=b"S" * 32, salt=b"T" * 16),  # with another salt too, as certificates have
        replace(shown(24, slot=RUN), slot=TOTAL),  # another label
        shown(25),
        shown(23),
    ],
)
def test_swapping_certificates_labels_and_seeds_refuses(other: Disclosure) -> None:
    opening = open_months(SEED, TOTAL, 24)
    assert check(opening, shown(24)) is None
    for level in (1, 12, 24):
        assert check(opening.lowered(level, SALT), other) is Reason.DISC_DIGEST_MISMATCH


def test_under_another_label_it_has_no_commitment() -> None:
    opening = open_months(SEED, TOTAL, 24)
    assert check(replace(opening, slot=RUN), shown(24)) is Reason.DISC_UNREFERENCED
    assert check(replace(opening, slot=RUN), shown(24, slot=RUN)) is Reason.DISC_DIGEST_MISMATCH
    name = Disclosure(SALT, REGISTRY.slot_of("months.pension.emp"), 24)
    assert check(replace(opening, slot=name.slot), name) is Reason.DISC_UNREFERENCED


def test_a_proof_looks_the_same_whatever_the_number() -> None:
    """Same slot, same k, 32 bytes: what is shown does not contain the number, and no two certificates share a hash."""
    found = {n: open_months(SEED, TOTAL, n).lowered(12, SALT) for n in range(12, 600)}
    assert {len(opening.value) for opening in found.values()} == {32}
    assert {(opening.slot, opening.at_least) for opening in found.values()} == {(TOTAL, 12)}
    assert len({opening.value for opening in found.values()}) == len(found)


def test_the_chain_as_it_is_written_down() -> None:
    """docs/adr/0017, by hand for three months."""
    slot = TOTAL.to_bytes(2)
    value = sha256(b"\x03" + SEED + slot).digest()
    for level in (3, 2, 1):
        value = sha256(b"\x04" + SALT + slot + level.to_bytes(2) + value).digest()
    assert commit_months(SEED, SALT, TOTAL, 3) == value


def test_lowering_for_what_is_shown() -> None:
    top, disclosure = open_months(SEED, TOTAL, 24), shown(24)
    (lowered,) = lower_openings([top], [disclosure], {TOTAL: 12})
    assert (lowered, check(lowered, disclosure)) == (top.lowered(12, SALT), None)
    assert lower_openings([top], [disclosure], {}) == ()
    for held, shown_, asked in (
        ([top], [disclosure], {TOTAL: 25}),
        ([], [disclosure], {TOTAL: 1}),
        ([top], [], {TOTAL: 1}),
    ):
        with pytest.raises(FormatError) as refused:
            lower_openings(held, shown_, asked)
        assert refused.value.reason is Reason.DISC_REQUIRED_MISSING


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ((), Reason.DISC_MALFORMED),
        (((TOTAL, 1, bytes(32)), (TOTAL, 2, bytes(32))), Reason.DISC_MALFORMED),
        (((RUN, 1, bytes(32)), (TOTAL, 2, bytes(32))), Reason.DISC_MALFORMED),
        (((TOTAL, 0, bytes(32)),), Reason.ENC_NUMBER_RANGE),
        (((TOTAL, MAX_LEVEL + 1, bytes(32)),), Reason.ENC_NUMBER_RANGE),
        (((TOTAL, 1),), Reason.SCHEMA_FIELD_MISSING),
        (((TOTAL, 1, bytes(32), 1),), Reason.SCHEMA_FIELD_UNKNOWN),
        (((TOTAL, 1, "a"),), Reason.SCHEMA_FIELD_TYPE),
        (((TOTAL, True, bytes(32)),), Reason.SCHEMA_FIELD_TYPE),
        (tuple((slot, 1, bytes(32)) for slot in range(19)), Reason.SCHEMA_FIELD_UNKNOWN),
        (None, Reason.SCHEMA_FIELD_TYPE),
    ],
)
def test_malformed_openings(item: object, reason: Reason) -> None:
    with pytest.raises(ProjectError) as refused:
        parse_openings(item)
    assert refused.value.reason is reason


def test_openings_read_as_they_are_written() -> None:
    openings = [open_months(SEED, slot, 9) for slot in sorted((TOTAL, RUN))]
    assert parse_openings(tuple(tuple(opening.encode()) for opening in openings)) == tuple(openings)
