"""A log that another organisation runs, as minting and publishing need it.

What it says is worth what can be verified: a checkpoint counts with the signatures of the home's tlog-policy and as an
extension of the last one seen (`ledger.monitor`), a proof is computed here from the log's tiles, and an index stands
for an entry only where the tree says so. What is to be logged waits in the outbox until the log says it is durable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from issuer.far.client import AppendClient
from issuer.far.outbox import EntryOutbox
from ledger.append_protocol import MAX_APPEND
from ledger.blocks import Blocks
from ledger.checkpoint import parse_checkpoint_note
from ledger.entry import require_entry
from ledger.errors import ConfigError, ConflictError, FormatError, UndeterminedError, VerificationError
from ledger.log_source import LogSource
from ledger.merkle import leaf_hash, prove_consistency, prove_inclusion, verify_inclusion
from ledger.monitor import Accepted, accept_checkpoint, last_seen, remember_checkpoint
from ledger.proof import FullProof
from ledger.reasons import Reason
from ledger.store.base import StoredEntry
from ledger.tile_paths import CHECKPOINT_PATH
from ledger.tiles import TILE_WIDTH
from ledger.trust_policy import TrustPolicy, carried_signatures, verify_checkpoint

__all__ = ["FarLedger", "PublishedEntries"]

_MAX_TRIES = 3
_EARLIEST, _LATEST = 1_704_067_200, 4_102_444_800  # a clock before 2024 or after 2100 is wrong
_CLOCK_HINT = "Set this machine's clock; a checkpoint of the log is from a later time."


class FarLedger:
    """An opened connection to the log, with the interface of `ledger.sequencer.Sequencer`. For one thread."""

    def __init__(
        self,
        client: AppendClient,
        source: LogSource,
        *,
        origin: str,
        log: int,
        policy: TrustPolicy,
        outbox: EntryOutbox,
        seen: Path,
        clock: Callable[[], int],
    ) -> None:
        """Nothing is asked yet.

        Args:
            client, source: how the log is appended to, and read; closed with this.
            origin, log: its name and its number in the directory.
            policy: whose signatures make a checkpoint.
            seen: folder of the last checkpoint seen, and of evidence if the log shows two histories.
            clock: POSIX seconds.
        """
        self.origin = origin
        self.log = log
        self._client = client
        self._source = source
        self._policy = policy
        self._outbox = outbox
        self._seen = seen
        self._clock = clock
        self._acknowledged = 0  # the log has at least so many entries, by its own word
        self._accepted: tuple[bytes, Accepted] | None = None
        self._bundle: tuple[int, int, list[bytes]] | None = None  # tree size, number, entries

    @property
    def size(self) -> int:
        """How many entries the log has at least, as far as this home knows: seen, or answered."""
        with suppress(UndeterminedError):  # minting goes on while the log is down; what is minted waits
            self.newest_checkpoint()
        note = last_seen(self._seen)
        return max(self._acknowledged, 0 if note is None else parse_checkpoint_note(note)[0].size)

    def append(self, entries: Sequence[bytes]) -> list[int]:
        """Log `entries` in the order given; durable at the log on return, after everything that waited before them.

        Returns:
            the index of each, by the log's word: `prove` is what shows it.
        Raises:
            UndeterminedError: `log.unreachable`: kept in the outbox, and sent again with the next call.
            ConflictError: the log is busy or stopped; kept likewise.
            VerificationError: `auth.missing`, `auth.invalid` (kept), `authz.denied` (dropped: it will never be taken).
            FormatError: the reasons of `parse_entry`; or what a log that speaks otherwise answered.
            IntegrityError: `store.…` of the outbox; nothing was sent.
        """
        for entry in entries:
            require_entry(entry)
        if entries:
            self._outbox.put(entries)
        index_of = self._send_waiting()
        left = [entry for entry in dict.fromkeys(entries) if entry not in index_of]
        for at in range(0, len(left), MAX_APPEND):  # another process of this home was first to send them
            index_of |= self._send(left[at : at + MAX_APPEND])
        return [index_of[entry] for entry in entries]

    def checkpoint(self, now: int) -> bytes:
        """The log's newest cosigned note, asked for now and verified; it covers all that was appended here.

        Raises:
            ConflictError: `ckpt.quorum_unmet`: logged, but awaiting witnesses; and as `append`.
            VerificationError: `log.fork_detected`, `log.consistency_invalid`, `ckpt.…`, `log.unknown_origin`.
            UndeterminedError: `log.unreachable`, `ckpt.stale`.
        """
        self._send_waiting()
        note = self._accept(self._client.checkpoint(), now)
        if self._tree(note).tree.size < self._acknowledged:
            hint = "Make the checkpoint again; if that does not help, tell whoever supervises the log."
            raise UndeterminedError(Reason.CKPT_STALE, "it does not cover what was acknowledged", hint=hint)
        return note

    def newest_checkpoint(self) -> bytes:
        """The log's newest cosigned note, verified. Raises as `checkpoint`."""
        return self._accept(self._source.fetch(CHECKPOINT_PATH), self._clock())

    def require_clock(self, now: int) -> None:
        """Raise ConfigError `cli.clock_suspect` for a clock that is behind the newest checkpoint seen."""
        note = last_seen(self._seen)
        try:
            if note is not None:
                verify_checkpoint(note, policy=self._policy, now=now)
        except VerificationError as exc:
            if exc.reason is not Reason.CKPT_COSIG_FUTURE:
                raise
            raise ConfigError(Reason.CLI_CLOCK_SUSPECT, f"now {now}", hint=_CLOCK_HINT) from exc
        if not _EARLIEST <= now < _LATEST:
            raise ConfigError(Reason.CLI_CLOCK_SUSPECT, f"now {now}", hint=_CLOCK_HINT)

    def prove(self, index: int) -> FullProof:
        """As `Sequencer.prove`, from the log's tiles."""
        return self.prove_with_note(index)[0]

    def prove_with_note(self, index: int) -> tuple[FullProof, bytes]:
        """As `prove`, with the cosigned note that the proof is under.

        Raises:
            ConflictError: `log.inclusion_missing` if no cosigned checkpoint covers it yet.
            VerificationError: `log.index_range`; `log.consistency_invalid` for tiles that are not the checkpoint's.
            UndeterminedError: `log.unreachable`.
        """
        note, accepted = self._covering(index)
        checkpoint, tree = accepted.verified.checkpoint, accepted.tree
        path = prove_inclusion(index, checkpoint.size, tree.read_node)
        verify_inclusion(
            leaf_hash=leaf_hash(self.entry(index)),
            index=index,
            size=checkpoint.size,
            path=path,
            root_hash=checkpoint.root_hash,
        )
        _, signatures = parse_checkpoint_note(note)
        key = self._policy.log_keys(self.origin)[0]
        blobs = carried_signatures(signatures, log_key=key, policy=self._policy)
        return FullProof(self.log, index, checkpoint.size, tuple(path), blobs), note

    def published_blocks(self, start: int) -> tuple[bytes, Blocks]:
        """As `Sequencer.published_blocks`, from the log's tiles, under the newest checkpoint. Raises as `prove`."""
        note = self.newest_checkpoint()
        tree = self._tree(note).tree
        return note, Blocks.read(tree.size, min(start, tree.size), tree.read_node)

    def prove_consistency(self, old_size: int, new_size: int) -> list[bytes]:
        """As `Sequencer.prove_consistency`, for published sizes."""
        _, accepted = self._covering(new_size - 1)
        return prove_consistency(old_size, new_size, accepted.tree.read_node)

    def entry(self, index: int) -> bytes:
        """The published entry at `index`. Raises as `prove`."""
        _, accepted = self._covering(index)
        number, at = divmod(index, TILE_WIDTH)
        if self._bundle is None or self._bundle[:2] != (accepted.tree.size, number):
            self._bundle = (accepted.tree.size, number, accepted.tree.entries(number))
        return self._bundle[2][at]

    def find(self, entry: bytes) -> int | None:
        """The index of a published entry, or None. Reads the whole log: it has no index by digest."""
        wanted, published = leaf_hash(entry), PublishedEntries(self)
        rows = published.entries(0, published.size())
        return next((row.index for row in rows if row.leaf_hash == wanted), None)

    def close(self) -> None:
        """Give up the connections."""
        self._client.close()
        self._source.close()

    # --- sending and verifying ----------------------------------------------------------------------------------

    def _send_waiting(self) -> dict[bytes, int]:
        index_of: dict[bytes, int] = {}
        while waiting := self._outbox.waiting(MAX_APPEND):
            index_of |= self._send(waiting)
        return index_of

    def _send(self, entries: Sequence[bytes]) -> dict[bytes, int]:
        try:
            indices = self._client.append(entries)
        except VerificationError as exc:
            if exc.reason is Reason.AUTHZ_DENIED:
                self._outbox.done(entries)
            raise
        if len(set(indices)) != len(entries):
            raise FormatError(Reason.API_VALIDATION, "one index for two entries")
        self._outbox.done(entries)
        self._acknowledged = max(self._acknowledged, max(indices) + 1)
        return dict(zip(entries, indices, strict=True))

    def _accept(self, note: bytes, now: int) -> bytes:
        """Verify a note and remember it; the newest one if another process of this home saw a newer one meanwhile."""
        if self._accepted is not None and self._accepted[0] == note:
            return note
        for left in reversed(range(_MAX_TRIES)):
            try:
                accepted = accept_checkpoint(
                    self._source, note, policy=self._policy, folder=self._seen, now=now
                )
            except UndeterminedError as exc:
                if exc.reason is not Reason.CKPT_STALE or not left:
                    raise
                note = self._source.fetch(CHECKPOINT_PATH)
                continue
            if accepted.verified.checkpoint.origin != self.origin:
                raise VerificationError(Reason.LOG_UNKNOWN_ORIGIN, "the checkpoint of another log")
            remember_checkpoint(self._seen, note)
            self._accepted = (note, accepted)
            break
        return note

    def _tree(self, note: bytes) -> Accepted:
        assert self._accepted is not None
        assert self._accepted[0] == note  # what was just accepted
        return self._accepted[1]

    def _covering(self, index: int) -> tuple[bytes, Accepted]:
        """The checkpoint at hand if it covers `index`, else the newest."""
        if self._accepted is None or index >= self._accepted[1].tree.size:
            self.newest_checkpoint()
        assert self._accepted is not None  # or it was raised
        size = self._accepted[1].tree.size
        if index < 0:
            raise VerificationError(Reason.LOG_INDEX_RANGE, f"entry {index} of {size}")
        if index >= size:
            hint = "Ask for a checkpoint, then again."
            raise ConflictError(Reason.LOG_INCLUSION_MISSING, f"entry {index} of {size}", hint=hint)
        return self._accepted


class PublishedEntries:
    """A far log read like a store: its published entries, each compared with its leaf below the signed root."""

    def __init__(self, ledger: FarLedger) -> None:
        """`ledger` is closed with this."""
        self._ledger = ledger

    def size(self) -> int:
        """Of the newest checkpoint. Raises as `FarLedger.newest_checkpoint`."""
        return parse_checkpoint_note(self._ledger.newest_checkpoint())[0].size

    def entries(self, start: int, end: int) -> Iterator[StoredEntry]:
        """The entries with start <= index < end. Raises as `FarLedger.prove`."""
        for index in range(start, end):
            entry = self._ledger.entry(index)
            yield StoredEntry(index, entry, leaf_hash(entry))

    def leaf_hashes(self, start: int, end: int) -> list[bytes]:
        """Their leaf hashes alone."""
        return [row.leaf_hash for row in self.entries(start, end)]

    def close(self) -> None:
        """Give up the connections."""
        self._ledger.close()
