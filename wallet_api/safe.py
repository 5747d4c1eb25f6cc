"""The safe: whole certificates of one holder key, sealed under the safe's own key."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from certificate.certificate import UnverifiedCertificate, parse_certificate
from certificate.qr_text import decode_any
from ledger.errors import ConflictError, VerificationError
from ledger.reasons import Reason
from verifier.own import check_own_certificate
from wallet_api.sealing import Keyring, Random, bound_to, open_sealed, seal
from wallet_api.service import Citizen, Service, not_found
from wallet_api.store.rows import CertificateRow
from wallet_api.store.sql import Store, Transaction
from wallet_api.webhooks import rewrap_hooks

__all__ = [
    "StoredCertificate",
    "check_master_key",
    "delete_certificate",
    "erase_safe",
    "get_certificate",
    "list_certificates",
    "open_certificate",
    "put_certificate",
    "rotate_master_key",
]


@dataclass(frozen=True, slots=True)
class StoredCertificate:
    """A certificate of the safe: the file's bytes, parsed, and the version tag of the bytes."""

    data: bytes
    certificate: UnverifiedCertificate
    etag: str
    added: int

    @property
    def number(self) -> str:
        return self.certificate.body.number


def put_certificate(service: Service, citizen: Citizen, file: bytes) -> tuple[StoredCertificate, bool]:
    """Store a whole certificate file; the same certificate again changes nothing. Returns it and whether it is new.

    Raises:
        FormatError, VerificationError, UndeterminedError: as `decode_any` and `check_own_certificate`.
        ConflictError: `api.version_conflict`: another certificate has this number.
    """
    now = service.clock()
    data = decode_any(file)
    parsed = check_own_certificate(
        data, trust=service.fresh_trust(now), now=now, holder_key=citizen.holder_key
    )
    number = parsed.body.number
    sealed = seal(citizen.data_key, data, bound=_bound(citizen.safe, number), random=service.random)
    with service.store.write() as tx:
        known = tx.certificate(citizen.safe, number)
        if tx.safe(citizen.safe) is None:  # erased since the caller logged in
            raise VerificationError(Reason.AUTH_INVALID)
        if known is None:
            row = CertificateRow(citizen.safe, number, sha256(data).digest(), sealed, now)
            tx.add_certificate(row)
            return StoredCertificate(data, parsed, _etag(row), now), True
    stored = _open(citizen, known)
    if stored.certificate.digest() != parsed.digest():
        raise ConflictError(Reason.API_VERSION_CONFLICT, f"certificate {number}")
    return stored, False


def get_certificate(service: Service, citizen: Citizen, number: str) -> StoredCertificate:
    """One certificate. Raises ConsentError `authz.not_found`."""
    with service.store.read() as tx:
        return open_certificate(tx, citizen, number)


def open_certificate(tx: Transaction, citizen: Citizen, number: str) -> StoredCertificate:
    """As `get_certificate`, within a transaction."""
    row = tx.certificate(citizen.safe, number)
    if row is None:
        raise not_found()
    return _open(citizen, row)


def list_certificates(
    service: Service, citizen: Citizen, *, after: str, limit: int
) -> list[StoredCertificate]:
    """Certificates with a number above `after`, ascending."""
    with service.store.read() as tx:
        rows = tx.certificates(citizen.safe, after=after, limit=limit)
    return [_open(citizen, row) for row in rows]


def delete_certificate(service: Service, citizen: Citizen, number: str, *, expected_etag: str | None) -> None:
    """Forget a certificate. `expected_etag` is the version the caller saw; None means any.

    Raises:
        ConsentError: `authz.not_found`.
        ConflictError: `api.version_conflict`.
    """
    with service.store.write() as tx:
        row = tx.certificate(citizen.safe, number)
        if row is None:
            raise not_found()
        if expected_etag is not None and expected_etag != _etag(row):
            raise ConflictError(Reason.API_VERSION_CONFLICT, f"certificate {number}")
        tx.delete_certificate(citizen.safe, number)
    service.store.wipe()


def erase_safe(service: Service, citizen: Citizen) -> None:
    """Destroy the data key and everything under it. Answers that were not fetched are withdrawn with it."""
    with service.store.write() as tx:
        tx.erase_safe(citizen.safe)
    service.store.wipe()


def rotate_master_key(store: Store, keyring: Keyring, *, random: Random) -> int:
    """Wrap every data key that an older master key holds under the current one; returns how many.

    Safe by safe, so that the service goes on meanwhile; run again after a kill.
    """
    with store.read() as tx:
        due = [safe.id for safe in tx.safes() if not keyring.is_current(safe.wrapped_key)]
    for id_ in due:
        with store.write() as tx:
            safe = tx.safe(id_)
            if safe is not None and not keyring.is_current(safe.wrapped_key):
                data_key = keyring.unwrap(safe.wrapped_key, safe=id_)
                tx.set_wrapped_key(id_, keyring.wrap(data_key, safe=id_, random=random))
    rewrap_hooks(store, keyring, random=random)
    store.wipe()
    return len(due)


def check_master_key(store: Store, keyring: Keyring) -> None:
    """Refuse to start with a key that does not open the safes. Raises ConfigError `cli.key_mismatch`."""
    with store.read() as tx:
        for safe in tx.safes():
            keyring.unwrap(safe.wrapped_key, safe=safe.id)
            break


def _open(citizen: Citizen, row: CertificateRow) -> StoredCertificate:
    data = open_sealed(citizen.data_key, row.sealed, bound=_bound(row.safe, row.number))
    return StoredCertificate(data, parse_certificate(data), _etag(row), row.added)


def _etag(row: CertificateRow) -> str:
    return row.digest[:16].hex()


def _bound(safe: bytes, number: str) -> bytes:
    return bound_to("certificate", safe, number.encode("ascii"))
