"""Organisations that may ask: registered by the registrar key, with what they may ask, for how long.

A registration travels inside each request (DESIGN 3.4), so a wallet and a verifier check it offline.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from certificate.numbers import CertificateType
from certificate.request import DEFAULT_PURPOSE, RegistrationBody, parse_registration, sign_registration
from certificate.rollover import verify_rollover
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
    "resume_organisation",
    "roll_over_organisation",
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
    allow_look_alike: bool = False,
    policies: tuple[str, ...] = (),
) -> bytes:
    """Register an organisation, or renew it; returns the registration as tagged bytes.

    Args:
        org: the organisation's number in this directory.
        request_key: raw Ed25519 public key that will sign its requests.
        now: POSIX seconds; the registration runs REGISTRATION_DAYS from today.
        slots: bounds of the slot ranges it may ask, [first, last, first, last...]; default all registered claims.
        allow_look_alike: register a name that could be taken for another organisation's: the registrar looked at both.
        policies: ids of the policies it may ask; they travel inside each of its requests.
    Raises:
        FormatError: a name or number that the format refuses.
        ConfigError: `org.look_alike`.
    """
    body = RegistrationBody(
        org=org,
        name_zh=name_zh,
        name_en=name_en,
        contact=contact,
        request_key=request_key,
        purposes=purposes,
        slots=((CertificateType.CONTRIBUTION, all_slots() if slots is None else slots),),
        policies=policies,
        valid_from=now // _DAY,
        valid_to=now // _DAY + REGISTRATION_DAYS,
    )
    registration = sign_registration(home.signer("registrar"), body)
    parse_registration(registration)  # the reader's own rules refuse what would not be read
    if not allow_look_alike:
        _require_distinct(home, body)
    _save(home, org, registration)
    return registration


def roll_over_organisation(home: Home, rollover: bytes, *, now: int) -> bytes:
    """Register the new request key that an organisation's present one names; returns the registration.

    Requests under the old key carry their own registration and stay answerable until they expire.

    Raises:
        FormatError: it does not parse. VerificationError: `sig.invalid`.
        ConfigError: `org.unregistered` (unknown, or suspended: a stolen key names no successor), `cli.key_mismatch`
            (not signed by the key that is registered now).
    """
    change = verify_rollover(rollover)
    body = parse_registration(registration_of(home, change.org)).body
    if body.request_key != change.old_key:
        raise ConfigError(Reason.CLI_KEY_MISMATCH, f"organisation {change.org} has another request key")
    return _register_key(home, body, change.new_key, now)


def resume_organisation(home: Home, org: int, *, request_key: bytes, now: int) -> bytes:
    """Let a suspended organisation ask again, with another request key than before; returns the registration.

    Raises:
        ConfigError: `org.unregistered` (it is not registered), `cli.key_retired` (the key it was suspended with).
    """
    known = {number: data for number, data, suspended in _rows(home) if suspended}
    if org not in known:
        raise ConfigError(Reason.ORG_UNREGISTERED, f"organisation {org} is not suspended")
    body = parse_registration(known[org]).body
    if body.request_key == request_key:
        hint = "make a new key: tally org new-key"
        raise ConfigError(
            Reason.CLI_KEY_RETIRED, f"organisation {org} was suspended with this key", hint=hint
        )
    registration = _register_key(home, body, request_key, now)
    register = home.register()
    try:
        register.resume_organisation(org)
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


def _register_key(home: Home, body: RegistrationBody, request_key: bytes, now: int) -> bytes:
    changed = replace(body, request_key=request_key, valid_from=now // _DAY)
    registration = sign_registration(home.signer("registrar"), changed)
    parse_registration(registration)
    _save(home, body.org, registration)
    return registration


def _require_distinct(home: Home, body: RegistrationBody) -> None:
    """Raise ConfigError where another organisation, suspended or not, has a name that looks like this one's."""
    from certificate.look_alike import name_skeleton

    skeletons = {name_skeleton(body.name_zh), name_skeleton(body.name_en)}
    for other in list_organisations(home):
        names = (other.body.name_zh, other.body.name_en)
        if other.body.org != body.org and skeletons.intersection(map(name_skeleton, names)):
            hint = "compare the two; if both are honest, register it with --allow-look-alike"
            raise ConfigError(Reason.ORG_LOOK_ALIKE, f"organisation {other.body.org}", hint=hint)


def _save(home: Home, org: int, registration: bytes) -> None:
    register = home.register()
    try:
        register.save_organisation(org, registration)
    finally:
        register.close()


def _rows(home: Home) -> list[tuple[int, bytes, bool]]:
    register = home.register()
    try:
        return register.organisations()
    finally:
        register.close()
