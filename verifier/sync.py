"""`tally trust sync`: fetch a newer trust bundle from a TUF repository, by python-tuf's client, and put it in place.

1. The root: that of the last sync, or at the first one a root handed over by other means. No trust on first use.
2. Root by root, then timestamp, snapshot, targets and live: thresholds, versions, dates, digests (TUF 1.0.33 §5).
3. The files open as a bundle under the keys of the newest root (`verifier.trust`).
4. They may follow what is in use (`verifier.successor`).
5. Everything is staged in FOLDER/.staged, then put in place. Cut off before, the old bundle stands; after, the next
   sync completes it. Any refusal leaves the folder as it was, byte for byte.

FOLDER/tuf holds the client's metadata, FOLDER/seen.db what was seen.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tuf.api import exceptions
from tuf.api.metadata import Metadata, Root, Targets
from tuf.ngclient import Updater, UpdaterConfig

from ledger.errors import (
    ConfigError,
    FormatError,
    ProjectError,
    UndeterminedError,
    VerificationError,
)
from ledger.reasons import Reason
from verifier.endorsed import FILE_NAME, LIVE_ROLE, TARGETS_NAME, majority
from verifier.fetching import Fetcher, base_url, fetcher_for
from verifier.seen import MemorySeen, Seen
from verifier.seen_file import FileSeen
from verifier.successor import check_successor, remember_bundle
from verifier.trust import BUNDLE_NAME, VERSIONS_OF_A_ROOT, TrustBundle, parse_bundle
from verifier.trust_dir import load_bundle_files, load_root_keys, load_trust, replace_bundle

__all__ = ["Synced", "sync_trust"]

_TUF, _STAGED = "tuf", ".staged"
_MAX_FILES = 4096
_MAX_FILE = 64 * 2**20
_MAX_TOTAL = 512 * 2**20
_CONFIG = UpdaterConfig(
    root_max_length=1 << 16,
    timestamp_max_length=1 << 14,
    snapshot_max_length=1 << 16,
    targets_max_length=1 << 20,
    max_delegations=1,
)


@dataclass(frozen=True, slots=True)
class Synced:
    """What is in use after a sync: the bundle, the root's version, and how many bytes of files were fetched."""

    bundle: TrustBundle
    root_version: int
    fetched: int


@dataclass(frozen=True, slots=True)
class _Fetched:
    files: dict[str, bytes]
    root_keys: list[bytes]
    root_version: int
    fetched: int


def sync_trust(source: str, folder: Path, *, root: bytes | None, now: int, seen_path: Path) -> Synced:
    """Steps 1 to 5 above.

    Args:
        source: address (http or https) or folder of the repository.
        folder: the trust folder, which may be new.
        root: the first root, for a folder without one.
        now: POSIX seconds.
        seen_path: file of the verifier's memory, made if absent.
    Raises:
        ConfigError: `cli.usage` (no root held or given), `cli.exists` (one is held already), `store.io_error`.
        UndeterminedError: `trust.bundle_stale`, `trust.missing`, `net.unreachable`, `time.clock_regressed`.
        VerificationError, FormatError: `trust.bundle_sig_invalid`, `trust.threshold`, `trust.bundle_rollback`,
            `trust.malformed`, `enc.too_large`, and what `parse_bundle` and `check_successor` raise.
    """
    _finish(folder)
    held_root = _root_version(folder / _TUF) if (folder / _TUF / "root.json").exists() else 0
    if not held_root and root is None:
        hint = "name the bureau's root, handed over by other means: --root FILE"
        raise ConfigError(Reason.CLI_USAGE, "nothing is trusted on first use", hint=hint)
    if held_root and root is not None:
        raise ConfigError(
            Reason.CLI_EXISTS, "this folder has a root", hint="leave --root out, or use a new folder"
        )
    held = load_trust(folder) if (folder / BUNDLE_NAME).exists() else None
    held_files = {} if held is None else load_bundle_files(folder)
    seen: Seen = FileSeen(seen_path) if seen_path.exists() else MemorySeen()
    with TemporaryDirectory(prefix="tally-sync-") as name:
        state = Path(name) / _TUF
        if held_root:
            shutil.copytree(folder / _TUF, state, symlinks=True)
        state.mkdir(exist_ok=True)
        got = _fetch(source, state, root, held_files)
        new = parse_bundle(got.files, root_keys=got.root_keys)
        if new.version >= (got.root_version + 1) * VERSIONS_OF_A_ROOT:
            raise FormatError(Reason.TRUST_MALFORMED, f"bundle {new.version} under root {got.root_version}")
        check_successor(
            new,
            got.files,
            held=held,
            held_files=held_files,
            new_root=got.root_version > held_root,
            seen=seen,
            now=now,
        )
        _stage(folder, state, got)
    _finish(folder)
    remember_bundle(new, FileSeen(seen_path), now=now)
    return Synced(new, got.root_version, got.fetched)


# --- fetching -------------------------------------------------------------------------------------------------


def _fetch(source: str, state: Path, root: bytes | None, held: Mapping[str, bytes]) -> _Fetched:
    """Step 2: the client's metadata in `state` grows, and all files are fetched or known already."""
    fetcher, base = fetcher_for(source), base_url(source)
    with _mapped_errors(fetcher):
        updater = Updater(
            str(state),
            f"{base}metadata/",
            target_dir=str(state.parent),
            target_base_url=f"{base}targets/",
            fetcher=fetcher,
            config=_CONFIG,
            bootstrap=root,
        )
        updater.refresh()
        if updater.get_targetinfo(BUNDLE_NAME) is None:  # this loads the delegated role as well
            raise UndeterminedError(Reason.TRUST_MISSING, BUNDLE_NAME)
        files, fetched = _files(updater, state, held)
    files[TARGETS_NAME] = (state / TARGETS_NAME).read_bytes()
    return _Fetched(files, _root_keys(state), _root_version(state), fetched)


def _files(updater: Updater, state: Path, held: Mapping[str, bytes]) -> tuple[dict[str, bytes], int]:
    names = [name for role in ("targets", LIVE_ROLE) for name in _targets(state, role).targets]
    if len(names) > _MAX_FILES or not all(FILE_NAME.fullmatch(name) for name in names):
        raise FormatError(Reason.TRUST_MALFORMED, "names of files in the repository")
    files: dict[str, bytes] = {}
    total = fetched = 0
    for name in names:
        info = updater.get_targetinfo(name)
        if info is None:
            raise VerificationError(
                Reason.TRUST_BUNDLE_SIG_INVALID, f"{name} is not the online key's to sign"
            )
        total += info.length
        if info.length > _MAX_FILE or total > _MAX_TOTAL:
            raise FormatError(Reason.ENC_TOO_LARGE, name)
        files[name] = held.get(name, b"")
        try:
            info.verify_length_and_hashes(files[name])
        except exceptions.LengthOrHashMismatchError:
            files[name] = Path(updater.download_target(info)).read_bytes()
            fetched += info.length
    return files, fetched


def _targets(state: Path, role: str) -> Targets:
    """Metadata that the client has verified."""
    parsed: Metadata[Targets] = Metadata.from_file(str(state / f"{role}.json"))
    return parsed.signed


def _root(state: Path) -> Root:
    parsed: Metadata[Root] = Metadata.from_file(str(state / "root.json"))
    return parsed.signed


def _root_version(state: Path) -> int:
    return int(_root(state).version)


def _root_keys(state: Path) -> list[bytes]:
    """The keys that sign targets. Fewer than two, or less than a majority of them, is no threshold."""
    signed = _root(state)
    try:
        keys = [
            bytes.fromhex(signed.keys[keyid].keyval["public"]) for keyid in signed.roles["targets"].keyids
        ]
    except (ValueError, KeyError) as exc:
        raise FormatError(Reason.TRUST_MALFORMED, "keys of the root") from exc
    for role in ("root", "targets"):
        count = len(signed.roles[role].keyids)
        if count < 2 or signed.roles[role].threshold < majority(count):
            raise VerificationError(Reason.TRUST_THRESHOLD, f"{signed.roles[role].threshold} of {count} keys")
    return keys


@contextmanager
def _mapped_errors(fetcher: Fetcher) -> Iterator[None]:
    """python-tuf's errors as ours; which file was asked for last tells what a wrong version means."""
    try:
        yield
    except exceptions.ExpiredMetadataError as exc:
        hint = "ask the publisher for a newer one, and check this clock"
        raise UndeterminedError(Reason.TRUST_BUNDLE_STALE, str(exc), hint=hint) from exc
    except exceptions.DownloadLengthMismatchError as exc:
        raise FormatError(Reason.ENC_TOO_LARGE, fetcher.asked) from exc
    except exceptions.DownloadHTTPError as exc:
        raise UndeterminedError(Reason.TRUST_MISSING, f"{fetcher.asked}: status {exc.status_code}") from exc
    except exceptions.DownloadError as exc:
        raise UndeterminedError(Reason.NET_UNREACHABLE, fetcher.asked) from exc
    except exceptions.RepositoryError as exc:
        raise _refusal(exc, fetcher.asked) from exc
    except OSError as exc:
        raise ConfigError(Reason.STORE_IO_ERROR, "the trust folder") from exc


def _refusal(exc: exceptions.RepositoryError, asked: str) -> ProjectError:
    if isinstance(exc, exceptions.UnsignedMetadataError):
        signed = re.search(r"signed by ([0-9]+)/", str(exc))
        too_few = signed is not None and int(signed[1]) > 0
        return VerificationError(
            Reason.TRUST_THRESHOLD if too_few else Reason.TRUST_BUNDLE_SIG_INVALID, str(exc)
        )
    if isinstance(exc, exceptions.BadVersionNumberError):
        gap = asked.endswith(".root.json")
        return VerificationError(
            Reason.TRUST_BUNDLE_SIG_INVALID if gap else Reason.TRUST_BUNDLE_ROLLBACK, str(exc)
        )
    if isinstance(exc, exceptions.LengthOrHashMismatchError):
        return VerificationError(Reason.TRUST_BUNDLE_SIG_INVALID, f"{asked} is not the file that was signed")
    return FormatError(Reason.TRUST_MALFORMED, asked)


# --- putting in place -----------------------------------------------------------------------------------------


def _stage(folder: Path, state: Path, got: _Fetched) -> None:
    """Step 5: everything beside the bundle in use; the last rename makes it count."""
    unfinished = folder / f"{_STAGED}.new"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        replace_bundle(unfinished / "files", got.files, root_keys=got.root_keys)
        shutil.copytree(state, unfinished / _TUF, symlinks=True)
        unfinished.rename(folder / _STAGED)
    except OSError as exc:
        raise ConfigError(Reason.STORE_IO_ERROR, "writing the trust folder") from exc


def _finish(folder: Path) -> None:
    """Put in place what is staged whole, now or after a sync that was cut off."""
    staged = folder / _STAGED
    if not staged.exists():
        return
    files, keys = load_bundle_files(staged / "files"), load_root_keys(staged / "files")
    replace_bundle(folder, files, root_keys=keys)
    try:
        if (staged / _TUF).exists():
            shutil.rmtree(folder / _TUF, ignore_errors=True)
            (staged / _TUF).rename(folder / _TUF)
        shutil.rmtree(staged)
    except OSError as exc:
        raise ConfigError(Reason.STORE_IO_ERROR, "writing the trust folder") from exc
