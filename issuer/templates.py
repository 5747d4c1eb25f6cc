"""The templates that this bureau publishes: a file each in the home's `templates/`, all of them in every bundle.

A home that has no such folder, being older than templates, publishes the shipped ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import tomlkit

from certificate.template.language import Template
from certificate.template.parsing import parse_template
from certificate.template.shipped import shipped_template_files
from issuer.home import Home
from issuer.policies import load_policies
from ledger.errors import ConfigError, FormatError
from ledger.reasons import Reason
from verifier.trust import template_file_name

__all__ = ["add_template", "load_templates", "retire_template", "template_files", "write_shipped_templates"]


def write_shipped_templates(folder: Path) -> None:
    """Put the shipped examples into a new home's folder."""
    for name, content in shipped_template_files().items():
        (folder / name).write_bytes(content)


def load_templates(home: Home) -> Mapping[str, Template]:
    """Template id to template. Raises FormatError `template.malformed`, naming the file."""
    return {template.id: template for template in _read(home)}


def template_files(home: Home) -> dict[str, bytes]:
    """The files as a trust bundle names them. Raises as `load_templates`."""
    return {template_file_name(template.id): template.source for template in _read(home)}


def add_template(home: Home, content: bytes) -> Template:
    """Take a template into the home, in place of an older version of it; it goes out with the next bundle.

    Raises:
        FormatError: `template.malformed`; it may ask published policies only.
        ConfigError: `cli.exists`: another text with this id and version, or a newer one, is published already.
    """
    template = parse_template(content, policies=load_policies(home))
    known = load_templates(home).get(template.id)
    if known is not None and known.digest != template.digest and known.version >= template.version:
        hint = "give the changed template a higher version"
        raise ConfigError(Reason.CLI_EXISTS, f"{template.id} version {known.version}", hint=hint)
    folder = home.path / "templates"
    if not folder.exists():
        folder.mkdir()
        write_shipped_templates(folder)
    staging = folder / f".{template.id}.new"
    staging.write_bytes(content)
    staging.replace(folder / f"{template.id}.toml")
    return template


def retire_template(home: Home, name: str, *, since: date, legal_basis: str) -> Template:
    """Publish the next version of a template, which says from when on nobody is asked for it, and by which law.

    Raises:
        ConfigError: `template.unknown`. FormatError: `template.malformed` (a legal basis that cannot be shown).
    """
    known = load_templates(home).get(name)
    if known is None:
        raise ConfigError(Reason.TEMPLATE_UNKNOWN, name, hint="tally template list shows what is published")
    document = tomlkit.parse(known.source.decode("utf-8"))
    document["version"] = known.version + 1
    document["retired_since"] = since
    document["retired_basis"] = legal_basis
    return add_template(home, tomlkit.dumps(document).encode())


def _read(home: Home) -> list[Template]:
    folder = home.path / "templates"
    if folder.exists():
        files = {path.name: path.read_bytes() for path in folder.glob("*.toml")}
    else:
        files = dict(shipped_template_files())
    return [_parsed(name, files[name]) for name in sorted(files)]


def _parsed(name: str, content: bytes) -> Template:
    try:
        return parse_template(content)
    except FormatError as exc:
        raise FormatError(exc.reason, f"{name}, {exc.detail}", hint=exc.hint) from exc
