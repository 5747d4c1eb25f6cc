"""A home's ledger moved between its own file and a PostgreSQL database.

Order: the copy is complete and compared, the old one is retired, the settings name the new one. Whoever is stopped in
between finds a ledger that refuses to be written twice, and repeats the command.
"""

from __future__ import annotations

from contextlib import closing
from itertools import count
from pathlib import Path

import tomlkit

from issuer.home import CONFIG_NAME, Home
from ledger.anchor import load_anchor
from ledger.check import LedgerCheck, check_ledger
from ledger.durable import replace_durably
from ledger.errors import ConfigError
from ledger.reasons import Reason
from ledger.store.moving import move_ledger
from ledger.store.opening import create_store, open_store

__all__ = ["move_home_ledger", "write_ledger_database"]


def move_home_ledger(home: Home, url: str | None) -> LedgerCheck:
    """Move the ledger of `home` and let its settings name the new place; stop its services before.

    Args:
        url: `postgresql://…` of an empty database, or None for the home's own file.
    Raises:
        ConfigError: `cli.exists`: it is there already, or another ledger is.
        ConflictError: `store.locked`.
        IntegrityError: as `check_ledger`; nothing is moved then.
    """
    target_location = home.ledger_path if url is None else url
    if target_location == home.ledger_location:
        raise ConfigError(Reason.CLI_EXISTS, "the ledger is there already", hint="Name another place.")
    if url is None:
        _put_aside(home.ledger_path)
    try:
        create_store(target_location, origin=home.settings.origin)
    except ConfigError as exc:  # made by an earlier run that was stopped, or another ledger: comparing tells
        if exc.reason is not Reason.CLI_EXISTS:
            raise
    key = home.trust_policy().log_keys(home.settings.origin)[0]
    with closing(open_store(target_location)) as target:
        try:
            source = home.open_store()
        except ConfigError as exc:
            if exc.reason is not Reason.STORE_RETIRED:
                raise
            # An earlier run was stopped after retiring it: what is there has to reach what was signed.
            done = check_ledger(target, key=key, anchor=load_anchor(home.anchor_path, key=key))
        else:
            with closing(source):
                done = move_ledger(source, target, key=key, anchor=home.anchor_path)
    write_ledger_database(home.path / CONFIG_NAME, url)
    return done


def _put_aside(path: Path) -> None:
    """Give the file of a ledger that was moved away another name; it stays as a record."""
    if not path.exists():
        return
    try:
        open_store(path).close()
    except ConfigError as exc:
        if exc.reason is not Reason.STORE_RETIRED:
            raise
        number = next(n for n in count(1) if not _retired_name(path, n).exists())
        path.rename(_retired_name(path, number))


def _retired_name(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}.retired-{number}{path.suffix}")


def write_ledger_database(path: Path, url: str | None) -> None:
    """Let the settings in the file `path` name the database `url`, or the home's own file."""
    document = tomlkit.parse(path.read_text("utf-8"))
    document.pop("ledger_database", None)
    if url is not None:
        document["ledger_database"] = url
    replace_durably(path, tomlkit.dumps(document).encode("utf-8"))
