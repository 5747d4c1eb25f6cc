"""Following a log that others run: each checkpoint has to extend the last one seen, or the proof of it is kept.

Numbered steps:

1. The checkpoint is signed by the log and, where the policy has a quorum, cosigned (`ledger.trust_policy`).
2. Its tiles give its root (`log.consistency_invalid`).
3. Against the last one seen: the same size has the same root; a larger one begins with it; a smaller one is begun by
   it, and then merely old (`ckpt.stale`). Else `log.fork_detected`, and both notes are kept as evidence.
4. Every new entry hashes to its leaf.

The folder holds `last`, the newest note seen, `status-lists`, authority and digest of every logged status list, and
`evidence/` with pairs of notes that no honest log signs both of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ledger.checkpoint import Checkpoint, parse_checkpoint_note
from ledger.durable import map_os_error, replace_durably
from ledger.entry import EntryType, parse_entry
from ledger.errors import FormatError, IntegrityError, UndeterminedError, VerificationError
from ledger.log_source import LogSource
from ledger.merkle import prove_consistency, root_at, verify_consistency
from ledger.reasons import Reason
from ledger.tile_paths import CHECKPOINT_PATH
from ledger.tile_tree import TileTree
from ledger.tiles import TILE_WIDTH
from ledger.trust_policy import TrustPolicy, VerifiedCheckpoint, verify_checkpoint

__all__ = ["Accepted", "Followed", "accept_checkpoint", "follow_log", "last_seen", "remember_checkpoint"]

_LISTS = "status-lists"


@dataclass(frozen=True, slots=True)
class Followed:
    """What was seen this time.

    Args:
        old_size: of the last checkpoint seen before, 0 for none.
        entries: how many new entries of each (type, authority) there are; None in place of both for what is no entry
            of ours.
        status_lists: (authority, digest) of every status list entry from the log's beginning.
        time: of the newest cosignature, POSIX seconds; None where there is none.
    """

    origin: str
    old_size: int
    size: int
    cosigned_by: tuple[str, ...]
    entries: dict[tuple[int, int] | None, int]
    status_lists: frozenset[tuple[int, bytes]]
    time: int | None


@dataclass(frozen=True, slots=True)
class Accepted:
    """A checkpoint that extends the last one seen, and the tree below it.

    Args:
        old_size: of the last one seen, 0 for none.
    """

    verified: VerifiedCheckpoint
    tree: TileTree
    old_size: int


def follow_log(source: LogSource, *, policy: TrustPolicy, folder: Path, now: int) -> Followed:
    """Look at the log once, steps 1 to 4 above, and remember what was seen.

    Args:
        folder: made if it is missing; one for each log.
        now: POSIX seconds.
    Raises:
        FormatError, VerificationError, UndeterminedError: as the steps say; `log.unreachable`.
        IntegrityError: `store.…` when the folder cannot be written.
    """
    note = source.fetch(CHECKPOINT_PATH)
    accepted = accept_checkpoint(source, note, policy=policy, folder=folder, now=now)
    checkpoint, old_size = accepted.verified.checkpoint, accepted.old_size
    counted: Counter[tuple[int, int] | None] = Counter()
    lists = _known_lists(folder) if old_size else set()
    for number in range(old_size // TILE_WIDTH, -(-checkpoint.size // TILE_WIDTH)):
        first = max(0, old_size - number * TILE_WIDTH)
        entries = accepted.tree.entries(number)[first:]
        counted.update(_kind(entry) for entry in entries)
        lists.update(found for entry in entries if (found := _status_list(entry)) is not None)
    _make(folder)
    replace_durably(folder / _LISTS, _lines(lists))  # before `last`: what is behind it is never read again
    remember_checkpoint(folder, note)
    times = accepted.verified.cosignature_times
    return Followed(
        checkpoint.origin,
        old_size,
        checkpoint.size,
        tuple(name for name, _ in times),
        dict(counted),
        frozenset(lists),
        max((time for _, time in times), default=None),
    )


def accept_checkpoint(
    source: LogSource, note: bytes, *, policy: TrustPolicy, folder: Path, now: int
) -> Accepted:
    """Steps 1 to 3 above for `note`, whoever handed it over; nothing is remembered yet. Arguments as `follow_log`."""
    verified = verify_checkpoint(note, policy=policy, now=now)
    checkpoint = verified.checkpoint
    tree = TileTree(checkpoint.size, checkpoint.root_hash, lambda piece: source.fetch(str(piece)))
    last = last_seen(folder)
    if last is None:
        return Accepted(verified, tree, 0)
    old = parse_checkpoint_note(last)[0]
    _require_growth(old, checkpoint, tree, source, evidence=(folder, last, note))
    return Accepted(verified, tree, old.size)


def remember_checkpoint(folder: Path, note: bytes) -> None:
    """From now on `note` is the last one seen. Raises IntegrityError `store.…`."""
    _make(folder)
    replace_durably(folder / "last", note)


def _require_growth(
    old: Checkpoint,
    new: Checkpoint,
    tree: TileTree,
    source: LogSource,
    *,
    evidence: tuple[Path, bytes, bytes],
) -> None:
    if old.origin != new.origin:
        raise VerificationError(
            Reason.LOG_UNKNOWN_ORIGIN, "the folder follows another log", hint="Take a folder for each log."
        )
    if new.size < old.size:
        # It may be an old copy of the one history. Only the tiles of the larger tree can tell.
        stale = UndeterminedError(
            Reason.CKPT_STALE,
            f"size {new.size}, but {old.size} was seen",
            hint="Ask again; a cache may be old. If it stays, the log lost entries: tell its supervisor.",
        )
        try:
            larger = TileTree(old.size, old.root_hash, lambda piece: source.fetch(str(piece)))
            begun = root_at(new.size, larger.read_node)
        except UndeterminedError as exc:
            raise stale from exc  # it does not show the larger tree any more
        if begun != new.root_hash:
            raise _fork(old, new, evidence)
        raise stale
    if old.size == new.size or old.size == 0:
        if old.size and old.root_hash != new.root_hash:
            raise _fork(old, new, evidence)
        return
    # Where the tiles are wrong this raises: that says nothing about the signatures, and convicts nobody.
    path = prove_consistency(old.size, new.size, tree.read_node)
    try:
        verify_consistency(
            old_size=old.size,
            new_size=new.size,
            old_root_hash=old.root_hash,
            new_root_hash=new.root_hash,
            path=path,
        )
    except VerificationError as exc:
        raise _fork(old, new, evidence) from exc


def _fork(old: Checkpoint, new: Checkpoint, evidence: tuple[Path, bytes, bytes]) -> VerificationError:
    """Keep both notes. They convict the log whoever reads them: it signed both."""
    folder, last, note = evidence
    kept = folder / "evidence"
    _make(kept)
    name = sha256(last + note).hexdigest()[:16]
    replace_durably(kept / f"{name}-seen-before", last)
    replace_durably(kept / f"{name}-seen-now", note)
    return VerificationError(
        Reason.LOG_FORK_DETECTED,
        f"sizes {old.size} and {new.size} are not of one history; both notes are kept as {name}",
        hint="Give the two notes in the evidence folder to the supervisor; trust nothing newer from this log.",
    )


def _kind(entry: bytes) -> tuple[int, int] | None:
    try:
        parsed = parse_entry(entry)
    except FormatError:
        return None
    return int(parsed.entry_type), parsed.authority


def _status_list(entry: bytes) -> tuple[int, bytes] | None:
    """Authority and digest of a status list's entry; None for any other."""
    try:
        parsed = parse_entry(entry)
    except FormatError:
        return None
    return (parsed.authority, parsed.digest) if parsed.entry_type == EntryType.STATUS_LIST else None


def _lines(lists: Iterable[tuple[int, bytes]]) -> bytes:
    return "".join(f"{authority} {digest.hex()}\n" for authority, digest in sorted(lists)).encode()


def _known_lists(folder: Path) -> set[tuple[int, bytes]]:
    try:
        lines = (folder / _LISTS).read_text("ascii").splitlines()
        pairs = [line.split(" ") for line in lines]
        return {(int(authority), bytes.fromhex(digest)) for authority, digest in pairs}
    except (OSError, ValueError) as exc:
        hint = "follow the log anew in an empty folder"
        raise IntegrityError(Reason.STORE_CORRUPT, _LISTS, hint=hint) from exc


def last_seen(folder: Path) -> bytes | None:
    """The newest note seen before, or None. Raises IntegrityError `store.…`."""
    try:
        return (folder / "last").read_bytes()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise map_os_error(exc) from exc


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise map_os_error(exc) from exc
