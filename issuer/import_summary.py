"""What an import did, signed by the office key: how many persons, how many laid aside, from which records.

    protected {1: alg, 4: kid, 16: typ}
    payload   [version, authority, office, profile, agency, cut_off, snapshot, persons, rows, quarantined, findings,
               report, imported]

`agency` is the code of DOMAIN section 3, `cut_off` YYYYMM, `snapshot` the digest of the records as they were kept,
`report` SHA-256 of the report that names the persons laid aside, or null where none was written, `imported` POSIX
seconds. It names nobody, so it can be handed to a supervisor.
"""

from __future__ import annotations

from dataclasses import dataclass

from certificate.cose import Sign1, parse_sign1, sign_object
from certificate.keys import CoseSigner, key_id, verify_signature
from certificate.numbers import FORMAT_VERSION, Typ
from certificate.schema import take_array, take_bytes, take_int, take_text, take_version
from ledger.errors import VerificationError
from ledger.reasons import Reason

__all__ = [
    "SummaryBody",
    "UnverifiedSummary",
    "parse_import_summary",
    "sign_import_summary",
    "verify_import_summary",
]

_MAX_NUMBER = 2**31 - 1
_MAX_SECONDS = 2**40


@dataclass(frozen=True, slots=True)
class SummaryBody:
    """What the summary states; field meanings as in the module's head."""

    authority: int
    office: int
    profile: int
    agency: str
    cut_off: int
    snapshot: bytes
    persons: int
    rows: int
    quarantined: int
    findings: int
    report: bytes | None
    imported: int

    def encode(self) -> list[object]:
        return [
            *(
                FORMAT_VERSION,
                self.authority,
                self.office,
                self.profile,
                self.agency,
                self.cut_off,
                self.snapshot,
            ),
            *(self.persons, self.rows, self.quarantined, self.findings, self.report, self.imported),
        ]


@dataclass(frozen=True, slots=True)
class UnverifiedSummary:
    """A parsed summary whose signature was not checked."""

    sign1: Sign1
    body: SummaryBody


def sign_import_summary(signer: CoseSigner, body: SummaryBody) -> bytes:
    """The tagged bytes. Raises FormatError for a body that the format refuses."""
    data = sign_object(signer, Typ.IMPORT_SUMMARY, body.encode())
    parse_import_summary(data)
    return data


def parse_import_summary(data: bytes) -> UnverifiedSummary:
    """Parse the tagged bytes.

    Raises:
        FormatError: what `parse_sign1` raises, `schema.…`, `enc.number_range`, `enc.version_unsupported`.
    """
    sign1 = parse_sign1(data, Typ.IMPORT_SUMMARY)
    version, *fields = take_array(sign1.payload, 13)
    take_version(version)
    (
        authority,
        office,
        profile,
        agency,
        cut_off,
        snapshot,
        persons,
        rows,
        quarantined,
        findings,
        report,
        imported,
    ) = fields
    return UnverifiedSummary(
        sign1,
        SummaryBody(
            authority=take_int(authority, 1, _MAX_NUMBER),
            office=take_int(office, 1, _MAX_NUMBER),
            profile=take_int(profile, 1, _MAX_NUMBER),
            agency=take_text(agency, at_most=16),
            cut_off=take_int(cut_off, 195001, 219912),
            snapshot=take_bytes(snapshot, 32),
            persons=take_int(persons, 0, _MAX_NUMBER),
            rows=take_int(rows, 0, 2**32),
            quarantined=take_int(quarantined, 0, _MAX_NUMBER),
            findings=take_int(findings, 0, 2**40),
            report=None if report is None else take_bytes(report, 32),
            imported=take_int(imported, 0, _MAX_SECONDS),
        ),
    )


def verify_import_summary(data: bytes, *, office_key: bytes) -> SummaryBody:
    """The summary if the key of the office signed it.

    Raises:
        FormatError: as `parse_import_summary`.
        VerificationError: `key.unknown` for another key id, `sig.invalid`.
    """
    parsed = parse_import_summary(data)
    if parsed.sign1.kid != key_id(office_key):
        raise VerificationError(Reason.KEY_UNKNOWN, "not signed by this office")
    verify_signature(
        public_key=office_key, message=parsed.sign1.to_be_signed, signature=parsed.sign1.signature
    )
    return parsed.body
