"""Holder keys prove themselves: a JWT of type openid4vci-proof+jwt (OpenID4VCI 1.0, appendix F.1).

Exactly one key, in the header as `jwk`, no other way to name one; EdDSA on Ed25519 or ES256 on P-256; made for this
issuer, now, with a nonce of ours. The result is the raw public key that goes into the certificate.
"""

from __future__ import annotations

from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certificate.keys import check_key
from issuer.http.tokens import Nonces
from ledger.errors import FormatError, VerificationError
from ledger.reasons import Reason

__all__ = ["PROOF_ALGORITHMS", "verify_proof"]

PROOF_ALGORITHMS = ("EdDSA", "ES256")
_TYP = "openid4vci-proof+jwt"
_MAX_AGE = 300
_MAX_SIZE = 4096
_KEY_MEMBERS = {"EdDSA": ({"kty", "crv", "x"}, "Ed25519"), "ES256": ({"kty", "crv", "x", "y"}, "P-256")}


def verify_proof(proof: str, *, audience: str, nonces: Nonces, now: int) -> bytes:
    """The holder's raw public key: 32 bytes Ed25519 or 33 bytes compressed P-256.

    Raises:
        FormatError: `schema.field_type` (not such a JWT), `alg.not_allowed`, `key.malformed`, `key.weak`.
        VerificationError: `sig.invalid`, `pres.audience_mismatch`, `pres.expired`, `pres.nonce_mismatch`.
    """
    if len(proof) > _MAX_SIZE:
        raise FormatError(Reason.ENC_TOO_LARGE, f"a proof of {len(proof)} characters")
    algorithm, key = _header_key(proof)
    claims = _claims(proof, key, algorithm, audience)
    issued, nonce = claims["iat"], claims["nonce"]
    if type(issued) is not int or type(nonce) is not str:
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "iat is a number and nonce a text")
    if not now - _MAX_AGE <= issued <= now + _MAX_AGE:
        raise VerificationError(Reason.PRES_EXPIRED, f"a proof made {now - issued} s ago")
    nonces.use(nonce, now=now)
    return _raw(key)


def _header_key(proof: str) -> tuple[str, jwt.PyJWK]:
    try:
        header = jwt.get_unverified_header(proof)
    except jwt.PyJWTError as exc:
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "not a JWT") from exc
    if header.get("typ") != _TYP or header.keys() - {"alg", "typ", "jwk"}:
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, f"a proof has typ {_TYP}, alg and jwk in its header")
    algorithm, jwk = header.get("alg"), header.get("jwk")
    if algorithm not in PROOF_ALGORITHMS:
        raise FormatError(Reason.ALG_NOT_ALLOWED, "EdDSA or ES256")
    members, curve = _KEY_MEMBERS[algorithm]
    if not isinstance(jwk, dict) or jwk.keys() != members or jwk["crv"] != curve:
        raise FormatError(Reason.KEY_MALFORMED, f"a jwk of exactly {', '.join(sorted(members))} on {curve}")
    try:
        return algorithm, jwt.PyJWK.from_dict(jwk, algorithm=algorithm)
    except (jwt.PyJWTError, ValueError, TypeError) as exc:
        raise FormatError(Reason.KEY_MALFORMED, "the jwk") from exc


def _claims(proof: str, key: jwt.PyJWK, algorithm: str, audience: str) -> dict[str, Any]:
    # Times are judged here against the service's clock, so the library's own clock is not asked.
    options: Any = {
        "require": ["aud", "iat", "nonce"],
        "verify_iat": False,
        "verify_exp": False,
        "verify_nbf": False,
    }
    try:
        return jwt.decode(proof, key, algorithms=[algorithm], audience=audience, options=options)
    except jwt.InvalidAudienceError as exc:
        raise VerificationError(Reason.PRES_AUDIENCE_MISMATCH, "the proof is for another issuer") from exc
    except jwt.InvalidSignatureError as exc:
        raise VerificationError(Reason.SIG_INVALID, "the proof's signature") from exc
    except jwt.PyJWTError as exc:
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "the proof's claims") from exc


def _raw(key: jwt.PyJWK) -> bytes:
    public = key.key
    if isinstance(public, EllipticCurvePublicKey):
        return check_key(public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint))
    return check_key(public.public_bytes(Encoding.Raw, PublicFormat.Raw))
