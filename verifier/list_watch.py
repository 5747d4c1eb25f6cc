"""Watching published status lists: every one was logged, and none lifts what an earlier one ended for good.

Numbered steps, for each list in the order of their times:

1. A status key of its authority signed it; otherwise it says nothing about the bureau (`status.list_wrong_issuer`,
   `status.list_sig_invalid`).
2. The log holds its digest (`log.inclusion_missing`). A list younger than the log's newest checkpoint waits.
3. Against the newest list of its name seen before: revoked stays revoked, replaced becomes nothing but revoked. Else
   `status.list_rollback`: no case of the bureau can do that. Suspending and lifting leave no trace but the lists.

The folder holds `status-<authority>-<number>`, the newest list in order, `shown`, the digests of all that were seen
here and are in the log, and `evidence/` with what is not in order. A list that
lifts something is not remembered, so that it is reported each time until somebody looks.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path

from certificate.directory import Directory
from certificate.status_list import (
    Status,
    StatusList,
    UnverifiedStatusList,
    parse_status_token,
)
from ledger.errors import ConfigError, VerificationError
from ledger.reasons import Reason
from verifier.list_signature import verify_list_signature

__all__ = ["Finding", "Watched", "undone_places", "watch_lists"]

_PER_BYTE = 4
_SHOWN = 20  # places named in one finding
_SHOWN_NAME = "shown"
_URI = re.compile(r"urn:tallystick:status:([1-9][0-9]{0,9}):(?:0|[1-9][0-9]{0,9})", re.ASCII)
_STAYS = {
    Status.REVOKED: frozenset({Status.REVOKED}),
    Status.REPLACED: frozenset({Status.REPLACED, Status.REVOKED}),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with one list.

    Args:
        name: of the list, as its token says.
        places: for a rollback the first places that were lifted; `count` is how many there are.
        evidence: names of the files in the evidence folder; for a rollback the list before and the list now.
    """

    reason: Reason
    name: str
    evidence: tuple[str, ...]
    places: tuple[int, ...] = ()
    count: int = 0


@dataclass(frozen=True, slots=True)
class Watched:
    """What was looked at: lists in order, lists that wait for a checkpoint, logged lists that were not shown here."""

    lists: int
    waiting: int
    unshown: int
    findings: tuple[Finding, ...]


def watch_lists(
    tokens: Iterable[bytes],
    *,
    directory: Directory,
    logged: frozenset[tuple[int, bytes]],
    log_time: int,
    folder: Path,
) -> Watched:
    """Steps 1 to 3 above over the bytes of published lists, which were read before the log was.

    Args:
        logged: authority and digest of every list that the log holds.
        log_time: of the log's newest checkpoint, POSIX seconds.
    Raises:
        FormatError: what is no status list at all.
        ConfigError: `store.io_error` when the folder cannot be read or written.
    """
    by_time = sorted(
        ((parse_status_token(token), token) for token in tokens), key=lambda pair: pair[0].issued
    )
    findings: list[Finding] = []
    shown: set[bytes] = set()
    waiting = 0
    for listed, token in by_time:
        try:
            authority = _verified_authority(listed, directory)
        except VerificationError as exc:
            findings.append(Finding(exc.reason, listed.uri, (_keep(folder, token),)))
            continue
        digest = sha256(token).digest()
        if (authority, digest) not in logged:
            if listed.issued > log_time:
                waiting += 1
            else:
                findings.append(Finding(Reason.LOG_INCLUSION_MISSING, listed.uri, (_keep(folder, token),)))
            continue
        shown.add(digest)
        undone = _compare(listed, token, folder)
        if undone is not None:
            findings.append(undone)
    authorities = {authority.number for authority in directory.authorities}
    ever = _remember_shown(folder, shown)
    unshown = sum(authority in authorities and digest not in ever for authority, digest in logged)
    return Watched(len(shown), waiting, unshown, tuple(findings))


def undone_places(old: StatusList, new: StatusList) -> Iterator[int]:
    """The places that `old` ended for good and `new` lifts; those behind the end of a shorter list among them."""
    for at, (before, now) in enumerate(zip_longest(old.packed, new.packed[: len(old.packed)], fillvalue=0)):
        if before != now:
            for place in _lifted(before, now):
                yield at * _PER_BYTE + place


@cache  # a list of millions has few different bytes
def _lifted(before: int, now: int) -> tuple[int, ...]:
    """Which of a byte's four places are lifted."""
    said = zip(_values(before), _values(now), strict=True)
    return tuple(
        place for place, (was, is_now) in enumerate(said) if was in _STAYS and is_now not in _STAYS[was]
    )


def _values(byte: int) -> tuple[Status, ...]:
    return tuple(Status(byte >> 2 * place & 3) for place in range(_PER_BYTE))


def _verified_authority(listed: UnverifiedStatusList, directory: Directory) -> int:
    name = _URI.fullmatch(listed.uri)
    if name is None:
        raise VerificationError(Reason.STATUS_LIST_WRONG_ISSUER, f"key {listed.sign1.kid.hex()}")
    # Old lists are shown here too, from before a second signature was asked for.
    verify_list_signature(listed, authority=int(name[1]), directory=directory, demanded=False)
    return int(name[1])


def _compare(listed: UnverifiedStatusList, token: bytes, folder: Path) -> Finding | None:
    path = folder / listed.uri.removeprefix("urn:tallystick:").replace(":", "-")
    last = _read(path)
    newest = token
    if last is not None and last != token:
        before = parse_status_token(last)
        earlier, later = (listed, before) if listed.issued < before.issued else (before, listed)
        places = list(undone_places(earlier.statuses, later.statuses))
        if places:
            evidence = (_keep(folder, last), _keep(folder, token))
            shown = tuple(places[:_SHOWN])
            return Finding(Reason.STATUS_LIST_ROLLBACK, listed.uri, evidence, shown, len(places))
        newest = token if later is listed else last
    _write(path, newest)
    return None


def _remember_shown(folder: Path, digests: set[bytes]) -> set[bytes]:
    """The digests of all lists that were ever shown here, these among them."""
    known = {
        bytes.fromhex(line) for line in (_read(folder / _SHOWN_NAME) or b"").decode("ascii").splitlines()
    }
    _write(folder / _SHOWN_NAME, "".join(f"{digest.hex()}\n" for digest in sorted(known | digests)).encode())
    return known | digests


def _keep(folder: Path, token: bytes) -> str:
    name = f"{sha256(token).hexdigest()[:16]}.cwt"
    _write(folder / "evidence" / name, token)
    return name


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise ConfigError(Reason.STORE_IO_ERROR, path.name) from exc


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as exc:
        raise ConfigError(Reason.STORE_IO_ERROR, path.name) from exc
