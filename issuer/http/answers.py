"""The bodies of requests and answers, with examples; and the problems that routes may answer with."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "OAUTH_ERRORS",
    "PROBLEMS",
    "AccessLogHead",
    "ClaimedBody",
    "Credential",
    "CredentialRequest",
    "DelegationBody",
    "DelegationEndBody",
    "Glimpse",
    "Health",
    "Logged",
    "LookUpRequest",
    "NonceBody",
    "Notification",
    "OAuthError",
    "OfferBody",
    "OfferRequest",
    "PrintRequest",
    "Problem",
    "ProofBody",
    "Proofs",
    "ProxiesBody",
    "RecoveriesBody",
    "RenewalBody",
    "RenewalRequest",
    "TokenBody",
]

_MEDIA: Final = "application/problem+json"
_BASE64 = "base64url of the bytes"
_PROOF = "eyJhbGciOiJFZERTQSIsInR5cCI6Im9wZW5pZDR2Y2ktcHJvb2Yrand0IiwiandrIjp7fX0.e30.c2ln"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Problem(_Model):
    """RFC 9457; `detail` is a sentence in the reader's language and repeats nothing of the request."""

    type: str = Field(examples=["urn:tallystick:reason:auth.invalid"])
    title: str = Field(examples=["auth.invalid"])
    status: int = Field(examples=[401])
    reason: str = Field(examples=["auth.invalid"])
    detail: str = Field(examples=["The login is not valid."])


class OAuthError(_Model):
    """RFC 6749 section 5.2; OpenID4VCI 1.0 section 8.3.1."""

    error: str = Field(examples=["invalid_grant"])
    error_description: str | None = Field(default=None, examples=["pres.nonce_mismatch"])


def _problem(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {_MEDIA: {"schema": schema}}}


PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: _problem(description)
    for status, description in (
        (400, "A request, proof or note that does not parse or is not true"),
        (401, "auth.missing, auth.invalid"),
        (403, "authz.denied, key.revoked"),
        (404, "authz.not_found, person.not_found"),
        (405, "api.validation: another method is due"),
        (413, "api.body_too_large"),
        (415, "api.media_type"),
        (422, "api.validation"),
        (429, "api.rate_limited; Retry-After says for how long"),
        (503, "store.locked, cli.clock_suspect: try again"),
    )
}
OAUTH_ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    400: {
        "description": "As RFC 6749 and OpenID4VCI 1.0 say; or a problem",
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/OAuthError"}},
            _MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}},
        },
    }
}
_Reason = Annotated[
    str, Field(min_length=4, max_length=200, examples=["issue 17: the citizen came to window 3"])
]
_PersonNo = Annotated[
    str, Field(min_length=1, max_length=20, pattern="^[0-9A-Za-z]+$", examples=["9900000001"])
]


class Health(_Model):
    """The ledger and the records, as they are now."""

    status: str = Field(examples=["ok"])
    entries: int = Field(examples=[1024], description="in the ledger")
    published: int = Field(examples=[1024], description="of these under a cosigned checkpoint")
    cut_off: int = Field(examples=[202610], description="newest month of the records, YYYYMM")


class TokenBody(_Model):
    """RFC 6749 section 5.1."""

    access_token: str = Field(examples=["kWx3…"])
    token_type: str = Field(examples=["Bearer"])
    expires_in: int = Field(examples=[900])


class NonceBody(_Model):
    """OpenID4VCI 1.0, section 7.2."""

    c_nonce: str = Field(examples=["Tm9uY2U"])


class Proofs(_Model):
    jwt: list[str] = Field(min_length=1, max_length=1, examples=[[_PROOF]])


class CredentialRequest(_Model):
    """OpenID4VCI 1.0, section 8.2: one certificate, bound to the key of one proof."""

    credential_configuration_id: str = Field(max_length=64, examples=["contribution"])
    proofs: Proofs


class Credential(_Model):
    credential: str = Field(description=_BASE64, examples=["0oRYIK…"])


class ClaimedBody(_Model):
    """OpenID4VCI 1.0, section 8.3; `recoveries` only where keys ended for this claim."""

    credentials: list[Credential]
    notification_id: str = Field(examples=["bm90aWNl"])
    recoveries: list[str] | None = Field(
        default=None, description="statements of succession, " + _BASE64, examples=[["0oRYIK…"]]
    )


class Notification(_Model):
    """OpenID4VCI 1.0, section 11: what became of a certificate in the wallet."""

    notification_id: str = Field(max_length=64, examples=["bm90aWNl"])
    event: str = Field(pattern="^credential_(accepted|failure|deleted)$", examples=["credential_accepted"])
    event_description: str | None = Field(default=None, max_length=256, examples=[None])


class RenewalRequest(_Model):
    """The holder key's proof, and the cut-off month (YYYYMM) of the certificate already held, 0 for none."""

    proof: str = Field(max_length=4096, examples=[_PROOF])
    newer_than: int = Field(ge=0, le=299912, examples=[202609])


class RenewalBody(_Model):
    cut_off: int = Field(examples=[202610])
    credential: str = Field(description=_BASE64, examples=["0oRYIK…"])


class RecoveriesBody(_Model):
    recoveries: list[str] = Field(description="statements of succession, " + _BASE64, examples=[["0oRYIK…"]])


class ProofBody(_Model):
    """The holder key's proof."""

    proof: str = Field(max_length=4096, examples=[_PROOF])


class ProxiesBody(_Model):
    certificates: list[RenewalBody]


class DelegationBody(_Model):
    """A delegation, signed by the principal's holder key."""

    delegation: str = Field(min_length=1, max_length=4096, description=_BASE64, examples=["0oRDoQ…"])


class DelegationEndBody(DelegationBody):
    """The delegation, and its end, signed by the same key."""

    end: str = Field(min_length=1, max_length=4096, description=_BASE64, examples=["0oRDoQ…"])


class AccessLogHead(_Model):
    """A signed note (C2SP signed-note) over the head of an access log."""

    note: str = Field(
        min_length=1,
        max_length=8192,
        examples=["wallet.example.test\n7\nqSW6…=\n\n— wallet.example.test 2fKd…\n"],
    )


class Logged(_Model):
    """Where its entry stands in the ledger, and the proof of it: a full proof (`ledger.proof`) as base64url of CBOR."""

    log: int = Field(examples=[1])
    index: int = Field(examples=[1024])
    proof: str = Field(examples=["hQEZBAA…"])


class LookUpRequest(_Model):
    """A clerk's look at one person's records."""

    person_no: _PersonNo
    reason: _Reason


class Glimpse(_Model):
    """What to compare with the identity document; `keys`: on how many devices the person holds certificates."""

    name: str = Field(examples=["测试甲"])
    id_tail: str = Field(examples=["0017"])
    keys: int = Field(examples=[1])


class OfferRequest(_Model):
    """A claim offer for a person at the counter, whose identity document was seen."""

    person_no: _PersonNo
    document_seen: bool = Field(examples=[True])
    reason: _Reason
    lost_key: bool = Field(default=False, examples=[False], description="end the keys held until now")
    proxy_for: _PersonNo | None = Field(
        default=None,
        examples=[None],
        description="the person acted for, who is there too or gave it in writing",
    )
    days: int = Field(default=90, ge=1, le=366, examples=[90], description="of acting for them")


class PrintRequest(_Model):
    """A page for a person who stands before the client; `page` and `purpose` are of the client's scope."""

    person_no: _PersonNo
    page: str = Field(min_length=1, max_length=64, examples=["contribution.years"])
    purpose: str = Field(min_length=1, max_length=128, examples=["办理贷款"])
    reason: _Reason


class OfferBody(_Model):
    """For the clerk's printer; the PIN goes on the screen."""

    code: str = Field(examples=["ABCDEFGHIJKLMNOPQRST"])
    pin: str = Field(examples=["123456"])
    expires: int = Field(examples=[1795600000], description="POSIX seconds")
    offer: str = Field(examples=["openid-credential-offer://?credential_offer=…"])
