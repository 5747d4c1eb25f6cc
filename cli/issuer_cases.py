"""`tally issuer revoke|suspend|resume|approve|cases|operator`: what becomes of certificates, by two people."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from certificate.numbers import Environment
from cli.common import emit, json_option, read_input, read_passphrase, utc_now
from cli.home import home_options, open_home, opened_ledger
from issuer.home import Home
from ledger.errors import ConfigError
from ledger.reasons import Reason

__all__ = [
    "approve",
    "cases",
    "operator",
    "operator_options",
    "operator_passphrase",
    "resume",
    "revoke",
    "suspend",
]

_MAX_LIST = 2**28
_F = TypeVar("_F", bound=Callable[..., Any])


def operator_options(function: _F) -> _F:
    """`--operator` and the passphrase of that operator's key."""
    function = click.option(
        "--operator", "operator_", required=True, help="Who does it; stands in the operator log."
    )(function)
    return click.option(
        "--operator-passphrase-fd",
        "operator_fd",
        type=int,
        default=None,
        help="Read the operator's own passphrase from this file descriptor.",
    )(function)


def operator_passphrase(home: Home, descriptor: int | None) -> bytes:
    """The passphrase of an operator's key: given, or the home's own in a test home, else asked for."""
    if descriptor is None and home.settings.environment is Environment.TEST:
        return home.passphrase()
    return read_passphrase(descriptor)


def _case_options(function: _F) -> _F:
    for option in (
        click.argument("number", metavar="NO", required=False),
        click.option("--list", "list_name", help="Instead of NO: a file of one number a line; - for stdin."),
        click.option("--reason", required=True, help="Why; the citizen and the supervisor read it."),
        operator_options,
        home_options,
        json_option,
    ):
        function = option(function)
    return function


@click.command()
@_case_options
def revoke(**options: Any) -> None:
    """Open a case: certificates that are wrong, and count no more. For good: nothing leads back from it.

    Example: tally issuer revoke --list wrong.txt --reason "merged with another person" --operator first --home home
    """
    _open("REVOKE", **options)


@click.command()
@click.option("--citizen-call", is_flag=True, help="The citizen asks for it: needs no second operator.")
@_case_options
def suspend(**options: Any) -> None:
    """Open a case: a certificate that does not count until it is resumed.

    Example: tally issuer suspend ABCDEFGH --reason "phone lost" --citizen-call --operator first --home home
    """
    _open("SUSPEND", **options)


@click.command()
@_case_options
def resume(**options: Any) -> None:
    """Open a case: a suspended certificate counts again.

    Example: tally issuer resume ABCDEFGH --reason "phone found" --operator first --home home
    """
    _open("RESUME", **options)


@click.command()
@click.argument("case", type=click.IntRange(1))
@operator_options
@home_options
@json_option
def approve(
    case: int,
    operator_: str,
    operator_fd: int | None,
    home_path: Path,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Approve a case that another operator opened: it is executed, logged, and a new trust bundle is cut.

    Example: tally issuer approve 1 --operator second --home home
    """
    from issuer.casework.cases import approve_case

    home = open_home(home_path, passphrase_fd)
    passphrase = operator_passphrase(home, operator_fd)
    with opened_ledger(home) as ledger:
        done = approve_case(home, ledger, case, operator=operator_, passphrase=passphrase, now=_now())
    result = {
        "case": done.id,
        "action": done.action.name.lower(),
        "certificates": done.count,
        "changed": done.changed,
    }
    emit(result, f"case {done.id}: {done.changed:,} of {done.count:,} certificates changed", as_json=as_json)


@click.command()
@click.option("--open", "open_only", is_flag=True, help="Only those that wait for approval.")
@home_options
@json_option
def cases(open_only: bool, home_path: Path, passphrase_fd: int | None, as_json: bool) -> None:
    """List the cases: what was asked for, by whom, and who approved it.

    Example: tally issuer cases --open --home home
    """
    from issuer.service import opened_register

    with opened_register(open_home(home_path, passphrase_fd)) as register:
        found = [case for case in register.cases() if not open_only or case.executed_at is None]
    listed = [
        {
            "case": case.id,
            "action": case.action.name.lower(),
            "certificates": case.count,
            "changed": case.changed,
            "reason": case.reason,
            "citizen_call": case.citizen_call,
            "opened_by": case.opened_by,
            "opened_at": case.opened_at,
            "approved_by": case.approved_by,
            "executed_at": case.executed_at,
        }
        for case in found
    ]
    text = "\n".join(
        f"case {row['case']}  {row['action']}  {row['certificates']:,} certificates  opened by {row['opened_by']}  "
        f"{_standing(row)}  {row['reason']}"
        for row in listed
    )
    emit({"cases": listed}, text or "no cases", as_json=as_json)


def _standing(row: dict[str, Any]) -> str:
    if row["executed_at"] is None:
        return "waits for approval"
    return "at the citizen's call" if row["approved_by"] is None else f"approved by {row['approved_by']}"


def _open(
    action: str,
    *,
    number: str | None,
    list_name: str | None,
    reason: str,
    operator_: str,
    operator_fd: int | None,
    home_path: Path,
    passphrase_fd: int | None,
    as_json: bool,
    citizen_call: bool = False,
) -> None:
    from issuer.casework.cases import open_case
    from issuer.casework.statement import Action

    if (number is None) is (list_name is None):
        raise click.UsageError("name NO, or a file of numbers with --list")
    numbers = [number] if number is not None else _read_list(str(list_name))
    home = open_home(home_path, passphrase_fd)
    passphrase = operator_passphrase(home, operator_fd)
    with opened_ledger(home) as ledger:
        case = open_case(
            home,
            ledger,
            Action[action],
            numbers,
            reason=reason,
            operator=operator_,
            passphrase=passphrase,
            now=_now(),
            citizen_call=citizen_call,
        )
    done = case.executed_at is not None
    waits = "executed" if done else f"waits for: tally issuer approve {case.id} --operator O"
    result = {"case": case.id, "certificates": case.count, "executed": done}
    emit(result, f"case {case.id}: {case.count:,} certificates, {waits}", as_json=as_json)


def _read_list(name: str) -> list[str]:
    try:
        return read_input(name, at_most=_MAX_LIST).decode("ascii").split()
    except UnicodeDecodeError as exc:
        raise ConfigError(Reason.CLI_BATCH_INVALID, "one certificate number a line") from exc


@click.group()
def operator() -> None:
    """Who may open and approve cases; each has a key under a passphrase of their own.

    Example: tally issuer operator list --home home
    """


@operator.command("add")
@click.argument("name")
@click.option(
    "--operator-passphrase-fd", "operator_fd", type=int, default=None, help="The new operator's passphrase."
)
@home_options
@json_option
def add(
    name: str, operator_fd: int | None, home_path: Path, passphrase_fd: int | None, as_json: bool
) -> None:
    """Make an operator's key. The operator types the passphrase, and nobody else knows it.

    Example: tally issuer operator add third --home home
    """
    from issuer.casework.operators import add_operator

    home = open_home(home_path, passphrase_fd)
    home.signer("status")  # whoever adds operators must be able to open the home's own keys
    made = add_operator(
        home, name, passphrase=operator_passphrase(home, operator_fd), random=os.urandom, now=_now()
    )
    emit({"operator": name, "public_key": made.public_key.hex()}, f"operator {name} may act", as_json=as_json)


@operator.command("list")
@home_options
@json_option
def list_(home_path: Path, passphrase_fd: int | None, as_json: bool) -> None:
    """List the operators.

    Example: tally issuer operator list --home home
    """
    from issuer.service import opened_register

    with opened_register(open_home(home_path, passphrase_fd)) as register:
        found = register.operators()
    listed = [
        {
            "operator": one.name,
            "public_key": one.public_key.hex(),
            "added_at": one.added_at,
            "ended_at": one.ended_at,
        }
        for one in found
    ]
    text = "\n".join(f"{one.name}  {'may act' if one.ended_at is None else 'ended'}" for one in found)
    emit({"operators": listed}, text or "no operators", as_json=as_json)


@operator.command("end")
@click.argument("name")
@home_options
@json_option
def end(name: str, home_path: Path, passphrase_fd: int | None, as_json: bool) -> None:
    """An operator may act no longer. What was approved stays.

    Example: tally issuer operator end third --home home
    """
    from issuer.service import opened_register

    with opened_register(open_home(home_path, passphrase_fd)) as register:
        if not register.end_operator(name, now=_now()):
            raise ConfigError(Reason.CLI_NOT_FOUND, "no such operator, or ended before")
    emit({"operator": name}, f"operator {name} may act no longer", as_json=as_json)


def _now() -> int:
    return int(utc_now().timestamp())
