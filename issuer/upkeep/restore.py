"""A home from a backup, in a new place, with the guard of DESIGN 8.2: an older ledger never goes on in silence.

1. Every file is there and has the digest of the manifest; none is there beside them.
2. The last signed checkpoint that was kept apart from the backup is no newer than the backup's ledger and of its
   history. Who has none left says so.
3. The whole ledger recomputes, and every certificate of the register stands in it.

Then the folder gets its name. Nothing is repaired on the way: a ledger that lost signed entries is given up, not
continued, since whoever goes on with it shows two histories.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from issuer.home import Home
from issuer.upkeep.audit import RegisterAudit, audit_register
from issuer.upkeep.backup import MANIFEST_NAME, MANIFEST_VERSION, copy_file, sync_path
from ledger.anchor import Anchor, load_anchor, save_anchor
from ledger.check import LedgerCheck
from ledger.checkpoint import parse_checkpoint_note
from ledger.durable import map_os_error
from ledger.errors import ConfigError, IntegrityError
from ledger.reasons import Reason
from ledger.store.base import Store
from ledger.store.tree import verify_edge
from ledger.trust_policy import parse_trust_policy

__all__ = ["Restored", "restore_backup"]

_MAX_MANIFEST: Final = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored: when the backup was made (POSIX seconds), the ledger as checked, the register as compared."""

    made: int
    ledger: LedgerCheck
    register: RegisterAudit


def restore_backup(backup: Path, home_path: Path, *, anchor_path: Path | None) -> Restored:
    """Restore `backup` into the new folder `home_path`. Needs no passphrase.

    Args:
        anchor_path: the file of the last signed checkpoint as it was kept apart from the backup; None states that
            none is left, so that the backup's own is the newest that anybody knows of.
    Raises:
        ConfigError: `cli.exists`, `cli.not_found` (no backup there), `home.version` (a newer program made it).
        IntegrityError: `store.rollback_detected` (more was signed than the backup holds), `store.fork_detected`,
            `store.hash_mismatch`, `store.corrupt`, `store.full`, `store.io_error`; then nothing was restored.
    """
    if home_path.is_symlink() or (home_path.exists() and any(home_path.iterdir())):
        hint = "restore into a folder that does not exist yet; keep the old one until the new one works"
        raise ConfigError(Reason.CLI_EXISTS, home_path.name, hint=hint)
    manifest = _load_manifest(backup)
    staging = home_path.with_name(f".{home_path.name}.{os.getpid()}.part")
    try:
        try:
            _copy_all(backup, staging, manifest["files"])
            home = Home(staging)
            _guard(home, anchor_path)
            restored = Restored(manifest["made"], _checked(home), audit_register(home))
            _remove_passing(staging)
            staging.rename(home_path)  # over an empty folder, at most
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
        sync_path(home_path.parent)
    except OSError as exc:
        raise map_os_error(exc) from exc
    return restored


def _load_manifest(backup: Path) -> dict[str, Any]:
    try:
        with (backup / MANIFEST_NAME).open("rb") as stream:
            document = json.loads(stream.read(_MAX_MANIFEST))
    except OSError as exc:
        hint = f"name the folder that holds {MANIFEST_NAME}"
        raise ConfigError(Reason.CLI_NOT_FOUND, "no whole backup there", hint=hint) from exc
    except ValueError as exc:
        raise _broken("its manifest cannot be read") from exc
    if not isinstance(document, dict) or type(document.get("tallystick_backup")) is not int:
        raise _broken("its manifest is none")
    if document["tallystick_backup"] > MANIFEST_VERSION:
        raise ConfigError(Reason.HOME_VERSION, "a newer program made this backup", hint="update the program")
    files = document.get("files")
    if (
        type(document.get("made")) is not int
        or not isinstance(files, dict)
        or not all(map(_is_entry, files.items()))
    ):
        raise _broken("its manifest is none")
    return document


def _is_entry(item: tuple[str, Any]) -> bool:
    name, about = item
    return (
        re.fullmatch(r"(?:[0-9A-Za-z_-][0-9A-Za-z_.-]*/)*[0-9A-Za-z_-][0-9A-Za-z_.-]*", name, re.ASCII)
        is not None
        and isinstance(about, dict)
        and isinstance(about.get("sha256"), str)
    )


def _copy_all(backup: Path, staging: Path, files: dict[str, dict[str, Any]]) -> None:
    found = {
        path.relative_to(backup).as_posix()
        for path in backup.rglob("*")
        if path.is_file() or path.is_symlink()
    }
    found -= {MANIFEST_NAME}
    if (
        found != files.keys()
    ):  # such as a foreign write-ahead log beside a database, which would be taken for its own
        count = len(found ^ files.keys())
        raise _broken(f"{count} files are missing or were added, such as {min(found ^ files.keys())}")
    staging.mkdir(mode=0o700)
    for name, about in files.items():
        if (backup / name).is_symlink():
            raise ConfigError(Reason.CLI_PATH_UNSAFE, f"{name} is a link", hint="take another backup")
        if copy_file(backup / name, staging / name) != about["sha256"]:
            hint = "fetch the backup again, or take another one"
            raise IntegrityError(Reason.STORE_HASH_MISMATCH, f"backup: {name}", hint=hint)
    (staging / "snapshots").mkdir(mode=0o700, exist_ok=True)


def _checked(home: Home) -> LedgerCheck:
    """The ledger, recomputed; of a log that others run, its newest checkpoint, which extends the last one seen."""
    if not home.settings.is_far:
        return home.check_ledger()
    with closing(home.far_ledger()) as log:
        checkpoint, _ = parse_checkpoint_note(log.newest_checkpoint())
    return LedgerCheck(checkpoint.origin, checkpoint.size, checkpoint.root_hash, 1, 1, checkpoint.size)


def _guard(home: Home, anchor_path: Path | None) -> None:
    """Step 2: compare the ledger with the last signed checkpoint kept apart, and take the newer one along."""
    if anchor_path is None:
        return
    if home.settings.is_far:
        hint = "restore without one: the log itself says what was signed last"
        raise ConfigError(Reason.HOME_FAR_LEDGER, "this home signs no checkpoints", hint=hint)
    if not anchor_path.is_file():
        hint = "name the file last-checkpoint of the folder anchor/, as it was kept apart from the backup"
        raise ConfigError(Reason.CLI_NOT_FOUND, anchor_path.name, hint=hint)
    policy = parse_trust_policy(home.policy_path.read_text("utf-8"))
    key = policy.log_keys(home.settings.origin)[0]
    apart, own = load_anchor(anchor_path, key=key), load_anchor(home.anchor_path, key=key)
    assert apart is not None  # the file was there
    store = home.open_store()
    try:
        _compare(store, apart)
    finally:
        store.close()
    if own is None or apart.checkpoint.size > own.checkpoint.size or apart.time > own.time:
        save_anchor(home.anchor_path, apart)


def _compare(store: Store, apart: Anchor) -> None:
    signed, stored = apart.checkpoint.size, store.size()
    if signed > stored:
        raise IntegrityError(
            Reason.STORE_ROLLBACK_DETECTED,
            f"{signed} entries were signed, the backup holds {stored}",
            hint="Restore a newer backup. If there is none, this log is over: set up a new one under another log "
            "number, and mint anew what the lost entries were for.",
        )
    if verify_edge(store, signed).root_hash() != apart.checkpoint.root_hash:
        raise IntegrityError(
            Reason.STORE_FORK_DETECTED,
            f"another tree of {signed} entries was signed",
            hint="Keep the backup as evidence; restore one of the log that signed this checkpoint.",
        )


def _remove_passing(staging: Path) -> None:
    """What looking at the databases left beside them."""
    for path in staging.rglob("*"):
        if path.name.endswith(("-wal", "-shm", ".lock")):
            path.unlink()


def _broken(detail: str) -> IntegrityError:
    return IntegrityError(Reason.STORE_CORRUPT, f"backup: {detail}", hint="take another backup")
