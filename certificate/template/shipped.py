"""The templates shipped as examples in `catalogue/`: one for most shipped policies, three that ask claims."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from certificate.template.language import Template
from certificate.template.parsing import parse_template

__all__ = ["shipped_template_files", "shipped_templates"]


@cache
def shipped_template_files() -> Mapping[str, bytes]:
    """File name to bytes."""
    folder = files("certificate.template") / "catalogue"
    found = {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.name.endswith(".toml")}
    return MappingProxyType(found)


@cache
def shipped_templates() -> Mapping[str, Template]:
    """Template id to template."""
    templates = map(parse_template, shipped_template_files().values())
    return MappingProxyType({one.id: one for one in sorted(templates, key=lambda one: one.id)})
