"""`tally issuer key`: a new key, an orderly end, the end of a stolen one. One person proposes, another approves."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click

from cli.common import emit, json_option, say, utc_now
from cli.home import home_options, open_home, opened_ledger
from cli.issuer_cases import operator_options, operator_passphrase
from issuer.home import Home
from issuer.office_key import keys_of_office
from issuer.offices.cases import Action, KeyCases, approve_key_case, open_key_case
from issuer.offices.events import office_of_code
from issuer.offices.kept import KeyEvents
from issuer.offices.keys import Voiding
from issuer.publish import load_directory

__all__ = ["key", "say_if_waiting"]


@click.group()
def key() -> None:
    """Keys of offices: rotate, retire, void. Each opens a case that another operator approves.

    Example: tally issuer key list 99010000 --home home
    """


def _case_options(function: click.decorators.FC) -> click.decorators.FC:
    function = operator_options(function)
    return click.option("--reason", required=True, help="Why; for whoever approves.")(function)


@key.command()
@click.argument("code")
@_case_options
@home_options
@json_option
def rotate(
    code: str,
    operator_: str,
    operator_fd: int | None,
    reason: str,
    home_path: Path,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Propose a new key for an office; the old one ends when it is approved. Also for an office without a key.

    Example: tally issuer key rotate 99010200 --reason yearly --operator first --home home
    """
    _open(Action.ROTATE, code, None, reason, operator_, operator_fd, home_path, passphrase_fd, as_json)


@key.command()
@click.argument("code")
@_case_options
@home_options
@json_option
def retire(
    code: str,
    operator_: str,
    operator_fd: int | None,
    reason: str,
    home_path: Path,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Propose the end of an office's key, without another.

    Example: tally issuer key retire 99010200 --reason "the office moved" --operator first --home home
    """
    _open(Action.RETIRE, code, None, reason, operator_, operator_fd, home_path, passphrase_fd, as_json)


@key.command()
@click.argument("code")
@click.option("--key", "kid", help="Id of the key, as `key list` shows it; default: the newest.")
@click.option(
    "--from", "void_from", type=click.IntRange(0), help="Nothing at this ledger index or later counts."
)
@click.option(
    "--disown",
    multiple=True,
    metavar="FIRST:END",
    help="Entries FIRST...END-1 are not ours, whoever signed them; repeatable.",
)
@_case_options
@home_options
@json_option
def void(
    code: str,
    kid: str | None,
    void_from: int | None,
    disown: tuple[str, ...],
    operator_: str,
    operator_fd: int | None,
    reason: str,
    home_path: Path,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Propose the end of a stolen key at an index, and the disowning of what was forged before.

    What honest people held and falls with it is minted again by `tally issuer mint --reissue-void`.

    Example: tally issuer key void 99010200 --from 5120 --disown 4097:4103 --reason stolen --operator first --home home
    """
    if kid is not None and not re.fullmatch("[0-9a-f]{16}", kid):
        raise click.UsageError("--key takes 16 hex digits")
    if void_from is None and not disown:
        raise click.UsageError("name --from or --disown")
    chosen = None if kid is None else bytes.fromhex(kid)
    voiding = Voiding(chosen, void_from, tuple(_range(text) for text in disown))
    _open(Action.VOID, code, voiding, reason, operator_, operator_fd, home_path, passphrase_fd, as_json)


@key.command()
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
    """Approve a case: it is executed, logged as a key event, and a new trust bundle is cut.

    Example: tally issuer key approve 1 --operator second --home home
    """
    home = open_home(home_path, passphrase_fd)
    passphrase = operator_passphrase(home, operator_fd)
    with opened_ledger(home) as ledger:
        directory = approve_key_case(
            home, ledger, case, operator=operator_, passphrase=passphrase, now=_now(), random=os.urandom
        )
    say_if_waiting(home)
    emit({"case": case, "directory": directory.version}, f"case {case} is done", as_json=as_json)


@key.command()
@home_options
@json_option
def cases(home_path: Path, passphrase_fd: int | None, as_json: bool) -> None:
    """List what was proposed and who approved it.

    Example: tally issuer key cases --home home
    """
    listed = KeyCases(open_home(home_path, passphrase_fd)).all()
    rows = [
        {
            "case": one.number,
            "action": one.action.name.lower(),
            "code": one.code,
            "from": None if one.voiding is None else one.voiding.void_from,
            "disown": [] if one.voiding is None else [list(pair) for pair in one.voiding.disowned],
            "reason": one.reason,
            "operator": one.opened_by,
            "approved_by": one.approved_by,
        }
        for one in listed
    ]
    text = "\n".join(
        f"{one.number}  {one.action.name.lower()}  {one.code}  {one.opened_by}  "
        f"{one.approved_by or 'waits for approval'}  {one.reason}"
        for one in listed
    )
    emit({"cases": rows}, text, as_json=as_json)


@key.command("list")
@click.argument("code")
@home_options
@json_option
def list_(code: str, home_path: Path, passphrase_fd: int | None, as_json: bool) -> None:
    """List the keys an office had and has, the newest first, with the ledger indices at which they count.

    Example: tally issuer key list 99010000 --home home
    """
    home = open_home(home_path, passphrase_fd)
    directory = load_directory(home)
    keys = keys_of_office(home, directory, office_of_code(home, directory, code).number)
    rows = [
        {"key": one.kid.hex(), "from": one.from_index, "to": one.to_index, "void_from": one.void_from}
        for one in keys
    ]
    text = "\n".join(
        f"{row['key']}  from {row['from']}"
        + ("" if row["to"] is None else f" to {row['to']}")
        + ("" if row["void_from"] is None else f", void from {row['void_from']}")
        for row in rows
    )
    emit({"keys": rows}, text, as_json=as_json)


@key.command("add-mldsa")
@home_options
@json_option
def add_mldsa(home_path: Path, passphrase_fd: int | None, as_json: bool) -> None:
    """Give an older home's status lists their post-quantum key, and list it in the directory. New homes have one.

    Example: tally issuer key add-mldsa --home home
    """
    from issuer.status_key import add_status_key

    home = open_home(home_path, passphrase_fd)
    with opened_ledger(home) as ledger:
        kid = add_status_key(home, ledger, random=os.urandom, now=_now()).hex()
    emit({"key": kid}, f"key {kid} signs status lists beside the other", as_json=as_json)


def say_if_waiting(home: Home) -> None:
    """Tell whoever changed an office or key that verifiers do not know of it yet."""
    if KeyEvents(home).waiting():
        say("logged; the directory that says so waits for the holders of the root keys")


def _open(
    action: Action,
    code: str,
    voiding: Voiding | None,
    reason: str,
    operator_: str,
    operator_fd: int | None,
    home_path: Path,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    home = open_home(home_path, passphrase_fd)
    number = open_key_case(
        home,
        action,
        code,
        voiding,
        reason=reason,
        operator=operator_,
        passphrase=operator_passphrase(home, operator_fd),
        now=_now(),
    )
    text = f"case {number}; another operator approves it: tally issuer key approve {number}"
    emit({"case": number}, text, as_json=as_json)


def _range(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{1,18}):([0-9]{1,18})", text)
    if match is None or int(match[1]) >= int(match[2]):
        raise click.UsageError("--disown takes FIRST:END")
    return int(match[1]), int(match[2])


def _now() -> int:
    return int(utc_now().timestamp())
