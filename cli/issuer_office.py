"""`tally issuer office`: the offices of a bureau, at four levels."""

from __future__ import annotations

import csv
import os
from contextlib import closing
from pathlib import Path

import click

from certificate.key_event import State
from certificate.numbers import CertificateType
from cli.common import emit, json_option, read_input, utc_now
from cli.home import home_options, open_home, opened_ledger
from cli.issuer_cases import operator_options, operator_passphrase
from cli.issuer_key import say_if_waiting
from issuer.offices.tree import NewOffice, add_offices, close_office, list_offices
from ledger.errors import ConfigError
from ledger.reasons import Reason

__all__ = ["office"]

_COLUMNS = ("code", "name_zh", "name_en", "parent", "region", "types")
_TYPES = {str(type_.name).lower(): type_ for type_ in CertificateType}


@click.group()
def office() -> None:
    """Offices: city, county, town, village; each has its key from the office above.

    Example: tally issuer office list --home home
    """


@office.command("add")
@click.argument("code", required=False)
@click.option("--name-zh", help="Its name in Chinese.")
@click.option("--name-en", help="Its name in English.")
@click.option("--parent", help="Code of the office above, whose key signs the delegation.")
@click.option("--region", help="Prefix of the regions it certifies; within that of the office above.")
@click.option(
    "--type",
    "types",
    multiple=True,
    type=click.Choice(sorted(_TYPES)),
    help="What it may certify; repeatable; default: what the office above may.",
)
@click.option("--until-index", type=click.IntRange(1), help="Its key is good below this ledger index.")
@click.option(
    "--list", "list_name", help=f"Instead of CODE: CSV with {','.join(_COLUMNS)}; - for stdin; all or none."
)
@operator_options
@home_options
@json_option
def add(
    code: str | None,
    name_zh: str | None,
    name_en: str | None,
    parent: str | None,
    region: str | None,
    types: tuple[str, ...],
    until_index: int | None,
    list_name: str | None,
    operator_: str,
    operator_fd: int | None,
    home_path: Path,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Add an office, or a list of them, each with a key of its own, and cut a new trust bundle.

    Example: tally issuer office add --list villages.csv --operator first --home home
    """
    if list_name is not None:
        wanted = [NewOffice(*row[:5], types=row[5]) for row in _read_list(list_name)]
    elif code is None or name_zh is None or name_en is None or region is None:
        raise click.UsageError("name CODE with --name-zh, --name-en and --region, or --list")
    else:
        chosen = tuple(_TYPES[name] for name in types) or None
        wanted = [NewOffice(code, name_zh, name_en, parent, region, chosen, until_index)]
    home = open_home(home_path, passphrase_fd)
    passphrase = operator_passphrase(home, operator_fd)
    with opened_ledger(home) as ledger:
        directory = add_offices(
            home, ledger, wanted, operator=operator_, passphrase=passphrase, now=_now(), random=os.urandom
        )
    say_if_waiting(home)
    result = {"added": len(wanted), "offices": len(directory.offices), "directory": directory.version}
    emit(result, f"{len(wanted):,} added; the directory lists {len(directory.offices):,}", as_json=as_json)


@office.command("list")
@home_options
@json_option
def list_(home_path: Path, passphrase_fd: int | None, as_json: bool) -> None:
    """List the offices: level, region, whether a key of it is good now.

    Example: tally issuer office list --home home
    """
    home = open_home(home_path, passphrase_fd)
    with closing(home.open_store()) as store:
        listed = list_offices(home, size=store.size())
    rows = [
        {
            "code": one.office.code,
            "number": one.office.number,
            "name_zh": one.office.name_zh,
            "name_en": one.office.name_en,
            "level": one.level,
            "parent": one.office.parent,
            "region": one.office.region_prefix,
            "types": [type_.name.lower() for type_ in one.office.types],
            "state": "open" if one.state is None else one.state.name.lower(),
            "has_key": one.has_key,
            "keys": one.keys,
        }
        for one in listed
    ]
    text = "\n".join(
        f"{'  ' * (int(one.level) - 1)}{one.office.code}  {one.office.region_prefix}  {one.office.name_en}  "
        f"{'' if one.has_key else 'no key'}{'' if one.state is None else ' ' + one.state.name.lower()}".rstrip()
        for one in listed
    )
    emit({"offices": rows}, text, as_json=as_json)


@office.command()
@click.argument("code")
@operator_options
@home_options
@json_option
def suspend(
    code: str,
    operator_: str,
    operator_fd: int | None,
    home_path: Path,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Stop an office from certifying; a new key (`key rotate`) lets it go on.

    Example: tally issuer office suspend 99010211 --operator first --home home
    """
    _close(code, State.SUSPENDED, operator_, operator_fd, home_path, passphrase_fd, as_json)


@office.command()
@click.argument("code")
@operator_options
@home_options
@json_option
def remove(
    code: str,
    operator_: str,
    operator_fd: int | None,
    home_path: Path,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Close an office for good. What it certified stays valid, so it stays in the directory.

    Example: tally issuer office remove 99010211 --operator first --home home
    """
    _close(code, State.REMOVED, operator_, operator_fd, home_path, passphrase_fd, as_json)


def _close(
    code: str,
    state: State,
    operator_: str,
    operator_fd: int | None,
    home_path: Path,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    home = open_home(home_path, passphrase_fd)
    passphrase = operator_passphrase(home, operator_fd)
    with opened_ledger(home) as ledger:
        close_office(home, ledger, code, state=state, operator=operator_, passphrase=passphrase, now=_now())
    say_if_waiting(home)
    word = state.name.lower()
    emit({"code": code, "state": word}, f"office {code} is {word}", as_json=as_json)


def _read_list(
    name: str,
) -> list[tuple[str, str, str, str | None, str, tuple[CertificateType, ...] | None]]:
    try:
        rows = list(csv.DictReader(read_input(name).decode("utf-8").splitlines(), strict=True))
    except (UnicodeDecodeError, csv.Error) as exc:
        raise ConfigError(Reason.CLI_BATCH_INVALID, "not a CSV file in UTF-8") from exc
    return [_office(number, row) for number, row in enumerate(rows, start=2)]


def _office(
    line: int, row: dict[str, str]
) -> tuple[str, str, str, str | None, str, tuple[CertificateType, ...] | None]:
    try:
        code, zh, en, parent, region = (row[name] for name in _COLUMNS[:5])
        types = tuple(_TYPES[name] for name in (row.get("types") or "").split()) or None
    except (KeyError, AttributeError) as exc:
        raise ConfigError(Reason.CLI_BATCH_INVALID, f"line {line}: {','.join(_COLUMNS)}") from exc
    return code, zh, en, parent or None, region, types


def _now() -> int:
    return int(utc_now().timestamp())
