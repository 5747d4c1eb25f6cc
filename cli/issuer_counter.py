"""`tally issuer counter-token` and `operator-log`: clerks at the counter, and what they looked at."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import click

from cli.common import emit, json_option, utc_now
from cli.home import home_options, open_home, opened_ledger

__all__ = ["counter_token", "operator_log"]


@click.command("counter-token")
@click.option("--operator", required=True, help="Who uses it; stands in the operator log.")
@click.option(
    "--hours", type=click.IntRange(1, 24 * 31), default=12, show_default=True, help="How long it is good."
)
@click.option("--revoke", is_flag=True, help="Take back every token of this operator instead.")
@home_options
@json_option
def counter_token(
    operator: str, hours: int, revoke: bool, home_path: Path, passphrase_fd: int | None, as_json: bool
) -> None:
    """Make a token for a clerk at the counter, or take back all of an operator's. Shown once.

    Example: tally issuer counter-token --operator first --home home
    """
    from issuer.claiming.clerks import Clerks

    clerks, now = Clerks(open_home(home_path, passphrase_fd).path / "counter.db"), int(utc_now().timestamp())
    if revoke:
        ended = clerks.end(operator, now=now)
        emit({"revoked": ended}, f"{ended} tokens of {operator} are no longer good", as_json=as_json)
        return
    token = clerks.add(operator, now=now, hours=hours, random=os.urandom)
    emit({"token": token, "expires": now + hours * 3600}, token, as_json=as_json)


@click.command("operator-log")
@click.option("--check", "checked", is_flag=True, help="Recompute it, and look its heads up in the ledger.")
@home_options
@json_option
def operator_log(checked: bool, home_path: Path, passphrase_fd: int | None, as_json: bool) -> None:
    """Show whose records staff looked at, when and why; for the bureau's auditor.

    Example: tally issuer operator-log --check --home home
    """
    from issuer.claiming.counter import operator_log_of

    home = open_home(home_path, passphrase_fd)
    log = operator_log_of(home)
    if checked:
        with opened_ledger(home) as ledger:
            rows = log.check(home.settings.authority, ledger.find)
        emit({"rows": rows}, f"{rows:,} rows, none changed, every head in the ledger", as_json=as_json)
        return
    looks = list(log.look_ups())
    listed = [
        {
            "operator": look.operator,
            "time": look.time,
            "action": look.action,
            "person_no": look.person_no,
            "slots": list(look.slots),
            "reason": look.reason,
        }
        for look in looks
    ]
    text = "\n".join(
        f"{datetime.fromtimestamp(look.time, UTC):%Y-%m-%d %H:%M:%SZ}  {look.operator}  {look.action}  "
        f"{look.person_no or 'erased'}  {look.reason}"
        for look in looks
    )
    emit({"rows": listed}, text, as_json=as_json)
