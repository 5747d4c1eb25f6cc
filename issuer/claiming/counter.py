"""The clerk's counter: an identity document was seen, a look was taken at the records, an offer is printed.

Every look leaves its row in the operator log, whose head is logged, and goes to the person's own wallet, before
anything that was looked up is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from certificate.numbers import CertificateType
from certificate.slots import REGISTRIES
from issuer.claiming.clerks import Clerks
from issuer.claiming.identity import Terms, Way
from issuer.claiming.lookup_outbox import LookUpOutbox
from issuer.claiming.offers import Offer, Offers
from issuer.claiming.operator_log import LookUp, OperatorLog
from issuer.home import Home
from issuer.service import opened_register

__all__ = ["COUNTER_DAYS", "Counter", "Glance", "operator_log_of"]

COUNTER_DAYS = 1  # the person stands there with the phone in hand
_REGISTRY = REGISTRIES[CertificateType.CONTRIBUTION]
_COMPARED = tuple(_REGISTRY.slot_of(name) for name in ("name", "id_tail"))


@dataclass(frozen=True, slots=True)
class Glance:
    """What a clerk compares with the identity document, and how many keys the person holds."""

    name: str
    id_tail: str
    keys: int


def operator_log_of(home: Home) -> OperatorLog:
    """The operator log of a home."""
    return OperatorLog(home.path / "counter.db", origin=home.settings.origin, seal_key=home.seal_key())


class Counter:
    """The counter of one home. Its methods touch disk; none of them writes the ledger."""

    def __init__(self, home: Home, offers: Offers, *, random: Callable[[int], bytes]) -> None:
        self._home = home
        self._offers = offers
        self._random = random
        self.clerks = Clerks(home.path / "counter.db")
        self.outbox = LookUpOutbox(home.path / "counter.db")
        self._log = operator_log_of(home)

    def note(
        self, person_no: str, *, operator: str, action: str, reason: str, now: int, shows: bool = False
    ) -> bytes:
        """Write a look-up down and put it on its way to the person; the digest of the log's head, to be logged.

        Args:
            action: what is done, such as `counter.offer`.
            shows: whether name and last four digits are about to be shown.
        """
        look = LookUp(operator, now, action, person_no, _COMPARED if shows else (), reason)
        digest = self._log.append(look, random=self._random)
        with opened_register(self._home) as register:
            holders = register.own_keys(person_no)
        if holders:
            self.outbox.add(look, holders)
        return digest

    def glance(self, person_no: str) -> Glance:
        """What the records say of a person, to be compared with a document. Raises ConfigError `person.not_found`."""
        claims = self._home.snapshot().claims(person_no).claims
        with opened_register(self._home) as register:
            keys = len(register.own_keys(person_no))
        name, id_tail = (str(claims[slot]) for slot in _COMPARED)
        return Glance(name, id_tail, keys)

    def offer(self, person_no: str, *, operator: str, terms: Terms, now: int) -> Offer:
        """A claim offer for a person whose document was seen. Raises ConfigError `person.not_found`."""
        snapshot = self._home.snapshot()
        for number in (person_no, terms.proxy_for):
            if number is not None:
                snapshot.claims(number)
        (offer,) = self._offers.make(
            [person_no],
            now=now,
            days=COUNTER_DAYS,
            random=self._random,
            way=Way.COUNTER,
            by=operator,
            terms=terms,
        )
        return offer
