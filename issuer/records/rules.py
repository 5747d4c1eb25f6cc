"""What each row must fulfil (DOMAIN section 3), as Polars expressions, and what is found wrong.

A rule is violated where its expression is true; null counts as fulfilled, so that an empty cell is reported once, by
the rule that forbids it. Rules here see one row; what takes several rows (doubles, reversals) is found in `derive`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from certificate.display_text import check_display_text
from issuer.identifiers import citizen_id_is_right, date_is_real, uscc_is_right
from issuer.profile import Profile
from issuer.records.manifest import TableName
from issuer.records.tables import ROW, SCHEMAS
from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = [
    "MAX_ROW_FEN",
    "Finding",
    "Findings",
    "Rule",
    "contribution_rules",
    "employer_rules",
    "failing_rows",
    "person_rules",
    "required_rules",
]

MAX_ROW_FEN: Final = 10**9
_MAX_BALANCE_FEN: Final = 10**12
_MAX_DEEMED: Final = 1200
_EARLIEST_PERIOD: Final = 195000
_MONEY: Final = ("due_person_fen", "due_employer_fen", "paid_person_fen", "paid_employer_fen")
_ORDINARY_NAME: Final = r"^[一-鿿㐀-䶿A-Za-z0-9·()（）]+$"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: the column it is about, its name, the reason code, and where it is violated."""

    column: str
    name: str
    violated: pl.Expr
    reason: Reason = Reason.RECORDS_RULE


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing wrong: where, and which rule. `person_no` is for the bureau's own report; it is in no message."""

    file: str
    row: int
    column: str
    rule: str
    reason: Reason
    person_no: str | None = None

    def __str__(self) -> str:
        return f"{self.file} row {self.row} column {self.column}: {self.rule} ({self.reason.value})"


@dataclass(slots=True)
class Findings:
    """What was found in one import: all persons concerned, and the first `limit` findings in full.

    Invariant: `persons` is complete even where `items` was cut.
    """

    limit: int = 100_000
    items: list[Finding] = field(default_factory=list)
    persons: set[str] = field(default_factory=set)
    count: int = 0

    def add(self, found: Iterable[Finding]) -> None:
        for finding in found:
            self.count += 1
            # A row without a person cannot be laid aside with one, so it counts as a person of its own.
            self.persons.add(finding.person_no or f"\0{finding.file} {finding.row}")
            if len(self.items) < self.limit:
                self.items.append(finding)


def failing_rows(frame: pl.DataFrame, rules: Sequence[Rule], *, file: str) -> list[Finding]:
    """Every violation in `frame`, row by row. Cheap when there is none: one pass, nothing kept."""
    bad = frame.filter(pl.any_horizontal(rule.violated for rule in rules))
    if bad.height == 0:
        return []
    person = pl.col("person_no") if "person_no" in frame.columns else pl.lit(None, pl.String)
    found: list[Finding] = []
    for rule in rules:
        rows = bad.filter(rule.violated).select(ROW, person.alias("person_no"))
        found += [Finding(file, row, rule.column, rule.name, rule.reason, no) for row, no in rows.iter_rows()]
    return found


def required_rules(table: TableName) -> list[Rule]:
    """No empty cell but in the columns that may have one."""
    return [
        Rule(column.name, "must not be empty", pl.col(column.name).is_null())
        for column in SCHEMAS[table]
        if not column.optional
    ]


def contribution_rules(profile: Profile, *, cut_off: int, known_offices: frozenset[str]) -> list[Rule]:
    """The rules of a contribution row. Needs the columns `yearly` (bool), `person` and `employer` (index or null)."""
    c = pl.col
    negative = pl.any_horizontal(c(name) < 0 for name in _MONEY)
    positive = pl.any_horizontal(c(name) > 0 for name in _MONEY)
    month = c("period") % 100
    settled_in = c("settle_period") % 100
    prepaid = (c("posted_on") // 100 <= c("settle_period")).fill_null(False)
    paying = c("status") == 1
    return [
        *required_rules("contribution"),
        Rule("agency_code", "not a known office", ~c("agency_code").is_in(sorted(known_offices))),
        region_rule(profile),
        Rule("person_no", "not in the table person", c("person_no").is_not_null() & c("person").is_null()),
        Rule("flexible", "true but an employer is named", c("flexible") & c("employer_no").is_not_null()),
        Rule(
            "employer_no",
            "not in the table employer",
            c("employer_no").is_not_null() & c("employer").is_null(),
        ),
        Rule("period", "not a month YYYYMM", ~c("yearly") & ~month.is_between(1, 12)),
        Rule("period", "not a year YYYY00", c("yearly") & (month != 0)),
        Rule("period", "before 1950", c("period") < _EARLIEST_PERIOD),
        Rule("period", "after the cut-off", c("period") > cut_off),
        Rule("settle_period", "not a month YYYYMM", ~settled_in.is_between(1, 12)),
        Rule("settle_period", "out of range", ~c("settle_period").is_between(_EARLIEST_PERIOD, 299912)),
        Rule(
            "settle_period",
            "before the period and not prepaid",
            (c("settle_period") < c("period")) & ~prepaid,
        ),
        date_rule("posted_on"),
        Rule("status", "not 1, 2 or 3", ~c("status").is_between(1, 3)),
        Rule(
            "base_fen",
            "empty or not positive with status 1",
            ~negative & paying & ~(c("base_fen").fill_null(0) > 0),
        ),
        Rule("base_fen", "given with a status other than 1", ~negative & ~paying & (c("base_fen") != 0)),
        Rule("base_fen", "out of range", ~c("base_fen").is_between(-MAX_ROW_FEN, MAX_ROW_FEN)),
        *(Rule(name, "not in 0 to 10000", ~c(name).is_between(0, 10_000)) for name in _RATES),
        *(Rule(name, "out of range", ~c(name).is_between(-MAX_ROW_FEN, MAX_ROW_FEN)) for name in _MONEY),
        # A reversal is negative throughout; a single negative amount beside positive ones is a mistake.
        *(Rule(name, "negative beside positive amounts", positive & (c(name) < 0)) for name in _MONEY),
        *(
            Rule(f"paid_{who}_fen", "more than due", c(f"paid_{who}_fen").abs() > c(f"due_{who}_fen").abs())
            for who in ("person", "employer")
        ),
        date_rule("updated_on"),
    ]


_RATES: Final = ("rate_person_bp", "rate_employer_bp")


def person_rules(profile: Profile, *, cut_off: int, names: pl.Series) -> list[Rule]:
    """The rules of a person row; `names` are the names in the table."""
    c = pl.col
    citizen = c("id_type") == "01"
    # Permanent residence cards have 18 digits with a check character since 2017, and 3 letters and 12 digits before.
    card = (c("id_type") == "07") & (c("id_no").str.len_chars() == 18)
    id_right = citizen_id_is_right(
        c("id_no"), allow_test_region=profile.test, foreign_resident=c("id_type") == "07"
    )
    return [
        *required_rules("person"),
        code_rule("person_no", 20),
        Rule("person_no", "stands twice", c("person_no").is_duplicated(), Reason.RECORDS_DUPLICATE),
        Rule("id_type", "not 01, 07, 08, 17 or 99", ~c("id_type").is_in(["01", "07", "08", "17", "99"])),
        Rule("id_no", "not 4 to 32 of 0-9 and A-Z", ~c("id_no").str.contains(r"^[0-9A-Z]{4,32}$")),
        Rule("id_no", "check digit", (citizen | card) & ~id_right, Reason.RECORDS_CHECK_DIGIT),
        *name_rules("name", names, max_code_points=64),
        Rule("sex", "not 1 or 2", ~c("sex").is_between(1, 2)),
        date_rule("birth_date"),
        Rule("birth_date", "after the cut-off", c("birth_date") // 100 > cut_off),
        region_rule(profile),
        *(Rule(name, "out of range", ~c(name).is_between(0, _MAX_DEEMED)) for name in _MONTHS),
        Rule(
            "account_balance_fen", "out of range", ~c("account_balance_fen").is_between(0, _MAX_BALANCE_FEN)
        ),
        Rule(
            "account_as_of",
            "balance and its date go together",
            c("account_balance_fen").is_null() != c("account_as_of").is_null(),
        ),
        date_rule("account_as_of"),
        date_rule("updated_on"),
    ]


_MONTHS: Final = ("deemed_months", "transferred_months")


def employer_rules(profile: Profile, *, names: pl.Series) -> list[Rule]:
    """The rules of an employer row; `names` are the names in the table."""
    return [
        *required_rules("employer"),
        code_rule("employer_no", 16),
        Rule("employer_no", "stands twice", pl.col("employer_no").is_duplicated(), Reason.RECORDS_DUPLICATE),
        *(
            Rule(
                column,
                "check digit",
                ~uscc_is_right(pl.col(column), allow_test_region=profile.test),
                Reason.RECORDS_CHECK_DIGIT,
            )
            for column in ("employer_uscc", "parent_uscc")
        ),
        *name_rules("employer_name", names, max_code_points=128),
        region_rule(profile),
    ]


def region_rule(profile: Profile) -> Rule:
    """Six digits of the GB/T 2260 form; region 99 in test records only."""
    form = r"^([1-8][0-9]|99)[0-9]{4}$" if profile.test else r"^[1-8][0-9]{5}$"
    return Rule("region_code", "not a region code", ~pl.col("region_code").str.contains(form))


def date_rule(column: str) -> Rule:
    return Rule(column, "not a day YYYYMMDD", ~date_is_real(pl.col(column)))


def code_rule(column: str, size: int) -> Rule:
    form = rf"^[0-9A-Za-z._-]{{1,{size}}}$"
    return Rule(column, f"not 1 to {size} letters and digits", ~pl.col(column).str.contains(form))


def name_rules(column: str, names: pl.Series, *, max_code_points: int) -> list[Rule]:
    """Names must be fit to be shown (`check_display_text`), one rule per reason among `names`.

    Almost all names are plain Chinese characters and are settled by one pattern; the rest are looked at one by one.
    """
    ordinary = names.str.contains(_ORDINARY_NAME) & (names.str.len_chars() <= max_code_points)
    bad: dict[str, list[str]] = {}
    for name in names.filter(~ordinary).unique().to_list():
        try:
            check_display_text(name, max_code_points=max_code_points)
        except FormatError as exc:
            bad.setdefault(exc.reason.value, []).append(name)
    return [
        Rule(column, f"not fit to be shown: {why}", pl.col(column).is_in(texts))
        for why, texts in sorted(bad.items())
    ]
