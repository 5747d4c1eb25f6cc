"""One page for one client: its scope held against the wish, a paper certificate minted, and drawn.

Whoever is outside a scope is refused with one and the same answer, be it that they do not exist: a client learns
nothing of people who are not its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

from certificate.numbers import CertificateType
from certificate.slots import REGISTRIES
from certificate.texts import Language
from issuer.bureau_ledger import BureauLedger
from issuer.export import encode_shown, find_row, paper_extra, proof_of_row, tree_of_row
from issuer.home import Home
from issuer.paper_stock import draw_certificate
from issuer.printing.clients import PrintClient, PrintClients
from issuer.printing.pages import slots_of_page
from issuer.register import PAPER
from issuer.service import mint_persons
from issuer.snapshot import Snapshot
from ledger.errors import VerificationError
from ledger.reasons import Reason

__all__ = ["Printer", "Wish"]

_EMPLOYER = REGISTRIES[CertificateType.CONTRIBUTION].slot_of("employer")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client wants printed."""

    person_no: str
    page: str
    purpose: str


class Printer:
    """The printer of one home. `mint` runs on the thread that owns the ledger, the rest on any."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.clients = PrintClients(home.path / "printing.db")
        self._drawing = Lock()  # the page's fonts are known to the whole process

    def require_allowed(self, client: PrintClient, wish: Wish) -> None:
        """Raise VerificationError `authz.denied` unless all of the wish is within the client's scope."""
        allowed = wish.page in client.pages and wish.purpose in client.purposes
        if not allowed or not _is_among(client, self._home.snapshot(), wish.person_no):
            raise VerificationError(Reason.AUTHZ_DENIED, "outside what this client may print")

    def mint(self, ledger: BureauLedger, client: PrintClient, wish: Wish, *, now: int) -> bytes:
        """The paper certificate as tagged bytes, minted unless there is one with these words."""
        extra = paper_extra(audience=client.audience, purpose=wish.purpose)
        run = mint_persons(self._home, ledger, [(wish.person_no, PAPER)], now=now, extra=extra)
        row = find_row(self._home, run.certificates[0].number)
        tree = tree_of_row(self._home, row)
        return encode_shown(row, tree, slots_of_page(wish.page, tree), proof_of_row(ledger, row))

    def draw(self, certificate: bytes, language: Language) -> bytes:
        """The finished page, a PDF."""
        with self._drawing:
            return draw_certificate(certificate, "pdf", language)


def _is_among(client: PrintClient, snapshot: Snapshot, person_no: str) -> bool:
    if person_no not in snapshot:
        return False
    person = snapshot.claims(person_no)
    if not str(person.region).startswith(client.regions):
        return False
    employer = person.claims.get(_EMPLOYER)
    return not client.employers or (isinstance(employer, list | tuple) and employer[0] in client.employers)
