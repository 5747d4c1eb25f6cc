"""The table `contribution`: checked batch by batch and made compact, 41 bytes a row, for deriving by person.

A compact row knows persons and employers by their index in the sorted tables, kinds by their number, months by their
count since 1900 (the year of a yearly kind stands as its January).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from issuer.person_blob import NO_EMPLOYER
from issuer.profile import Charge, Profile
from issuer.records.manifest import ExportFile
from issuer.records.rules import Finding, contribution_rules, failing_rows
from issuer.records.tables import ROW, Batch
from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = ["COMPACT_SCHEMA", "Compacted", "RowReader"]

COMPACT_SCHEMA: Final[Mapping[str, type[pl.DataType]]] = {
    "person": pl.UInt32,
    "kind": pl.UInt8,
    "month": pl.UInt16,
    "employer": pl.UInt32,
    "settled_in": pl.UInt16,
    "status": pl.UInt8,
    "state": pl.UInt8,
    "reversal": pl.Boolean,
    "posted": pl.Boolean,
    "agency": pl.UInt16,
    "base": pl.Int32,
    "due": pl.Int32,
    "paid_person": pl.Int32,
    "paid_employer": pl.Int32,
    ROW: pl.UInt32,
}


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a batch came to: its right rows, how many it had, what is wrong in the others, which kinds it knows."""

    frame: pl.DataFrame
    rows: int
    found: list[Finding]
    kind_codes: set[str]


class RowReader:
    """Checks and compacts batches of one export's contribution rows. Pure: the same batch, the same outcome."""

    def __init__(
        self,
        *,
        file: ExportFile,
        cut_off: int,
        profile: Profile,
        known_offices: frozenset[str],
        person_nos: pl.Series,
        employer_nos: pl.Series,
        laid_aside: pl.Series,
    ) -> None:
        """`person_nos` and `employer_nos` are sorted and distinct; a place in them is an index.

        `laid_aside` are persons whose row in the table person is wrong, so that their rows here are passed over.
        """
        self._file = file
        self._profile = profile
        self._persons = pl.Enum(person_nos)
        self._employers = pl.Enum(employer_nos)
        self._agencies = pl.Enum(sorted(known_offices))
        self._rules = contribution_rules(profile, cut_off=cut_off, known_offices=known_offices)
        self._yearly = [code for code, kind in profile.kinds.items() if kind.yearly]
        self._columns = _compact_columns(profile, self._agencies)
        self._laid_aside = laid_aside

    def compact(self, batch: Batch) -> Compacted:
        """The right rows of `batch` in compact form, and what is wrong.

        Raises:
            FormatError: `records.unmapped_code`; a code without a meaning concerns the whole export.
        """
        found = self._unreadable(batch)
        frame = _without(batch.frame, found)
        if len(self._laid_aside):
            frame = frame.filter(~pl.col("person_no").is_in(self._laid_aside.implode()).fill_null(False))
        kind_codes = self._check_codes(frame, "kind_code", self._profile.kinds)
        self._check_codes(frame, "charge_code", self._profile.charges)
        frame = frame.with_columns(
            _index_of(frame["person_no"], self._persons).alias("person"),
            _index_of(frame["employer_no"], self._employers).alias("employer"),
            pl.col("kind_code").is_in(self._yearly).alias("yearly"),
        )
        wrong = failing_rows(frame, self._rules, file=self._file.name)
        compact = _without(frame, wrong).select(self._columns)
        return Compacted(compact, batch.frame.height, found + wrong, kind_codes)

    def _unreadable(self, batch: Batch) -> list[Finding]:
        rule = "not readable as what the column holds"
        return [
            Finding(self._file.name, row, column, rule, Reason.RECORDS_RULE, person)
            for row, person, column in batch.unreadable.iter_rows()
        ]

    def _check_codes(self, frame: pl.DataFrame, column: str, known: Mapping[str, object]) -> set[str]:
        codes: set[str] = set(frame[column].drop_nulls().unique().to_list())
        if unknown := sorted(codes - known.keys()):
            row = int(frame.filter(pl.col(column).is_in(unknown))[ROW].to_numpy().min())
            # In a shuffled file something personal may stand here, so only what looks like a code is repeated.
            shown = [code for code in unknown if re.fullmatch(r"[0-9A-Za-z]{1,3}", code)][:10]
            detail = (
                f"{self._file.name} row {row} column {column}: not in the profile ({', '.join(shown) or '-'})"
            )
            table = "kinds" if column == "kind_code" else "charges"
            hint = f"add the code to [{table}] of the profile, or correct the export"
            raise FormatError(Reason.RECORDS_UNMAPPED_CODE, detail, hint=hint)
        return codes


def _without(frame: pl.DataFrame, found: list[Finding]) -> pl.DataFrame:
    if not found:
        return frame
    wrong = pl.Series([finding.row for finding in found], dtype=pl.UInt32).unique()
    return frame.filter(~pl.col(ROW).is_in(wrong.implode()))


def _index_of(numbers: pl.Series, known: pl.Enum) -> pl.Series:
    """The place of each number among `known`, null where it is unknown.

    An export is mostly sorted by person, so that each stretch of equal numbers is looked up once.
    """
    stretch = numbers.rle_id()
    starts = (stretch != stretch.shift(1)).fill_null(True)
    if int(starts.sum()) * 4 > len(numbers):
        return numbers.cast(known, strict=False).to_physical()
    return numbers.filter(starts).cast(known, strict=False).to_physical().gather(stretch)


def _compact_columns(profile: Profile, agencies: pl.Enum) -> list[pl.Expr]:
    c = pl.col
    due = c("due_person_fen") + c("due_employer_fen")
    reversal = pl.any_horizontal(c(n) < 0 for n in ("due_person_fen", "due_employer_fen"))
    columns = {
        "person": c("person"),
        "kind": c("kind_code").replace_strict(
            {code: kind.number for code, kind in profile.kinds.items()}, return_dtype=pl.UInt8
        ),
        "month": _month_count(c("period")),
        "employer": c("employer").fill_null(NO_EMPLOYER),
        "settled_in": _month_count(c("settle_period")),
        "status": c("status"),
        "state": _state(profile),
        "reversal": reversal,
        "posted": c("posted_on").is_not_null(),
        "agency": c("agency_code").cast(agencies).to_physical(),
        "base": c("base_fen").fill_null(0),
        "due": due,
        "paid_person": c("paid_person_fen"),
        "paid_employer": c("paid_employer_fen"),
        ROW: c(ROW),
    }
    return [columns[name].cast(dtype).alias(name) for name, dtype in COMPACT_SCHEMA.items()]


def _month_count(period: pl.Expr) -> pl.Expr:
    """Months since January 1900; a yearly period YYYY00 stands as its January."""
    month = period % 100
    return (period // 100 - 1900) * 12 + pl.max_horizontal(month - 1, 0)


def _state(profile: Profile) -> pl.Expr:
    """The state of a row's month (DOMAIN section 4), before reversals.

    Arrears and what has not arrived do not count. Where nothing was due from a paying person the month is exempt (3).
    A yearly kind is on time until the grace after December of its year. Deferred charges are judged like normal ones
    by when they were settled.
    """
    c = pl.col
    lag = (
        _month_count(c("settle_period"))
        - _month_count(c("period"))
        - pl.when(c("yearly")).then(11).otherwise(0)
    )
    backs = [code for code, charge in profile.charges.items() if charge is Charge.BACK]
    back = c("charge_code").is_in(backs) | (lag > profile.late_grace)
    nothing_due = (c("due_person_fen") == 0) & (c("due_employer_fen") == 0)
    return (
        pl.when(~c("full_paid"))
        .then(0)
        .when(nothing_due)
        .then(pl.when(c("status") == 1).then(3).otherwise(0))
        .when(c("posted_on").is_null())
        .then(0)
        .when(back)
        .then(2)
        .otherwise(1)
    )
