"""The policies of DOMAIN section 6, shipped as examples in `catalogue/`: real laws by name, invented texts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from certificate.policy.language import Policy
from certificate.policy.parsing import parse_policy

__all__ = ["shipped_files", "shipped_policies"]


def shipped_files() -> dict[str, bytes]:
    """File name to bytes."""
    folder = files("certificate.policy") / "catalogue"
    return {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.name.endswith(".toml")}


@cache
def shipped_policies() -> Mapping[str, Policy]:
    """Policy id to policy."""
    policies = map(parse_policy, shipped_files().values())
    return MappingProxyType({policy.id: policy for policy in sorted(policies, key=lambda policy: policy.id)})
