"""Where a home keeps what it needs for a log that others run.

policy.txt   whose signatures make a checkpoint       credential   the secret to append with, 0600; no key
outbox.db    what waits to be logged                  seen/        the last checkpoint seen, and evidence
"""

from __future__ import annotations

import time
from pathlib import Path

from issuer.far.client import AppendClient
from issuer.far.ledger import FarLedger
from issuer.far.outbox import EntryOutbox
from ledger.append_credentials import parse_secret
from ledger.durable import replace_durably
from ledger.errors import ConfigError
from ledger.log_source import HttpSource
from ledger.reasons import Reason
from ledger.trust_policy import TrustPolicy

__all__ = ["OUTBOX_NAME", "open_far_ledger", "save_credential"]

OUTBOX_NAME = "outbox.db"
_CREDENTIAL = "credential"


def open_far_ledger(url: str, folder: Path, *, origin: str, log: int, policy: TrustPolicy) -> FarLedger:
    """The log at `url`, with what `folder` holds. Nothing is asked of it yet.

    Raises:
        ConfigError: `cli.not_found` without a credential, `cli.key_permissions` if others may read it.
        FormatError: `api.validation` for a file that is none.
        IntegrityError: `store.…` of the outbox.
    """
    client = AppendClient(url, credential=_load_credential(folder / _CREDENTIAL))
    return FarLedger(
        client,
        HttpSource(url),
        origin=origin,
        log=log,
        policy=policy,
        outbox=EntryOutbox(folder / OUTBOX_NAME),
        seen=folder / "seen",
        clock=lambda: int(time.time()),
    )


def save_credential(folder: Path, text: str) -> None:
    """Keep a credential, in place of the one before. Raises FormatError `api.validation`, IntegrityError `store.…`."""
    replace_durably(folder / _CREDENTIAL, f"{parse_secret(text)}\n".encode("ascii"))


def _load_credential(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        text = path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as exc:
        hint = "ask the log's operator for one, then run: tally ledger credential FILE"
        raise ConfigError(Reason.CLI_NOT_FOUND, "the credential of the log", hint=hint) from exc
    if mode & 0o077:
        raise ConfigError(Reason.CLI_KEY_PERMISSIONS, path.name, hint=f"chmod 600 {path.name}")
    return parse_secret(text)
