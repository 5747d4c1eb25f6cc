"""A certificate file judged by, or for, the one it belongs to: before it is put away, and again when it comes back.

It shows all claims and has no holder's signature beside it, so it is no answer to anybody; what is checked is that
the bureau made it, that it is logged, and that it is bound to this very key.
"""

from __future__ import annotations

from datetime import UTC, datetime

from certificate.certificate import UnverifiedCertificate, parse_certificate
from ledger.errors import FormatError, ProjectError, UndeterminedError, VerificationError
from ledger.reasons import Reason
from verifier.expect import STATIC
from verifier.report import StepOutcome
from verifier.seen import MemorySeen
from verifier.trust import TrustBundle
from verifier.verify import verify

__all__ = ["check_own_certificate", "require_not_ended"]

_ENDED = (Reason.STATUS_REVOKED, Reason.STATUS_SUSPENDED, Reason.STATUS_REPLACED)
_STEPS = (1, 2, 3, 4, 5, 6, 9)  # time and status change while it lies there; whoever shows it looks again


def check_own_certificate(
    data: bytes, *, trust: TrustBundle, now: int, holder_key: bytes
) -> UnverifiedCertificate:
    """The parsed certificate, after the steps of DESIGN section 4 that can be judged without a request.

    Args:
        data: the tagged bytes.
        now: POSIX seconds.
        holder_key: raw public key it must be bound to.
    Raises:
        FormatError, VerificationError, UndeterminedError: with the reason of the first step that fails.
        VerificationError: `pres.binding_invalid`: bound to another key, or to none.
    """
    report = verify(data, trust=trust, now=datetime.fromtimestamp(now, UTC), expect=STATIC, seen=MemorySeen())
    for step in (report.step(number) for number in _STEPS):
        if step.outcome is not StepOutcome.OK:
            reason = step.reason or report.reason or Reason.SCHEMA_FIELD_TYPE
            raise _error(step.outcome, step.step)(reason, step.detail)
    certificate = parse_certificate(data)
    if certificate.body.cnf != holder_key:
        raise VerificationError(Reason.PRES_BINDING_INVALID, "bound to another key")
    return certificate


def require_not_ended(data: bytes, *, trust: TrustBundle, now: int) -> None:
    """Check that the bureau's status list, as far as the bundle holds it, did not end the certificate.

    Raises:
        VerificationError: `status.revoked`, `status.suspended`, `status.replaced`.
    """
    report = verify(data, trust=trust, now=datetime.fromtimestamp(now, UTC), expect=STATIC, seen=MemorySeen())
    status = report.step(8)
    if status.reason in _ENDED:
        raise VerificationError(status.reason, status.detail)


def _error(outcome: StepOutcome, step: int) -> type[ProjectError]:
    if outcome is StepOutcome.CANNOT_TELL:
        return UndeterminedError
    return FormatError if step <= 2 else VerificationError
