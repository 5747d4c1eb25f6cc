"""The bodies of requests and answers. Unknown members are refused; bytes travel as base64url without padding."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

__all__ = [
    "Accepted",
    "AccessLog",
    "AccessRowModel",
    "AnswerBegin",
    "AnswerComplete",
    "AnswerPart",
    "AnswerTimes",
    "AnswerToSign",
    "AskedItemModel",
    "Base64Text",
    "CertificateFile",
    "CertificateModel",
    "CertificatePage",
    "CertificateSummary",
    "ChallengeRequest",
    "ChallengeToSign",
    "ClaimModel",
    "Empty",
    "Health",
    "Model",
    "NewRequest",
    "OfferModel",
    "OrganisationModel",
    "OrganisationName",
    "PageQuery",
    "PartToSign",
    "PresentationModel",
    "ProblemModel",
    "RequestForCitizen",
    "RequestForOrganisation",
    "RequestPage",
    "RequestSummary",
    "ShownClaim",
    "Token",
    "TokenRequest",
    "b64",
    "unb64",
]


def b64(raw: bytes) -> str:
    """base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def unb64(text: str) -> bytes:
    """The bytes of `text` in its one spelling. Raises ValueError."""
    raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    if b64(raw) != text:
        raise ValueError("not the one spelling")
    return raw


def _check_b64(text: str) -> str:
    unb64(text)
    return text


Base64Text = Annotated[
    str, Field(max_length=120_000, pattern=r"^[A-Za-z0-9_-]*$"), AfterValidator(_check_b64)
]
_Id = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", examples=["0f" * 16])]
_Number = Annotated[str, Field(pattern=r"^[A-Z2-7]{13}$", examples=["ABCDEFGHIJKLM"])]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Empty(Model):
    """An action without arguments: no body, or an empty object."""


class Health(Model):
    status: str = Field(examples=["ok"])


class ProblemModel(Model):
    """RFC 9457, with our `reason`; `detail` is a sentence in the language asked for."""

    type: str
    title: str
    status: int
    reason: str = Field(examples=["authz.not_found"])
    detail: str


class PageQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: int = Field(20, ge=1, le=100)
    after: str = Field("", max_length=32, pattern=r"^[0-9A-Za-z]*$", description="`next` of the page before")


class ChallengeRequest(Model):
    holder_key: Base64Text = Field(description="raw public key: 32 bytes Ed25519, 33 compressed P-256")


class ChallengeToSign(Model):
    challenge_id: _Id
    to_be_signed: str = Field(description="the exact bytes to sign: COSE Sig_structure, typ login")
    expires: int = Field(description="POSIX seconds")


class TokenRequest(Model):
    challenge_id: _Id
    signature: Base64Text = Field(description="64 bytes")


class Token(Model):
    token: str
    token_type: str = Field(examples=["Bearer"])
    expires: int


class CertificateFile(Model):
    certificate: Base64Text = Field(description="the holder's whole certificate file")


class CertificateSummary(Model):
    number: _Number
    type: str
    office: str
    cut_off: int = Field(description="YYYYMM", examples=[202610])
    issued: str = Field(examples=["2026-11-23"])
    expires: str = Field(examples=["2027-02-21"])
    state: str = Field(description="current, replaced (a newer one is there) or suspended (its key ended)")
    status: str = Field(
        description="what the bureau's newest list here says: valid, revoked, suspended, replaced or unknown"
    )
    device: str = Field(description="id of the key that can answer with it", examples=["0f" * 8])
    presenter: str = Field(description="self, proxy or guardian")
    etag: str


class ShownClaim(Model):
    """A claim with its value, as a text for people."""

    claim: str = Field(examples=["strip.pension.emp.-1"])
    slot: int
    label: str
    value: str


class CertificateModel(CertificateSummary):
    claims: list[ShownClaim]
    certificate: str = Field(description="the file as it was put in, to be checked by its holder")


class CertificatePage(Model):
    certificates: list[CertificateSummary]
    next: str | None


class NewRequest(Model):
    request: Base64Text = Field(description="the signed request with its registration")
    follows: _Id | None = Field(
        default=None,
        description="your request that this one follows: its citizen is offered this one once it can be answered",
    )


class OrganisationName(Model):
    number: int
    name_zh: str
    name_en: str


class OrganisationModel(Model):
    number: int
    name_zh: str
    name_en: str
    contact: str


class ClaimModel(Model):
    claim: str
    slot: int
    label: str


class OfferModel(Model):
    certificate: _Number
    cut_off: int
    complete: bool
    claims: list[ShownClaim]
    missing: list[str]
    answer: str | None = Field(description="of a policy: true, false or undetermined", examples=["true"])
    because: list[str] = Field(description="what keeps the answer from true, for people")


class AskedItemModel(Model):
    item: int
    policy: str | None = Field(description="the policy's id, for an item that asks a question")
    title: str | None = Field(description="the question for people; null when the bundle does not hold it")
    legal_basis: str | None
    claims: list[ClaimModel]
    offers: list[OfferModel]
    retired_since: str | None = Field(
        description="from this day on nobody has to show it; null while it is required"
    )
    retired_basis: str | None = Field(description="the law by which it is required no longer")


class AnswerTimes(Model):
    """What became of the answer; POSIX seconds or null."""

    answered: int
    expires: int
    fetched: int | None
    acknowledged: int | None
    withdrawn: int | None
    deletion_confirmed: int | None


class RequestForOrganisation(Model):
    id: _Id
    link: str
    state: str = Field(examples=["waiting"])
    expires: int
    answer: AnswerTimes | None
    delete: bool = Field(description="the citizen withdrew: delete what you hold, then confirm it")


class RequestForCitizen(Model):
    """`organisation` is null, and `warning` holds the reason code, unless the registration holds."""

    id: _Id
    request: str = Field(description="the signed request itself: its digest is what an answer names")
    state: str
    expires: int
    organisation: OrganisationModel | None
    warning: str | None
    name_warning: str | None = Field(
        description="schema.text_confusable or org.look_alike: it may imitate another"
    )
    look_alikes: list[OrganisationName] = Field(description="organisations whose names look like this one")
    reminded: int | None = Field(description="when the organisation reminded of it, POSIX seconds")
    desk: str | None
    purpose: str
    legal_basis: str
    method: str
    retention_days: int
    digits: str = Field(description="both screens show these two digits", examples=["42"])
    items: list[AskedItemModel]
    answer: AnswerTimes | None


class RequestSummary(Model):
    id: _Id
    state: str
    expires: int
    answer: AnswerTimes | None


class RequestPage(Model):
    requests: list[RequestSummary]
    next: str | None


class AnswerPart(Model):
    certificate: _Number
    items: list[int] = Field(min_length=1, max_length=16)


class AnswerBegin(Model):
    certificate: _Number | None = Field(None, description="default: the newest that holds what is asked")
    items: list[int] = Field(
        min_length=1, max_length=16, description="items of the request; others are refused"
    )
    minutes: int = Field(1440, description="how long the organisation may use the answer")
    also: list[AnswerPart] = Field(
        default_factory=list,
        max_length=15,
        description="further certificates, each with its items; of a policy that is named twice, both together answer",
    )


class PartToSign(Model):
    """What one more certificate shows in the same consent, and the exact bytes to sign for it."""

    to_be_signed: str
    certificate: _Number
    claims: list[ShownClaim]


class AnswerToSign(Model):
    """The exact bytes to sign, and what they say."""

    to_be_signed: str
    also: list[PartToSign]
    organisation: OrganisationModel
    purpose: str
    legal_basis: str
    method: str
    retention_days: int
    digits: str
    certificate: _Number
    presenter: str = Field(description="self, proxy or guardian")
    claims: list[ShownClaim]
    issued: int
    expires: int
    sign_until: int


class AnswerComplete(Model):
    signature: Base64Text
    also: list[Base64Text] = Field(
        default_factory=list, max_length=15, description="signatures over `also` of `begin`, in their order"
    )


class Accepted(Model):
    state: str


class PresentationModel(Model):
    presentation: str = Field(description="the tagged bytes, for `tally verify`")
    also: list[str] = Field(description="the same answer's presentations of further certificates")
    presenter: str = Field(
        description="self, proxy or guardian: who answered, seen from the person it is about"
    )
    expires: int


class AccessRowModel(Model):
    """A row and what proves it; hashes in hex."""

    counter: int
    time: int
    action: str = Field(examples=["fetched"])
    org: int
    request: str
    type: int
    slots: list[int]
    claims: list[str]
    details: list[str] = Field(description="for a look-up: operator and reason; for a key: its id")
    previous: str
    salt: str
    entry: str
    position: int
    path: list[str]


class AccessLog(Model):
    rows: list[AccessRowModel]
    size: int
    root: str
    next: str | None
