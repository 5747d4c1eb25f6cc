"""Cases: two operators, what they may change, what is left of it in the register, the ledger and the operator log."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from hashlib import sha256

import pytest

from certificate.status_list import Status, parse_status_token
from issuer.casework.operators import add_operator
from issuer.casework.statement import Action
from issuer.claiming.counter import operator_log_of
from issuer.claiming.holder_keys import EndedKey
from issuer.claiming.lookup_outbox import LookUpOutbox
from issuer.service import mint_persons, opened_register
from ledger.entry import EntryType, encode_entry
from ledger.errors import IntegrityError, ProjectError
from ledger.reasons import Reason
from tests.casework.doing import PASSPHRASE, approved, minted, opened, ran, state_of, status_of
from tests.issuer.conftest import Bureau
from tests.world import REGISTRY, SECONDS, signer
from verifier.trust_dir import load_trust

REVOKE, SUSPEND, RESUME, REPLACE = Action
_AUDIENCE = REGISTRY.slot_of("for.audience")


def reason_of(call: Callable[[], object]) -> Reason:
    with pytest.raises(ProjectError) as refusal:
        call()
    return refusal.value.reason


def test_a_case_changes_nothing_until_another_approves_it(bureau: Bureau) -> None:
    (number,) = minted(bureau)
    case = opened(bureau, REVOKE, [number])
    assert (state_of(bureau, number), status_of(bureau, number)) == (Status.VALID, None)
    assert reason_of(lambda: approved(bureau, case, by="first")) is Reason.CLI_DUAL_CONTROL
    assert reason_of(lambda: approved(bureau, case, by="nobody")) is Reason.CLI_NOT_FOUND
    assert (state_of(bureau, number), status_of(bureau, number)) == (Status.VALID, None)
    assert approved(bureau, case).changed == 1
    assert status_of(bureau, number) is Reason.STATUS_REVOKED


def test_suspended_and_lifted_again(bureau: Bureau) -> None:
    (number,) = minted(bureau)
    ran(bureau, SUSPEND, [number])
    assert status_of(bureau, number) is Reason.STATUS_SUSPENDED
    ran(bureau, RESUME, [number])
    assert status_of(bureau, number) is None


def test_a_citizens_call_suspends_at_once_and_no_more_than_that(bureau: Bureau) -> None:
    one, two = minted(bureau, 2)
    case = opened(bureau, SUSPEND, [one], citizen_call=True)
    assert (case.changed, case.approved_by) == (1, None)
    assert status_of(bureau, one) is Reason.STATUS_SUSPENDED
    for action, numbers in ((REVOKE, [two]), (RESUME, [one]), (SUSPEND, [one, two])):
        call = partial(opened, bureau, action, numbers, citizen_call=True)
        assert reason_of(call) is Reason.CLI_DUAL_CONTROL
    assert state_of(bureau, one) is Status.SUSPENDED


@pytest.mark.parametrize("action", [SUSPEND, RESUME, REPLACE, REVOKE])
def test_nothing_leads_back_from_revoked(bureau: Bureau, action: Action) -> None:
    (number,) = minted(bureau)
    ran(bureau, REVOKE, [number])
    assert reason_of(lambda: opened(bureau, action, [number])) is Reason.CLI_BATCH_INVALID


def test_two_cases_over_one_certificate(bureau: Bureau) -> None:
    """What was revoked meanwhile is not resumed by a case that was opened before."""
    (number,) = minted(bureau)
    ran(bureau, SUSPEND, [number])
    lift = opened(bureau, RESUME, [number])
    ran(bureau, REVOKE, [number])
    assert approved(bureau, lift).changed == 0
    assert status_of(bureau, number) is Reason.STATUS_REVOKED


def test_a_list_with_one_wrong_number_opens_no_case(bureau: Bureau) -> None:
    numbers = minted(bureau, 3)
    assert (
        reason_of(lambda: opened(bureau, REVOKE, [*numbers, "AAAAAAAAAAAAA"])) is Reason.CERTIFICATE_NOT_FOUND
    )
    assert reason_of(lambda: opened(bureau, REVOKE, [])) is Reason.CLI_BATCH_INVALID
    with opened_register(bureau.home) as register:
        assert register.cases() == []
    case = ran(bureau, REVOKE, [*numbers, *numbers])
    assert (case.count, case.changed) == (3, 3)


def test_approving_twice_cuts_another_bundle_and_changes_nothing(bureau: Bureau) -> None:
    """As after a kill between the change and the bundle."""
    (number,) = minted(bureau)
    case = opened(bureau, REVOKE, [number])
    approved(bureau, case)
    version = load_trust(bureau.home.trust_dir).version
    again = approved(bureau, case)
    assert (again.changed, load_trust(bureau.home.trust_dir).version) == (1, version + 1)


EDITS = {
    "other certificates": "UPDATE case_certificates SET number = (SELECT max(number) FROM certificates)",
    "one more": "INSERT INTO case_certificates SELECT 1, max(number) FROM certificates",
    "another action": "DROP TRIGGER cases_are_final; UPDATE cases SET action = 3",
    "another reason": "DROP TRIGGER cases_are_final; UPDATE cases SET reason = 'all is well'",
    "another opener": "DROP TRIGGER cases_are_final; UPDATE cases SET opened_by = 'third'",
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_a_case_edited_between_opening_and_approval_is_not_executed(bureau: Bureau, edit: str) -> None:
    add_operator(bureau.home, "third", passphrase=PASSPHRASE, random=lambda n: b"3" * n, now=SECONDS)
    numbers = sorted(minted(bureau, 3))
    case = opened(bureau, REVOKE, numbers[:1])
    with closing(sqlite3.connect(bureau.home.path / "register.db")) as register:
        register.executescript(edit)
    with pytest.raises(ProjectError) as refusal:
        approved(bureau, case)
    assert refusal.value.reason in (Reason.STORE_HASH_MISMATCH, Reason.KEY_UNKNOWN)
    assert {state_of(bureau, number) for number in numbers} == {Status.VALID}


def test_the_register_itself_refuses_one_person_for_two(bureau: Bureau) -> None:
    opened(bureau, REVOKE, minted(bureau))
    with closing(sqlite3.connect(bureau.home.path / "register.db")) as register:
        for sql in (
            "UPDATE cases SET approved_by = 'first'",
            "DELETE FROM cases",
            "UPDATE cases SET reason = 'x'",
        ):
            with pytest.raises(sqlite3.IntegrityError):
                register.execute(sql)


def test_an_ended_operator_acts_no_more(bureau: Bureau) -> None:
    numbers = minted(bureau)
    case = opened(bureau, REVOKE, numbers)
    with opened_register(bureau.home) as register:
        assert register.end_operator("second", now=SECONDS)
        assert not register.end_operator("second", now=SECONDS)
    assert reason_of(lambda: approved(bureau, case)) is Reason.CLI_KEY_RETIRED
    assert reason_of(lambda: opened(bureau, REVOKE, numbers, by="second")) is Reason.CLI_KEY_RETIRED


def test_an_operator_needs_a_name_a_key_and_the_passphrase(bureau: Bureau) -> None:
    made = add_operator(bureau.home, "third", passphrase=b"their own", random=lambda n: b"3" * n, now=SECONDS)
    case = opened(bureau, REVOKE, minted(bureau))
    assert reason_of(lambda: approved(bureau, case, by="third")) is Reason.KEY_PASSPHRASE
    for name in ("../third", "", "Third", "a" * 33):
        call = partial(add_operator, bureau.home, name, passphrase=b"x", random=bytes, now=0)
        assert reason_of(call) is Reason.CLI_PATH_UNSAFE
    with opened_register(bureau.home) as register:
        assert made in register.operators()
    # The key of one under the name of another.
    keys = bureau.home.path / "keys"
    (keys / "operator-second.key").write_text((keys / "operator-first.key").read_text())
    assert reason_of(lambda: approved(bureau, case)) is Reason.KEY_PURPOSE_MISMATCH


def test_what_was_done_stands_in_the_operator_log_and_its_heads_in_the_ledger(bureau: Bureau) -> None:
    key = signer("a citizen").public_key
    numbers = minted(bureau, 3)
    numbers += minted(bureau, 1, holder=key)
    ran(bureau, SUSPEND, numbers)
    log = operator_log_of(bureau.home)
    assert log.check(bureau.home.settings.authority, bureau.ledger.find) == 8
    rows = [(row.operator, row.action, row.person_no, row.reason) for row in log.look_ups()]
    assert {row[:2] for row in rows[:4]} == {("first", "case.suspend.open")}
    assert {row[:2] for row in rows[4:]} == {("second", "case.suspend.approve")}
    assert {row[2] for row in rows[4:]} == set(bureau.persons[:3])
    assert {row[3] for row in rows} == {"1: a test"}
    (told,) = LookUpOutbox(bureau.home.path / "counter.db").due(SECONDS + 999)  # the one who holds a key
    assert "1: a test" in told.body


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6])
def test_a_head_that_is_gone_is_noticed(bureau: Bureau, size: int) -> None:
    """Rows of one act share the head behind the last of them; every other missing head is a hole."""
    minted(bureau, 3)
    opened(bureau, SUSPEND, minted(bureau, 3))
    opened(bureau, REVOKE, minted(bureau, 3))
    log, authority = operator_log_of(bureau.home), bureau.home.settings.authority
    with closing(sqlite3.connect(bureau.home.path / "counter.db", isolation_level=None)) as file:
        gone = file.execute("DELETE FROM operator_heads WHERE size = ?", (size,)).rowcount
    assert gone == (size in (3, 6))
    if gone:
        with pytest.raises(IntegrityError) as refusal:
            log.check(authority, bureau.ledger.find)
        assert refusal.value.reason is Reason.STORE_HASH_MISMATCH
    else:
        assert log.check(authority, bureau.ledger.find) == 6


def test_the_list_is_in_the_ledger_before_it_goes_out(bureau: Bureau) -> None:
    case = ran(bureau, REVOKE, minted(bureau))
    bundle = load_trust(bureau.home.trust_dir)
    for (authority, _), token in bundle.status_tokens.items():
        listed = parse_status_token(token)
        assert listed.issued == case.executed_at
        assert (
            bureau.ledger.find(encode_entry(EntryType.STATUS_LIST, authority, sha256(token).digest()))
            is not None
        )


def test_a_newer_certificate_replaces_what_its_key_held(bureau: Bureau) -> None:
    """Minted twice to one key with other claims; paper beside it, and another person's, are left."""
    key, other = signer("a citizen").public_key, signer("another").public_key
    (paper,) = minted(bureau)
    (old,) = minted(bureau, holder=key)
    (elsewhere,) = minted(bureau, holder=other)
    run = mint_persons(
        bureau.home,
        bureau.ledger,
        [(bureau.persons[0], key)],
        now=SECONDS + 9_999,
        extra={_AUDIENCE: "某单位"},
    )
    new = run.certificates[0].number
    assert status_of(bureau, old) is Reason.STATUS_REPLACED
    assert [status_of(bureau, number) for number in (paper, elsewhere, new)] == [None] * 3


def test_replacing_lifts_no_suspension(bureau: Bureau) -> None:
    key = signer("a citizen").public_key
    (old,) = minted(bureau, holder=key)
    opened(bureau, SUSPEND, [old], citizen_call=True)
    mint_persons(
        bureau.home,
        bureau.ledger,
        [(bureau.persons[0], key)],
        now=SECONDS + 9_999,
        extra={_AUDIENCE: "某单位"},
    )
    assert state_of(bureau, old) is Status.SUSPENDED


def test_what_an_ended_key_suspended_is_not_resumed(bureau: Bureau) -> None:
    key = signer("a citizen").public_key
    (number,) = minted(bureau, holder=key)
    with opened_register(bureau.home) as register:
        register.end_keys([EndedKey(key, bureau.persons[0], signer("next").public_key, b"", SECONDS)])
    assert state_of(bureau, number) is Status.SUSPENDED
    assert reason_of(lambda: opened(bureau, RESUME, [number])) is Reason.KEY_REVOKED
