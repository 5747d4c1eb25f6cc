"""Heads of the access log in the bureau's ledger, and a citizen's export that anybody can check offline."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from certificate.keys import Ed25519CoseSigner
from certificate.qr_text import decode_file_text, encode_file_text
from cli.main import cli
from ledger.cbor import decode_cbor, encode_cbor
from ledger.ed25519 import Ed25519Signer
from ledger.errors import ProjectError
from ledger.note import Note, encode_note, parse_note, sign_note
from ledger.reasons import Reason
from tests.wallet.parties import Asker, Phone, Town, good
from tests.wallet.safe.conftest import Pair
from tests.wallet.safe.test_client import reason_of, slots_of
from tests.wallet.stores import BOTH_STORES
from wallet_api.head_sender import HeadSender
from wallet_api.log_export import CheckedExport, check_log_export
from wallet_api.log_key import log_signer
from wallet_api.safe import rotate_master_key
from wallet_api.sealing import Keyring


def checked(town: Town, data: bytes, *, key: bytes | None = None) -> CheckedExport:
    bundle = town.service.trust()
    known = log_signer(town.service).public_key if key is None else key
    return check_log_export(
        data, directory=bundle.directory, policy=bundle.policy, now=town.clock.now, wallet_key=known
    )


def export_of(phone: Phone) -> bytes:
    return str(good(phone.get("/access-log/export"))["export"]).encode()


@pytest.fixture
def history(town: Town, alice: Phone, bob: Phone, bank: Asker) -> bytes:
    """Alice's export; Bob's rows stand between hers in the tree."""
    numbers = {alice.token: alice.put(), bob.token: bob.put(bob.certificate(seed=b"b" * 32))}
    for phone in (alice, bob, alice):
        id_ = bank.leave()
        good(phone.get(f"/requests/{id_}"))
        phone.answer(id_, numbers[phone.token])
        bank.fetch(id_)
    return export_of(alice)


@BOTH_STORES
def test_a_whole_export_holds(town: Town, alice: Phone, history: bytes) -> None:
    found = checked(town, history)
    assert [row.counter for row in found.rows] == [1, 2, 3, 4, 5, 6]
    assert (found.size, found.logged_rows) == (9, 0)
    told = good(alice.get("/access-log/key"))
    assert bytes.fromhex(told["public_key"]) == found.wallet_key
    assert checked(town, export_of(town.citizen("new").login())).rows == ()


def changed(data: bytes, change: Callable[[list[Any]], None]) -> bytes:
    def lists(value: object) -> Any:
        return [lists(item) for item in value] if isinstance(value, tuple) else value

    parts = lists(decode_cbor(decode_file_text(data.decode())))
    change(parts)
    return encode_file_text(encode_cbor(parts)).encode()


def edit(row: list[Any]) -> None:
    fields = list(decode_cbor(row[1]))
    fields[4] = 2  # another organisation
    row[1] = encode_cbor([list(field) if isinstance(field, tuple) else field for field in fields])


LIES: dict[str, Callable[[list[Any]], None]] = {
    "the last row cut off": lambda parts: parts[4].pop(),
    "the first row cut off": lambda parts: parts[4].pop(0),
    "all rows cut off": lambda parts: parts[4].clear(),
    "a row left out": lambda parts: parts[4].pop(2),
    "a row twice": lambda parts: parts[4].insert(1, parts[4][1]),
    "two rows swapped": lambda parts: parts[4].insert(0, parts[4].pop(1)),
    "the order turned round": lambda parts: parts[4].reverse(),
    "an organisation edited": lambda parts: edit(parts[4][1]),
    "another salt": lambda parts: parts[4][1].__setitem__(0, bytes(16)),
    "another place": lambda parts: parts[4][1].__setitem__(2, 0),
    "another path": lambda parts: parts[4][1].__setitem__(3, [bytes(32)] * 4),
}


@pytest.mark.parametrize("lie", LIES)
def test_edited_cut_and_reordered_ones_are_refused(town: Town, history: bytes, lie: str) -> None:
    assert checked(town, changed(history, lambda parts: None))
    reason = reason_of(lambda: checked(town, changed(history, LIES[lie])))
    assert reason in (
        Reason.STORE_HASH_MISMATCH, Reason.LOG_INCLUSION_INVALID, Reason.LOG_PROOF_MALFORMED,
    )  # fmt: skip


def test_another_key_and_a_text_that_was_not_signed_are_refused(town: Town, history: bytes) -> None:
    assert reason_of(lambda: checked(town, history, key=bytes(32))) is Reason.CLI_KEY_MISMATCH
    forger = Ed25519Signer(os.urandom(32))

    def forge(parts: list[Any]) -> None:
        text = parse_note(parts[3]).text.replace("\n9\n", "\n8\n")
        name = parse_note(parts[3]).signatures[0].name
        parts[3] = encode_note(Note(text, (sign_note(text, forger, name=name),)))

    assert reason_of(lambda: checked(town, changed(history, forge))) is Reason.CKPT_SIG_MISSING

    def reword(parts: list[Any]) -> None:
        parts[3] = parts[3].replace(b"\n9\n", b"\n8\n", 1)

    assert reason_of(lambda: checked(town, changed(history, reword))) is Reason.CKPT_SIG_INVALID
    for cut in (history[:-1], history[:200], b"", history + b"A"):
        assert reason_of(partial(checked, town, cut))


def test_without_a_logged_head_the_key_must_be_known(town: Town, history: bytes) -> None:
    bundle = town.service.trust()
    with pytest.raises(ProjectError) as caught:
        check_log_export(history, directory=bundle.directory, policy=bundle.policy, now=town.clock.now)
    assert caught.value.reason is Reason.LOG_INCLUSION_MISSING


def test_the_key_outlives_the_master_key(town: Town) -> None:
    before = log_signer(town.service).public_key
    new = Keyring(b"n" * 32, (town.service.keyring.current,))
    rotate_master_key(town.service.store, new, random=os.urandom)
    with town.service.store.read() as tx:
        wrapped = tx.service_key("access-log")
    assert wrapped is not None
    assert Ed25519Signer(new.unwrap(wrapped, safe=b"access-log key")).public_key == before
    assert new.is_current(wrapped)


# --- heads in the bureau's ledger --------------------------------------------------------------------------------


def sender_of(pair: Pair, **options: Any) -> HeadSender:
    token = pair.home.wallet_tokens().add(os.urandom)
    return HeadSender(pair.wallet, str(pair.bureau.base_url), token, **{"every": 600, **options})


def test_heads_are_logged_and_prove_the_export(pair: Pair) -> None:
    signer = Ed25519CoseSigner(os.urandom(32))
    data = pair.claim(signer, pair.offer())
    client = pair.client(signer)
    client.login()
    client.store(data)
    sender = sender_of(pair)
    assert sender.send_due() is False  # nothing happened yet
    first = pair.ask(slots_of(data))
    client.answer(first)
    assert sender.send_due() is True
    entries = pair.home.check_ledger().size
    assert sender.send_due() is False  # nothing new
    pair.as_organisation("POST", f"/requests/{first}/fetch")
    assert sender.send_due() is False  # new, but not due yet
    assert pair.home.check_ledger().size == entries

    export, bundle = client.export_access_log(), pair.trust
    found = check_log_export(export, directory=bundle.directory, policy=bundle.policy, now=pair.clock.now)
    assert (len(found.rows), found.size, found.logged_rows, found.logged_size) == (3, 3, 2, 2)
    pair.clock.now += 600
    assert sender.send_due() is True
    again = check_log_export(
        client.export_access_log(), directory=bundle.directory, policy=bundle.policy, now=pair.clock.now
    )
    assert again.logged_rows == 3

    def older_proof(parts: list[Any]) -> None:
        parts[5][0] = parts[5][0].replace(b"\n2\n", b"\n1\n", 1)

    def no_growth(parts: list[Any]) -> None:
        parts[5][2] = [bytes(32)] * len(parts[5][2])

    for lie in (older_proof, no_growth):
        lied = partial(
            check_log_export, changed(export, lie), directory=bundle.directory, policy=bundle.policy
        )
        assert reason_of(partial(lied, now=pair.clock.now))
    path = pair.home.path.parent / "log.txt"
    path.write_bytes(export)
    at = ["ledger", "check", "--access-log", str(path), "--trust", str(pair.home.path / "trust")]
    shown = CliRunner().invoke(cli, at)
    assert shown.exit_code == 0, shown.output
    assert "3 rows" in shown.output
    assert CliRunner().invoke(cli, ["ledger", "check"]).exit_code == 2


def test_a_bureau_that_is_down_or_lies_is_asked_again(pair: Pair) -> None:
    signer = Ed25519CoseSigner(os.urandom(32))
    data = pair.claim(signer, pair.offer())
    client = pair.client(signer)
    client.login()
    client.store(data)
    client.request(pair.ask(slots_of(data)))

    def down(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody there", request=request)

    def lost(request: httpx.Request) -> httpx.Response:
        pair.bureau.post("/access-log-heads", content=request.content, headers=dict(request.headers))
        raise httpx.ReadTimeout("the answer was lost", request=request)

    for reply, reason in (
        (down, Reason.NET_UNREACHABLE),
        (lost, Reason.NET_UNREACHABLE),
        (lambda _: httpx.Response(503), Reason.API_VALIDATION),
        (lambda _: httpx.Response(200, text="{}"), Reason.API_VALIDATION),
    ):
        sender = sender_of(pair, transport=httpx.MockTransport(reply))
        assert reason_of(sender.send_due) is reason
    before = pair.home.check_ledger().size
    assert sender_of(pair).send_due() is True
    assert pair.home.check_ledger().size == before  # the lost one counts
    with pair.wallet.store.read() as tx:
        head = tx.newest_logged_head()
    assert head is not None
    assert head.size == 1


def test_the_schedule_runs_in_the_background(pair: Pair) -> None:
    signer = Ed25519CoseSigner(os.urandom(32))
    data = pair.claim(signer, pair.offer())
    client = pair.client(signer)
    client.login()
    client.store(data)
    client.request(pair.ask(slots_of(data)))
    sender = sender_of(pair, every=1)
    sender.start()
    try:
        for _ in range(200):
            with pair.wallet.store.read() as tx:
                if tx.newest_logged_head() is not None:
                    break
            sender._stop.wait(0.05)
        else:
            pytest.fail("no head was logged")
    finally:
        sender.stop()
