"""A verification put on file, and judged again in forty years (DESIGN section 4).

    [1, time, request, [shown, ...], [proof, ...], [[authority, number, token], ...], [policy, ...]]

`time` is POSIX seconds, `request` null for paper; the completed ledger proofs, the status lists that were read and the
policies that were asked. The file is not signed: each part carries its own signatures, and the holder's names the
minutes in which the answer could be given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from certificate.certificate import UnverifiedCertificate, parse_certificate_item
from certificate.cose import unverified_typ
from certificate.numbers import Typ
from certificate.policy.parsing import parse_policy
from certificate.presentation import presentation_of_item
from certificate.qr_text import decode_any
from certificate.request import PolicyItem, parse_request
from certificate.schema import take_array, take_bytes, take_int, take_version
from ledger.cbor import decode_cbor, encode_cbor
from ledger.errors import ProjectError
from ledger.proof import FullProof, encode_proof, parse_proof
from verifier.expect import STATIC, Archive, Asked, Filed
from verifier.report import Report
from verifier.seen import MemorySeen
from verifier.trust import TrustBundle
from verifier.verify import verify

__all__ = ["FiledVerification", "file_verification", "judge_filed", "parse_filed"]

_MAX_SECONDS = 2**40
_MAX_PARTS = 16


@dataclass(frozen=True, slots=True)
class FiledVerification:
    """What was shown, and how it was to be judged."""

    shown: tuple[bytes, ...]
    archive: Archive


def file_verification(
    report: Report, shown: Sequence[bytes], *, request: bytes | None, trust: TrustBundle, now: datetime
) -> bytes:
    """The file of what `verify` just said.

    Args:
        report: of `verify(shown, trust=trust, now=now, ...)`.
        request: the request that was asked, None for paper.
    """
    parts = [decode_any(data) for data in shown]
    proofs = [part.evidence.proof for part in report.parts or (report,)]
    places = sorted(
        {(c.body.authority, c.body.status_list) for c in map(_certificate, parts) if c is not None}
    )
    lists = [[*place, trust.status_tokens[place]] for place in places if place in trust.status_tokens]
    asked = [] if request is None else parse_request(request).body.items
    named = [trust.policies.get(item.policy) for item in asked if isinstance(item, PolicyItem)]
    return encode_cbor(
        [
            1,
            int(now.timestamp()),
            request,
            parts,
            [encode_proof(proof) for proof in proofs if proof is not None],
            lists,
            [policy.source for policy in named if policy is not None],
        ]
    )


def parse_filed(data: bytes) -> FiledVerification:
    """Read the file.

    Raises:
        FormatError: `enc.…`, `schema.…`, and what the parsers of its parts raise.
    """
    fields = take_array(decode_cbor(data), 7)
    take_version(fields[0])
    request = None if fields[2] is None else take_bytes(fields[2])
    shown = tuple(take_bytes(part) for part in take_array(fields[3], at_most=_MAX_PARTS))
    proofs = [parse_proof(proof) for proof in take_array(fields[4], at_most=_MAX_PARTS)]
    tokens = {}
    for row in take_array(fields[5], at_most=_MAX_PARTS):
        authority, number, token = take_array(row, 3)
        tokens[take_int(authority, 0, 2**31), take_int(number, 0, 2**31)] = take_bytes(token)
    policies = [parse_policy(take_bytes(text)) for text in take_array(fields[6], at_most=_MAX_PARTS)]
    filed = Filed(
        {(proof.log, proof.index): proof for proof in proofs if isinstance(proof, FullProof)},
        tokens,
        {policy.id: policy for policy in policies},
    )
    expected = STATIC if request is None else Asked(request)
    return FiledVerification(shown, Archive(expected, take_int(fields[1], 0, _MAX_SECONDS), filed))


def judge_filed(filed: FiledVerification, *, trust: TrustBundle, now: datetime) -> Report:
    """All steps again, as of the day of the file, by what `trust` knows today of keys and of the log."""
    shown = filed.shown[0] if len(filed.shown) == 1 else list(filed.shown)
    return verify(shown, trust=trust, now=now, expect=filed.archive, seen=MemorySeen())


def _certificate(data: bytes) -> UnverifiedCertificate | None:
    try:
        item = decode_cbor(data)
        if unverified_typ(item) == Typ.PRESENTATION:
            return presentation_of_item(item).certificate
        return parse_certificate_item(item)
    except ProjectError:
        return None
