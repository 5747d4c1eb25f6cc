"""The safe: whole certificates of its citizen's keys, sealed under the safe's own key.

Of the certificates of one kind and key the newest is current and the others are replaced: shown, and never offered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256

from certificate.certificate import UnverifiedCertificate, parse_certificate
from certificate.qr_text import decode_any
from ledger.errors import ConflictError, VerificationError
from ledger.proof import FullProof
from ledger.reasons import Reason
from verifier.own import check_own_certificate
from verifier.standing import require_standing
from verifier.trust import TrustBundle
from wallet_api.log_key import rewrap_log_key
from wallet_api.sealing import Keyring, Random, bound_to, open_sealed, seal
from wallet_api.service import Citizen, Service, not_found
from wallet_api.store.rows import CertificateRow, CertificateState
from wallet_api.store.sql import Store, Transaction
from wallet_api.webhooks import rewrap_hooks

__all__ = [
    "IDENTITY",
    "StoredCertificate",
    "all_certificates",
    "check_master_key",
    "delete_certificate",
    "erase_safe",
    "get_certificate",
    "list_certificates",
    "move_certificate",
    "open_certificate",
    "put_certificate",
    "require_usable",
    "rotate_master_key",
    "usable_certificates",
]

_PAGE = 100
IDENTITY = range(3)  # name, id_tail, id_no


@dataclass(frozen=True, slots=True)
class StoredCertificate:
    """A certificate of the safe: the file's bytes, parsed, and the version tag of the bytes."""

    data: bytes
    certificate: UnverifiedCertificate
    etag: str
    added: int
    state: CertificateState

    @property
    def number(self) -> str:
        return self.certificate.body.number

    @property
    def holder_key(self) -> bytes:
        """The key that can answer with it; the safe takes bound certificates only."""
        key = self.certificate.body.cnf
        assert key is not None
        return key


def put_certificate(service: Service, citizen: Citizen, file: bytes) -> tuple[StoredCertificate, bool]:
    """Store a whole certificate file. Returns it and whether it is new.

    The same certificate again changes nothing, but that a ledger proof which reaches further takes the older one's
    place: one of a later checkpoint can be shown in its short form (DESIGN 3.3).

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
            row = replace(row, state=_replace_older(tx, citizen, parsed))
            tx.add_certificate(row)
            return StoredCertificate(data, parsed, _etag(row), now, row.state), True
        stored = _open(citizen.data_key, known)
        if stored.certificate.digest() != parsed.digest():
            raise ConflictError(Reason.API_VERSION_CONFLICT, f"certificate {number}")
        if _reach(parsed) <= _reach(stored.certificate):
            return stored, False
        row = replace(known, digest=sha256(data).digest(), sealed=sealed)
        tx.set_certificate_data(citizen.safe, number, digest=row.digest, sealed=sealed)
        return StoredCertificate(data, parsed, _etag(row), row.added, row.state), False


def _reach(certificate: UnverifiedCertificate) -> int:
    """The size of the tree that the certificate's proof is under; what is checked on its way in has a full one."""
    return certificate.proof.size if isinstance(certificate.proof, FullProof) else 0


def get_certificate(service: Service, citizen: Citizen, number: str) -> StoredCertificate:
    """One certificate. Raises ConsentError `authz.not_found`."""
    with service.store.read() as tx:
        return open_certificate(tx, citizen, number)


def open_certificate(tx: Transaction, citizen: Citizen, number: str) -> StoredCertificate:
    """As `get_certificate`, within a transaction."""
    row = tx.certificate(citizen.safe, number)
    if row is None:
        raise not_found()
    return _open(citizen.data_key, row)


def list_certificates(
    service: Service, citizen: Citizen, *, after: str, limit: int
) -> list[StoredCertificate]:
    """Certificates with a number above `after`, ascending."""
    with service.store.read() as tx:
        rows = tx.certificates(citizen.safe, after=after, limit=limit)
    return [_open(citizen.data_key, row) for row in rows]


def all_certificates(tx: Transaction, safe: bytes, *, data_key: bytes) -> list[StoredCertificate]:
    """Every certificate of a safe, in the caller's transaction."""
    found: list[StoredCertificate] = []
    while rows := tx.certificates(safe, after=found[-1].number if found else "", limit=_PAGE):
        found += [_open(data_key, row) for row in rows]
    return found


def usable_certificates(tx: Transaction, citizen: Citizen) -> list[StoredCertificate]:
    """The certificates that the caller's own key can answer with, newest first, as far as the safe itself tells."""
    found = [
        stored
        for stored in all_certificates(tx, citizen.safe, data_key=citizen.data_key)
        if stored.state is CertificateState.CURRENT and stored.holder_key == citizen.holder_key
    ]
    return sorted(found, key=lambda stored: (*_age(stored.certificate), stored.number), reverse=True)


def require_usable(stored: StoredCertificate, citizen: Citizen, trust: TrustBundle) -> None:
    """Whether the caller's key can answer with it, and the bureau's newest list did not end it.

    Raises:
        VerificationError: `status.revoked`, `status.replaced`, `status.suspended`, `pres.binding_invalid` (another
            device's).
    """
    require_standing(stored.certificate.body, trust)
    if stored.state is CertificateState.REPLACED:
        hint = "begin again; without a number the newest certificate is taken"
        raise VerificationError(Reason.STATUS_REPLACED, f"certificate {stored.number}", hint=hint)
    if stored.state is CertificateState.SUSPENDED:
        raise VerificationError(Reason.STATUS_SUSPENDED, f"certificate {stored.number}")
    if stored.holder_key != citizen.holder_key:
        hint = "answer on the device that claimed it, or claim one on this device"
        raise VerificationError(Reason.PRES_BINDING_INVALID, "bound to another device", hint=hint)


def move_certificate(
    service: Service, tx: Transaction, stored: StoredCertificate, *, to: bytes, data_key: bytes
) -> None:
    """Put a certificate of another safe into `to`, sealed under its key; nothing is done if it lies there."""
    if tx.certificate(to, stored.number) is None:
        sealed = seal(data_key, stored.data, bound=_bound(to, stored.number), random=service.random)
        digest = sha256(stored.data).digest()
        tx.add_certificate(CertificateRow(to, stored.number, digest, sealed, stored.added, stored.state))


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
    rewrap_log_key(store, keyring, random=random)
    store.wipe()
    return len(due)


def check_master_key(store: Store, keyring: Keyring) -> None:
    """Refuse to start with a key that does not open the safes. Raises ConfigError `cli.key_mismatch`."""
    with store.read() as tx:
        for safe in tx.safes():
            keyring.unwrap(safe.wrapped_key, safe=safe.id)
            break


def _replace_older(tx: Transaction, citizen: Citizen, new: UnverifiedCertificate) -> CertificateState:
    """Mark what `new` replaces; its own state, which is `replaced` where something newer lies there."""
    state = CertificateState.CURRENT
    for stored in all_certificates(tx, citizen.safe, data_key=citizen.data_key):
        if stored.state is not CertificateState.CURRENT or _kind(stored.certificate) != _kind(new):
            continue
        if _age(stored.certificate) <= _age(new):
            tx.set_certificate_state(citizen.safe, stored.number, CertificateState.REPLACED)
        else:
            state = CertificateState.REPLACED
    return state


def _kind(certificate: UnverifiedCertificate) -> tuple[object, ...]:
    """What two certificates have in common when the newer one replaces the older."""
    body = certificate.body
    # A proxy can hold certificates of several people: they are told apart by whom they are about.
    about = tuple(
        shown.value for shown in certificate.disclosures if shown.slot in IDENTITY and body.presenter
    )
    return body.type, body.authority, body.cnf, body.presenter, about


def _age(certificate: UnverifiedCertificate) -> tuple[int, int]:
    return certificate.body.cut_off, certificate.body.issued


def _open(data_key: bytes, row: CertificateRow) -> StoredCertificate:
    data = open_sealed(data_key, row.sealed, bound=_bound(row.safe, row.number))
    return StoredCertificate(data, parse_certificate(data), _etag(row), row.added, row.state)


def _etag(row: CertificateRow) -> str:
    return row.digest[:16].hex()


def _bound(safe: bytes, number: str) -> bytes:
    return bound_to("certificate", safe, number.encode("ascii"))
