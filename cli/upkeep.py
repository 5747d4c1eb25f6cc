"""`tally home`: what is in a home, its backups, and its way to a newer version."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from cli.common import emit, json_option, say, utc_now
from cli.home import home_options, open_home
from issuer.trust_terms import due_terms
from issuer.upkeep.backup import make_backup
from issuer.upkeep.home_status import HomeStatus, home_status
from issuer.upkeep.pruning import prune_snapshots
from issuer.upkeep.restore import restore_backup
from issuer.upkeep.upgrade import upgrade_home

__all__ = ["home"]


@click.group()
def home() -> None:
    """A bureau's home: what is in it, its backups, its upgrades.

    Example: tally home status --home home
    """


@home.command()
@home_options
@json_option
def status(home_path: Path, passphrase_fd: int | None, as_json: bool) -> None:
    """Versions, sizes, counts, and how far the ledger is signed. Needs no passphrase.

    Example: tally home status --home home
    """
    found = home_status(open_home(home_path, passphrase_fd))
    due = due_terms(found.trust, now=int(utc_now().timestamp()))
    for warning in due:
        say(warning)
    emit({**asdict(found), "due": due}, _status_text(found), as_json=as_json)


@home.command()
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="A folder that does not exist yet."
)
@home_options
@json_option
def backup(out: Path, home_path: Path, passphrase_fd: int | None, as_json: bool) -> None:
    """Back the home up while it is at work: everything as it was at one instant. Needs no passphrase.

    Keep the folder HOME/anchor apart from the backups as well: `restore` compares with it.

    Example: tally home backup --out backup --home home
    """
    made = make_backup(open_home(home_path, passphrase_fd), out, now=int(utc_now().timestamp()))
    text = f"{out}: {made.certificates:,} certificates, {made.entries:,} ledger entries, {_bytes(made.size)}"
    emit({"backup": str(out), **asdict(made)}, text, as_json=as_json)


@home.command()
@click.argument("backup_path", metavar="BACKUP", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--anchor",
    "anchor_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file anchor/last-checkpoint as it was kept apart from the backup.",
)
@click.option(
    "--anchor-lost",
    is_flag=True,
    help="No newer last-checkpoint is left: the backup's own counts from now on.",
)
@home_options
@json_option
def restore(
    backup_path: Path,
    anchor_path: Path | None,
    anchor_lost: bool,
    home_path: Path,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Restore BACKUP into the new folder HOME, after checking all of it. Needs no passphrase.

    A backup older than the last signed checkpoint is refused: with it the ledger would sign a second history.

    Example: tally home restore backup --anchor anchor/last-checkpoint --home home
    """
    if (anchor_path is None) is not anchor_lost:
        raise click.UsageError(
            "name the last checkpoint kept apart with --anchor FILE, or state --anchor-lost"
        )
    restored = restore_backup(backup_path, home_path, anchor_path=anchor_path)
    if anchor_lost:
        say(
            "nobody can tell now whether more was signed than this backup holds; witnesses elsewhere may refuse it"
        )
    result = {
        "home": str(home_path),
        "made": restored.made,
        "entries": restored.ledger.size,
        "root": restored.ledger.root_hash.hex(),
        "signed_size": restored.ledger.signed_size,
        "certificates": restored.register.certificates,
        "unlogged": restored.register.unlogged,
    }
    text = (
        f"{home_path}: as of {_time(restored.made)}, {restored.ledger.size:,} ledger entries, "
        f"{restored.register.certificates:,} certificates; all in order"
    )
    emit(result, text, as_json=as_json)


@home.command()
@home_options
@json_option
def upgrade(home_path: Path, passphrase_fd: int | None, as_json: bool) -> None:
    """Bring a home of an older program to this one's version: all of it or nothing. Stop its services first.

    Example: tally home upgrade --home home
    """
    done = upgrade_home(open_home(home_path, passphrase_fd))
    if done.old == done.new:
        text = f"nothing to do: register schema {done.new}"
    else:
        text = f"register schema {done.old} is now {done.new}; {done.sealed} snapshots were sealed"
    emit(asdict(done), text, as_json=as_json)


@home.command()
@click.option("--before", type=int, required=True, help="A month YYYYMM; older snapshots are destroyed.")
@home_options
@json_option
def prune(before: int, home_path: Path, passphrase_fd: int | None, as_json: bool) -> None:
    """Destroy the records of old months, once no certificate minted from them is valid any more.

    Such certificates still verify; they can no longer be shown or exported by the bureau.

    Example: tally home prune --before 202601 --home home
    """
    months = prune_snapshots(
        open_home(home_path, passphrase_fd), before=before, now=int(utc_now().timestamp())
    )
    text = f"destroyed: {', '.join(map(str, months))}" if months else "nothing is that old"
    emit({"destroyed": months}, text, as_json=as_json)


def _status_text(found: HomeStatus) -> str:
    ledger = found.ledger
    lines = [
        f"{found.environment} home of authority {found.authority}, program {found.program}, "
        + ", ".join(f"{name} schema {number}" for name, number in found.schemas.items()),
        f"  certificates  {found.certificates:,}"
        + (f", {found.unlogged:,} not logged yet" if found.unlogged else ""),
        f"  enrolled      {found.enrolled:,} keys; {found.organisations:,} organisations",
        f"  ledger        {ledger.entries:,} entries, root {ledger.root}",
        f"  checkpoints   signed {_at(ledger.signed_size, ledger.signed_at)}; "
        f"cosigned {_at(ledger.cosigned_size, ledger.cosigned_at)}",
        "  trust         "
        + "; ".join(f"{term.name} {term.version} until {_time(term.expires)}" for term in found.trust),
        "  sizes         " + ", ".join(f"{name} {_bytes(size)}" for name, size in found.sizes.items()),
    ]
    for snapshot in found.snapshots:
        people = "" if snapshot.persons is None else f", {snapshot.persons:,} people"
        aside = f", {snapshot.quarantined:,} set aside" if snapshot.quarantined else ""
        gone = ", file missing" if snapshot.size is None else ""
        lines.append(
            f"  snapshot      up to {snapshot.cut_off}, imported {_time(snapshot.imported_at)}{people}{aside}{gone}"
        )
    return "\n".join(lines)


def _at(size: int, time: int | None) -> str:
    return "never" if time is None else f"at {size:,}, {_time(time)}"


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _bytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
