"""A policy file: TOML with flat keys, the rule as text. Checked when it is loaded, named by the digest of its bytes."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256
from typing import Final

from certificate.numbers import CertificateType
from certificate.policy.grammar import parse_rule
from certificate.policy.language import Policy
from certificate.slots import REGISTRIES
from certificate.toml_file import TomlFile, read_toml
from ledger.reasons import Reason

__all__ = ["MAX_POLICY_SIZE", "POLICY_ID", "SCHEMA", "parse_policy"]

MAX_POLICY_SIZE: Final = 16 * 1024
SCHEMA: Final = 1
POLICY_ID: Final = r"[a-z0-9]+(\.[a-z0-9]+)*"
_CLAIMS: Final = REGISTRIES[CertificateType.CONTRIBUTION].by_name
_REQUIRED: Final = (
    "schema", "id", "version", "title_zh", "title_en", "purpose", "legal_basis", "valid_from", "valid_to", "records",
    "rule",
)  # fmt: skip
_OPTIONAL: Final = ("regions", "max_age", "show", "retention_days", "at_counter")
_RECORDS: Final = {"this authority": True, "anywhere": False}


def parse_policy(data: bytes) -> Policy:
    """Read and check one policy file.

    Raises:
        FormatError: `policy.malformed`, naming the line and what is wrong.
    """
    return _parse(bytes(data))


@lru_cache(maxsize=128)  # a bundle is read again and again, and its files are mostly those of last time
def _parse(data: bytes) -> Policy:
    file = read_toml(data, at_most=MAX_POLICY_SIZE, reason=Reason.POLICY_MALFORMED)
    file.check_keys(_REQUIRED, _OPTIONAL)
    if file.take("schema", int) != SCHEMA:
        file.fail("schema", f"schema {SCHEMA} is known")
    valid_from, valid_to = file.day("valid_from"), file.day("valid_to")
    if valid_to < valid_from:
        file.fail("valid_to", "ends before it begins")
    return Policy(
        id=file.matching("id", POLICY_ID, 32),
        version=file.number("version", 1, 10**6),
        digest=sha256(data).digest(),
        title_zh=file.display("title_zh"),
        title_en=file.display("title_en"),
        purpose=file.display("purpose"),
        legal_basis=file.display("legal_basis"),
        valid_from=valid_from,
        valid_to=valid_to,
        here=_records(file),
        rule=parse_rule(file.take("rule", str), line=_rule_line(file)),
        regions=_regions(file),
        max_age=file.number("max_age", 0, 600, default=2),
        show=file.names("show", 16, _CLAIMS),
        retention=file.number("retention_days", 0, 36500, default=30),
        at_counter=file.take("at_counter", bool, default=True),
        source=data,
    )


def _records(file: TomlFile) -> bool:
    value = file.take("records", str)
    if value not in _RECORDS:
        file.fail("records", f"records is one of {', '.join(map(repr, _RECORDS))}")
    return _RECORDS[value]


def _regions(file: TomlFile) -> tuple[str, ...]:
    regions = file.texts("regions", 64)
    if not all(re.fullmatch(r"[0-9]{1,6}", region) for region in regions):
        file.fail("regions", "a region is a prefix of a code of six digits")
    return regions


def _rule_line(file: TomlFile) -> int:
    """TOML drops a line break that follows the opening quotes."""
    opened = re.search(r'(?m)^[ \t]*rule[ \t]*=[ \t]*(?:"""|\'\'\')\r?\n', file.text)
    return file.line("rule") + (opened is not None)
