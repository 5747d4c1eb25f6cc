"""COSE_Sign1 (RFC 9052 section 4.2) as all our signed objects use it: tagged, strict, with a type that is signed.

    18([ protected bstr, {? X: extras}, payload bstr, signature bstr ])

The protected header names algorithm, key id where there is one, and `typ`; which further labels may stand where is
fixed by the object. Nothing that a verifier relies on may stand in the unprotected header, except the private label
X with material that is checked by other means (disclosures, ledger proof).
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

from certificate.keys import CoseSigner, key_id
from certificate.numbers import HEADER_ALG, HEADER_KCWT, HEADER_KID, HEADER_TYP, HEADER_X, Algorithm, Typ
from ledger.cbor import (
    COSE_SIGN1_TAG,
    Tag,
    decode_cbor,
    encode_bytes,
    encode_cbor,
    encode_head,
    encode_text,
    encode_unsigned,
)
from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = [
    "Sign1",
    "encode_sign1",
    "object_digest",
    "parse_sign1",
    "sig_structure",
    "sign1_of_item",
    "sign_object",
    "unverified_typ",
]

_HEADER_CRIT = 2
_SHORT_HEADER = 64
_SECURITY_LABELS = frozenset({HEADER_ALG, _HEADER_CRIT, HEADER_KID, HEADER_TYP, HEADER_KCWT})
_ONLY_X = frozenset({HEADER_X})
_ALLOWED = frozenset(int(alg) for alg in Algorithm)

# The fixed shapes around header, payload and signature, in CBOR: written by hand, and compared with the library's
# encoding in a test, because every signature made or checked passes here.
_TAG18_OF_FOUR = encode_head(6, COSE_SIGN1_TAG) + encode_head(4, 4)
_SIGNATURE1 = encode_head(4, 4) + encode_text("Signature1")
_EMPTY_MAP = encode_head(5, 0)
_TYP_AT_END = {encode_unsigned(HEADER_TYP) + encode_unsigned(typ): typ for typ in Typ}


@dataclass(frozen=True, slots=True)
class Sign1:
    """One parsed COSE_Sign1 whose signature was not checked yet.

    Attributes:
        protected_bytes: the protected header as signed.
        headers: the same, decoded; label to value.
        unprotected: decoded; at most the label X.
        payload_bytes, signature: as they stand.
        payload: the decoded payload.
    """

    protected_bytes: bytes
    headers: Mapping[int, Any]
    unprotected: Mapping[int, Any]
    payload_bytes: bytes
    payload: Any
    signature: bytes

    @property
    def to_be_signed(self) -> bytes:
        return sig_structure(self.protected_bytes, self.payload_bytes)

    @property
    def kid(self) -> bytes:
        value: bytes = self.headers[HEADER_KID]
        return value

    @property
    def algorithm(self) -> Algorithm:
        return Algorithm(self.headers[HEADER_ALG])

    def digest(self) -> bytes:
        """SHA-256 of the tagged bytes with an empty unprotected header: the name of this object everywhere."""
        return object_digest(self.protected_bytes, self.payload_bytes, self.signature)


def sig_structure(protected: bytes, payload: bytes) -> bytes:
    """What is signed: RFC 9052 section 4.4, without external data."""
    return _SIGNATURE1 + encode_bytes(protected) + b"\x40" + encode_bytes(payload)


def object_digest(protected: bytes, payload: bytes, signature: bytes) -> bytes:
    """The object digest of DESIGN section 3."""
    return sha256(encode_sign1(protected, payload, signature)).digest()


def encode_sign1(
    protected: bytes, payload: bytes, signature: bytes, unprotected: Mapping[int, object] | None = None
) -> bytes:
    """The tagged bytes."""
    extras = encode_cbor(dict(unprotected)) if unprotected else _EMPTY_MAP
    parts = (_TAG18_OF_FOUR, encode_bytes(protected), extras, encode_bytes(payload), encode_bytes(signature))
    return b"".join(parts)


def sign_object(
    signer: CoseSigner,
    typ: Typ | str,
    payload: object,
    *,
    with_kid: bool = True,
    more_headers: Mapping[int, object] | None = None,
    unprotected: Mapping[int, object] | None = None,
) -> bytes:
    """Sign `payload` as an object of kind `typ`; returns the tagged bytes."""
    kid = key_id(signer.public_key) if with_kid else None
    if more_headers:
        protected = encode_cbor({**_due_headers(signer.algorithm, typ, kid), **more_headers})
    else:
        protected = _due_protected(signer.algorithm, typ, kid)
    body = encode_cbor(payload)
    return encode_sign1(protected, body, signer.sign(sig_structure(protected, body)), unprotected)


def _due_headers(algorithm: Algorithm, typ: Typ | str, kid: bytes | None) -> dict[int, object]:
    headers: dict[int, object] = {
        HEADER_ALG: int(algorithm),
        HEADER_TYP: typ if isinstance(typ, str) else int(typ),
    }
    return headers if kid is None else headers | {HEADER_KID: kid}


@lru_cache(maxsize=1024)
def _due_protected(algorithm: Algorithm, typ: Typ | str, kid: bytes | None) -> bytes:
    return encode_cbor(_due_headers(algorithm, typ, kid))


def parse_sign1(
    data: bytes,
    typ: Typ | str,
    *,
    more_labels: frozenset[int] = frozenset(),
    with_kid: bool = True,
    with_x: bool = False,
) -> Sign1:
    """Parse the tagged bytes of an object that must be of kind `typ`.

    Args:
        more_labels: labels that must stand in the protected header beside alg, typ and kid.
        with_kid: whether kid stands there.
        with_x: whether the unprotected header may hold X.
        typ: one of ours, or the media type that a standard fixes (the status list token).
    Raises:
        FormatError: what `decode_cbor` raises, `schema.field_type`, `schema.field_missing`, `schema.field_unknown`,
            `sig.header_unprotected`, `sig.crit_unknown`, `alg.not_allowed`, `alg.key_mismatch` (a key id is one of an
            Ed25519 key), `key.purpose_mismatch` (another typ).
    """
    return sign1_of_item(decode_cbor(data), typ, more_labels=more_labels, with_kid=with_kid, with_x=with_x)


def sign1_of_item(
    item: object,
    typ: Typ | str,
    *,
    more_labels: frozenset[int] = frozenset(),
    with_kid: bool = True,
    with_x: bool = False,
) -> Sign1:
    """As `parse_sign1`, from an already decoded item (an object nested in another)."""
    if not isinstance(item, Tag) or not isinstance(item.value, tuple) or len(item.value) != 4:
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "not a tagged COSE_Sign1 of four parts")
    protected, unprotected, payload, signature = item.value
    if not (type(protected) is bytes and type(payload) is bytes and type(signature) is bytes):
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "header, payload and signature are byte strings")
    if not isinstance(unprotected, Mapping):
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "the unprotected header is a map")
    if unprotected and not (with_x and unprotected.keys() == _ONLY_X):
        outside = _SECURITY_LABELS & unprotected.keys()
        if outside:
            raise FormatError(Reason.SIG_HEADER_UNPROTECTED, "a header that must be signed stands outside")
        raise FormatError(Reason.SCHEMA_FIELD_UNKNOWN, "unknown unprotected header")
    headers = _headers(protected, typ, more_labels, with_kid)
    if not signature:
        raise FormatError(Reason.SIG_MISSING, "an empty signature")
    return Sign1(protected, headers, unprotected, payload, decode_cbor(payload), signature)


def unverified_typ(item: object) -> object:
    """What a decoded object says it is; None when it says nothing readable. For choosing a parser only.

    A header ends with its typ, the last of our labels: one that holds a certificate need not be decoded to see it.
    """
    try:
        if isinstance(item, Tag) and type(item.value) is tuple and type(item.value[0]) is bytes:
            protected = item.value[0]
            said = _TYP_AT_END.get(protected[-4:])
            return _header_map(protected).get(HEADER_TYP) if said is None else said
    except (FormatError, IndexError):
        pass
    return None


def _headers(
    protected: bytes, typ: Typ | str, more_labels: frozenset[int], with_kid: bool
) -> Mapping[int, Any]:
    headers = _header_map(protected)
    if _HEADER_CRIT in headers:
        raise FormatError(Reason.SIG_CRIT_UNKNOWN, "a header is marked critical")
    algorithm = headers.get(HEADER_ALG)
    if type(algorithm) is not int or algorithm not in _ALLOWED:
        raise FormatError(Reason.ALG_NOT_ALLOWED, "algorithm absent or not on the list")
    if with_kid and algorithm != Algorithm.ED25519:
        raise FormatError(Reason.ALG_KEY_MISMATCH, "keys that are named by a key id are Ed25519")
    if headers.get(HEADER_TYP) != typ:
        raise FormatError(Reason.KEY_PURPOSE_MISMATCH, f"not signed as {typ}")
    due = _due_labels(more_labels, with_kid)
    if headers.keys() != due:
        raise _other_labels(headers.keys(), due)
    if with_kid and (type(headers[HEADER_KID]) is not bytes or len(headers[HEADER_KID]) != 8):
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "a key id has 8 bytes")
    return headers


@lru_cache(maxsize=64)
def _due_labels(more_labels: frozenset[int], with_kid: bool) -> frozenset[int]:
    return more_labels | {HEADER_ALG, HEADER_TYP} | ({HEADER_KID} if with_kid else set())


def _other_labels(found: Set[int], due: Set[int]) -> FormatError:
    if due - found:
        return FormatError(Reason.SCHEMA_FIELD_MISSING, f"header {min(due - found)} is missing")
    return FormatError(Reason.SCHEMA_FIELD_UNKNOWN, f"unknown header {min(found - due)}")


def _header_map(protected: bytes) -> Mapping[int, Any]:
    """A decoded protected header. The short ones, those of all certificates of an office, are decoded once."""
    return _short_header_map(protected) if len(protected) <= _SHORT_HEADER else _decoded_header_map(protected)


@lru_cache(maxsize=1024)
def _short_header_map(protected: bytes) -> Mapping[int, Any]:
    return _decoded_header_map(protected)


def _decoded_header_map(protected: bytes) -> Mapping[int, Any]:
    headers = decode_cbor(protected)
    if not isinstance(headers, Mapping) or not all(type(label) is int for label in headers):
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "the protected header is a map of integer labels")
    return headers
