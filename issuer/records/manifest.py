"""The manifest of an export, `manifest.toml` or `.json`, and the check that its files are the ones it names."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal

from issuer.profile import Profile
from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = [
    "SCHEMA_VERSION",
    "TABLES",
    "Encoding",
    "ExportFile",
    "Manifest",
    "TableName",
    "check_file",
    "load_manifest",
]

SCHEMA_VERSION: Final = 1
TableName = Literal["contribution", "person", "employer"]
Encoding = Literal["utf-8", "gb18030"]
TABLES: Final[tuple[TableName, ...]] = ("contribution", "person", "employer")

_MAX_BYTES: Final = 256 * 1024
_CHUNK: Final = 4 * 2**20
_BOM: Final = b"\xef\xbb\xbf"
_KEYS: Final = {"schema_version", "profile", "agency", "cut_off", "produced_at", "test", "settled", "files"}


@dataclass(frozen=True, slots=True)
class ExportFile:
    """One table as the manifest describes it. `encoding` is that of a CSV file: utf-8 unless the manifest says so."""

    name: str
    rows: int
    sha256: str
    encoding: Encoding = "utf-8"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an export says about itself. `settled` maps local kind codes to YYYYMM (or YYYY00)."""

    profile: str
    agency: str
    cut_off: int
    produced_at: datetime
    test: bool
    settled: Mapping[str, int]
    files: Mapping[TableName, ExportFile]


def load_manifest(folder: Path, profile: Profile, known_offices: frozenset[str]) -> Manifest:
    """Read the manifest of `folder` and hold it against the profile and the directory's offices.

    Raises:
        FormatError: `records.manifest`; `records.unmapped_code` for a settled month of an unmapped kind.
    """
    manifest = _parse(_read(folder))
    if manifest.profile != profile.name:
        raise _wrong(f"made for another profile than {profile.name}", hint="name the profile of this bureau")
    if manifest.test != profile.test:
        raise _wrong(
            "test differs from the profile", hint="synthetic and real records never meet in one home"
        )
    if manifest.agency not in known_offices:
        raise _wrong("agency is no known office", hint="add the office to the directory first")
    for code, month in manifest.settled.items():
        if code not in profile.kinds:
            detail = f"manifest: settled, kind code {code!r} is not in the profile"
            raise FormatError(
                Reason.RECORDS_UNMAPPED_CODE, detail, hint="add the code to [kinds] of the profile"
            )
        if month % 100 == 0 and not profile.kinds[code].yearly:
            raise _wrong(f"settled month of kind code {code} is a year, but the kind is paid by the month")
        if month > manifest.cut_off:
            raise _wrong(f"settled month of kind code {code} lies after the cut-off")
    return manifest


def check_file(folder: Path, file: ExportFile) -> Path:
    """Check that a table is there, unchanged, and (CSV) plain text with LF; returns its path.

    Raises:
        FormatError: `records.manifest` (missing, another digest), `records.schema` (byte-order mark, CR, NUL).
    """
    path = folder / file.name
    is_csv = path.suffix == ".csv"
    digest = sha256()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                if is_csv:
                    _check_plain(chunk, file.name, at_start=stream.tell() == len(chunk))
                digest.update(chunk)
    except OSError as exc:
        raise _wrong(f"file {file.name} cannot be read") from exc
    if digest.hexdigest() != file.sha256:
        raise _wrong(f"file {file.name} has another SHA-256", hint="export again, or fetch the file again")
    return path


def _check_plain(chunk: bytes, name: str, *, at_start: bool) -> None:
    # Spreadsheets add these when they save a table again; a lone CR would also break rows in two.
    if at_start and chunk.startswith(_BOM):
        found = "a byte-order mark"
    elif b"\r" in chunk:
        found = "a carriage return"
    elif b"\0" in chunk:
        found = "a NUL byte"
    else:
        return
    hint = "export without byte-order mark, lines ending in LF"
    raise FormatError(Reason.RECORDS_SCHEMA, f"{name} has {found}", hint=hint)


def _read(folder: Path) -> dict[str, Any]:
    for name in ("manifest.toml", "manifest.json"):
        path = folder / name
        if not path.exists():
            continue
        try:
            data = path.read_bytes()
            if len(data) > _MAX_BYTES:
                raise _wrong(f"{len(data)} bytes, at most {_MAX_BYTES}")
            text = data.decode("utf-8")
            raw = (
                tomllib.loads(text)
                if name.endswith(".toml")
                else json.loads(text, object_pairs_hook=_distinct)
            )
        except (OSError, ValueError, RecursionError) as exc:
            raise _wrong(f"{name} cannot be read as what it is named") from exc
        if not isinstance(raw, dict):
            raise _wrong("not a table")
        return raw
    raise _wrong("manifest.toml is missing", hint="name the folder that holds the export's manifest")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("duplicate key")
    return dict(pairs)


def _parse(raw: dict[str, Any]) -> Manifest:
    if raw.keys() != _KEYS:
        raise _wrong(f"missing or unknown settings: {', '.join(sorted(_KEYS ^ raw.keys()))}")
    if raw["schema_version"] != SCHEMA_VERSION or type(raw["schema_version"]) is not int:
        raise _wrong("unknown schema_version", hint="update the program, or export in schema version 1")
    if type(raw["test"]) is not bool:
        raise _wrong("test is true or false")
    files = _table(raw, "files")
    if files.keys() != set(TABLES):
        raise _wrong(f"files are {', '.join(TABLES)}")
    return Manifest(
        profile=_text(raw["profile"], r"[a-z0-9-]{1,40}", "profile"),
        agency=_text(raw["agency"], r"[0-9A-Za-z]{1,16}", "agency"),
        cut_off=_month(raw["cut_off"], "cut_off", yearly=False),
        produced_at=_time(raw["produced_at"]),
        test=raw["test"],
        settled={
            code: _month(month, "settled", yearly=True) for code, month in _table(raw, "settled").items()
        },
        files={table: _file(files[table], table) for table in TABLES},
    )


def _file(raw: object, table: str) -> ExportFile:
    if not isinstance(raw, dict) or raw.keys() - {"encoding"} != {"name", "rows", "sha256"}:
        raise _wrong(f"files.{table} has name, rows and sha256, and encoding if need be")
    if type(raw["rows"]) is not int or not 0 <= raw["rows"] < 2**32 - 1:
        raise _wrong(f"files.{table}.rows is a number of rows below 2^32")
    # A plain name: the manifest must not reach outside of its folder.
    name = _text(raw["name"], r"[0-9A-Za-z_][0-9A-Za-z_.-]{0,80}\.(csv|parquet)", f"files.{table}.name")
    if "encoding" in raw and not name.endswith(".csv"):
        raise _wrong(f"files.{table}: only CSV has an encoding")
    return ExportFile(
        name=name,
        rows=raw["rows"],
        sha256=_text(raw["sha256"], r"[0-9a-f]{64}", f"files.{table}.sha256"),
        encoding=_encoding(raw.get("encoding", "utf-8"), table),
    )


def _encoding(value: object, table: str) -> Encoding:
    if value == "utf-8":
        return "utf-8"
    if value == "gb18030":
        return "gb18030"
    raise _wrong(f"files.{table}.encoding is utf-8 or gb18030")


def _table(raw: dict[str, Any], key: str) -> dict[str, Any]:
    table = raw[key]
    if not isinstance(table, dict):
        raise _wrong(f"{key} is a table")
    return table


def _text(value: object, pattern: str, key: str) -> str:
    if not isinstance(value, str) or re.fullmatch(pattern, value, re.ASCII) is None:
        raise _wrong(f"{key} has not the form {pattern}")
    return value


def _month(value: object, key: str, *, yearly: bool) -> int:
    if (
        type(value) is not int
        or not 195000 <= value <= 219912
        or not (0 if yearly else 1) <= value % 100 <= 12
    ):
        raise _wrong(f"{key} is a month YYYYMM")
    return value


def _time(value: object) -> datetime:
    try:
        # TOML has times of its own; the text form is the one both spellings of the manifest share.
        time = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as exc:
        raise _wrong("produced_at is a time in UTC such as 2026-11-01T02:00:00Z") from exc
    if time.utcoffset() != timedelta(0):
        raise _wrong("produced_at is a time in UTC such as 2026-11-01T02:00:00Z")
    return time


def _wrong(detail: str, *, hint: str = "correct the manifest or export again") -> FormatError:
    return FormatError(Reason.RECORDS_MANIFEST, f"manifest: {detail}", hint=hint)
