"""`tally issuer changed`: which certificates are out that the newest records tell otherwise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from cli.common import emit, json_option, utc_now, write_new_file
from cli.home import home_options, open_home, opened_ledger
from cli.issuer_cases import operator_passphrase
from cli.progress import progress
from issuer.casework.changed import Change, Changed, find_changed
from issuer.home import Home

__all__ = ["changed"]

_LISTED = 1000  # above this many, --json gives counts and a file


@click.command()
@click.option("--open-cases", is_flag=True, help="Open a case for the superseded and one for the wrong ones.")
@click.option("--operator", "operator_", help="With --open-cases: who opens them.")
@click.option("--operator-passphrase-fd", "operator_fd", type=int, default=None, help="Their passphrase.")
@home_options
@json_option
def changed(
    open_cases: bool,
    operator_: str | None,
    operator_fd: int | None,
    home_path: Path,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """After an import: list the live certificates whose months changed.

    Superseded ones say too little and are to be replaced, wrong ones say too much and are to be revoked. With
    --open-cases two cases wait for another operator's approval. A holder's key that is minted for again (--enrolled)
    gets its older certificate replaced without a case.

    Example: tally issuer changed --open-cases --operator first --home home
    """
    if open_cases is (operator_ is None):
        raise click.UsageError("--open-cases and --operator go together")
    home, now = open_home(home_path, passphrase_fd), int(utc_now().timestamp())
    with progress("comparing") as advance:
        found = list(find_changed(home, now=now, progress=advance))
    result: dict[str, Any] = {"changed": len(found)}
    listed = {change.value: [one.number for one in found if one.change is change] for change in Change}
    if len(found) > _LISTED:
        path = home.path / "last-changed.json"
        write_new_file(path, json.dumps(listed).encode(), force=True)
        result |= {"counts": {name: len(numbers) for name, numbers in listed.items()}, "file": str(path)}
    else:
        result |= listed
    result["paper"] = sum(one.is_paper for one in found)
    if operator_ is not None:
        result["cases"] = _open_cases(home, found, operator_, operator_passphrase(home, operator_fd), now)
    lines = [f"{len(numbers):,} {name}" for name, numbers in listed.items() if numbers]
    if len(found) <= 20:
        lines += [f"  {one.number}  {one.change}{'  paper' if one.is_paper else ''}" for one in found]
    lines += [f"case {number} waits for approval" for number in result.get("cases", [])]
    emit(result, "\n".join(lines) or "nothing changed under a live certificate", as_json=as_json)


def _open_cases(home: Home, found: list[Changed], operator: str, passphrase: bytes, now: int) -> list[int]:
    from issuer.casework.cases import open_case
    from issuer.casework.statement import Action

    ends = {Change.SUPERSEDED: Action.REPLACE, Change.WRONG: Action.REVOKE}
    reason = f"records up to {home.snapshot().cut_off}"
    opened = []
    with opened_ledger(home) as ledger:
        for change, action in ends.items():
            numbers = [one.number for one in found if one.change is change]
            if numbers:
                case = open_case(
                    home,
                    ledger,
                    action,
                    numbers,
                    reason=reason,
                    operator=operator,
                    passphrase=passphrase,
                    now=now,
                )
                opened.append(case.id)
    return opened
