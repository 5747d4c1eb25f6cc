"""One certificate: claims in, signed row out. Pure: keys, settings, clock and chance are handed in.

The same code signs one certificate at a counter and a city's in worker processes, which send back what the register
and the ledger store, ready to be stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from certificate.certificate import CertificateBody, issue_certificate
from certificate.keys import CoseSigner
from certificate.numbers import CertificateType, Presenter
from certificate.policy.language import Policy
from certificate.slot_tree import SEED_SIZE, claims_root
from certificate.slots import ClaimValue, registry_of
from issuer.answers import MintedAnswers, commitments
from issuer.register import PAPER, MintIdentity, RegisterRow
from issuer.seal import NONCE_SIZE, seal_with
from issuer.snapshot import PersonClaims, Snapshot
from ledger.cbor import encode_cbor
from ledger.errors import VerificationError
from ledger.reasons import Reason

__all__ = [
    "CHANCE_SIZE",
    "CertificateSigning",
    "Drawn",
    "MintOrder",
    "MintSettings",
    "PaperTask",
    "SignedBatch",
    "encode_extra",
    "mint_identity",
    "paper_signing",
]

CHANCE_SIZE = SEED_SIZE + NONCE_SIZE
_TYPE = CertificateType.CONTRIBUTION
_REGISTRY = registry_of(_TYPE)
_DAY = 86400


@dataclass(frozen=True, slots=True)
class MintSettings:
    """What is the same for all certificates of one run. `snapshot` is the digest of the records they come from.

    `region_prefix` is the office's: it certifies nobody of another region. `answers` are the policies whose answers are
    minted, the first of them in the slot pol.0; `thresholds` the names of the commitments.
    """

    authority: int
    office: int
    profile: int
    validity_days: int
    cut_off: int
    snapshot: bytes
    region_prefix: str = ""
    answers: tuple[Policy, ...] = ()
    thresholds: tuple[str, ...] = ()

    def may_certify(self, person: PersonClaims) -> bool:
        return str(person.region).startswith(self.region_prefix)


@dataclass(frozen=True, slots=True)
class MintOrder:
    """One certificate to mint: whose, for which holder key (PAPER for none), with which claims beside the records."""

    person: PersonClaims
    holder: bytes = PAPER
    extra: Mapping[int, ClaimValue] | None = None
    presenter: Presenter = Presenter.SELF


@dataclass(frozen=True, slots=True)
class Drawn:
    """What chance gave one certificate: CHANCE_SIZE random bytes, and a place in a status list."""

    chance: bytes
    status_list: int
    status_index: int


class CertificateSigning:
    """Signs for one office. Travels to worker processes with its keys, if the signer does."""

    def __init__(self, *, signer: CoseSigner, seal_key: bytes, settings: MintSettings, now: int) -> None:
        """`now` is POSIX seconds."""
        self.settings = settings
        self._signer = signer
        self._seal_key = seal_key
        self._now = now
        self._answers = MintedAnswers(settings.answers, settings.authority, settings.cut_off)

    def identity(self, order: MintOrder) -> MintIdentity:
        """What makes this mint the same as another."""
        s = self.settings
        return mint_identity(order.person.person_no, order.holder, order.extra, s.cut_off, s.snapshot)

    def sign(self, order: MintOrder, drawn: Drawn) -> RegisterRow:
        """The register's row with the signed certificate and its sealed seed.

        Raises:
            FormatError: a claim value that the format refuses.
            VerificationError: `trust.issuer_not_authorised`: a person of another region.
        """
        s = self.settings
        if not s.may_certify(order.person):
            raise VerificationError(
                Reason.TRUST_ISSUER_NOT_AUTHORISED, f"a person of another region than office {s.office}'s"
            )
        seed, nonce = drawn.chance[:SEED_SIZE], drawn.chance[SEED_SIZE:]
        beside = {
            **(order.extra or {}),
            **self._answers.of(order.person),
            **commitments(s.thresholds, order.person.claims, seed),
        }
        claims = {**order.person.claims, **beside} if beside else order.person.claims
        today = self._now // _DAY
        body = CertificateBody(
            type=_TYPE,
            authority=s.authority,
            office=s.office,
            region=order.person.region,
            profile=s.profile,
            cut_off=s.cut_off,
            issued=today,
            expires=today + s.validity_days,
            status_list=drawn.status_list,
            status_index=drawn.status_index,
            claims_root=claims_root(_REGISTRY, seed, claims),
            cnf=order.holder or None,
            presenter=order.presenter,
        )
        signed = issue_certificate(self._signer, body)
        digest = sha256(signed).digest()
        sealed = seal_with(self._seal_key, seed + encode_extra(beside), bound_to=digest, nonce=nonce)
        return RegisterRow(
            self.identity(order),
            body.number,
            drawn.status_list,
            drawn.status_index,
            digest,
            signed,
            sealed,
            minted_at=self._now,
        )


@dataclass(frozen=True, slots=True)
class PaperTask:
    """Paper certificates for the persons at `places` of a snapshot; CHANCE_SIZE bytes of `chance` for each."""

    places: Sequence[int]
    chance: bytes
    status_places: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class SignedBatch:
    """What was made of a task: the register's columns of each row, and the digests in the order they are logged in."""

    task: PaperTask
    rows: list[tuple[object, ...]]
    digests: list[bytes]


def paper_signing(signing: CertificateSigning, snapshot: Snapshot) -> Callable[[PaperTask], SignedBatch]:
    """What a worker does. Persons of other regions than the office's are left out."""

    def work(task: PaperTask) -> SignedBatch:
        rows = []
        for number, (at, place) in enumerate(zip(task.places, task.status_places, strict=True)):
            person = snapshot.person_at(at)
            if signing.settings.may_certify(person):
                chance = task.chance[CHANCE_SIZE * number : CHANCE_SIZE * (number + 1)]
                rows.append(signing.sign(MintOrder(person), Drawn(chance, *place)))
        return SignedBatch(task, [row.values() for row in rows], sorted(row.digest for row in rows))

    return work


def mint_identity(
    person_no: str, holder: bytes, extra: Mapping[int, ClaimValue] | None, cut_off: int, snapshot: bytes
) -> MintIdentity:
    """What makes two mints the same (DESIGN 3.8), for the records of `snapshot` (its digest) up to `cut_off`."""
    digest = sha256(encode_extra(extra)).digest() if extra else b""
    return MintIdentity(person_no, int(_TYPE), cut_off, holder, snapshot, digest)


def encode_extra(extra: Mapping[int, ClaimValue] | None) -> bytes:
    """The claims beside the records as they are sealed with the seed; nothing for none."""
    return encode_cbor([[slot, value] for slot, value in sorted(extra.items())]) if extra else b""
