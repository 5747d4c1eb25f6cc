"""The wallet's database from the command line: named, made, migrated, backed up, restored."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from cli.common import emit, json_option, read_input
from ledger.errors import ConfigError
from ledger.reasons import Reason

__all__ = ["db_option", "migrate"]

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
