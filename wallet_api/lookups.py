"""Look-ups by the bureau's staff: a row in the log of the citizen whose records they opened."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from certificate.display_text import check_display_text
from certificate.numbers import CertificateType
from certificate.slots import registry_of
from ledger.cbor import encode_cbor
from ledger.errors import FormatError
from ledger.reasons import Reason
from wallet_api.access_log import append_access
from wallet_api.access_rows import NO_REQUEST, Access, Action
from wallet_api.service import Service

__all__ = ["MAX_OPERATOR", "MAX_REASON", "Lookup", "record_lookup"]

MAX_OPERATOR = 64
MAX_REASON = 200
_SKEW = 300


@dataclass(frozen=True, slots=True)
class Lookup:
    """Who opened which claims (slots of the contribution certificate) of a holder key's owner, why and when."""

    holder_key: bytes
    operator: str
    reason: str
    slots: tuple[int, ...]
    time: int


def record_lookup(service: Service, lookup: Lookup) -> None:
    """Write the row, if the key is one of this wallet's; the bureau does not learn whether it is.

    The same look-up again changes nothing: the bureau sends until it is heard.

    Raises:
        FormatError: `schema.text_…`, `schema.field_unknown` (no such claim), `enc.number_range` (a time to come).
    """
    now = service.clock()
    for text, at_most in ((lookup.operator, MAX_OPERATOR), (lookup.reason, MAX_REASON)):
        check_display_text(text, max_code_points=at_most)
    registry = registry_of(CertificateType.CONTRIBUTION)
    slots = tuple(sorted(set(lookup.slots)))
    for slot in slots:
        registry.claim_at(slot)
    if lookup.time > now + _SKEW:
        raise FormatError(Reason.ENC_NUMBER_RANGE, f"a look-up {lookup.time - now} s from now")
    told = [lookup.holder_key, lookup.operator, lookup.reason, list(slots), lookup.time]
    access = Access(
        Action.LOOKED_UP, 0, NO_REQUEST, int(registry.type), slots, (lookup.operator, lookup.reason)
    )
    with service.store.write() as tx:
        key = tx.key(lookup.holder_key)
        if key is None or not tx.mark_lookup(sha256(encode_cbor(told)).digest(), key.safe, time=now):
            return
        safe = tx.safe(key.safe)
        assert safe is not None
        data_key = service.data_key(safe)
        append_access(tx, safe.id, access, data_key=data_key, time=lookup.time, random=service.random)
