"""What a template says, as values: the policies and claims that are asked, and the fields of the form they fill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from certificate.numbers import CertificateType
from certificate.policy.language import Policy
from certificate.request import PolicyItem, SlotsItem
from certificate.slots import REGISTRIES
from ledger.errors import ConfigError, ConsentError
from ledger.reasons import Reason

__all__ = ["CertificateFact", "Field", "Source", "Template", "template_items"]

_REGISTRY = REGISTRIES[CertificateType.CONTRIBUTION]


class CertificateFact(StrEnum):
    """A visible field of the certificate that a form may show."""

    NUMBER = "number"
    AUTHORITY = "authority"
    OFFICE = "office"
    REGION = "region"
    CUT_OFF = "cut_off"
    ISSUED = "issued"
    EXPIRES = "expires"


class Source(StrEnum):
    """Where a field's value comes from; `Field.name` says which one."""

    CLAIM = "claim"
    STRIPS = "strips"  # every month-by-month strip that is shown
    ANSWER = "answer"  # of a policy
    CERTIFICATE = "certificate"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form: its words, and what fills it."""

    label_zh: str
    label_en: str
    source: Source
    name: str

    def label(self, language: str) -> str:
        return self.label_zh if language == "zh" else self.label_en


@dataclass(frozen=True, slots=True)
class Template:
    """One template file, read and checked.

    Attributes:
        digest: SHA-256 of the file.
        policies: ids of the policies it asks; the bundle says which text each has.
        ask: names of the claims it asks besides, as they are.
        retired_since: the day from which nobody is asked for it; `retired_basis` is the law that says so.
        source: the file itself.
    """

    id: str
    version: int
    digest: bytes
    title_zh: str
    title_en: str
    purpose: str
    legal_basis: str
    policies: tuple[str, ...]
    ask: tuple[str, ...]
    fields: tuple[Field, ...]
    retired_since: date | None = None
    retired_basis: str | None = None
    source: bytes = field(default=b"", repr=False, compare=False)

    def title(self, language: str) -> str:
        return self.title_zh if language == "zh" else self.title_en

    @property
    def slots(self) -> tuple[int, ...]:
        """The slots of `ask`, ascending."""
        return tuple(sorted(map(_REGISTRY.slot_of, self.ask)))

    def is_retired(self, today: date) -> bool:
        return self.retired_since is not None and self.retired_since <= today

    def retirement(self) -> ConsentError:
        """What is answered instead of asking for it: since when, and by which law."""
        detail = f"{self.id}: no longer required since {self.retired_since}, {self.retired_basis}"
        return ConsentError(Reason.TEMPLATE_RETIRED, detail, hint="nothing has to be shown or asked for this")


def template_items(template: Template, policies: Mapping[str, Policy]) -> tuple[PolicyItem | SlotsItem, ...]:
    """What a request asks for `template`: an item a policy, and one for its claims.

    Raises:
        ConfigError: `policy.unknown`.
    """
    items: list[PolicyItem | SlotsItem] = []
    for name in template.policies:
        if name not in policies:
            raise ConfigError(
                Reason.POLICY_UNKNOWN, f"{name}, of template {template.id}", hint="publish the policy first"
            )
        items.append(PolicyItem(name, policies[name].digest))
    if template.ask:
        items.append(SlotsItem(CertificateType.CONTRIBUTION, template.slots))
    return tuple(items)
