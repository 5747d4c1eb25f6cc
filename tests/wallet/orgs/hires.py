"""An organisation's desk in the tests: a list, its file, and a client of the service in this process."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx

from certificate.numbers import CertificateType
from certificate.request import RequestBody, SlotsItem, parse_request
from certificate.slots import ClaimValue
from tests.wallet.parties import NAME_SLOTS, Asker, Phone, Town
from tests.world import SLOTS_24, claims_of_60_months
from verifier.bulk.people import parse_people
from verifier.bulk.state import AskedPerson, BatchFile
from verifier.bulk.wallet_client import OrganisationClient
from verifier.bulk.work import ask, collect, prepare, refresh
from verifier.seen import MemorySeen

WALLET = "https://wallet.test"
ITEM = SlotsItem(CertificateType.CONTRIBUTION, (*NAME_SLOTS, *SLOTS_24))
CSV = "姓名,身份证后四位,工号\n测试甲,0017,A1\n测试乙,0025,A2\n测试丙,1175,A3\n"


class Shared(httpx.BaseTransport):
    """The town's transport, which stays open when a client of it closes; `before` may fail a call."""

    def __init__(self, town: Town, before: Callable[[httpx.Request], None] | None = None) -> None:
        self._transport = town.http._transport
        self._before = before

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self._before is not None:
            self._before(request)
        return self._transport.handle_request(request)


class Desk:
    """A list of people at one organisation."""

    def __init__(self, town: Town, asker: Asker, folder: Path, csv: str = CSV) -> None:
        self.town = town
        self.asker = asker
        self.path = folder / "hires.db"
        self.people = parse_people(csv.encode())
        self.newest = MemorySeen()

    def client(self, before: Callable[[httpx.Request], None] | None = None) -> OrganisationClient:
        transport = Shared(self.town, before)
        return OrganisationClient(WALLET, self.asker.token, pause=lambda _: None, transport=transport)

    def open(self) -> BatchFile:
        if self.path.exists():
            return BatchFile(self.path)
        world = self.town.world
        pattern: RequestBody = world.request_body(org=self.asker.number, items=(ITEM,))
        registration = world.registration(org=self.asker.number, request_key=self.asker.key.public_key)
        asked = prepare(
            self.people,
            pattern,
            key=self.asker.key,
            registration=registration,
            random=self.town.service.random,
            policies={},
        )
        return BatchFile.create(
            self.path, asked, list_digest=self.people.digest(), wallet=WALLET, org=self.asker.number
        )

    def send(self, before: Callable[[httpx.Request], None] | None = None) -> int:
        file = self.open()
        try:
            return ask(file, self.client(before), progress=lambda: None)
        finally:
            file.close()

    def refresh(self) -> list[AskedPerson]:
        file = self.open()
        try:
            refresh(file, self.client(), progress=lambda: None)
            return file.everybody()
        finally:
            file.close()

    def collect(self, before: Callable[[httpx.Request], None] | None = None) -> list[AskedPerson]:
        file = self.open()
        try:
            client = self.client(before)
            refresh(file, self.client(), progress=lambda: None)
            collect(
                file,
                client,
                trust=self.town.service.trust(),
                newest=self.newest,
                now=lambda: datetime.fromtimestamp(self.town.clock.now, UTC),
                language="en",
                progress=lambda: None,
            )
            return file.everybody()
        finally:
            file.close()

    def everybody(self) -> list[AskedPerson]:
        file = self.open()
        try:
            return file.everybody()
        finally:
            file.close()


def person(phone: Phone, name: str, tail: str) -> str:
    """Give a phone a certificate of a person of that name; its number."""
    claims: dict[int, ClaimValue] = {**claims_of_60_months(), 0: name, 1: tail}
    return phone.put(phone.certificate(seed=name.encode().ljust(32, b"s")[:32], claims=claims))


def item_digest(asked: AskedPerson) -> bytes:
    return parse_request(asked.request).digest()
