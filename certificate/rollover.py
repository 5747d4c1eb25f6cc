"""An organisation replaces its request key: the old key names the new one, and the new one shows that it is held.

    18([ {alg, kid: the old key's, typ}, {}, [inner], signature of the old key ])
    inner = 18([ {alg, kid: the new key's, typ}, {}, [org, old key, new key, time], signature of the new key ])

Keys are raw Ed25519 public keys, `time` POSIX seconds. It changes nothing by itself: the registrar registers the new
key because of it, and a wallet service takes no more requests under the old one.
"""

from __future__ import annotations

from dataclasses import dataclass

from certificate.cose import Sign1, parse_sign1, sign1_of_item, sign_object
from certificate.keys import CoseSigner, check_key, key_id, verify_signature
from certificate.numbers import Typ
from certificate.schema import take_array, take_bytes, take_int
from ledger.cbor import decode_cbor
from ledger.errors import ProjectError, VerificationError
from ledger.reasons import Reason

__all__ = ["RolloverBody", "sign_rollover", "verify_rollover"]

_KEY = 32
_MAX_SECONDS = 2**40


@dataclass(frozen=True, slots=True)
class RolloverBody:
    """What both keys sign; field meanings as in the module's head."""

    org: int
    old_key: bytes
    new_key: bytes
    time: int


def sign_rollover(old: CoseSigner, new: CoseSigner, *, org: int, time: int) -> bytes:
    """The rollover as tagged bytes. Raises FormatError for values the format refuses."""
    payload = [org, old.public_key, new.public_key, time]
    inner = sign_object(new, Typ.KEY_ROLLOVER, payload)
    data = sign_object(old, Typ.KEY_ROLLOVER, [decode_cbor(inner)])
    verify_rollover(data)
    return data


def verify_rollover(data: bytes) -> RolloverBody:
    """The change that both keys signed. Whether `old_key` is the organisation's is the caller's question.

    Raises:
        FormatError: `enc.…`, `schema.…`, `key.purpose_mismatch`, `key.weak`.
        VerificationError: `sig.invalid`.
    """
    outer = parse_sign1(data, Typ.KEY_ROLLOVER)
    (item,) = take_array(outer.payload, 1)
    inner = sign1_of_item(item, Typ.KEY_ROLLOVER)
    org, old_key, new_key, time = take_array(inner.payload, 4)
    body = RolloverBody(
        org=take_int(org, 1, 2**31),
        old_key=check_key(take_bytes(old_key, _KEY)),
        new_key=check_key(take_bytes(new_key, _KEY)),
        time=take_int(time, 0, _MAX_SECONDS),
    )
    _check(outer, body.old_key)
    _check(inner, body.new_key)
    if body.old_key == body.new_key:
        raise VerificationError(Reason.SIG_INVALID, "the new key is the old one")
    return body


def _check(signed: Sign1, public_key: bytes) -> None:
    if signed.kid != key_id(public_key):
        raise VerificationError(Reason.SIG_INVALID, f"signed under key {signed.kid.hex()}")
    try:
        verify_signature(public_key=public_key, message=signed.to_be_signed, signature=signed.signature)
    except ProjectError as exc:
        raise VerificationError(Reason.SIG_INVALID, f"key {signed.kid.hex()}") from exc
