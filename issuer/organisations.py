"""Organisations that may ask: registered by the registrar key, with what they may ask, for how long.

A registration travels inside each request (DESIGN 3.4), so a wallet and a verifier check it offline.
"""

from __future__ import annotations

from dataclasses import dataclass

from certificate.numbers import CertificateType
from certificate.request import DEFAULT_PURPOSE, RegistrationBody, parse_registration, sign_registration
from certificate.slots import REGISTRIES
from issuer.home import Home
from ledger.errors import ConfigError
from ledger.reasons import Reason

__all__ = [
    "DEFAULT_PURPOSE",
    "REGISTRATION_DAYS",
    "Organisation",
    "all_slots",
    "list_organisations",
    "register_organisation",
    "registration_of",
    "suspend_organisation",
]

_DAY = 86400
REGISTRATION_DAYS = 365
_CONTRIBUTION = REGISTRIES[CertificateType.CONTRIBUTION]


@dataclass(frozen=True, slots=True)
class Organisation:
    """One registered organisation as the list shows it."""

    body: RegistrationBody
    suspended: bool


def register_organisation(
    home: Home,
    *,
    org: int,
    name_zh: str,
    name_en: str,
    contact: str,
    request_key: bytes,
    now: int,
    purposes: tuple[str, ...] = (DEFAULT_PURPOSE,),
    slots: tuple[int, ...] | None = None,
) -> bytes:
    """Register an organisation, or renew it; returns the registration as tagged bytes.

    Args:
        org: the organisation's number in this directory.
        request_key: raw Ed25519 public key that will sign its requests.
        now: POSIX seconds; the registration runs REGISTRATION_DAYS from today.
        slots: bounds of the slot ranges it may ask, [first, last, first, last...]; default all registered claims.
    Raises:
        FormatError: a name or number that the format refuses.
    """
    body = RegistrationBody(
        org=org,
        name_zh=name_zh,
        name_en=name_en,
        contact=contact,
        request_key=request_key,
        purposes=purposes,
        slots=((CertificateType.CONTRIBUTION, all_slots() if slots is None else slots),),
        policies=(),
        valid_from=now // _DAY,
        valid_to=now // _DAY + REGISTRATION_DAYS,
    )
    registration = sign_registration(home.signer("registrar"), body)
    parse_registration(registration)  # the reader's own rules refuse what would not be read
    register = home.register()
    try:
        register.save_organisation(org, registration)
    finally:
        register.close()
    return registration


def registration_of(home: Home, org: int) -> bytes:
    """The registration of a registered, not suspended organisation. Raises ConfigError `org.unregistered`."""
    for number, registration, suspended in _rows(home):
        if number == org and not suspended:
            return registration
    raise ConfigError(
        Reason.ORG_UNREGISTERED, f"organisation {org}", hint="register it: tally org register --help"
    )


def list_organisations(home: Home) -> list[Organisation]:
    return [Organisation(parse_registration(data).body, suspended) for _, data, suspended in _rows(home)]


def suspend_organisation(home: Home, org: int) -> None:
    """Stop handing out this organisation's registration. Requests it already holds run out with its dates."""
    registration_of(home, org)
    register = home.register()
    try:
        register.suspend_organisation(org)
    finally:
        register.close()


def all_slots() -> tuple[int, ...]:
    """Bounds of the range that covers every claim of a contribution certificate."""
    return (0, _CONTRIBUTION.slot_count - 1)


def _rows(home: Home) -> list[tuple[int, bytes, bool]]:
    register = home.register()
    try:
        return register.organisations()
    finally:
        register.close()
