"""`tally ledger move`: the ledger into a PostgreSQL database, or back into the home's own file."""

from __future__ import annotations

import os
from pathlib import Path

import click

from cli.common import emit, json_option, read_input
from cli.home import home_options, open_home
from ledger.errors import ConfigError
from ledger.reasons import Reason

__all__ = ["move"]

_MAX_URL = 4096


@click.command()
@click.option(
    "--to", help="postgresql://… of an empty database, without a password; or `file`, the home's own."
)
@click.option(
    "--to-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File that holds the database's URL; for one with a password.",
)
@home_options
@json_option
def move(
    to: str | None, to_file: Path | None, home_path: Path, passphrase_fd: int | None, as_json: bool
) -> None:
    """Move the ledger to another store: same entries, same root, same proofs. Stop the home's services before.

    The old one is kept, and marked so that nobody writes it again. Stopped halfway, run it again.

    Example: tally ledger move --to postgresql://ledger@db.example/ledger --home home
    """
    from issuer.upkeep.ledger_move import move_home_ledger

    found = move_home_ledger(open_home(home_path, passphrase_fd), _location(to, to_file))
    result = {"entries": found.size, "root": found.root_hash.hex(), "checkpoints": found.checkpoints}
    text = f"moved: {found.size:,} entries, {found.checkpoints} checkpoints; root {found.root_hash.hex()}"
    emit(result, text, as_json=as_json)


def _location(to: str | None, to_file: Path | None) -> str | None:
    from ledger.store.opening import has_password, is_postgres

    if (to is None) is (to_file is None):
        raise ConfigError(Reason.CLI_USAGE, "one of --to and --to-file", hint="give exactly one of them")
    if to == "file":
        return None
    if to is not None:
        if has_password(to):
            hint = "put the URL into a file for --to-file, or the password into a file for PGPASSFILE"
            raise ConfigError(Reason.CLI_USAGE, "a password on the command line", hint=hint)
        url = to
    else:
        assert to_file is not None
        if os.stat(to_file).st_mode & 0o077:
            raise ConfigError(Reason.CLI_KEY_PERMISSIONS, to_file.name, hint=f"chmod 600 {to_file.name}")
        url = read_input(str(to_file), at_most=_MAX_URL).decode("utf-8", "replace").strip()
    if not is_postgres(url):
        raise ConfigError(Reason.CLI_USAGE, "neither `file` nor postgresql://…")
    return url
