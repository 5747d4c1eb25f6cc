"""The wallet's database from the command line: named, made, migrated, backed up, restored."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import closing
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.common import emit, json_option, read_input, utc_now
from ledger.errors import ConfigError
from ledger.reasons import Reason

if TYPE_CHECKING:
    from wallet_api.store.backup import LogHead

__all__ = ["DATABASE_COMMANDS", "db_option"]

_MAX_URL = 4096


def db_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--db` or `--db-file`: gives `db`, a path or a PostgreSQL URL, for `open_store`."""

    @click.option("--db", help="The wallet's database: a file, or postgresql://… without a password.")
    @click.option(
        "--db-file",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="File that holds the database's URL; for one with a password.",
    )
    @wraps(function)
    def run(*args: Any, db: str | None, db_file: Path | None, **options: Any) -> Any:
        return function(*args, db=_where(db, db_file), **options)

    return run


def _where(db: str | None, db_file: Path | None) -> str:
    from wallet_api.store.opening import refuse_password

    if (db is None) is (db_file is None):
        raise ConfigError(Reason.CLI_USAGE, "one of --db and --db-file", hint="give exactly one of them")
    if db is not None:
        refuse_password(db)
        return db
    assert db_file is not None
    if os.stat(db_file).st_mode & 0o077:
        raise ConfigError(Reason.CLI_KEY_PERMISSIONS, db_file.name, hint=f"chmod 600 {db_file.name}")
    return read_input(str(db_file), at_most=_MAX_URL).decode("utf-8", "replace").strip()


@click.command()
@db_option
@json_option
def migrate(db: str, as_json: bool) -> None:
    """Bring a database of an older version to the newest; stop the service before.

    Example: tally wallet migrate --db wallet.db
    """
    from wallet_api.store.opening import database_name, migrate_store

    found, reached = migrate_store(db)
    emit(
        {"db": database_name(db), "from": found, "to": reached},
        f"{database_name(db)} was version {found} and is version {reached}",
        as_json=as_json,
    )


@click.command()
@db_option
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="A new file.")
@json_option
def backup(db: str, out: Path, as_json: bool) -> None:
    """Copy the wallet into a new file while it serves. The copy opens with the same master key, kept elsewhere.

    Example: tally wallet backup --db wallet.db --out wallet-backup.db
    """
    from wallet_api.store.backup import back_up
    from wallet_api.store.opening import open_store

    with closing(open_store(db)) as store:
        head = back_up(store, out)
    shown = f"{head.size}:{head.root_hash.hex()}"
    emit(
        {"out": str(out), "head": shown}, f"{out} written; the access log's head is {shown}", as_json=as_json
    )


@click.command()
@click.argument("backup_file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@db_option
@click.option("--least", metavar="SIZE:ROOT", help="The newest head of the access log you know of.")
@click.option(
    "--moved", is_flag=True, help="The service was stopped before the backup: logins and consents go on."
)
@json_option
def restore(backup_file: Path, db: str, least: str | None, moved: bool, as_json: bool) -> None:
    """Make a wallet at a new place from a backup. Logins and consents that were open end, unless `--moved`.

    Example: tally wallet restore wallet-backup.db --db restored.db
    """
    from wallet_api.store.backup import restore as restore_backup
    from wallet_api.store.opening import database_name

    now = int(utc_now().timestamp())
    head = restore_backup(
        backup_file, db, least=None if least is None else _head(least), moved=moved, now=now
    )
    emit(
        {"db": database_name(db), "access_rows": head.size},
        f"{database_name(db)} is ready, with {head.size} access rows; count them with `tally wallet check`",
        as_json=as_json,
    )


def _head(text: str) -> LogHead:
    from wallet_api.store.backup import LogHead

    size, _, root = text.partition(":")
    if not (size.isascii() and size.isdigit() and len(size) <= 12) or not re.fullmatch("[0-9a-f]{64}", root):
        raise ConfigError(Reason.CLI_USAGE, "--least is SIZE:ROOT, as `backup` prints it")
    return LogHead(int(size), bytes.fromhex(root))


DATABASE_COMMANDS = (migrate, backup, restore)
