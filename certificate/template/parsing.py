"""A template file: TOML with flat keys, checked when it is loaded, named by the digest of its bytes.

fields = [["标题", "Heading", "SOURCE"], ...]
SOURCE = a claim's name | "strips" | "answer POLICY" | "certificate FACT"
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Final

from certificate.display_text import check_display_text
from certificate.numbers import CertificateType
from certificate.policy.language import Employer, Policy, leaves
from certificate.policy.parsing import POLICY_ID
from certificate.slots import REGISTRIES, Claim
from certificate.template.language import CertificateFact, Field, Source, Template
from certificate.toml_file import TomlFile, read_toml
from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = ["MAX_TEMPLATE_SIZE", "parse_template"]

MAX_TEMPLATE_SIZE: Final = 16 * 1024
_SCHEMA: Final = 1
_MAX_FIELDS: Final = 32
_CLAIMS: Final = REGISTRIES[CertificateType.CONTRIBUTION].by_name
_REQUIRED: Final = ("schema", "id", "version", "title_zh", "title_en", "purpose", "legal_basis", "fields")
_OPTIONAL: Final = ("policies", "ask", "retired_since", "retired_basis")


def parse_template(data: bytes, *, policies: Mapping[str, Policy] | None = None) -> Template:
    """Read and check one template file.

    Args:
        policies: those that it may ask, by id; None checks the file by itself.
    Raises:
        FormatError: `template.malformed`, naming the line and what is wrong.
    """
    template = _parse(bytes(data))
    if policies is not None:
        _check_policies(_read(data), template, policies)
    return template


def _read(data: bytes) -> TomlFile:
    return read_toml(data, at_most=MAX_TEMPLATE_SIZE, reason=Reason.TEMPLATE_MALFORMED)


@lru_cache(maxsize=128)  # a bundle is read again and again, and its files are mostly those of last time
def _parse(data: bytes) -> Template:
    file = _read(data)
    file.check_keys(_REQUIRED, _OPTIONAL)
    if file.take("schema", int) != _SCHEMA:
        file.fail("schema", f"schema {_SCHEMA} is known")
    retired = "retired_since" in file.members
    if retired != ("retired_basis" in file.members):
        file.fail("retired_since" if retired else "retired_basis", "a retirement has a day and a legal basis")
    template = Template(
        id=file.matching("id", POLICY_ID, 32),
        version=file.number("version", 1, 10**6),
        digest=sha256(data).digest(),
        title_zh=file.display("title_zh"),
        title_en=file.display("title_en"),
        purpose=file.display("purpose"),
        legal_basis=file.display("legal_basis"),
        policies=_policies(file),
        ask=file.names("ask", 32, _CLAIMS),
        fields=_fields(file),
        retired_since=file.day("retired_since") if retired else None,
        retired_basis=file.display("retired_basis") if retired else None,
        source=data,
    )
    if not template.policies and not template.ask:
        file.fail("id", "a template asks policies, claims or both")
    return template


def _policies(file: TomlFile) -> tuple[str, ...]:
    policies = file.texts("policies", 8)
    for name in policies:
        if len(name) > 32 or re.fullmatch(POLICY_ID, name) is None:
            file.fail("policies", f"no policy can be called {name!r}")
    return policies


def _fields(file: TomlFile) -> tuple[Field, ...]:
    rows = file.take("fields", list)
    if not 1 <= len(rows) <= _MAX_FIELDS:
        file.fail("fields", f"a form has 1 to {_MAX_FIELDS} fields")
    found: list[Field] = []
    for row in rows:
        below = _below(file, row)
        if not isinstance(row, list) or len(row) != 3 or not all(type(part) is str for part in row):
            file.fail("fields", 'a field is ["中文", "English", "source"]', below=below)
        for label in row[:2]:
            try:
                check_display_text(label, max_code_points=64)
            except FormatError as exc:
                file.fail("fields", f"{label!r}: {exc.reason.value}", below=below)
        source, name = _source(file, row[2], below)
        if any((known.source, known.name) == (source, name) for known in found):
            file.fail("fields", f"{row[2]} stands twice", below=below)
        found.append(Field(row[0], row[1], source, name))
    return tuple(found)


def _source(file: TomlFile, text: str, below: int) -> tuple[Source, str]:
    word, _, name = text.partition(" ")
    if text == Source.STRIPS:
        return Source.STRIPS, ""
    if word == Source.ANSWER:
        if name not in file.texts("policies", 8):
            file.fail("fields", f"policy {name!r} is not among those asked", below=below)
        return Source.ANSWER, name
    if word == Source.CERTIFICATE:
        if name not in set(CertificateFact):
            facts = ", ".join(CertificateFact)
            file.fail("fields", f"a certificate has no {name!r}; there are {facts}", below=below)
        return Source.CERTIFICATE, name
    if text not in _CLAIMS:
        file.fail("fields", f"no claim is called {text!r}", below=below)
    return Source.CLAIM, text


def _below(file: TomlFile, row: object) -> int:
    """How many lines below `fields` a row begins, as far as its first text can be found there."""
    if not isinstance(row, list) or not row or type(row[0]) is not str:
        return 0
    lines = file.text.splitlines()[file.line("fields") - 1 :]
    return next((at for at, line in enumerate(lines) if f'"{row[0]}"' in line), 0)


def _check_policies(file: TomlFile, template: Template, policies: Mapping[str, Policy]) -> None:
    """Every policy is published, and nothing in the form waits for a claim that nobody asks."""
    for name in template.policies:
        if name not in policies:
            file.fail("policies", f"no policy {name!r} is published")
    asked = [policies[name] for name in template.policies]
    for one in template.fields:
        if one.source is Source.CLAIM and not _may_show(template, asked, _CLAIMS[one.name]):
            below = _below(file, [one.label_zh])
            file.fail("fields", f"{one.name} is neither asked nor shown by a policy", below=below)


def _may_show(template: Template, asked: list[Policy], claim: Claim) -> bool:
    if claim.name in template.ask or any(claim.name in policy.show for policy in asked):
        return True
    rules = [leaf for policy in asked for leaf in leaves(policy.rule)]
    if claim.name == "employer":
        return any(isinstance(leaf, Employer) for leaf in rules)
    return any(claim.kind in leaf.kinds.kinds for leaf in rules)
