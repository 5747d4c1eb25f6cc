"""Checking a citizen's exported access log, offline."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from cli.common import emit, read_input, utc_now
from ledger.errors import ConfigError
from ledger.reasons import Reason

__all__ = ["check_access_log_file"]


def check_access_log_file(file: str, trust: Path | None, wallet_key: str | None, *, as_json: bool) -> None:
    """Check an export and say what holds.

    Args:
        wallet_key: the wallet's raw public key in hex; None where only the bureau's ledger vouches for it.
    Raises:
        ConfigError: `cli.usage`.
        ProjectError: as `load_trust` and `check_log_export`.
    """
    from verifier.trust_dir import load_trust
    from wallet_api.log_export import check_log_export

    if trust is None:
        raise ConfigError(
            Reason.CLI_USAGE, "an exported access log is checked with a trust bundle", hint="add --trust DIR"
        )
    bundle = load_trust(trust)
    found = check_log_export(
        read_input(file),
        directory=bundle.directory,
        policy=bundle.policy,
        now=int(utc_now().timestamp()),
        wallet_key=None if wallet_key is None else _key(wallet_key),
    )
    result = {
        "wallet": found.audience,
        "rows": len(found.rows),
        "size": found.size,
        "exported": found.time,
        "logged_rows": found.logged_rows,
        "logged_size": found.logged_size,
    }
    text = (
        f"all in order: {len(found.rows)} rows of {found.audience}, exported"
        f" {datetime.fromtimestamp(found.time, UTC):%Y-%m-%d %H:%M}; {found.logged_rows} of them lie under a head"
        " in the bureau's ledger"
    )
    emit(result, text, as_json=as_json)


def _key(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as exc:
        raise click.UsageError("--wallet-key is a key in hex") from exc
