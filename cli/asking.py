"""What an organisation asks: the options that describe a request, and the request they describe."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeVar

import click

from certificate.numbers import CertificateType
from certificate.policy.asking import day_of_question
from certificate.policy.language import Policy
from certificate.request import DEFAULT_PURPOSE, PolicyItem, RequestBody, SlotsItem
from certificate.slots import REGISTRIES
from certificate.template.language import Template, template_items
from certificate.template.retirement import retired_template
from cli.claims import slots_named
from cli.common import utc_now
from ledger.errors import ConfigError
from ledger.reasons import Reason

__all__ = ["Askable", "asking_options", "known_template", "pattern_of"]

_REGISTRY = REGISTRIES[CertificateType.CONTRIBUTION]
_F = TypeVar("_F", bound=Callable[..., Any])
_LEGAL_BASIS: Final = "个人信息保护法第十三条第一款第一项(本人同意)"
_MAX_BASIS: Final = 256  # as a request takes it
_ASKING = (
    click.option("--policy", "policies", multiple=True, help="Ask a published policy by its id; repeatable."),
    click.option("--ask", multiple=True, help="Ask claims by name; repeatable."),
    click.option("--purpose", help=f"Default: the template's, or {DEFAULT_PURPOSE}."),
    click.option("--legal-basis", help=f"Default: what the template or policy names, or {_LEGAL_BASIS}."),
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


@dataclass(frozen=True, slots=True)
class Askable:
    """What a trust bundle or home knows that may be asked, by id."""

    policies: Mapping[str, Policy]
    templates: Mapping[str, Template]


def asking_options(*, template: str = "months.24") -> Callable[[_F], _F]:
    """What is asked, what for and until when: the options that `pattern_of` reads. `template` is the default one."""

    def default_to(ctx: click.Context, _: click.Parameter, named: tuple[str, ...]) -> tuple[str, ...]:
        # click reads the options that were given before those that were not.
        return named or (() if ctx.params.get("policies") or ctx.params.get("ask") else (template,))

    choice = click.option(
        "--template",
        "templates",
        multiple=True,
        callback=default_to,
        help=f"Ask what a published template asks; repeatable. Default: {template}, unless --policy or --ask is there.",
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
    askable: Askable,
    holds: tuple[tuple[int, int], ...] = (),
) -> RequestBody:
    """The request that the options of `asking_options` describe: an item per policy and per template's claims.

    Args:
        holds: (log, size) of what the asker's bundle holds of each log.
    Raises:
        ConsentError: `template.retired`: nobody is asked for that any more.
        FormatError: `schema.field_unknown`.
        ConfigError: `template.unknown`, `policy.unknown`, `cli.usage` (a policy that no printed counter request may
            ask; templates of several purposes without --purpose).
    """
    now = int(utc_now().timestamp())
    templates = [known_template(name, askable.templates) for name in asking["templates"]]
    policies = [_policy(name, askable.policies) for name in asking["policies"]]
    items: list[PolicyItem | SlotsItem] = [
        item for template in templates for item in template_items(template, askable.policies)
    ]
    items += [PolicyItem(policy.id, policy.digest) for policy in policies]
    if asking["ask"]:
        items.append(SlotsItem(CertificateType.CONTRIBUTION, tuple(slots_named(asking["ask"], _REGISTRY))))
    asked = [askable.policies[item.policy] for item in items if isinstance(item, PolicyItem)]
    _check(asked, templates, items, askable, desk=desk, today=day_of_question(now))
    return RequestBody(
        org=org,
        nonce=nonce,
        desk=desk,
        items=tuple(dict.fromkeys(items)),
        purpose=asking["purpose"] or _purpose(templates),
        legal_basis=asking["legal_basis"] or _legal_basis([*templates, *policies]),
        method=asking["method"],
        retention=min([asking["retention"], *(policy.retention for policy in asked)]),
        expires=now + 3600 * asking["hours"],
        holds=holds,
    )


def known_template(name: str, templates: Mapping[str, Template]) -> Template:
    """The template called `name`. Raises ConfigError `template.unknown`, naming the known ones."""
    if name not in templates:
        known = ", ".join(templates) or "none here"
        raise ConfigError(
            Reason.TEMPLATE_UNKNOWN, f"templates: {known}", hint="choose one of the published ones"
        )
    return templates[name]


def _policy(name: str, policies: Mapping[str, Policy]) -> Policy:
    if name not in policies:
        known = ", ".join(policies) or "none here"
        raise ConfigError(
            Reason.POLICY_UNKNOWN, f"policies: {known}", hint="choose one of the published ones"
        )
    return policies[name]


def _check(
    asked: Iterable[Policy],
    templates: Iterable[Template],
    items: Iterable[PolicyItem | SlotsItem],
    askable: Askable,
    *,
    desk: str | None,
    today: date,
) -> None:
    by_item = (retired_template(item, askable.templates, today=today) for item in items)
    for template in (*(one for one in templates if one.is_retired(today)), *filter(None, by_item)):
        raise template.retirement()
    for policy in asked:
        if desk is not None and not policy.at_counter:
            raise ConfigError(Reason.CLI_USAGE, f"{policy.id} may not be asked by a printed request")


def _purpose(templates: Iterable[Template]) -> str:
    purposes = list(dict.fromkeys(template.purpose for template in templates))
    if len(purposes) > 1:
        hint = "name the one purpose of this request with --purpose"
        raise ConfigError(Reason.CLI_USAGE, f"templates for {len(purposes)} purposes", hint=hint)
    return purposes[0] if purposes else DEFAULT_PURPOSE


def _legal_basis(asked: Iterable[Template | Policy]) -> str:
    """The laws by which it is asked, as many as a request has room for."""
    laws = list(dict.fromkeys(one.legal_basis for one in asked))
    while len(joined := "；".join(laws)) > _MAX_BASIS:
        laws.pop()
    return joined or _LEGAL_BASIS
