"""A citizen's side of the wallet service, for whoever has a holder key and no app.

The service composes and the client checks: every certificate is judged as its holder would, every request against the
client's own trust bundle, and what is to be signed must be, byte for byte, what the client composes itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from certificate.certificate import UnverifiedCertificate
from certificate.holding import disclose
from certificate.keys import CoseSigner, key_id
from certificate.numbers import Presenter
from certificate.policy.asking import day_of_question
from certificate.policy.composing import Laid, Shown, compose, lay_down
from certificate.policy.language import Policy
from certificate.presentation import PresentationBody, presentation_to_be_signed
from certificate.qr_text import decode_file_text, encode_file_text
from certificate.request import (
    RegistrationBody,
    UnverifiedRequest,
    matching_digits,
    parse_request,
    verify_request,
)
from certificate.template.language import Template
from certificate.template.retirement import retired_template
from certificate.to_be_signed import parse_to_be_signed
from cli.wallet_keys import WalletKeys
from cli.wallet_session import CLOCK_SKEW
from cli.web import Answer
from ledger.errors import FormatError, UndeterminedError, VerificationError
from ledger.reasons import Reason
from verifier.own import check_own_certificate
from verifier.standing import is_ended, require_standing
from verifier.trust import TrustBundle
from wallet_api.access_rows import Access, AccessPage, AccessRow, Action, check_page
from wallet_api.log_export import check_log_export

__all__ = ["AskedRequest", "HeldCertificate", "WalletClient", "opened_client", "request_id"]

_DAY: Final = 86400
_PAGE: Final = 100
_ID_LENGTH: Final = 32


@dataclass(frozen=True, slots=True)
class HeldCertificate:
    """A certificate of the safe, judged as its holder's own; `state` is the service's word."""

    data: bytes
    certificate: UnverifiedCertificate
    state: str

    @property
    def number(self) -> str:
        return self.certificate.body.number


@dataclass(frozen=True, slots=True)
class _Part:
    """What one certificate answers."""

    held: HeldCertificate
    items: list[int]


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


class WalletClient(WalletKeys):
    """One citizen at one wallet service: certificates, requests, answers, the access log."""

    def store(self, certificate: bytes) -> str:
        """Put a whole certificate into the safe; its number. Storing it again changes nothing."""
        return self._web.call(
            "POST", "/certificates", body={"certificate": encode_file_text(certificate)}
        ).text("number")

    def certificates(self) -> list[HeldCertificate]:
        """The certificates of this key, newest first, each judged here. Raises as `check_own_certificate`."""
        device = key_id(self._signer.public_key).hex()
        listed = (Answer(200, row) for row in self._pages("/certificates", "certificates"))
        numbers = [row.text("number") for row in listed if row.text("device") == device]
        held = [self.certificate(number) for number in numbers]
        return sorted(held, key=_newest, reverse=True)

    def certificate(self, number: str) -> HeldCertificate:
        """One certificate, judged here."""
        told = self._web.call("GET", f"/certificates/{number}")
        data = decode_file_text(told.text("certificate"))
        parsed = check_own_certificate(
            data, trust=self._trust, now=self._clock(), holder_key=self._signer.public_key
        )
        if parsed.body.number != number:
            raise VerificationError(Reason.STORE_HASH_MISMATCH, "the service gave another certificate")
        return HeldCertificate(data, parsed, told.text("state"))

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
            items: places in the request; None means all that are still required.
            certificate: a number; None means the newest that holds what is asked, or one for each item where no
                single one does, or several for a policy that none decides alone: then one consent lays down several.
        Raises:
            VerificationError: `pres.transcript_mismatch`: the service gave other bytes to sign than these.
            VerificationError: `status.revoked`, `status.suspended`, `status.replaced` of the only certificate there is.
            FormatError: `disc.required_missing`: no certificate holds what is asked.
            UndeterminedError: `policy.unknown`, `policy.undetermined`.
        """
        asked = self.request(id_)
        wanted = self._required(asked) if items is None else list(items)
        first, *others = parts = self._answering(asked, wanted, certificate)
        body = {"certificate": first.held.number, "items": first.items, "minutes": minutes} | {
            "also": [{"certificate": part.held.number, "items": part.items} for part in others]
        }
        begun = self._web.call("POST", f"/requests/{asked.id}/answers/begin", body=body)
        told = [begun, *(Answer(begun.status, row) for row in begun.rows("also"))]
        if len(told) != len(parts):
            raise VerificationError(Reason.PRES_TRANSCRIPT_MISMATCH, "other parts than were agreed to")
        signatures = []
        for part, least, one in zip(parts, self._least(asked, parts), told, strict=True):
            to_sign = decode_file_text(one.text("to_be_signed"))
            holds = asked.request.body.holds
            shown = disclose(part.held.data, least.slots, holds=holds, at_least=least.months)
            self._require_same(to_sign, asked, shown, minutes)
            signatures.append(self._sign(to_sign))
        signed = {"signature": signatures[0], "also": signatures[1:]}
        self._web.call("POST", f"/requests/{asked.id}/answers/complete", body=signed)

    @property
    def policies(self) -> Mapping[str, Policy]:
        """Those of the client's own bundle, by id."""
        return self._trust.policies

    def refuse(self, id_: str) -> None:
        """Say no."""
        self._web.call("POST", f"/requests/{request_id(id_)}/refuse")

    def keep_for_later(self, id_: str) -> None:
        """Keep a request that no certificate answers yet."""
        self._web.call("POST", f"/requests/{request_id(id_)}/later")

    def kept(self) -> list[tuple[str, bool]]:
        """Ids of what the service keeps for later, each with whether the certificates answer it by now, judged here."""
        listed = (Answer(200, row) for row in self._web.call("GET", "/follow-ups").rows("requests"))
        return [(row.text("id"), self._is_answerable(row.text("id"))) for row in listed]

    def _is_answerable(self, id_: str) -> bool:
        asked = self.request(id_)
        try:
            self._answering(asked, self._required(asked), None)
        except (FormatError, UndeterminedError):
            return False
        return True

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

    def _answering(self, asked: AskedRequest, items: Sequence[int], number: str | None) -> list[_Part]:
        """The certificate that answers all, the newest unless one is named; else the fewest for each item."""
        held = self._own() if number is None else [self.certificate(number)]
        held = [one for one in held if not is_ended(one.certificate.body, self._trust)] or held[:1]
        for one in held:
            require_standing(one.certificate.body, self._trust)
        whole = [one.certificate for one in held]
        body, today = asked.request.body, day_of_question(self._clock())
        policies, templates = self._trust.policies, self._trust.templates
        laid = lay_down(body, items, whole, policies=policies, templates=templates, today=today)
        return [_Part(held[at], list(places)) for at, places in laid]

    def _least(self, asked: AskedRequest, parts: Sequence[_Part]) -> list[Shown]:
        return compose(
            asked.request.body,
            [Laid(part.held.certificate, tuple(part.items)) for part in parts],
            policies=self._trust.policies,
            templates=self._trust.templates,
            today=day_of_question(self._clock()),
        )

    def retired(self, asked: AskedRequest) -> dict[int, Template]:
        """Places in the request that nobody has to answer any more, with the template that says so."""
        today = day_of_question(self._clock())
        found = {
            at: retired_template(item, self._trust.templates, today=today)
            for at, item in enumerate(asked.request.body.items)
        }
        return {at: template for at, template in found.items() if template is not None}

    def _required(self, asked: AskedRequest) -> list[int]:
        """All places but the retired; where nothing else is asked, answering is refused with the law that says so."""
        retired = self.retired(asked)
        places = range(len(asked.request.body.items))
        return [at for at in places if at not in retired] or list(places)

    def _own(self) -> list[HeldCertificate]:
        """What may be offered without being named: a proxy names whom they answer for."""
        return [
            held
            for held in self.certificates()
            if held.state == "current" and held.certificate.body.presenter is Presenter.SELF
        ]

    def _require_same(self, to_sign: bytes, asked: AskedRequest, shown: bytes, minutes: int) -> None:
        payload = parse_to_be_signed(to_sign).payload
        issued = payload[2] if isinstance(payload, tuple) and len(payload) == 4 else None
        if type(issued) is int and abs(issued - self._clock()) <= CLOCK_SKEW:
            body = PresentationBody(asked.request.body.org, asked.request.digest(), issued, minutes)
            if to_sign == presentation_to_be_signed(body, shown, holder_key=self._signer.public_key):
                return
        raise VerificationError(Reason.PRES_TRANSCRIPT_MISMATCH, "other bytes than were agreed to")

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
