"""The service killed at random moments while citizens and an organisation use it, on both databases.

After each restart: what was acknowledged holds, no consent was used twice, and nothing left without its row.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Lock

import httpx

from ledger.reasons import Reason
from tests.wallet.parties import Asker, Phone, Town, good, refused
from tests.wallet.served import Served, served
from tests.wallet.stores import BOTH_STORES
from wallet_api.access_log import check_access_log, read_page
from wallet_api.access_rows import Action
from wallet_api.store.rows import RequestState

pytestmark = BOTH_STORES

CITIZENS = 4
_PAGE = 10_000


@dataclass
class Told:
    """What the service acknowledged over HTTP, by request id."""

    lock: Lock = field(default_factory=Lock)
    signed: dict[str, tuple[int, str]] = field(
        default_factory=dict
    )  # citizen and signature, whatever came of it
    answered: set[str] = field(default_factory=set)
    fetched: dict[str, list[bytes]] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)


def test_killed_at_random_moments(kind: str, database: str, full: bool) -> None:
    chance, told = random.Random(f"kills {kind}"), Told()
    with served(database, workers=2 if kind == "postgres" else 1) as server, server.town(timeout=5) as town:
        phones = [town.citizen(f"citizen {at}").login() for at in range(CITIZENS)]
        numbers = [phone.put(phone.certificate(seed=bytes([at]) * 32)) for at, phone in enumerate(phones)]
        bank = town.organisation(1)
        for _ in range(20 if full else 3):
            use_until_killed(server, told, phones, numbers, bank, after=0.5 * chance.random())
            server.start()
            check(town, told, phones, bank)
        assert len(told.answered) > 10
        assert sum(map(len, told.fetched.values())) > 10
        assert told.withdrawn


def use_until_killed(
    server: Served, told: Told, phones: list[Phone], numbers: list[str], bank: Asker, *, after: float
) -> None:
    over = Event()

    def live(at: int) -> None:
        phone = phones[at]
        while not over.is_set():
            try:
                id_ = bank.leave()
                signature = phone.sign(phone.begin(id_, numbers[at]))
                told.signed[id_] = (at, signature)
                good(phone.complete(id_, signature))
                told.answered.add(id_)
                for _ in range(at % 3):  # the first citizen's answers stay, for a fetch after the restart
                    told.fetched.setdefault(id_, []).append(bank.fetch(id_))
                if at == CITIZENS - 1:
                    good(phone.post(f"/requests/{id_}/withdraw"))
                    told.withdrawn.add(id_)
            except httpx.TransportError:
                time.sleep(0.01)

    with ThreadPoolExecutor(CITIZENS) as pool:
        before = len(told.answered)
        living = [pool.submit(live, at) for at in range(CITIZENS)]
        while len(told.answered) < before + CITIZENS and not any(one.done() for one in living):
            time.sleep(0.01)
        time.sleep(after)
        server.kill()
        over.set()
        for one in living:
            one.result(timeout=30)


def check(town: Town, told: Told, phones: list[Phone], bank: Asker) -> None:
    service = town.service
    check_access_log(service.store, service.keyring)
    for id_, (at, signature) in told.signed.items():
        state = good(bank.get(f"/requests/{id_}"))["state"]
        if id_ in told.withdrawn:
            assert state == RequestState.WITHDRAWN
            refused(bank.post(f"/requests/{id_}/fetch"), Reason.CONSENT_REVOKED)
            continue
        if id_ in told.answered:
            assert state in (RequestState.ANSWERED, RequestState.WITHDRAWN)
        again = phones[at].complete(id_, signature)
        if state == RequestState.WAITING:
            good(again)  # the kill came first; the signature is good for once
        else:
            reason = Reason.CONSENT_REVOKED if state == RequestState.WITHDRAWN else Reason.CONSENT_EXHAUSTED
            refused(again, reason)
        if state != RequestState.WITHDRAWN:
            told.answered.add(id_)
            told.fetched.setdefault(id_, []).append(bank.fetch(id_))
        assert len(set(told.fetched.get(id_, []))) <= 1  # the same bytes, before and after
    rows = access_rows(town, phones)
    for id_ in told.signed:
        with service.store.read() as tx:
            request = tx.request(bytes.fromhex(id_))
        assert request is not None
        assert rows[Action.ANSWERED, request.digest] == 1
        assert rows[Action.FETCHED, request.digest] >= len(told.fetched.get(id_, []))
        assert rows[Action.WITHDRAWN, request.digest] == (request.state is RequestState.WITHDRAWN)
    told.signed.clear()


def access_rows(town: Town, phones: list[Phone]) -> Counter[tuple[Action, bytes]]:
    found: Counter[tuple[Action, bytes]] = Counter()
    for phone in phones:
        with town.service.store.read() as tx:
            safe = tx.safe_of_key(phone.key.public_key)
            assert safe is not None
            page = read_page(tx, safe.id, data_key=town.service.data_key(safe), after=0, limit=_PAGE)
        found.update((row.access.action, row.access.request_digest) for row in page.rows)
    return found
