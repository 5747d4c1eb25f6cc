"""What this service says about itself: metadata of OpenID4VCI 1.0 and RFC 8414, and the offer in a letter's QR code."""

from __future__ import annotations

from typing import Any, Final

from issuer.claiming.logins import LOST_KEY_SCOPE
from issuer.http.proofs import PROOF_ALGORITHMS

__all__ = [
    "AUTHORIZATION_CODE",
    "CONFIGURATION",
    "PRE_AUTHORIZED",
    "authorization_metadata",
    "credential_offer",
    "issuer_metadata",
]

PRE_AUTHORIZED: Final = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
AUTHORIZATION_CODE: Final = "authorization_code"
CONFIGURATION: Final = "contribution"


def credential_offer(url: str, code: str) -> dict[str, Any]:
    """The credential offer object (section 4.1.1) that a letter's QR code carries to the citizen's wallet."""
    tx_code = {"input_mode": "numeric", "length": 6, "description": "PIN"}
    return {
        "credential_issuer": url,
        "credential_configuration_ids": [CONFIGURATION],
        "grants": {PRE_AUTHORIZED: {"pre-authorized_code": code, "tx_code": tx_code}},
    }


def issuer_metadata(url: str) -> dict[str, Any]:
    """Credential issuer metadata, section 12.2."""
    proof_type = {"jwt": {"proof_signing_alg_values_supported": list(PROOF_ALGORITHMS)}}
    return {
        "credential_issuer": url,
        "credential_endpoint": f"{url}/credential",
        "nonce_endpoint": f"{url}/nonce",
        "notification_endpoint": f"{url}/notification",
        "credential_configurations_supported": {
            CONFIGURATION: {
                "format": "tallystick",
                "scope": CONFIGURATION,
                "cryptographic_binding_methods_supported": ["jwk"],
                "proof_types_supported": proof_type,
            }
        },
    }


def authorization_metadata(url: str, *, with_login: bool) -> dict[str, Any]:
    """Metadata of the authorization server, which is this service. RFC 8414, RFC 9207."""
    metadata: dict[str, Any] = {
        "issuer": url,
        "token_endpoint": f"{url}/token",
        "grant_types_supported": [PRE_AUTHORIZED],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["none"],
    }
    if with_login:
        metadata |= {
            "authorization_endpoint": f"{url}/authorize",
            "grant_types_supported": [PRE_AUTHORIZED, AUTHORIZATION_CODE],
            "response_types_supported": ["code"],
            "scopes_supported": [CONFIGURATION, LOST_KEY_SCOPE],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }
    return metadata
