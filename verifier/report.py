"""What a verification says: eleven steps, one outcome, one reason, and the facts that were authenticated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from certificate.certificate import CertificateBody
from certificate.directory import Authority, Office
from certificate.slot_tree import Disclosure
from certificate.threshold import Opening
from ledger.proof import Proof
from ledger.reasons import Reason
from verifier.policies import JudgedPolicy

__all__ = ["STEP_NAMES", "CertificateView", "Evidence", "Outcome", "Report", "StepOutcome", "StepResult"]

# The one list of DESIGN section 4; code, docs/VERIFY.md, reports and vectors use these numbers.
STEP_NAMES = {
    1: "text",
    2: "structure",
    3: "issuer key",
    4: "issuer signature",
    5: "ledger",
    6: "position",
    7: "time",
    8: "status",
    9: "disclosures",
    10: "holder and request",
    11: "policy",
}


class StepOutcome(StrEnum):
    OK = "ok"
    NO = "no"
    CANNOT_TELL = "cannot tell"
    NOT_RUN = "not run"  # its input was not authenticated


class Outcome(StrEnum):
    VALID = "valid"
    INVALID = "invalid"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step's word. `reason` is None for ok and for not run; `detail` holds sizes, indexes and key ids only."""

    step: int
    outcome: StepOutcome
    reason: Reason | None = None
    detail: str = ""

    @property
    def name(self) -> str:
        return STEP_NAMES[self.step]


@dataclass(frozen=True, slots=True)
class CertificateView:
    """The signed facts of a certificate whose signature holds, with the directory's names for its numbers."""

    body: CertificateBody
    authority: Authority
    office: Office


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a file needs to be judged again in forty years: digests (32 bytes) and the completed proof."""

    certificate_digest: bytes | None = None
    request_digest: bytes | None = None
    status_list_digest: bytes | None = None
    checkpoint_root: bytes | None = None
    checkpoint_size: int | None = None
    proof: Proof | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The answer of one `verify` call.

    Attributes:
        outcome: invalid if a step says no, else undetermined if one cannot tell, else valid.
        reason: of the lowest-numbered step that made the outcome; None when valid.
        steps: one result per step, 1...11.
        certificate: None unless the issuer's signature holds.
        disclosed: the shown claims; empty unless they lead to the signed root.
        openings: of the commitments among them, what each shows: at least so many months.
        policies: the asked policies with their answers; empty unless steps 9 and 10 hold.
        notes: what is worth saying although nothing failed (`pres.static_copy`, `schema.text_confusable`).
        trust: bundle facts for the reader: environment, version, issue and expiry (POSIX seconds).
        parts: one report per presentation when several answered one request; else empty.
    """

    outcome: Outcome
    reason: Reason | None
    steps: tuple[StepResult, ...]
    certificate: CertificateView | None = None
    disclosed: tuple[Disclosure, ...] = ()
    openings: tuple[Opening, ...] = ()
    notes: tuple[Reason, ...] = ()
    policies: tuple[JudgedPolicy, ...] = ()
    trust: Mapping[str, Any] = field(default_factory=dict)
    evidence: Evidence = field(default_factory=Evidence)
    parts: tuple[Report, ...] = ()

    def step(self, number: int) -> StepResult:
        return self.steps[number - 1]


def judge(steps: Sequence[StepResult]) -> tuple[Outcome, Reason | None]:
    """The outcome and its reason: any no, else any cannot-tell, else valid; the lowest-numbered such step names it."""
    for outcome, verdict in (
        (StepOutcome.NO, Outcome.INVALID),
        (StepOutcome.CANNOT_TELL, Outcome.UNDETERMINED),
    ):
        for step in steps:
            if step.outcome is outcome:
                return verdict, step.reason
    return Outcome.VALID, None
