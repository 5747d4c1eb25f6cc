"""Appending over HTTP: who may, what is taken, what is answered and when (issue 5, service for issuers)."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from os import urandom

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.append_credentials import AppendCredentials, parse_secret
from ledger.append_protocol import (
    APPEND_TYPE,
    MAX_BODY,
    encode_append,
    encode_indices,
    parse_append,
    parse_indices,
)
from ledger.entry import EntryType, encode_entry
from ledger.errors import ConfigError, ConflictError, FormatError, IntegrityError
from ledger.group_commit import GroupCommit
from ledger.http.append_routes import Appending
from ledger.http.log_app import create_log_app
from ledger.reasons import Reason
from ledger.sequencer import Sequencer
from ledger.witness_protocol import Witness
from tests.attacks.marking import attack
from tests.ledger.tampering import tamper
from tests.ledger_http.conftest import Published
from tests.ledger_http.serving import running


@dataclass
class Log:
    """A served log, and clients of authorities 1 and 2."""

    world: Published
    credentials: AppendCredentials
    one: httpx.Client
    two: httpx.Client
    secrets: tuple[str, str]


def entry(number: int, authority: int = 1) -> bytes:
    return encode_entry(EntryType.CERTIFICATE, authority, sha256(b"%d" % number).digest())


def post(client: httpx.Client, entries: Sequence[bytes]) -> list[int]:
    response = client.post("/append", content=encode_append(entries), headers={"Content-Type": APPEND_TYPE})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == APPEND_TYPE
    return parse_indices(response.content, count=len(entries))


def said(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.text.strip()


@contextmanager
def served(world: Published, *, witnesses: Sequence[Witness] | None = None) -> Iterator[Log]:
    def open_ledger(*, cosigning: bool) -> Sequencer:
        return Published(world.folder).open(witnesses=witnesses if cosigning else [])

    world.open(witnesses=[]).close()
    credentials = AppendCredentials(world.folder / "appenders")
    secrets = credentials.add(1, urandom), credentials.add(2, urandom)
    app = create_log_app(
        world.store, appending=Appending(credentials, GroupCommit(open_ledger, clock=lambda: world.now))
    )
    with running(app) as url:
        one, two = (
            httpx.Client(base_url=url, headers={"Authorization": f"Bearer {secret}"}, timeout=30)
            for secret in secrets
        )
        with one, two:
            yield Log(world, credentials, one, two, secrets)


@pytest.fixture
def log(world: Published) -> Iterator[Log]:
    with served(world) as log:
        yield log


def test_what_was_appended_is_durable_proved_and_published(log: Log) -> None:
    assert post(log.one, [entry(number) for number in range(256)]) == list(range(256))
    assert post(log.two, [entry(0, 2)]) == [256]
    note = log.one.post("/checkpoint")
    assert note.status_code == 200
    assert note.content == log.one.get("/checkpoint").content
    assert b"\n257\n" in note.content
    assert log.one.get("/tile/0/000").status_code == 200
    assert log.one.get("/status").json()["state"] == "published"
    assert log.two.post("/checkpoint").content == note.content  # nothing was appended since: no new signature


@attack("K06")
@attack("D06")
def test_the_same_entry_again_has_the_same_index(log: Log) -> None:
    assert post(log.one, [entry(1), entry(2)]) == [0, 1]
    assert post(log.one, [entry(3), entry(2), entry(3), entry(1)]) == [2, 1, 2, 0]
    assert log.one.get("/status").json()["logged"] == 3


@attack("W14", Reason.CKPT_QUORUM_UNMET)
def test_without_witnesses_entries_are_acknowledged_and_the_state_says_so(world: Published) -> None:
    with served(world, witnesses=[]) as log:
        assert post(log.one, [entry(1)]) == [0]
        answer = log.one.post("/checkpoint")
        assert said(answer) == (503, Reason.CKPT_QUORUM_UNMET)
        assert answer.headers["retry-after"]
        assert log.one.get("/status").json()["state"] == "awaiting witnesses"
        assert log.one.get("/checkpoint").status_code == 404
        assert post(log.one, [entry(2)]) == [1]


# --- who may -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, Reason.AUTH_MISSING),
        ("Bearer", Reason.AUTH_INVALID),
        ("Bearer tsa-" + "A" * 43, Reason.AUTH_INVALID),
        ("Basic {secret}", Reason.AUTH_INVALID),
        ("Bearer {secret}A", Reason.AUTH_INVALID),
        ("Bearer {hash}", Reason.AUTH_INVALID),
        ("bearer\t{secret}", Reason.AUTH_INVALID),
    ],
)
@pytest.mark.parametrize("path", ["/append", "/checkpoint"])
def test_without_a_credential_of_this_log_nothing_is_taken(
    log: Log, path: str, header: str | None, reason: Reason
) -> None:
    del log.one.headers["Authorization"]
    hashed = log.credentials.all()[0].hashed
    headers = {"Content-Type": APPEND_TYPE}
    if header is not None:
        headers["Authorization"] = header.format(secret=log.secrets[0], hash=hashed)
    answer = log.one.post(path, content=encode_append([entry(1)]), headers=headers)
    assert said(answer) == (401, reason)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert log.two.get("/status").json()["logged"] == 0


@pytest.mark.parametrize("entry_type", list(EntryType))
def test_an_authority_appends_under_its_own_number_only(log: Log, entry_type: EntryType) -> None:
    """Whatever the type, and none of the request, be the rest its own."""
    foreign = encode_entry(entry_type, 2, bytes(32))
    body = encode_append([entry(1), foreign])
    answer = log.one.post("/append", content=body, headers={"Content-Type": APPEND_TYPE})
    assert said(answer) == (403, Reason.AUTHZ_DENIED)
    assert log.one.get("/status").json()["logged"] == 0
    assert post(log.two, [foreign]) == [0]


def test_a_credential_taken_back_is_refused_at_once_and_a_second_one_goes_on(log: Log) -> None:
    second = log.credentials.add(1, urandom)
    first = log.credentials.all()[0]
    assert log.credentials.remove(1, first.id) == 1
    answer = log.one.post("/append", content=encode_append([entry(1)]), headers={"Content-Type": APPEND_TYPE})
    assert said(answer) == (401, Reason.AUTH_INVALID)
    log.one.headers["Authorization"] = f"Bearer {second}"
    assert post(log.one, [entry(1)]) == [0]
    assert log.credentials.remove(1) == 1
    with pytest.raises(ConfigError):
        log.credentials.remove(1)
    assert post(log.two, [entry(1, 2)]) == [1]


def test_the_log_keeps_hashes_alone_for_its_owner_alone(log: Log) -> None:
    file = log.world.folder / "appenders"
    assert file.stat().st_mode & 0o777 == 0o600
    assert not any(secret in file.read_text() for secret in log.secrets)
    file.write_text("1 zz\n")
    with pytest.raises(IntegrityError) as caught:
        log.credentials.all()
    assert caught.value.reason is Reason.STORE_CORRUPT
    assert said(log.one.post("/checkpoint")) == (503, Reason.STORE_CORRUPT)


# --- what is taken -----------------------------------------------------------------------------------------------

LONGEST = encode_entry(EntryType.CERTIFICATE, 2**62, bytes(32))
HOSTILE: dict[str, tuple[bytes, int, Reason]] = {
    "nothing": (b"", 400, Reason.API_VALIDATION),
    "257 entries": (b"\x00\x26" + entry(1), 413, Reason.API_BODY_TOO_LARGE),
    "too many bytes": (bytes(MAX_BODY + 1), 413, Reason.API_BODY_TOO_LARGE),
    "half a length": (b"\x00", 400, Reason.API_VALIDATION),
    "cut short": (encode_append([entry(1)])[:-1], 400, Reason.API_VALIDATION),
    "one byte more": (encode_append([entry(1)]) + b"\x00", 400, Reason.API_VALIDATION),
    "an empty entry": (b"\x00\x00", 400, Reason.ENC_CBOR_MALFORMED),
    "no entry type": (b"\x00\x26" + entry(1).replace(b"\x84\x01\x01", b"\x84\x01\x06"), 400, Reason.LOG_ENTRY_TYPE),
    "another version": (b"\x00\x26" + b"\x84\x02" + entry(1)[2:], 400, Reason.ENC_VERSION_UNSUPPORTED),
    "a longer spelling": (
        b"\x00\x27" + entry(1)[:3] + b"\x18\x01" + entry(1)[4:], 400, Reason.ENC_CBOR_NONCANONICAL,
    ),
    "a huge length": (b"\xff\xff" + bytes(100), 400, Reason.API_VALIDATION),
    "JSON": (b'{"entries": []}', 400, Reason.API_VALIDATION),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_body_that_is_none_is_refused_whole(log: Log, name: str) -> None:
    body, status, reason = HOSTILE[name]
    if name == "257 entries":
        body *= 257
    answer = log.one.post("/append", content=body, headers={"Content-Type": APPEND_TYPE})
    assert said(answer) == (status, reason)
    if body:
        good = encode_append([entry(1)]) + body
        assert (
            log.one.post("/append", content=good, headers={"Content-Type": APPEND_TYPE}).status_code == status
        )
    assert log.one.get("/status").json()["logged"] == 0


@pytest.mark.parametrize("kind", ["application/json", "text/plain", APPEND_TYPE + "; charset=utf-8", ""])
def test_another_media_type_is_refused(log: Log, kind: str) -> None:
    answer = log.one.post("/append", content=encode_append([entry(1)]), headers={"Content-Type": kind})
    assert said(answer) == (415, Reason.API_MEDIA_TYPE)


def test_a_body_without_a_length_ends_at_the_limit(log: Log) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(1000):
            yield bytes(4096)

    answer = log.one.post("/append", content=endless(), headers={"Content-Type": APPEND_TYPE})
    assert said(answer) == (413, Reason.API_BODY_TOO_LARGE)


@given(st.lists(st.integers(0, 2**63 - 2), min_size=1, max_size=256), st.sampled_from(EntryType))
def test_what_is_encoded_is_parsed(numbers: list[int], entry_type: EntryType) -> None:
    entries = [encode_entry(entry_type, number, sha256(b"%d" % number).digest()) for number in numbers]
    assert parse_append(encode_append(entries)) == entries
    assert parse_indices(encode_indices(numbers), count=len(numbers)) == numbers


@given(
    st.one_of(
        st.binary(max_size=300), st.binary(max_size=100).map(lambda tail: encode_append([LONGEST]) + tail)
    )
)
def test_bytes_of_any_kind_are_entries_in_their_one_spelling_or_refused(body: bytes) -> None:
    try:
        entries = parse_append(body)
    except FormatError:
        return
    assert encode_append(entries) == body


@pytest.mark.parametrize("size", [0, 7, 9, 16])
def test_an_answer_of_another_length_is_none(size: int) -> None:
    with pytest.raises(FormatError) as caught:
        parse_indices(bytes(size), count=1)
    assert caught.value.reason is Reason.API_VALIDATION


@pytest.mark.parametrize(
    "text", ["", "tsa-", "tsa-" + "A" * 42, "tsa-" + "A" * 43 + "\n\n", " tsa-" + "A" * 43]
)
def test_a_credential_has_one_spelling(text: str) -> None:
    with pytest.raises(FormatError):
        parse_secret(text)
    assert parse_secret("tsa-" + "A" * 43 + "\n") == "tsa-" + "A" * 43


# --- many at once, and a disk that fails ---------------------------------------------------------------------------


@attack("K13")
def test_two_issuers_at_once_have_dense_indices(log: Log) -> None:
    """Forty requests of two authorities, among them the same ones twice: every index once, none left out."""

    def send(client: httpx.Client, authority: int, start: int) -> dict[bytes, int]:
        entries = [entry(number, authority) for number in range(start, start + 50)]
        return dict(zip(entries, post(client, entries), strict=True))

    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(
                lambda n: send(*((log.one, 1) if n % 2 else (log.two, 2)), n // 4 * 50),
                range(40),
            )
        )
    together: dict[bytes, int] = {}
    for one in found:
        assert all(together.setdefault(item, index) == index for item, index in one.items())
    assert sorted(together.values()) == list(range(len(together)))
    assert log.one.get("/status").json()["logged"] == len(together) == 2 * 10 * 50


def test_what_waits_is_bounded_and_answered_when_the_disk_is_free(world: Published) -> None:
    """One authority does not push others out; nothing acknowledged is missing; who went away is left out."""
    world.open(witnesses=[]).close()
    group = GroupCommit(
        lambda *, cosigning: Published(world.folder).open(witnesses=[]), clock=lambda: world.now
    )
    group.start()
    try:
        with closing(sqlite3.connect(world.path, isolation_level=None)) as busy:
            busy.execute("BEGIN IMMEDIATE")  # another program holds the database
            first = group.append(1, [entry(0)])
            while not first.running():
                time.sleep(0.001)
            waiting = [group.append(1, [entry(number)]) for number in range(1, 65)]
            with pytest.raises(ConflictError) as caught:
                group.append(1, [entry(99)])
            assert caught.value.reason is Reason.API_RATE_LIMITED
            others = [
                group.append(authority, [entry(number, authority)])
                for authority in (2, 3, 4)
                for number in range(64)
            ]
            with pytest.raises(ConflictError) as caught:
                group.append(5, [entry(1, 5)])
            assert caught.value.reason is Reason.STORE_LOCKED
            assert others.pop().cancel()  # its caller went away
            busy.execute("ROLLBACK")
        indices = [done.result(20)[0] for done in (first, *waiting, *others)]
        assert indices == list(range(256))
        assert group.append(1, [entry(99)]).result(20) == [256]
    finally:
        group.stop()
    assert world.publication().logged() == 257
    with pytest.raises(ConflictError):
        group.append(1, [entry(1000)])


@attack("K11", Reason.STORE_SCHEMA_TAMPERED)
def test_a_store_that_is_not_as_it_was_takes_nothing_until_it_is(log: Log) -> None:
    """Whoever asks is told, each time that the ledger is opened again; when it is whole the service goes on."""
    assert post(log.one, [entry(1)]) == [0]
    tamper(
        log.world.path,
        "CREATE TRIGGER bad BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'bad disk'); END",
    )
    for _ in range(2):
        answer = log.one.post(
            "/append", content=encode_append([entry(2)]), headers={"Content-Type": APPEND_TYPE}
        )
        assert said(answer) == (503, Reason.STORE_SCHEMA_TAMPERED)
        assert answer.headers["retry-after"]
    tamper(log.world.path, "DROP TRIGGER bad")
    assert post(log.one, [entry(2)]) == [1]


def test_an_entry_changed_under_the_service_stops_it(log: Log) -> None:
    post(log.one, [entry(1), entry(2)])
    tamper(log.world.path, "UPDATE entries SET entry = x'00' WHERE idx = 0")
    answer = log.one.post("/append", content=encode_append([entry(3)]), headers={"Content-Type": APPEND_TYPE})
    assert said(answer) == (503, Reason.STORE_HASH_MISMATCH)
    assert said(log.one.post("/checkpoint")) == (503, Reason.STORE_HASH_MISMATCH)
    assert log.one.get("/checkpoint").status_code == 404
