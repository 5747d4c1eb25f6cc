"""A citizen's side of the wallet service, for whoever has a holder key and no app.

The service composes and the client checks: every certificate is judged as its holder would, every request against the
client's own trust bundle, and what is to be signed must be, byte for byte, what the client composes itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from certificate.certificate import UnverifiedCertificate
from certificate.holding import disclose
from certificate.keys import CoseSigner
from certificate.login import login_to_be_signed, parse_login
from certificate.presentation import PresentationBody, presentation_to_be_signed
from certificate.qr_text import decode_file_text, encode_file_text
from certificate.request import (
    RegistrationBody,
    SlotsItem,
    UnverifiedRequest,
    matching_digits,
    parse_request,
    verify_request,
)
from certificate.to_be_signed import parse_to_be_signed
from cli.web import Answer, Web, open_web
from ledger.errors import ConsentError, FormatError, UndeterminedError, VerificationError
from ledger.reasons import Reason
from verifier.own import check_own_certificate
from verifier.trust import TrustBundle
from wallet_api.access_rows import Access, AccessPage, AccessRow, Action, check_page
from wallet_api.log_export import check_log_export

__all__ = ["AskedRequest", "HeldCertificate", "WalletClient", "opened_client", "request_id"]

_SKEW: Final = 300  # seconds that the clocks of service and client may differ
_DAY: Final = 86400
_PAGE: Final = 100
_ID_LENGTH: Final = 32


@dataclass(frozen=True, slots=True)
class HeldCertificate:
    """A certificate of the safe, judged as its holder's own."""

    data: bytes
    certificate: UnverifiedCertificate

    @property
    def number(self) -> str:
        return self.certificate.body.number


@dataclass(frozen=True, slots=True)
class AskedRequest:
    """A request and who asks, from a registration that holds under the client's own bundle."""

    id: str
    state: str
    data: bytes
    request: UnverifiedRequest
    registration: RegistrationBody

    @property
    def digits(self) -> str:
        """The two digits that both screens show."""
        return matching_digits(self.request.digest())

    def slots(self, items: Sequence[int]) -> list[int]:
        """The slots that the items ask for.

        Raises:
            ConsentError: `consent.field_denied`: there is no such item.
            UndeterminedError: `policy.unknown`: the item is a policy.
        """
        asked: set[int] = set()
        for position in items:
            if not 0 <= position < len(self.request.body.items):
                raise ConsentError(Reason.CONSENT_FIELD_DENIED, f"the request has no item {position}")
            item = self.request.body.items[position]
            if not isinstance(item, SlotsItem):
                raise UndeterminedError(Reason.POLICY_UNKNOWN, f"item {position}")
            asked |= set(item.slots)
        return sorted(asked)


class WalletClient:
    """One citizen at one wallet service."""

    def __init__(
        self,
        base_url: str,
        signer: CoseSigner,
        *,
        trust: TrustBundle,
        clock: Callable[[], int],
        audience: str | None = None,
        http: httpx.Client | None = None,
    ) -> None:
        """Connect to nothing yet.

        Args:
            clock: POSIX seconds.
            audience: the service's own name in logins; default: `base_url` without its scheme.
            http: reaches the service; default: a client of its own, which `close` closes.
        """
        self._web = open_web(base_url) if http is None else Web(http)
        self._owned = http is None
        self._audience = audience or base_url.rstrip("/").partition("://")[2]
        self._signer = signer
        self._trust = trust
        self._clock = clock

    def close(self) -> None:
        if self._owned:
            self._web.http.close()

    def login(self) -> None:
        """Prove the holder key; the session lasts a quarter of an hour.

        Raises:
            VerificationError: `pres.transcript_mismatch`: the service asks to sign something else than a login to it.
        """
        key = encode_file_text(self._signer.public_key)
        asked = self._web.call("POST", "/login/challenges", body={"holder_key": key})
        to_sign = decode_file_text(asked.text("to_be_signed"))
        body = parse_login(to_sign)
        fresh = abs(body.issued - self._clock()) <= _SKEW and body.lifetime <= _SKEW
        expected = login_to_be_signed(body, holder_key=self._signer.public_key)
        if body.audience != self._audience or not fresh or to_sign != expected:
            raise VerificationError(Reason.PRES_TRANSCRIPT_MISMATCH, "not a login at this service, now")
        answer = {"challenge_id": asked.text("challenge_id"), "signature": self._sign(to_sign)}
        self._web.token = self._web.call("POST", "/login/tokens", body=answer).text("token")

    def store(self, certificate: bytes) -> str:
        """Put a whole certificate into the safe; its number. Storing it again changes nothing."""
        return self._web.call(
            "POST", "/certificates", body={"certificate": encode_file_text(certificate)}
        ).text("number")

    def certificates(self) -> list[HeldCertificate]:
        """All certificates of the safe, newest first, each judged here. Raises as `check_own_certificate`."""
        numbers = [Answer(200, row).text("number") for row in self._pages("/certificates", "certificates")]
        held = [self.certificate(number) for number in numbers]
        return sorted(held, key=_newest, reverse=True)

    def certificate(self, number: str) -> HeldCertificate:
        """One certificate, judged here."""
        data = decode_file_text(self._web.call("GET", f"/certificates/{number}").text("certificate"))
        parsed = check_own_certificate(
            data, trust=self._trust, now=self._clock(), holder_key=self._signer.public_key
        )
        if parsed.body.number != number:
            raise VerificationError(Reason.STORE_HASH_MISMATCH, "the service gave another certificate")
        return HeldCertificate(data, parsed)

    def request(self, id_: str) -> AskedRequest:
        """Who asks what for. `id_` is the request's id or link.

        Raises:
            VerificationError: `org.unregistered`, `org.purpose_not_allowed`.
        """
        id_ = request_id(id_)
        told = self._web.call("GET", f"/requests/{id_}")
        data = decode_file_text(told.text("request"))
        parsed = parse_request(data)
        registration = verify_request(parsed, directory=self._trust.directory, today=self._clock() // _DAY)
        return AskedRequest(id_, told.text("state"), data, parsed, registration)

    def answer(
        self,
        id_: str,
        *,
        items: Sequence[int] | None = None,
        certificate: str | None = None,
        minutes: int = 24 * 60,
    ) -> None:
        """Consent: show what these items ask for, to this organisation, for so long.

        Args:
            items: places in the request; None means all.
            certificate: a number; None means the newest that holds what is asked.
        Raises:
            VerificationError: `pres.transcript_mismatch`: the service gave other bytes to sign than these.
            FormatError: `disc.required_missing`: no certificate holds what is asked.
        """
        asked = self.request(id_)
        wanted = list(range(len(asked.request.body.items))) if items is None else list(items)
        slots = asked.slots(wanted)
        held = self._newest_with(slots) if certificate is None else self.certificate(certificate)
        body = {"certificate": held.number, "items": wanted, "minutes": minutes}
        begun = self._web.call("POST", f"/requests/{asked.id}/answers/begin", body=body)
        to_sign = decode_file_text(begun.text("to_be_signed"))
        self._require_same(to_sign, asked, disclose(held.data, slots), minutes)
        signed = {"signature": self._sign(to_sign)}
        self._web.call("POST", f"/requests/{asked.id}/answers/complete", body=signed)

    def refuse(self, id_: str) -> None:
        """Say no."""
        self._web.call("POST", f"/requests/{request_id(id_)}/refuse")

    def withdraw(self, id_: str) -> None:
        """Take a consent back."""
        self._web.call("POST", f"/requests/{request_id(id_)}/withdraw")

    def access_log(self) -> list[AccessRow]:
        """Who saw what, from the first row on, each row checked against the one before it and the tree.

        Raises:
            VerificationError: as `check_page`.
        """
        rows: list[AccessRow] = []
        after = "0"
        while True:
            told = self._web.call("GET", f"/access-log?after={after}&limit={_PAGE}")
            page = _access_page(told)
            check_page(page, after=rows[-1] if rows else None)
            rows += page.rows
            if not page.rows or told.optional_text("next") is None:
                return rows
            after = str(rows[-1].counter)

    def export_access_log(self) -> bytes:
        """The whole log as one signed file, checked here but for what only a newer bundle can tell.

        Raises:
            FormatError, VerificationError: as `check_log_export`.
        """
        key = bytes.fromhex(self._web.call("GET", "/access-log/key").text("public_key"))
        data = self._web.call("GET", "/access-log/export").text("export").encode("ascii")
        directory, policy = self._trust.directory, self._trust.policy
        check_log_export(data, directory=directory, policy=policy, now=self._clock(), wallet_key=key)
        return data

    def _newest_with(self, slots: Sequence[int]) -> HeldCertificate:
        for held in self.certificates():
            if set(slots) <= {shown.slot for shown in held.certificate.disclosures}:
                return held
        raise FormatError(Reason.DISC_REQUIRED_MISSING, "no certificate holds all that is asked")

    def _require_same(self, to_sign: bytes, asked: AskedRequest, shown: bytes, minutes: int) -> None:
        payload = parse_to_be_signed(to_sign).payload
        issued = payload[2] if isinstance(payload, tuple) and len(payload) == 4 else None
        if type(issued) is int and abs(issued - self._clock()) <= _SKEW:
            body = PresentationBody(asked.request.body.org, asked.request.digest(), issued, minutes)
            if to_sign == presentation_to_be_signed(body, shown, holder_key=self._signer.public_key):
                return
        raise VerificationError(Reason.PRES_TRANSCRIPT_MISMATCH, "other bytes than were agreed to")

    def _sign(self, to_sign: bytes) -> str:
        """The signature over bytes whose kind a holder key may sign; every signature of this client is made here."""
        parse_to_be_signed(to_sign)
        return encode_file_text(self._signer.sign(to_sign))

    def _pages(self, path: str, name: str) -> list[Any]:
        rows: list[Any] = []
        after = ""
        while True:
            told = self._web.call("GET", f"{path}?after={after}&limit={_PAGE}")
            rows += told.rows(name)
            following = told.optional_text("next")
            if following is None or following <= after:
                return rows
            after = following


@contextmanager
def opened_client(
    url: str, signer: CoseSigner, trust: TrustBundle, *, clock: Callable[[], int]
) -> Iterator[WalletClient]:
    """A client that is logged in, closed again afterwards."""
    client = WalletClient(url, signer, trust=trust, clock=clock)
    try:
        client.login()
        yield client
    finally:
        client.close()


def request_id(text: str) -> str:
    """The id in a request's link, or the id itself. Raises FormatError `api.validation`."""
    id_ = urlsplit(text.strip()).path.rpartition("/")[2]
    if len(id_) != _ID_LENGTH or not set(id_) <= set("0123456789abcdef"):
        raise FormatError(Reason.API_VALIDATION, "not the link or the id of a request")
    return id_


def _newest(held: HeldCertificate) -> tuple[int, int, str]:
    body = held.certificate.body
    return body.cut_off, body.issued, body.number


def _access_page(told: Answer) -> AccessPage:
    try:
        rows = tuple(_access_row(Answer(told.status, row)) for row in told.rows("rows"))
        return AccessPage(rows, told.number("size"), bytes.fromhex(told.text("root")))
    except (ValueError, TypeError, KeyError, AttributeError) as exc:
        raise FormatError(Reason.API_VALIDATION, "a row of the access log") from exc


def _access_row(row: Answer) -> AccessRow:
    access = Access(
        action=Action[row.text("action").upper()],
        org=row.number("org"),
        request_digest=bytes.fromhex(row.text("request")),
        type=row.number("type"),
        slots=tuple(int(slot) for slot in row.rows("slots")),
        details=tuple(str(text) for text in row.rows("details")),
    )
    return AccessRow(
        counter=row.number("counter"),
        previous=bytes.fromhex(row.text("previous")),
        time=row.number("time"),
        access=access,
        salt=bytes.fromhex(row.text("salt")),
        entry=bytes.fromhex(row.text("entry")),
        position=row.number("position"),
        path=tuple(bytes.fromhex(node) for node in row.rows("path")),
    )
