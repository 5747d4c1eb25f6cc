"""A post-quantum signature beside the Ed25519 one of a COSE_Sign1 (ADR 0019).

It stands in the unprotected header, where leaving it out is no forgery: `verifier.list_signature` demands it.

    X = [ sign_protected bstr {1: -48, 4: kid, 16: typ}, signature bstr ]                           ML-DSA-44

What it signs is the Sig_structure of one signer of several, RFC 9052 section 4.4, without external data:

    [ "Signature", body_protected, sign_protected, h'', payload ]

"Signature" is not the "Signature1" of the other, so neither counts for the other. The key id is the first 8 bytes of
the thumbprint (RFC 9679) of the key as RFC 9964 writes it: {1: 7, 3: -48, -1: public key}.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from certificate.cose import Sign1, encode_sign1, parse_sign1
from certificate.keys import KEY_ID_SIZE
from certificate.numbers import HEADER_ALG, HEADER_KID, HEADER_TYP, HEADER_X, Algorithm, Typ
from certificate.schema import take_array, take_bytes
from ledger.cbor import decode_cbor, encode_cbor
from ledger.errors import FormatError
from ledger.mldsa import MLDSA_SIGNATURE_SIZE, MlDsa44Signer, check_mldsa_public_key
from ledger.reasons import Reason

__all__ = ["SecondSignature", "add_second_signature", "mldsa_key_id", "parse_second_signature"]

_KEY_TYPE_AKP = 7


@dataclass(frozen=True, slots=True)
class SecondSignature:
    """The second signature of an object, not checked yet."""

    kid: bytes
    to_be_signed: bytes
    signature: bytes


@lru_cache(maxsize=64)
def mldsa_key_id(public_key: bytes) -> bytes:
    """The 8-byte key id of an ML-DSA-44 key. Raises FormatError `key.malformed`."""
    members = {1: _KEY_TYPE_AKP, 3: int(Algorithm.ML_DSA_44), -1: check_mldsa_public_key(public_key)}
    return sha256(encode_cbor(members)).digest()[:KEY_ID_SIZE]


def add_second_signature(data: bytes, typ: Typ | str, signer: MlDsa44Signer) -> bytes:
    """The tagged bytes of an object of kind `typ`, signed once more."""
    sign1 = parse_sign1(data, typ)
    headers = {
        HEADER_ALG: int(Algorithm.ML_DSA_44),
        HEADER_KID: mldsa_key_id(signer.public_key),
        HEADER_TYP: typ if isinstance(typ, str) else int(typ),
    }
    protected = encode_cbor(headers)
    signature = signer.sign(_to_be_signed(sign1, protected))
    unprotected = {HEADER_X: [protected, signature]}
    return encode_sign1(sign1.protected_bytes, sign1.payload_bytes, sign1.signature, unprotected)


def parse_second_signature(sign1: Sign1, typ: Typ | str) -> SecondSignature | None:
    """The second signature of a parsed object; None where there is none.

    Raises:
        FormatError: as all parsers; `alg.not_allowed` (another algorithm), `key.purpose_mismatch` (another typ).
    """
    if HEADER_X not in sign1.unprotected:
        return None
    protected, signature = take_array(sign1.unprotected[HEADER_X], 2)
    protected = take_bytes(protected)
    headers = decode_cbor(protected)
    if not isinstance(headers, Mapping) or headers.keys() != {HEADER_ALG, HEADER_KID, HEADER_TYP}:
        raise FormatError(Reason.SCHEMA_FIELD_UNKNOWN, "the header of a second signature is alg, kid, typ")
    if headers[HEADER_ALG] != Algorithm.ML_DSA_44:
        raise FormatError(Reason.ALG_NOT_ALLOWED, "a second signature is by ML-DSA-44")
    if headers[HEADER_TYP] != typ:
        raise FormatError(Reason.KEY_PURPOSE_MISMATCH, f"not signed as {typ}")
    return SecondSignature(
        kid=take_bytes(headers[HEADER_KID], KEY_ID_SIZE),
        to_be_signed=_to_be_signed(sign1, protected),
        signature=take_bytes(signature, MLDSA_SIGNATURE_SIZE),
    )


def _to_be_signed(sign1: Sign1, protected: bytes) -> bytes:
    return encode_cbor(["Signature", sign1.protected_bytes, protected, b"", sign1.payload_bytes])
