"""What the tests of `verify` share: reading a verdict, and a holder whose phone keeps a P-256 key."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certificate.numbers import Algorithm
from ledger.reasons import Reason
from verifier.report import Outcome, Report


def failing_step(report: Report) -> tuple[int, Reason | None]:
    step = next(s for s in report.steps if s.reason is report.reason)
    return step.step, step.reason


def assert_refused(report: Report, step: int, reason: Reason) -> None:
    assert failing_step(report) == (step, reason)
    assert report.outcome is Outcome.INVALID


def assert_undetermined(report: Report, step: int, reason: Reason) -> None:
    assert failing_step(report) == (step, reason)
    assert report.outcome is Outcome.UNDETERMINED


class P256Holder:
    """A holder whose phone keeps a P-256 key."""

    algorithm = Algorithm.ESP256

    def __init__(self) -> None:
        self._key = ec.derive_private_key(0x1234567, ec.SECP256R1())
        self.public_key = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)

    def sign(self, message: bytes) -> bytes:
        r, s = decode_dss_signature(self._key.sign(message, ec.ECDSA(SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)
