"""A lost key: the bureau states which key took its place, and the safe goes over to that key.

The citizen proves their identity at the bureau again, logs in here with the new key, and hands over the bureau's signed
and logged statement (`certificate.succession`). All happens in one transaction: nobody sees half of it, and of two
recoveries of one key only the first counts.

What a statement cannot do: an office speaks for the certificates that it, or an office below it, made. Certificates of
others that are bound to the lost key are worth nothing without it, and are not handed to the new one.
"""

from __future__ import annotations

from dataclasses import dataclass

from certificate.directory import Directory
from certificate.succession import Succession, parse_succession, verify_succession
from ledger.errors import ConsentError, VerificationError
from ledger.reasons import Reason
from wallet_api.access_log import append_access
from wallet_api.access_rows import Action
from wallet_api.holder_keys import absorb_safe, end_holder_key, key_access
from wallet_api.safe import StoredCertificate, all_certificates
from wallet_api.service import Citizen, Service, not_found
from wallet_api.store.rows import SuccessionRow
from wallet_api.store.sql import Transaction

__all__ = ["STATEMENT_LIFETIME", "Recovered", "recover"]

STATEMENT_LIFETIME = 86400  # seconds from the bureau's statement in which it can be used
_MAX_DEPTH = 8  # offices above an office: city, county, town, village


@dataclass(frozen=True, slots=True)
class Recovered:
    """What ended with the old key."""

    suspended: int
    withdrawn: int


def recover(service: Service, citizen: Citizen, statement: bytes) -> Recovered:
    """Hand the safe of the lost key to the caller's key. The same statement again changes nothing.

    Args:
        citizen: logged in with the new key.
        statement: the tagged bytes of a succession.
    Raises:
        FormatError, VerificationError, UndeterminedError: as `parse_succession` and `verify_succession`.
        VerificationError: `pres.binding_invalid` (it names another new key), `key.revoked` (the old key ended
            before, in another way), `trust.issuer_not_authorised` (not this office's to say).
        ConsentError: `authz.not_found` (no safe has the old key), `authz.denied` (another device holds certificates
            of other offices: take the new key in from there).
    """
    now = service.clock()
    parsed = parse_succession(statement)
    trust = service.fresh_trust(now)
    said = verify_succession(
        parsed, directory=trust.directory, policy=trust.policy, now=now, max_age=STATEMENT_LIFETIME
    )
    if said.body.new_key != citizen.holder_key:
        raise VerificationError(Reason.PRES_BINDING_INVALID, "a statement for another key")
    with service.store.write() as tx:
        done = tx.succession(parsed.digest())
        if done is not None and done.safe == citizen.safe:
            return Recovered(0, 0)
        recovered = _recover(service, tx, citizen, said, digest=parsed.digest(), now=now)
    service.store.wipe()
    return recovered


def _recover(
    service: Service, tx: Transaction, citizen: Citizen, said: Succession, *, digest: bytes, now: int
) -> Recovered:
    body = said.body
    new_key, old_key = tx.key(body.new_key), tx.key(body.old_key)
    if new_key is None or new_key.ended is not None:
        raise VerificationError(Reason.AUTH_INVALID)  # ended since the caller logged in
    if old_key is None:
        raise not_found()
    if old_key.ended is not None:
        raise VerificationError(Reason.KEY_REVOKED, "the old key ended before")
    source, into = tx.safe(new_key.safe), tx.safe(old_key.safe)
    assert source is not None
    assert into is not None
    data_key = service.data_key(into)
    _keep_in_scope(tx, service, into.id, said, data_key=data_key)
    if source.id != into.id:
        absorb_safe(service, tx, source, into)
    suspended, withdrawn = end_holder_key(service, tx, into, body.old_key, now=now)
    access = key_access(Action.KEY_REPLACED, body.old_key, body.new_key)
    append_access(tx, into.id, access, data_key=data_key, time=now, random=service.random)
    tx.add_succession(SuccessionRow(digest, into.id, body.old_key, body.new_key, now))
    return Recovered(suspended, withdrawn)


def _keep_in_scope(
    tx: Transaction, service: Service, safe: bytes, said: Succession, *, data_key: bytes
) -> None:
    """Require that the office made a certificate of the old key; take away those of which it cannot speak."""
    directory = service.trust().directory
    held = all_certificates(tx, safe, data_key=data_key)
    theirs = [stored for stored in held if not _in_scope(stored, said, directory)]
    if not any(stored.holder_key == said.body.old_key for stored in held if stored not in theirs):
        raise VerificationError(Reason.TRUST_ISSUER_NOT_AUTHORISED, f"office {said.office}")
    live = {key.holder_key for key in tx.keys(safe) if key.ended is None} - {said.body.old_key}
    if any(stored.holder_key in live - {said.body.new_key} for stored in theirs):
        hint = "take the new key in from your other device instead"
        raise ConsentError(Reason.AUTHZ_DENIED, "certificates of other offices on another device", hint=hint)
    for stored in theirs:
        if stored.holder_key not in live:
            tx.delete_certificate(safe, stored.number)


def _in_scope(stored: StoredCertificate, said: Succession, directory: Directory) -> bool:
    """Whether the office that spoke made the certificate, or stands above the one that did."""
    body = stored.certificate.body
    if body.authority != said.authority:
        return False
    number: int | None = body.office
    for _ in range(_MAX_DEPTH):
        if number is None or number == said.office:
            return number == said.office
        office = directory.office(body.authority, number)
        number = None if office is None else office.parent
    return False
