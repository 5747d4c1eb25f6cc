"""What the wallet knows of organisations: names and keys from the registrations it saw, and who is stopped.

A registration travels inside each request and holds by itself; what stands here is what a single request cannot tell:
that a newer registration replaced its key, that another organisation has nearly the same name, that the operator
stopped the organisation at once.
"""

from __future__ import annotations

from dataclasses import replace

from certificate.directory import Directory
from certificate.look_alike import name_skeleton
from certificate.request import RegistrationBody, parse_registration, verify_registration
from certificate.rollover import verify_rollover
from ledger.errors import ConfigError, ConsentError, VerificationError
from ledger.reasons import Reason
from wallet_api.service import Organisation, Service
from wallet_api.store.organisations import OrganisationRow
from wallet_api.store.sql import Store, Transaction

__all__ = [
    "is_suspended",
    "learn_registration",
    "look_alikes",
    "require_active",
    "resume_organisation",
    "roll_key_over",
    "suspend_organisation",
]

_DAY = 86400
_MAX_LOOK_ALIKES = 3


def learn_registration(tx: Transaction, registration: RegistrationBody) -> None:
    """Note a registration whose signature holds, when a new request comes with it.

    A registration that began on a later day replaces an older one, and its key with it; on the same day only a
    rollover does, which says which of two keys is the newer.

    Raises:
        VerificationError: `org.suspended`; `org.key_replaced`: the organisation has a newer key.
    """
    require_active(tx, registration.org)
    known = tx.organisation(registration.org)
    if known is None or registration.valid_from > known.since:
        tx.put_organisation(_row(registration))
    elif registration.request_key != known.request_key:
        raise VerificationError(Reason.ORG_KEY_REPLACED, f"organisation {registration.org}")


def is_suspended(tx: Transaction, org: int) -> bool:
    """Whether the operator stopped the organisation."""
    known = tx.organisation(org)
    return known is not None and known.suspended is not None


def require_active(tx: Transaction, org: int) -> None:
    """Raise VerificationError `org.suspended` where the operator stopped the organisation."""
    if is_suspended(tx, org):
        raise VerificationError(Reason.ORG_SUSPENDED, f"organisation {org}")


def look_alikes(tx: Transaction, registration: RegistrationBody) -> list[OrganisationRow]:
    """Other organisations known here whose name could be taken for this one's, at most three."""
    skeletons = (name_skeleton(registration.name_zh), name_skeleton(registration.name_en))
    return tx.organisations_named_like(skeletons, but=registration.org, limit=_MAX_LOOK_ALIKES)


def roll_key_over(
    service: Service, organisation: Organisation, *, rollover: bytes, registration: bytes
) -> RegistrationBody:
    """Replace an organisation's request key: new requests come under the new one, old ones stay answerable.

    Args:
        rollover: signed by the key that is known here, and by the new one.
        registration: the registrar's, for the new key.
    Raises:
        FormatError: one of them does not parse.
        ConsentError: `authz.denied`: another organisation's.
        VerificationError: `org.unregistered` (the registration does not hold, or is of another key), `sig.invalid`
            (the rollover), `org.key_replaced` (not signed by the key known here), `org.suspended`.
    """
    now = service.clock()
    body = verify_registration(
        parse_registration(registration), directory=service.fresh_trust(now).directory, today=now // _DAY
    )
    change = verify_rollover(rollover)
    if {body.org, change.org} != {organisation.org}:
        raise ConsentError(Reason.AUTHZ_DENIED, f"organisation {body.org}")
    if body.request_key != change.new_key:
        raise VerificationError(Reason.ORG_UNREGISTERED, "the registration is of another key")
    with service.store.write() as tx:
        require_active(tx, body.org)
        known = tx.organisation(body.org)
        if known is not None and known.request_key not in (change.old_key, change.new_key):
            raise VerificationError(Reason.ORG_KEY_REPLACED, f"organisation {body.org}")
        tx.put_organisation(_row(body))
    return body


def suspend_organisation(store: Store, org: int, *, now: int) -> None:
    """Stop an organisation at once: its tokens end, nothing of it can be answered or fetched. Twice is the same.

    Raises:
        ConfigError: `cli.not_found`: it never left a request here.
    """
    with store.write() as tx:
        known = tx.organisation(org)
        if known is None:
            raise ConfigError(Reason.CLI_NOT_FOUND, f"organisation {org} left no request here")
        tx.end_org_tokens(org)
        if known.suspended is None:
            tx.put_organisation(replace(known, suspended=now))


def resume_organisation(
    store: Store, registration: bytes, *, directory: Directory, today: int
) -> RegistrationBody:
    """Let an organisation go on, with the key of this registration and no other. It needs a new token.

    Raises:
        FormatError: it does not parse. VerificationError: `org.unregistered`.
    """
    body = verify_registration(parse_registration(registration), directory=directory, today=today)
    with store.write() as tx:
        tx.put_organisation(_row(body))
    return body


def _row(body: RegistrationBody) -> OrganisationRow:
    return OrganisationRow(
        org=body.org,
        name_zh=body.name_zh,
        name_en=body.name_en,
        skeleton_zh=name_skeleton(body.name_zh),
        skeleton_en=name_skeleton(body.name_en),
        request_key=body.request_key,
        since=body.valid_from,
        suspended=None,
    )
