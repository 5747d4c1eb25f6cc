"""After an import: which live certificates the newest records tell otherwise, and what becomes of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from certificate.status_list import Status
from issuer.casework.changed import Change, find_changed
from issuer.casework.statement import Action
from issuer.home import Home
from issuer.register import PAPER
from issuer.service import import_records, mint_enrolled, mint_persons, opened_register
from ledger.reasons import Reason
from tests.attacks.commands import ok
from tests.casework.doing import ran, state_of, status_of
from tests.issuer.conftest import Bureau
from tests.issuer_records.exports import ExportWriter, Row, arrears, months, person_row, reversal, row
from tests.world import DAY, SECONDS, signer

UNCHANGED, BACK_PAID, TAKEN_BACK, LATE, GONE, LATER_BACK = range(6)
MONTHS = months(202401, 202609)


def before(person: int) -> list[Row]:
    """On time from 2024; 202405 is missing for one, August is due and not arrived for another."""
    paid = [row(person, month) for month in MONTHS if (person, month) != (BACK_PAID, 202405)]
    if person == LATE:
        paid[-1] = arrears(person, 202609)
    return paid


def after(person: int) -> list[Row]:
    rows = [*before(person), row(person, 202610)]
    if person == BACK_PAID:
        rows.append(row(person, 202405, settle_period=202610, charge_code="20"))
    if person == TAKEN_BACK:
        rows.append(reversal(row(person, 202503)))
    if person == LATE:
        rows = [row(person, month) for month in [*MONTHS, 202610]]
    if person == LATER_BACK:  # on time before, back-paid by the newest records
        rows = [row(person, month) for month in [*MONTHS, 202610] if month != 202503]
        rows.append(row(person, 202503, settle_period=202510, charge_code="20"))
    return rows


def export(people: list[int], rows: list[Row], cut_off: int, settled: int) -> ExportWriter:
    writer = ExportWriter(rows, [person_row(person) for person in people], cut_off=cut_off)
    writer.settled["110"] = settled
    return writer


SEPTEMBER = export(list(range(6)), [one for person in range(6) for one in before(person)], 202609, 202608)
STAYED = [person for person in range(6) if person != GONE]
OCTOBER = export(STAYED, [one for person in STAYED for one in after(person)], 202610, 202610)
FOUND = {
    BACK_PAID: Change.SUPERSEDED,
    TAKEN_BACK: Change.WRONG,
    GONE: Change.GONE,
    LATER_BACK: Change.WRONG,
}


@pytest.fixture
def corrected(pristine: Path, tmp_path: Path) -> Iterator[Bureau]:
    """Six people, a certificate on paper and one with a key for each; then the records up to October."""
    shutil.copytree(pristine / "bare", tmp_path / "home")
    home = Home(tmp_path / "home")
    import_records(home, SEPTEMBER.write(tmp_path / "september"), now=SECONDS)
    ledger = home.ledger()
    persons = list(home.snapshot().person_nos())
    pairs = [(person, key) for person in persons for key in (PAPER, key_of(person))]
    mint_persons(home, ledger, pairs, now=SECONDS)
    import_records(home, OCTOBER.write(tmp_path / "october"), now=SECONDS + 60)
    yield Bureau(home, ledger, persons)
    ledger.close()


def key_of(person: str) -> bytes:
    return signer(f"holder {person}").public_key


def certificates(bureau: Bureau, person: int) -> list[str]:
    with opened_register(bureau.home) as register:
        return [row.number for row in register.of_person(bureau.persons[person])]


def found(bureau: Bureau, *, now: int = SECONDS + 90) -> dict[str, Change]:
    return {one.number: one.change for one in find_changed(bureau.home, now=now)}


def test_each_change_is_told_for_what_it_is(corrected: Bureau) -> None:
    """Back-paid is superseded; taken back, or on time no more, is wrong; a month posted late is no change."""
    expected = {
        number: change for person, change in FOUND.items() for number in certificates(corrected, person)
    }
    assert found(corrected) == expected
    papers = [one.is_paper for one in find_changed(corrected.home, now=SECONDS + 90)]
    assert papers.count(True) == papers.count(False) == len(FOUND)


def test_what_expired_is_not_told(corrected: Bureau) -> None:
    assert len(found(corrected, now=SECONDS + 90 * DAY)) == 2 * len(FOUND)
    assert found(corrected, now=SECONDS + 91 * DAY) == {}
    assert found(corrected, now=SECONDS + 999 * DAY) == {}


def test_what_is_dealt_with_is_not_told_again(corrected: Bureau) -> None:
    """Wrong ones revoked in one case, superseded ones replaced in another; the others stay."""
    listed = found(corrected)
    for change, action in ((Change.WRONG, Action.REVOKE), (Change.SUPERSEDED, Action.REPLACE)):
        numbers = [number for number, told in listed.items() if told is change]
        assert ran(corrected, action, numbers).changed == len(numbers)
    states = {
        change: {state_of(corrected, n) for n, told in listed.items() if told is change} for change in Change
    }
    assert states[Change.WRONG] == {Status.REVOKED}
    assert states[Change.SUPERSEDED] == {Status.REPLACED}
    assert set(found(corrected).values()) == {Change.GONE}
    assert status_of(corrected, certificates(corrected, TAKEN_BACK)[0]) is Reason.STATUS_REVOKED
    assert status_of(corrected, certificates(corrected, BACK_PAID)[0]) is Reason.STATUS_REPLACED
    assert status_of(corrected, certificates(corrected, UNCHANGED)[0]) is None


def test_minted_anew_the_old_ones_are_replaced_without_a_case(corrected: Bureau) -> None:
    """The monthly run for the enrolled; paper is listed until somebody decides."""
    run = mint_enrolled(corrected.home, corrected.ledger, now=SECONDS + 90)
    assert run.minted == len(STAYED)
    for person in STAYED:
        new, *old = certificates(corrected, person)
        assert state_of(corrected, new) is Status.VALID
        assert sorted(state_of(corrected, number) for number in old) == [Status.VALID, Status.REPLACED]
    papers = [one for one in find_changed(corrected.home, now=SECONDS + 99) if one.change is not Change.GONE]
    assert len(papers) == 3
    assert all(one.is_paper for one in papers)
    # Again nothing is minted and nothing changes.
    assert mint_enrolled(corrected.home, corrected.ledger, now=SECONDS + 99).minted == 0


def test_a_destroyed_snapshot_is_said_to_be_unknown(corrected: Bureau) -> None:
    with opened_register(corrected.home) as register:
        register.remove_snapshot(next(row.digest for row in register.snapshots() if row.cut_off == 202609))
    assert set(found(corrected).values()) == {Change.UNKNOWN, Change.GONE}


def test_by_the_command_line(tmp_path: Path) -> None:
    """An import says that something is out; the cases are opened in bulk, approved by another, and nothing is left."""
    home = tmp_path / "home"
    at = ("--home", home, "--json")
    ok("init", home)
    ok("issuer", "import", SEPTEMBER.write(tmp_path / "september"), *at)
    ok("issuer", "mint", "--all", *at)
    ran_ = ok("issuer", "import", OCTOBER.write(tmp_path / "october"), *at)
    assert "6 certificates are out from other records" in ran_.err
    listed = ok("issuer", "changed", *at).json
    counts = {change.value: len(listed[change.value]) for change in Change}
    assert counts == {"superseded": 1, "wrong": 2, "gone": 1, "unknown": 0}
    opened = ok("issuer", "changed", "--open-cases", "--operator", "first", *at).json["cases"]
    changed = [ok("issuer", "approve", case, "--operator", "second", *at).json["changed"] for case in opened]
    assert changed == [1, 2]
    assert ok("issuer", "changed", *at).json["changed"] == 1
    shown = ok("issuer", "cases", *at).json["cases"]
    assert [(one["action"], one["reason"]) for one in shown] == [
        ("replace", "records up to 202610"),
        ("revoke", "records up to 202610"),
    ]
