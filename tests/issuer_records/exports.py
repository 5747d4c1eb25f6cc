"""Real exports, written by the tests: three tables and a manifest in a folder."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any

import polars as pl

from certificate.numbers import CertificateType
from certificate.slots import ClaimValue, registry_of
from issuer.profile import Profile
from issuer.records import ImportSummary, import_export
from issuer.records.tables import SCHEMAS, Type
from issuer.snapshot import PersonClaims, Snapshot

Row = dict[str, Any]

IDS = ("990000199001010017", "990000199001010025", "990000198512311175", "990000200002290044")
USCCS = ("91990000T0000001X7", "91990000T000000287", "91990000T000000362")
EMPLOYER_NAMES = ("样例制造有限公司(测试)", "示例贸易有限公司(测试)", "示例银行(测试)")
KEY = bytes(range(32))
OFFICES = frozenset({"99010200", "99010201"})
REGISTRY = registry_of(CertificateType.CONTRIBUTION)
_SETTLED = dict.fromkeys(("110", "120", "180", "210", "310", "410", "510"), 202610) | {
    "150": 202512,
    "170": 202600,
    "390": 202512,
}


def row(person: int, period: int, **changes: Any) -> Row:
    """A contribution row of pension.emp as in DOMAIN section 3, on time."""
    settled = changes.get("settle_period", period)
    made: Row = {
        "agency_code": "99010200",
        "region_code": "990102",
        "person_no": person_no(person),
        "kind_code": "110",
        "flexible": False,
        "employer_no": "9900001",
        "period": period,
        "settle_period": settled,
        "posted_on": settled * 100 + 12,
        "charge_code": "10",
        "full_paid": True,
        "status": 1,
        "base_fen": 800000,
        "rate_person_bp": 800,
        "rate_employer_bp": 1600,
        "due_person_fen": 64000,
        "due_employer_fen": 128000,
        "paid_person_fen": 64000,
        "paid_employer_fen": 128000,
        "updated_on": 20261101,
    }
    assert changes.keys() <= made.keys()
    return made | changes


def reversal(of: Row, **changes: Any) -> Row:
    """The row that takes `of` back."""
    amounts = ("due_person_fen", "due_employer_fen", "paid_person_fen", "paid_employer_fen")
    return of | {name: -of[name] for name in amounts} | {"settle_period": of["settle_period"]} | changes


def arrears(person: int, period: int, **changes: Any) -> Row:
    """Due, not arrived."""
    nothing = {"posted_on": None, "full_paid": False, "paid_person_fen": 0, "paid_employer_fen": 0}
    return row(person, period, **(nothing | changes))


def yearly(person: int, year: int, **changes: Any) -> Row:
    """A year of pension.res, paid in November, without employer."""
    own: Row = {
        "kind_code": "150",
        "employer_no": None,
        "settle_period": year * 100 + 11,
        "posted_on": year * 10000 + 1120,
        "base_fen": 30000,
        "due_person_fen": 30000,
        "due_employer_fen": 0,
        "paid_person_fen": 30000,
        "paid_employer_fen": 0,
    }
    return row(person, year * 100) | own | changes


def person_no(person: int) -> str:
    return f"{9900000001 + person}"


def person_row(person: int, **changes: Any) -> Row:
    made: Row = {
        "person_no": person_no(person),
        "id_type": "01",
        "id_no": IDS[person % len(IDS)],
        "name": "测试" + "甲乙丙丁"[person % 4],
        "sex": 1,
        "birth_date": 19900101,
        "region_code": "990102",
        "deemed_months": 0,
        "transferred_months": 0,
        "account_balance_fen": None,
        "account_as_of": None,
        "updated_on": 20261101,
    }
    assert changes.keys() <= made.keys()
    return made | changes


def employer_row(at: int, **changes: Any) -> Row:
    made: Row = {
        "employer_no": f"{9900001 + at}",
        "employer_uscc": USCCS[at] if at < len(USCCS) else None,
        "employer_name": EMPLOYER_NAMES[at] if at < len(EMPLOYER_NAMES) else f"示例第{at}有限公司(测试)",
        "parent_uscc": None,
        "region_code": "990102",
    }
    assert changes.keys() <= made.keys()
    return made | changes


def months(first: int, last: int) -> list[int]:
    """All months YYYYMM from `first` to `last`."""
    counts = range(first // 100 * 12 + first % 100 - 1, last // 100 * 12 + last % 100)
    return [count // 12 * 100 + count % 12 + 1 for count in counts]


@dataclass
class ExportWriter:
    """Writes one export; every part can be spoiled."""

    contributions: list[Row] = field(default_factory=list)
    people: list[Row] = field(default_factory=lambda: [person_row(0)])
    employers: list[Row] = field(default_factory=lambda: [employer_row(at) for at in range(3)])
    cut_off: int = 202610
    settled: dict[str, int] = field(default_factory=lambda: dict(_SETTLED))
    manifest: dict[str, object] = field(default_factory=dict)
    spoil: Callable[[str, bytes], bytes] = lambda table, data: data
    file_changes: dict[str, dict[str, object]] = field(default_factory=dict)

    def write(self, folder: Path, file_format: str = "csv") -> Path:
        folder.mkdir()
        described = []
        for table, rows in (
            ("contribution", self.contributions),
            ("person", self.people),
            ("employer", self.employers),
        ):
            data = self.spoil(
                table, csv_bytes(table, rows) if file_format == "csv" else parquet_bytes(table, rows)
            )
            name = f"{table}.{file_format}"
            (folder / name).write_bytes(data)
            about = {"name": name, "rows": len(rows), "sha256": sha256(data).hexdigest()}
            described.append((table, about | self.file_changes.get(table, {})))
        (folder / "manifest.toml").write_text(self._manifest(described), "utf-8")
        return folder

    def _manifest(self, described: Sequence[tuple[str, dict[str, object]]]) -> str:
        top: dict[str, object] = {
            "schema_version": 1,
            "profile": "example-city",
            "agency": "99010200",
            "cut_off": self.cut_off,
            "produced_at": "2026-11-01T02:00:00Z",
            "test": True,
        } | self.manifest
        lines = [f"{key} = {_toml(value)}" for key, value in top.items() if value is not None]
        lines += [
            "[settled]",
            *(f'"{code}" = {min(month, self.cut_off)}' for code, month in self.settled.items()),
        ]
        for table, about in described:
            lines += [f"[files.{table}]", *(f"{key} = {_toml(value)}" for key, value in about.items())]
        return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    return (
        str(value).lower()
        if isinstance(value, bool)
        else f'"{value}"'
        if isinstance(value, str)
        else str(value)
    )


def csv_bytes(table: str, rows: Sequence[Row]) -> bytes:
    out = StringIO()
    names = [column.name for column in SCHEMAS[table]]  # type: ignore[index]  # the three tables' names
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for record in rows:
        cells = [record[name] for name in names]
        writer.writerow(["" if c is None else str(c).lower() if isinstance(c, bool) else c for c in cells])
    return out.getvalue().encode()


def parquet_bytes(table: str, rows: Sequence[Row]) -> bytes:
    from io import BytesIO

    types = {Type.TEXT: pl.String, Type.INT: pl.Int64, Type.BOOL: pl.Boolean}
    schema = {column.name: types[column.type] for column in SCHEMAS[table]}  # type: ignore[index]  # as above
    out = BytesIO()
    pl.DataFrame(
        [[record[name] for name in schema] for record in rows], schema=schema, orient="row"
    ).write_parquet(out)
    return out.getvalue()


@dataclass
class Bureau:
    """Imports into a temporary folder."""

    tmp: Path
    profile: Profile
    made: int = 0

    def run(
        self, writer: ExportWriter, file_format: str = "csv", **options: Any
    ) -> tuple[Snapshot, ImportSummary]:
        self.made += 1
        folder = writer.write(self.tmp / f"export-{self.made}", file_format)
        out = self.tmp / f"snapshot-{self.made}"
        given: dict[str, Any] = {"key": KEY, "profile": self.profile, "known_offices": OFFICES} | options
        summary = import_export(folder, out, **given)
        return Snapshot.open(out, key=KEY), summary

    def run_for(self, contributions: list[Row], **parts: Any) -> tuple[Snapshot, ImportSummary]:
        return self.run(ExportWriter(contributions=contributions, **parts))

    def facts(
        self, contributions: list[Row], file_format: str = "csv", **parts: Any
    ) -> dict[str, ClaimValue]:
        """Claims by name of the one person of an export."""
        snapshot, _ = self.run(ExportWriter(contributions=contributions, **parts), file_format)
        return by_name(snapshot.claims(person_no(0)))


def by_name(person: PersonClaims) -> dict[str, ClaimValue]:
    """Claims by name; each value is one that its slot may take."""
    for slot, value in person.claims.items():
        REGISTRY.encode_items([slot], [value])
    return {REGISTRY.claim_at(slot).name: value for slot, value in person.claims.items()}
