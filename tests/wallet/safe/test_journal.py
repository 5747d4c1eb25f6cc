"""What a phone showed offline, uploaded later: in order, once, by the key that showed it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import httpx

from certificate.journal import FIRST_PREVIOUS, JournalEntry, parse_journal_entry, sign_journal_entry
from certificate.keys import CoseSigner
from ledger.reasons import Reason
from tests.wallet.parties import Phone, Town, b64, good, refused
from tests.wallet.stores import BOTH_STORES
from tests.world import SECONDS, SLOTS_24
from wallet_api.access_log import check_access_log


def entries(key: CoseSigner, count: int, *, org: int = 7) -> list[bytes]:
    """A phone's journal: one showing a minute."""
    made: list[bytes] = []
    previous = FIRST_PREVIOUS
    for number in range(1, count + 1):
        entry = JournalEntry(
            number, previous, SECONDS - 3600 + 60 * number, org, bytes([number]) * 32, 1, SLOTS_24
        )
        made.append(sign_journal_entry(key, entry))
        previous = parse_journal_entry(made[-1]).digest()
    return made


def upload(phone: Phone, journal: Sequence[bytes]) -> httpx.Response:
    return phone.post("/journal", {"entries": [b64(entry) for entry in journal]})


@BOTH_STORES
def test_rows_come_once_however_often_it_is_sent(town: Town, alice: Phone) -> None:
    journal = entries(alice.key, 5)
    assert good(upload(alice, journal[:2])) == {"added": 2, "counter": 2}
    assert good(upload(alice, journal[:2])) == {"added": 0, "counter": 2}
    assert good(upload(alice, journal[1:4])) == {"added": 2, "counter": 4}
    assert good(upload(alice, journal[:1])) == {"added": 0, "counter": 4}
    assert good(upload(alice, journal[4:])) == {"added": 1, "counter": 5}
    rows = good(alice.get("/access-log"))["rows"]
    assert [(row["action"], row["org"], row["time"]) for row in rows] == [
        ("shown_offline", 7, SECONDS - 3600 + 60 * number) for number in range(1, 6)
    ]
    assert rows[0]["slots"] == list(SLOTS_24)
    check_access_log(town.service.store, town.service.keyring)


def test_a_gap_a_fork_and_another_order_are_refused(town: Town, alice: Phone, bob: Phone) -> None:
    journal, fork = entries(alice.key, 4), entries(alice.key, 4, org=8)
    refused(upload(alice, journal[1:]), Reason.STORE_HASH_MISMATCH)
    refused(upload(alice, [journal[0], journal[2]]), Reason.STORE_HASH_MISMATCH)
    refused(upload(alice, [journal[1], journal[0]]), Reason.STORE_HASH_MISMATCH)
    refused(upload(alice, [journal[0], journal[0]]), Reason.STORE_HASH_MISMATCH)
    good(upload(alice, journal[:2]))
    refused(upload(alice, fork[:2]), Reason.STORE_HASH_MISMATCH)
    refused(upload(alice, fork[1:3]), Reason.STORE_HASH_MISMATCH)
    refused(upload(alice, fork[2:3]), Reason.STORE_HASH_MISMATCH)
    assert len(good(alice.get("/access-log"))["rows"]) == 2


def test_forged_and_impossible_entries_are_refused(town: Town, alice: Phone, bob: Phone) -> None:
    journal = entries(alice.key, 2)
    flipped = journal[0][:-1] + bytes([journal[0][-1] ^ 1])
    refused(upload(alice, [flipped]), Reason.SIG_INVALID)
    refused(upload(bob, journal), Reason.SIG_INVALID)
    ahead = replace(parse_journal_entry(journal[0]).body, time=SECONDS + 3600)
    refused(upload(alice, [sign_journal_entry(alice.key, ahead)]), Reason.TIME_ISSUED_IN_FUTURE)
    back = replace(parse_journal_entry(journal[1]).body, time=parse_journal_entry(journal[0]).body.time - 1)
    refused(upload(alice, [journal[0], sign_journal_entry(alice.key, back)]), Reason.STORE_HASH_MISMATCH)
    refused(upload(alice, [alice.certificate()]), Reason.SCHEMA_FIELD_UNKNOWN)
    refused(upload(alice, []), Reason.API_VALIDATION)
    for phone in (alice, bob):
        assert good(phone.get("/access-log"))["rows"] == []
