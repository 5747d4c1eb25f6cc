"""What every store of the wallet answers, the same on both databases: absent is None, bytes are bytes, ints whole."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from typing import TypeVar

import pytest

from ledger.errors import IntegrityError
from ledger.reasons import Reason
from tests.wallet.stores import BOTH_STORES
from wallet_api.store.rows import (
    AnswerRow,
    CertificateRow,
    ChallengeRow,
    DraftRow,
    LogRow,
    RequestRow,
    RequestState,
    SafeRow,
)
from wallet_api.store.sql import Store, Transaction

pytestmark = BOTH_STORES

LATER = 2**40
ALICE = SafeRow(b"a" * 16, b"\x00" + b"A" * 31, b"\x00\xff?%s" * 8, 0, bytes(32), LATER)
BOB = SafeRow(b"b" * 16, b"B" * 33, b"w" * 80, 7, b"l" * 32, 2)
CERTIFICATE = CertificateRow(ALICE.id, "AAAAAAAAAAAAA", b"d" * 32, bytes(range(256)), 5)
CHALLENGE = ChallengeRow(b"c" * 16, b"k" * 32, b"n" * 16, 10, 130)
REQUEST = RequestRow(b"r" * 16, 1, b"q" * 32, b"\xd2request", RequestState.WAITING, None, LATER, 3)
OTHER = RequestRow(b"s" * 16, 2**31, b"o" * 32, b"", RequestState.WAITING, None, 9, 3)
DRAFT = DraftRow(REQUEST.id, ALICE.id, b"sealed", 600)
ANSWER = AnswerRow(REQUEST.id, ALICE.id, b"sealed", 20, 21, LATER)
T = TypeVar("T")
TOKEN, ORG_TOKEN = b"t" * 32, b"u" * 32


@pytest.fixture
def filled(store: Store) -> Store:
    """Two safes, two requests, an answer of Alice."""
    with store.write() as tx:
        for safe in (BOB, ALICE):
            tx.add_safe(safe)
        for request in (REQUEST, OTHER):
            tx.add_request(request)
        tx.add_certificate(CERTIFICATE)
        tx.add_session(TOKEN, ALICE.id, holder_key=ALICE.holder_key, expires=100)
        tx.put_draft(DRAFT)
        tx.mark_seen(REQUEST.id, ALICE.id)
        tx.add_answer(ANSWER)
        tx.move_request(REQUEST.id, to=RequestState.ANSWERED, safe=ALICE.id)
    return store


def read(store: Store, ask: Callable[[Transaction], T]) -> T:
    with store.read() as tx:
        return ask(tx)


# --- safes and certificates -----------------------------------------------------------------------------------------


def test_safes(filled: Store) -> None:
    with filled.write() as tx:
        tx.set_wrapped_key(ALICE.id, b"")
        tx.set_log_end(BOB.id, counter=LATER, last=b"m" * 32)
    with filled.read() as tx:
        assert list(tx.safes()) == [
            replace(ALICE, wrapped_key=b""),
            replace(BOB, log_counter=LATER, log_last=b"m" * 32),
        ]
        assert tx.safe(BOB.id) == tx.safe_of_key(BOB.holder_key)
        assert tx.safe(b"x" * 16) is None
        assert tx.safe_of_key(ALICE.id) is None


def test_certificates(filled: Store) -> None:
    more = [replace(CERTIFICATE, number=number) for number in ("CCC", "BBB", "a")]
    with filled.write() as tx:
        for row in more:
            tx.add_certificate(row)
    with filled.read() as tx:
        assert tx.certificate(ALICE.id, CERTIFICATE.number) == CERTIFICATE
        assert tx.certificate(BOB.id, CERTIFICATE.number) is None
        # by bytes, whatever the language of the database is
        numbers = [row.number for row in tx.certificates(ALICE.id, after="", limit=9)]
        assert numbers == [CERTIFICATE.number, "BBB", "CCC", "a"]
        assert [row.number for row in tx.certificates(ALICE.id, after="BBB", limit=1)] == ["CCC"]
        assert tx.certificates(BOB.id, after="", limit=9) == []
    with filled.write() as tx:
        tx.delete_certificate(ALICE.id, "BBB")
        tx.delete_certificate(BOB.id, "CCC")
    assert len(read(filled, lambda tx: tx.certificates(ALICE.id, after="", limit=9))) == 3


# --- who is there ---------------------------------------------------------------------------------------------------


def test_a_challenge_is_taken_once(store: Store) -> None:
    with store.write() as tx:
        tx.add_challenge(CHALLENGE)
    with store.write() as tx:
        assert tx.take_challenge(CHALLENGE.id) == CHALLENGE
        assert tx.take_challenge(CHALLENGE.id) is None


def test_sessions_end(filled: Store) -> None:
    assert read(filled, lambda tx: tx.safe_of_session(TOKEN, now=99)) == ALICE
    assert read(filled, lambda tx: tx.safe_of_session(TOKEN, now=100)) is None
    assert read(filled, lambda tx: tx.safe_of_session(ORG_TOKEN, now=99)) is None
    with filled.write() as tx:
        tx.end_session(TOKEN)
    assert read(filled, lambda tx: tx.safe_of_session(TOKEN, now=99)) is None


def test_tokens_of_organisations(store: Store) -> None:
    with store.write() as tx:
        tx.add_org_token(2**31, ORG_TOKEN, created=1)
        tx.add_org_token(2**31, TOKEN, created=1)
    assert read(store, lambda tx: tx.org_of_token(ORG_TOKEN)) == 2**31
    with store.write() as tx:
        tx.end_org_tokens(2**31)
    assert read(store, lambda tx: tx.org_of_token(TOKEN)) is None


# --- requests and answers -------------------------------------------------------------------------------------------


def test_requests(filled: Store) -> None:
    answered = replace(REQUEST, state=RequestState.ANSWERED, safe=ALICE.id)
    with filled.read() as tx:
        assert tx.request(REQUEST.id) == tx.request_of_digest(REQUEST.digest) == answered
        assert tx.request(REQUEST.digest) is None
        assert tx.requests_of_safe(ALICE.id, after=b"", limit=9) == [answered]
        assert tx.requests_of_safe(ALICE.id, after=REQUEST.id, limit=9) == []
    with filled.write() as tx:
        tx.move_request(OTHER.id, to=RequestState.REFUSED, safe=ALICE.id)
    ids = [row.id for row in read(filled, lambda tx: tx.requests_of_safe(ALICE.id, after=b"", limit=9))]
    assert ids == [REQUEST.id, OTHER.id]


def test_idempotency_keys_belong_to_an_organisation(store: Store) -> None:
    with store.write() as tx:
        tx.add_idempotent(1, "' OR 1=1 --", body=b"b" * 32, request=b"r" * 16, created=1)
    assert read(store, lambda tx: tx.idempotent(1, "' OR 1=1 --")) == (b"b" * 32, b"r" * 16)
    assert read(store, lambda tx: tx.idempotent(2, "' OR 1=1 --")) is None


def test_a_request_is_seen_once(filled: Store) -> None:
    with filled.write() as tx:
        assert not tx.mark_seen(REQUEST.id, ALICE.id)
        assert tx.mark_seen(REQUEST.id, BOB.id)
        assert tx.is_seen(REQUEST.id, BOB.id)
        assert not tx.is_seen(OTHER.id, BOB.id)


def test_drafts(filled: Store) -> None:
    with filled.write() as tx:
        tx.put_draft(replace(DRAFT, sealed=b"newer"))
        tx.put_draft(replace(DRAFT, safe=BOB.id))
        assert tx.draft(REQUEST.id, ALICE.id) == replace(DRAFT, sealed=b"newer")
        tx.delete_drafts(REQUEST.id)
        assert tx.draft(REQUEST.id, ALICE.id) is tx.draft(REQUEST.id, BOB.id) is None


def test_answers(filled: Store) -> None:
    with filled.write() as tx:
        assert tx.answer(REQUEST.id) == ANSWER
        assert tx.answer(OTHER.id) is None
        tx.mark_fetched(REQUEST.id, 30)
        tx.mark_fetched(REQUEST.id, 31)  # the first fetch counts
        assert tx.answer(REQUEST.id) == replace(ANSWER, fetched=30)
        tx.mark_acknowledged(REQUEST.id, 32)
        tx.mark_withdrawn(REQUEST.id, 33)
        tx.mark_deletion_confirmed(REQUEST.id, LATER)
    gone = replace(ANSWER, sealed=None, fetched=30, acknowledged=32, withdrawn=33, deletion_confirmed=LATER)
    assert read(filled, lambda tx: tx.answer(REQUEST.id)) == gone


def test_one_request_has_one_answer(filled: Store) -> None:
    with pytest.raises(IntegrityError) as caught, filled.write() as tx:
        tx.add_answer(replace(ANSWER, safe=BOB.id))
    assert caught.value.reason is Reason.STORE_CORRUPT
    assert read(filled, lambda tx: tx.answer(REQUEST.id)) == ANSWER


# --- access log -----------------------------------------------------------------------------------------------------


def test_the_access_log(store: Store) -> None:
    rows = [LogRow(at, (ALICE.id, BOB.id)[at % 2], at // 2 + 1, bytes([at]) * 32, b"s") for at in range(5)]
    with store.write() as tx:
        assert tx.log_size() == 0
        for row in rows:
            tx.add_log_row(row)
        tx.add_log_node(3, LATER, b"h" * 32)
    with store.read() as tx:
        assert tx.log_size() == 5
        assert tx.log_node(3, LATER) == b"h" * 32
        assert tx.log_node(LATER, 3) is None
        assert tx.log_rows(ALICE.id, after=1, limit=1) == [rows[2]]
        assert tx.log_rows(BOB.id, after=0, limit=9) == [rows[1], rows[3]]
        assert tx.all_log_rows(start=3, limit=9) == rows[3:]


# --- the whole ------------------------------------------------------------------------------------------------------


def test_an_erased_safe_leaves_nothing_but_commitments(filled: Store) -> None:
    with filled.write() as tx:
        tx.add_log_row(LogRow(0, ALICE.id, 1, b"e" * 32, b"sealed"))
        tx.erase_safe(ALICE.id)
    with filled.read() as tx:
        assert [safe.id for safe in tx.safes()] == [BOB.id]
        assert tx.certificates(ALICE.id, after="", limit=9) == []
        assert tx.log_rows(ALICE.id, after=0, limit=9) == []
        assert tx.safe_of_session(TOKEN, now=0) is None
        assert tx.draft(REQUEST.id, ALICE.id) is None
        assert tx.answer(REQUEST.id) is None
        assert not tx.is_seen(REQUEST.id, ALICE.id)
        assert tx.request(REQUEST.id) == replace(REQUEST, state=RequestState.WITHDRAWN)
        assert tx.all_log_rows(start=0, limit=9) == [LogRow(0, None, 1, b"e" * 32, None)]
    filled.wipe()


def test_what_has_run_out_is_forgotten(filled: Store) -> None:
    with filled.write() as tx:
        tx.add_challenge(CHALLENGE)
        tx.add_idempotent(1, "key", body=b"b", request=b"r", created=0)
        tx.purge(now=100)
        assert tx.safe_of_session(TOKEN, now=0) is None
        assert tx.draft(REQUEST.id, ALICE.id) == DRAFT
        assert tx.idempotent(1, "key") is not None
        tx.purge(now=86400)
        assert tx.idempotent(1, "key") is None
        assert tx.draft(REQUEST.id, ALICE.id) is None
        assert tx.take_challenge(CHALLENGE.id) is None


def test_a_write_that_fails_never_was(filled: Store) -> None:
    def fail() -> None:
        with filled.write() as tx:
            tx.delete_certificate(ALICE.id, CERTIFICATE.number)
            tx.set_wrapped_key(ALICE.id, b"gone")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with filled.read() as tx:
        assert tx.certificate(ALICE.id, CERTIFICATE.number) == CERTIFICATE
        assert tx.safe(ALICE.id) == ALICE


def test_a_read_is_one_view_and_waits_for_no_writer(filled: Store) -> None:
    with filled.read() as before:
        assert before.safe(ALICE.id) == ALICE
        with filled.write() as tx:
            tx.set_wrapped_key(ALICE.id, b"newer")
            tx.set_wrapped_key(BOB.id, b"newer")
            assert read(filled, lambda other: other.safe(ALICE.id)) == ALICE
        assert before.safe(BOB.id) == BOB
    assert read(filled, lambda tx: tx.safe(BOB.id)) == replace(BOB, wrapped_key=b"newer")


def test_one_writer_at_a_time_and_each_sees_the_one_before(store: Store) -> None:
    """Twelve threads count in one row, by reading and writing: none is lost, and nobody has to try again."""
    with store.write() as tx:
        tx.add_safe(ALICE)

    def count() -> None:
        for _ in range(5):
            with store.write() as tx:
                safe = tx.safe(ALICE.id)
                assert safe is not None
                tx.set_log_end(ALICE.id, counter=safe.log_counter + 1, last=safe.log_last)

    threads = [threading.Thread(target=count) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read(store, lambda tx: tx.safe(ALICE.id)) == replace(ALICE, log_counter=60)


def test_closing_ends_at_once(store: Store) -> None:
    with store.read() as tx:
        assert tx.log_size() == 0
    started = monotonic()
    store.close()
    assert monotonic() - started < 5
