"""A verification proof made from a report, and judged again as of its day from the filed bytes.

What is filed beside the proof: the presentations, the request, and the trust bundle of that day. What the verifier
remembered then (used answers, newest versions) is in no file, so a refusal that rests on it is not repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from certificate.keys import CoseSigner
from certificate.qr_text import decode_any
from certificate.request import parse_request
from certificate.verification_proof import (
    ProvenOutcome,
    ShownDigests,
    VerificationBody,
    parse_verification_proof,
    sign_verification_proof,
    verify_proof_signature,
)
from ledger.checkpoint import Checkpoint, encode_checkpoint
from ledger.errors import FormatError, UndeterminedError, VerificationError
from ledger.merkle import RootHash
from ledger.reasons import Reason
from verifier.expect import Asked, Subject
from verifier.report import Evidence, Outcome, Report
from verifier.seen import MemorySeen
from verifier.trust import TrustBundle
from verifier.verify import verify

__all__ = ["Rejudged", "prove_verification", "rejudge"]

_PROVEN = {
    Outcome.VALID: ProvenOutcome.VALID,
    Outcome.INVALID: ProvenOutcome.INVALID,
    Outcome.UNDETERMINED: ProvenOutcome.UNDETERMINED,
}
# Said because of what the verifier had seen before, which no file holds.
_FROM_MEMORY = frozenset(
    {
        Reason.PRES_NONCE_REPLAYED,
        Reason.TRUST_BUNDLE_ROLLBACK,
        Reason.STATUS_LIST_ROLLBACK,
        Reason.TIME_CLOCK_REGRESSED,
    }
)


@dataclass(frozen=True, slots=True)
class Rejudged:
    """A proof that stands: what it says, and the report of judging again."""

    body: VerificationBody
    report: Report


def prove_verification(
    report: Report,
    shown: Sequence[bytes],
    *,
    request: bytes,
    trust: TrustBundle,
    now: datetime,
    key: CoseSigner,
) -> bytes:
    """The proof of what `verify` just said, as tagged bytes.

    Args:
        report: of `verify(shown, trust=trust, now=now, expect=Asked(request), ...)`.
        key: the request key that signed `request`.
    Raises:
        FormatError: the request does not parse.
        VerificationError: `cli.key_mismatch`: another key than the request's.
    """
    asked = parse_request(request)
    if key.public_key != asked.registration.body.request_key:
        raise VerificationError(Reason.CLI_KEY_MISMATCH, "not the key that signed the request")
    body = VerificationBody(
        org=asked.body.org,
        request=asked.digest(),
        shown=_digests(report, shown, trust),
        bundle=trust.digest,
        time=int(now.timestamp()),
        outcome=_PROVEN[report.outcome],
        reason=report.reason,
    )
    return sign_verification_proof(key, body)


def rejudge(
    proof: bytes,
    shown: Sequence[bytes],
    *,
    request: bytes,
    trust: TrustBundle,
    subject: Subject | None = None,
) -> Rejudged:
    """Judge a filed answer again as of the day of its proof, and compare.

    Args:
        shown: all presentations that were verified, in any order.
        trust: the filed bundle of that day.
        subject: who was asked, if the verification compared that.
    Raises:
        FormatError: proof or request does not parse.
        VerificationError: `sig.invalid` (not signed by the organisation that asked), `proof.digest_mismatch` (other
            request or presentations than were verified), `proof.outcome_differs`.
        UndeterminedError: `proof.bundle_mismatch` (another bundle than was used), `proof.not_repeatable` (the refusal
            rests on what the verifier remembered, or on a person who is not named now).
    """
    parsed, asked = parse_verification_proof(proof), parse_request(request)
    body = verify_proof_signature(parsed, request_key=asked.registration.body.request_key)
    if body.request != asked.digest() or body.org != asked.body.org:
        raise VerificationError(Reason.PROOF_DIGEST_MISMATCH, "it is about another request")
    if [row.shown for row in body.shown] != sorted(_shown_digest(data) for data in shown):
        raise VerificationError(Reason.PROOF_DIGEST_MISMATCH, "it is about other presentations")
    if body.bundle != trust.digest:
        hint = "name the folder with the trust bundle that was filed on that day"
        raise UndeterminedError(Reason.PROOF_BUNDLE_MISMATCH, trust.digest.hex(), hint=hint)
    report = verify(
        list(shown),
        trust=trust,
        now=datetime.fromtimestamp(body.time, UTC),
        expect=Asked(request, subject),
        seen=MemorySeen(),
    )
    _compare(body, report, _digests(report, shown, trust), subject)
    return Rejudged(body, report)


def _compare(
    body: VerificationBody, report: Report, digests: tuple[ShownDigests, ...], subject: Subject | None
) -> None:
    if (body.outcome, body.reason) != (_PROVEN[report.outcome], report.reason):
        if body.reason in _FROM_MEMORY:
            raise UndeterminedError(Reason.PROOF_NOT_REPEATABLE, body.reason.value)
        if body.reason is Reason.PRES_SUBJECT_MISMATCH and subject is None:
            hint = "name the person who was asked with --subject-name and --subject-tail"
            raise UndeterminedError(Reason.PROOF_NOT_REPEATABLE, body.reason.value, hint=hint)
        then, now = (reason.value if reason else "valid" for reason in (body.reason, report.reason))
        raise VerificationError(Reason.PROOF_OUTCOME_DIFFERS, f"the proof says {then}, judged again: {now}")
    if body.shown != digests:
        raise VerificationError(Reason.PROOF_DIGEST_MISMATCH, "another checkpoint or status list was used")


def _digests(report: Report, shown: Sequence[bytes], trust: TrustBundle) -> tuple[ShownDigests, ...]:
    parts = report.parts or (report,)
    if len(parts) != len(shown):
        raise FormatError(Reason.ENC_TOO_LARGE, f"{len(shown)} presentations")
    rows = [
        ShownDigests(
            _shown_digest(data), _checkpoint_digest(part.evidence, trust), part.evidence.status_list_digest
        )
        for data, part in zip(shown, parts, strict=True)
    ]
    return tuple(sorted(rows, key=lambda row: row.shown))


def _shown_digest(data: bytes) -> bytes:
    """SHA-256 of the bytes in whatever form they are shown; of the form itself where it holds none."""
    try:
        return sha256(decode_any(data)).digest()
    except FormatError:
        return sha256(data).digest()


def _checkpoint_digest(evidence: Evidence, trust: TrustBundle) -> bytes | None:
    if evidence.proof is None or evidence.checkpoint_root is None or evidence.checkpoint_size is None:
        return None
    log = trust.directory.log(evidence.proof.log)
    assert log is not None
    root_hash = RootHash(evidence.checkpoint_root)
    text = encode_checkpoint(Checkpoint(log.origin, evidence.checkpoint_size, root_hash))
    return sha256(text.encode("utf-8")).digest()
