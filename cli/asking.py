"""What an organisation asks: the options that describe a request, and the request they describe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from certificate.numbers import CertificateType
from certificate.policy.language import Policy
from certificate.request import DEFAULT_PURPOSE, PolicyItem, RequestBody, SlotsItem
from certificate.slots import REGISTRIES
from cli.claims import slots_named
from cli.common import utc_now
from ledger.errors import ConfigError
from ledger.reasons import Reason

__all__ = ["QUESTIONS", "asking_options", "pattern_of"]

_REGISTRY = REGISTRIES[CertificateType.CONTRIBUTION]
_PENSION = ("settled.pension.emp", "strip.pension.emp.-0", "strip.pension.emp.-1", "strip.pension.emp.-2")
_MEDICAL = ("settled.medical.emp", "strip.medical.emp.-0", "strip.medical.emp.-1", "strip.medical.emp.-2")
# Which claims answer a common question, for whoever wants to see them; a policy asks the question itself.
QUESTIONS = {
    "months.24": _PENSION,
    "months.24.medical": _MEDICAL,
    "identity.24": ("name", "id_tail", *_PENSION),
}


_F = TypeVar("_F", bound=Callable[..., Any])
_LEGAL_BASIS = "个人信息保护法第十三条第一款第一项(本人同意)"
_ASKING = (
    click.option(
        "--policy", "policies", multiple=True, help="Ask a published policy by its id instead; repeatable."
    ),
    click.option("--ask", multiple=True, help="Claims to ask instead of a template, by name; repeatable."),
    click.option("--purpose", default=DEFAULT_PURPOSE, show_default=True),
    click.option("--legal-basis", default=_LEGAL_BASIS, show_default=True),
    click.option("--method", default="当场核验，只留核验结果", show_default=True),
    click.option("--retention", type=click.IntRange(0, 36500), default=30, show_default=True, help="Days."),
    click.option(
        "--hours",
        type=click.IntRange(1, 24 * 366),
        default=24,
        show_default=True,
        help="Until when to answer.",
    ),
)


def asking_options(*, template: str = "months.24") -> Callable[[_F], _F]:
    """What is asked, what for and until when: the options that `pattern_of` reads. `template` is the default one."""
    choice = click.option(
        "--template", type=click.Choice(sorted(QUESTIONS)), default=template, show_default=True
    )

    def decorate(function: _F) -> _F:
        for option in reversed((choice, *_ASKING)):
            function = option(function)
        return function

    return decorate


def pattern_of(
    asking: Mapping[str, Any],
    *,
    org: int,
    nonce: bytes | None,
    desk: str | None,
    policies: Mapping[str, Policy] | None = None,
    holds: tuple[tuple[int, int], ...] = (),
) -> RequestBody:
    """The request that the options of `asking_options` describe.

    Args:
        policies: those that may be asked, by id.
        holds: (log, size) of what the asker's bundle holds of each log.
    Raises:
        FormatError: `schema.field_unknown`.
        ConfigError: `policy.unknown`, `cli.usage` (a policy that no printed counter request may ask).
    """
    asked = [_policy(name, policies or {}, desk) for name in asking["policies"]]
    items: list[SlotsItem | PolicyItem] = [PolicyItem(policy.id, policy.digest) for policy in asked]
    if asking["ask"] or not asked:
        slots = tuple(slots_named(asking["ask"] or QUESTIONS[asking["template"]], _REGISTRY))
        items.append(SlotsItem(CertificateType.CONTRIBUTION, slots))
    basis = asking["legal_basis"]
    return RequestBody(
        org=org,
        nonce=nonce,
        desk=desk,
        items=tuple(items),
        purpose=asking["purpose"],
        legal_basis=asked[0].legal_basis if asked and basis == _LEGAL_BASIS else basis,
        method=asking["method"],
        retention=min([asking["retention"], *(policy.retention for policy in asked)]),
        expires=int(utc_now().timestamp()) + 3600 * asking["hours"],
        holds=holds,
    )


def _policy(name: str, policies: Mapping[str, Policy], desk: str | None) -> Policy:
    policy = policies.get(name)
    if policy is None:
        known = ", ".join(policies) or "none here"
        raise ConfigError(
            Reason.POLICY_UNKNOWN, f"policies: {known}", hint="choose one of the published ones"
        )
    if desk is not None and not policy.at_counter:
        raise ConfigError(Reason.CLI_USAGE, f"{name} may not be asked by a printed request")
    return policy
