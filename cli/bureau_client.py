"""A citizen's side of the bureau's service: claim by an offer, renew by the holder key alone (OpenID4VCI 1.0).

What comes back is judged here before anybody relies on it: made by an office, logged, bound to this very key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, parse_qs, urlsplit

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certificate.keys import CoseSigner
from certificate.numbers import Algorithm
from certificate.qr_text import decode_file_text, encode_file_text
from certificate.succession import parse_succession
from cli.web import Answer, Web
from ledger.errors import FormatError, VerificationError
from ledger.reasons import Reason
from verifier.own import check_own_certificate
from verifier.trust import TrustBundle

__all__ = [
    "CONTRIBUTION",
    "Claimed",
    "CredentialOffer",
    "claim",
    "claim_all",
    "holder_proof",
    "parse_offer",
    "renew",
]

CONTRIBUTION: Final = "contribution"  # the bureau's name for this kind of certificate
_PRE_AUTHORIZED: Final = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
_SCHEME: Final = "openid-credential-offer"
_JWT_ALGORITHMS: Final = {Algorithm.ED25519: "EdDSA", Algorithm.ESP256: "ES256"}
_MAX_OFFER: Final = 4096


@dataclass(frozen=True, slots=True)
class CredentialOffer:
    """What a letter's QR code says: the bureau's address, which certificate, and the code that claims it."""

    issuer: str
    configuration: str
    code: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """A certificate, and the bureau's statements about keys that ended for it, for the wallet (tagged bytes)."""

    certificate: bytes
    recoveries: tuple[bytes, ...]


def parse_offer(text: str) -> CredentialOffer:
    """Read `openid-credential-offer://?credential_offer=…` (OpenID4VCI 1.0 section 4.1).

    Raises:
        FormatError: `schema.field_type`: it is not one, or the bureau's address is neither https nor this machine.
    """
    parts = urlsplit(text.strip()[:_MAX_OFFER])
    offers = parse_qs(parts.query).get("credential_offer", [])
    try:
        offer = json.loads(offers[0])
        code = offer["grants"][_PRE_AUTHORIZED]["pre-authorized_code"]
        issuer, (configuration,) = offer["credential_issuer"], offer["credential_configuration_ids"]
        known = all(isinstance(value, str) for value in (code, issuer, configuration))
    except (IndexError, KeyError, TypeError, ValueError) as exc:
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "not a credential offer") from exc
    address = urlsplit(issuer) if known else None
    if parts.scheme != _SCHEME or len(offers) != 1 or address is None or not _is_safe(address):
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "not a credential offer")
    return CredentialOffer(issuer.rstrip("/"), configuration, code)


def claim(
    offer: CredentialOffer, pin: str, signer: CoseSigner, http: httpx.Client, *, trust: TrustBundle, now: int
) -> bytes:
    """As `claim_all`: the whole certificate's tagged bytes alone."""
    return claim_all(offer, pin, signer, http, trust=trust, now=now).certificate


def claim_all(
    offer: CredentialOffer, pin: str, signer: CoseSigner, http: httpx.Client, *, trust: TrustBundle, now: int
) -> Claimed:
    """Claim the offered certificate onto the signer's key.

    A claim that was cut off is simply made again: the bureau keeps the offer for this key.

    Args:
        pin: the number that came another way than the offer.
        http: reaches the bureau; the offer's address is what proofs are made out to.
        now: POSIX seconds.
    Raises:
        VerificationError: `auth.invalid` (code or PIN), and what `check_own_certificate` raises.
        UndeterminedError: `net.unreachable` and what `check_own_certificate` raises.
    """
    web = Web(http)
    metadata = _metadata(web, offer.issuer)
    server = web.call("GET", "/.well-known/oauth-authorization-server")
    form = {"grant_type": _PRE_AUTHORIZED, "pre-authorized_code": offer.code, "tx_code": pin}
    token = web.call("POST", _path(server.text("token_endpoint"), offer.issuer), form=form)
    proof = _proof(web, metadata, offer.issuer, signer, now)
    wanted = {"credential_configuration_id": offer.configuration, "proofs": {"jwt": [proof]}}
    bearer = Web(http, token.text("access_token"))
    answer = bearer.call("POST", _path(metadata.text("credential_endpoint"), offer.issuer), body=wanted)
    given = answer.rows("credentials")
    if len(given) != 1 or not isinstance(given[0], dict):
        raise FormatError(Reason.API_VALIDATION, "one certificate is due")
    certificate = _own(Answer(answer.status, given[0]).text("credential"), signer, trust, now)
    statements = answer.rows("recoveries") if answer.members.get("recoveries") is not None else []
    return Claimed(certificate, tuple(_statement(text, signer) for text in statements))


def renew(
    issuer: str,
    signer: CoseSigner,
    http: httpx.Client,
    *,
    newer_than: int,
    trust: TrustBundle,
    now: int,
) -> bytes | None:
    """The newest certificate of the signer's key, or None when there is none after `newer_than` (YYYYMM, 0 for any).

    Args:
        issuer: the bureau's address as it names itself.
    Raises:
        As `claim`.
    """
    web = Web(http)
    issuer = issuer.rstrip("/")
    proof = _proof(web, _metadata(web, issuer), issuer, signer, now)
    answer = web.call("POST", "/renewal", body={"proof": proof, "newer_than": newer_than})
    return None if answer.status == 204 else _own(answer.text("credential"), signer, trust, now)


def holder_proof(signer: CoseSigner, *, audience: str, nonce: str, now: int) -> str:
    """The proof of possession of a holder key: a JWT as OpenID4VCI 1.0, appendix F.1 says."""
    algorithm = _JWT_ALGORITHMS[signer.algorithm]
    head = {"alg": algorithm, "typ": "openid4vci-proof+jwt", "jwk": _jwk(signer.public_key)}
    body = {"aud": audience, "iat": now, "nonce": nonce}
    signed = ".".join(encode_file_text(json.dumps(part).encode()) for part in (head, body))
    return f"{signed}.{encode_file_text(signer.sign(signed.encode('ascii')))}"


def _metadata(web: Web, issuer: str) -> Answer:
    metadata = web.call("GET", "/.well-known/openid-credential-issuer")
    if metadata.text("credential_issuer") != issuer:
        raise VerificationError(Reason.PRES_AUDIENCE_MISMATCH, "the service says it is another bureau")
    return metadata


def _proof(web: Web, metadata: Answer, issuer: str, signer: CoseSigner, now: int) -> str:
    nonce = web.call("POST", _path(metadata.text("nonce_endpoint"), issuer)).text("c_nonce")
    return holder_proof(signer, audience=issuer, nonce=nonce, now=now)


def _path(endpoint: str, issuer: str) -> str:
    """An endpoint's path; a bureau cannot send its citizens elsewhere."""
    path = endpoint.removeprefix(issuer)
    if path == endpoint or not path.startswith("/"):
        raise FormatError(Reason.API_VALIDATION, "an endpoint outside the bureau's own address")
    return path


def _statement(text: object, signer: CoseSigner) -> bytes:
    data = decode_file_text(text if isinstance(text, str) else "")
    if parse_succession(data).body.new_key != signer.public_key:
        raise VerificationError(Reason.PRES_BINDING_INVALID, "a statement for another key")
    return data


def _own(text: str, signer: CoseSigner, trust: TrustBundle, now: int) -> bytes:
    data = decode_file_text(text)
    check_own_certificate(data, trust=trust, now=now, holder_key=signer.public_key)
    return data


def _jwk(public_key: bytes) -> Mapping[str, Any]:
    if len(public_key) == 32:
        return {"kty": "OKP", "crv": "Ed25519", "x": encode_file_text(public_key)}
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_key)
    raw = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return {"kty": "EC", "crv": "P-256", "x": encode_file_text(raw[1:33]), "y": encode_file_text(raw[33:])}


def _is_safe(address: SplitResult) -> bool:
    return address.scheme == "https" or (
        address.scheme == "http" and address.hostname in ("127.0.0.1", "::1", "localhost")
    )
