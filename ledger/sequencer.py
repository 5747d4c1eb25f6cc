"""The one writer of a ledger: appends entries, signs checkpoints, has them cosigned, and proves what is logged.

What has to hold, whatever crashes (DESIGN section 8):

- An index is given out only for an entry that is durable.
- A checkpoint is signed only over a tree recomputed from the stored entries, as an extension of the last signed one,
  which is kept in a file apart (`ledger.anchor`). An older or different database is refused.
- The anchor is durable before the checkpoint leaves, also towards a witness.
- After a failed write nothing more is done until the ledger is opened, that is recomputed, again.

Several processes may open one ledger: whoever writes holds the store's lock, reads the anchor and the new entries
first, and goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ledger.anchor import Anchor, held_anchor, load_anchor, save_anchor
from ledger.blocks import Blocks
from ledger.checkpoint import Checkpoint, cosign_mldsa, sign_checkpoint
from ledger.cosigning import collect_cosignatures
from ledger.ed25519 import Signer
from ledger.entry import require_entry
from ledger.errors import ConfigError, ConflictError, IntegrityError, ProjectError, VerificationError
from ledger.merkle import Frontier, leaf_hash, prove_consistency, prove_inclusion, verify_inclusion
from ledger.mldsa import MlDsa44Signer
from ledger.note import SignatureType, VerifierKey
from ledger.proof import FullProof
from ledger.reasons import Reason
from ledger.store.base import Store, StoredCheckpoint
from ledger.store.notes import parse_stored
from ledger.store.opening import create_store, open_store
from ledger.store.tree import StoredTree, append_entries, recompute, verify_edge
from ledger.trust_policy import TrustPolicy, carried_signatures, verify_checkpoint
from ledger.witness_protocol import Witness, WitnessConflictError

__all__ = ["Sequencer"]

_EARLIEST = 1_704_067_200  # 2024-01-01: a clock before this project is wrong
_LATEST = 4_102_444_800  # 2100-01-01
_MAX_TRIES = 3


@dataclass(frozen=True, slots=True)
class _Published:
    """The newest cosigned checkpoint, ready to prove under."""

    stored: StoredCheckpoint
    checkpoint: Checkpoint
    signatures: tuple[bytes, ...]
    tree: StoredTree


class Sequencer:
    """An opened ledger. Not for several threads at once.

    Invariants: `_frontier` is the tree at the size of `_anchor`, compared with its root; `_grown` is its extension
    by entries seen since, signed or not. `_failed` is set from the first failed write on.
    """

    def __init__(
        self,
        store: Store,
        *,
        origin: str,
        log: int,
        signer: Signer,
        mldsa_signer: MlDsa44Signer | None = None,
        witnesses: Sequence[Witness],
        policy: TrustPolicy,
        anchor: Path,
    ) -> None:
        """Take over an opened store; as `open`. The store is closed with the sequencer, also if this fails."""
        self.origin = origin
        self.log = log
        self.key = VerifierKey(origin, SignatureType.ED25519, signer.public_key)
        self._store = store
        self._signer = signer
        self._mldsa_signer = mldsa_signer
        self._witnesses = tuple(witnesses)
        self._policy = policy
        self._anchor_path = anchor
        self._anchor: Anchor | None = None
        self._frontier = Frontier()
        self._grown = Frontier()
        self._published: _Published | None = None
        self._failed: ProjectError | None = None
        try:
            self._require_configuration()
            with store.writing():  # nobody signs between the look at the anchor and the look at the database
                self._load()
        except BaseException:
            store.close()
            raise

    @classmethod
    def create(cls, location: str | Path, *, origin: str) -> None:
        """Make an empty ledger for the log `origin` at `location`, a path or `postgresql://…`.

        Raises:
            FormatError: `ckpt.malformed` for an origin that no log can have.
            ConfigError: `cli.exists`.
            IntegrityError: `store.…`.
        """
        create_store(location, origin=origin)

    @classmethod
    def open(
        cls,
        location: str | Path,
        *,
        origin: str,
        log: int,
        signer: Signer,
        mldsa_signer: MlDsa44Signer | None = None,
        witnesses: Sequence[Witness],
        policy: TrustPolicy,
        anchor: Path,
        lock_timeout: float = 10.0,
    ) -> Sequencer:
        """Open the ledger at `location`: its right edge is recomputed and compared with what was signed last.

        Args:
            location: a path or `postgresql://…`.
            origin: the log's name.
            log: its number in the directory.
            signer: its key, which `policy` has to list.
            mldsa_signer: its ML-DSA-44 key, likewise; without one checkpoints are signed by Ed25519 alone.
            witnesses: asked in this order until the policy's quorum is met.
            anchor: file of the last signed checkpoint, in a place that no restore of the database touches.
            lock_timeout: seconds to wait for another writer.
        Raises:
            ConfigError: `cli.not_found`, `home.version`, `store.retired`, `cli.key_mismatch` (origin or key is not that
                of this ledger).
            IntegrityError: `store.rollback_detected` (the database is older than the anchor), `store.fork_detected`
                (it holds another history), `store.hash_mismatch`, `store.corrupt`, `store.schema_tampered`,
                `store.not_durable_mode` or another `store.…`.
        """
        store = open_store(location, lock_timeout=lock_timeout)
        return cls(
            store,
            origin=origin,
            log=log,
            signer=signer,
            mldsa_signer=mldsa_signer,
            witnesses=witnesses,
            policy=policy,
            anchor=anchor,
        )

    @property
    def size(self) -> int:
        """How many entries are durable, signed or not."""
        return self._store.size()

    def append(self, entries: Sequence[bytes]) -> list[int]:
        """Log `entries` in the order given, all or none; durable on return.

        An entry that is logged already, or occurs twice, is logged once.

        Returns:
            the index of each.
        Raises:
            FormatError: the reasons of `parse_entry`; nothing was logged.
            ConflictError: `store.locked`; nothing was logged, try again.
            IntegrityError: `store.…`; whether it was logged shows when the ledger is opened again.
        """
        for entry in entries:
            require_entry(entry)
        with self._writing():
            indices = append_entries(self._store, entries)
            grown = recompute(self._store, self._grown, self._store.size())
        self._grown = grown
        return indices

    def find(self, entry: bytes) -> int | None:
        """The index of `entry`, or None if it is not logged."""
        leaf = leaf_hash(entry)
        return self._store.find([leaf]).get(leaf)

    def entry(self, index: int) -> bytes:
        """The logged bytes at `index`.

        Raises:
            VerificationError: `log.index_range`.
        """
        if not 0 <= index < self.size:
            raise VerificationError(Reason.LOG_INDEX_RANGE, f"entry {index} of {self.size}")
        [row] = self._store.entries(index, index + 1)
        return row.entry

    def checkpoint(self, now: int) -> bytes:
        """Sign the tree as it is, have it cosigned, and return the cosigned note, which is also stored.

        Args:
            now: POSIX seconds; never before the time of an earlier checkpoint.
        Raises:
            ConfigError: `cli.clock_suspect`.
            ConflictError: `store.locked`, or `ckpt.quorum_unmet`: signed and stored, but awaiting witnesses.
            IntegrityError: `store.fork_detected` (the witnesses saw another history of this log), or as `open`.
        """
        for _ in range(_MAX_TRIES):
            with self._writing(), held_anchor(self._anchor_path):
                anchor = self._sign(now)
            note = self._cosigned(anchor)
            if note is not None:
                with self._writing():
                    self._store.add_checkpoint(
                        StoredCheckpoint(anchor.checkpoint.size, anchor.time, True, note)
                    )
                return note
        raise ConflictError(
            Reason.WIT_CONFLICT, "other processes keep publishing", hint="Make the checkpoint again."
        )

    def newest_checkpoint(self) -> bytes | None:
        """The newest cosigned note, or None before the first one."""
        published = self._newest_published()
        return None if published is None else published.stored.note

    def prove(self, index: int) -> FullProof:
        """Prove that entry `index` is logged, under the newest cosigned checkpoint. The proof is verified first.

        Raises:
            VerificationError: `log.index_range` if there is no such entry.
            ConflictError: `log.inclusion_missing` if no cosigned checkpoint covers it yet.
            IntegrityError: `store.hash_mismatch` or `store.corrupt`.
        """
        entry = self.entry(index)
        published = self._newest_published()
        if published is None or index >= published.checkpoint.size:
            raise ConflictError(
                Reason.LOG_INCLUSION_MISSING,
                f"entry {index} awaits a cosigned checkpoint",
                hint="Run ledger checkpoint, then ask again.",
            )
        size, root = published.checkpoint.size, published.checkpoint.root_hash
        path = prove_inclusion(index, size, published.tree.read_node)
        try:
            verify_inclusion(leaf_hash=leaf_hash(entry), index=index, size=size, path=path, root_hash=root)
        except VerificationError as exc:
            raise IntegrityError(
                Reason.STORE_HASH_MISMATCH, f"entry {index} does not lead to the signed root"
            ) from exc
        return FullProof(self.log, index, size, tuple(path), published.signatures)

    def prove_with_note(self, index: int) -> tuple[FullProof, bytes]:
        """As `prove`, with the cosigned note that the proof is under."""
        proof = self.prove(index)
        assert self._published is not None  # what it was proved under
        return proof, self._published.stored.note

    def published_blocks(self, start: int) -> tuple[bytes, Blocks]:
        """The newest cosigned note, and the blocks that lead to its root; `start` as in `Blocks.read`.

        Raises:
            ConflictError: `log.inclusion_missing` before the first cosigned checkpoint.
            IntegrityError: `store.corrupt`.
        """
        published = self._newest_published()
        if published is None:
            raise ConflictError(Reason.LOG_INCLUSION_MISSING, "no cosigned checkpoint yet")
        size = published.checkpoint.size
        return published.stored.note, Blocks.read(size, min(start, size), published.tree.read_node)

    def prove_consistency(self, old_size: int, new_size: int) -> list[bytes]:
        """The hashes that link two sizes of this log. Errors as `ledger.merkle.prove_consistency`."""
        if new_size > self.size:
            raise VerificationError(Reason.LOG_INDEX_RANGE, f"size {new_size} of {self.size}")
        return prove_consistency(old_size, new_size, StoredTree(self._store, new_size).read_node)

    def close(self) -> None:
        """Give up the files; calling it twice is fine."""
        self._store.close()

    # --- the tree and what was signed of it ---------------------------------------------------------------------

    def _require_configuration(self) -> None:
        if self._store.origin != self.origin:
            raise ConfigError(
                Reason.CLI_KEY_MISMATCH, "the database is that of another log", hint="Compare the settings."
            )
        keys = {self.key}
        if self._mldsa_signer is not None:
            keys.add(VerifierKey(self.origin, SignatureType.ML_DSA_44, self._mldsa_signer.public_key))
        if not keys.issubset(self._policy.log_keys(self.origin)):
            raise ConfigError(
                Reason.CLI_KEY_MISMATCH,
                "the policy does not list this log's key",
                hint="Compare the policy file.",
            )

    def _load(self) -> None:
        """Read the anchor and compare the database with it; then recompute what was appended since."""
        anchor = load_anchor(self._anchor_path, key=self.key)
        signed = self._store.newest_checkpoint(cosigned=False)
        size = self._store.size()
        anchored = 0 if anchor is None else anchor.checkpoint.size
        if signed is not None and (anchor is None or signed.size > anchored):
            raise _rolled_back("the last signed checkpoint kept apart is missing or older than the database")
        if size < anchored:
            raise _rolled_back(f"{size} entries are stored, {anchored} were signed")
        frontier = verify_edge(self._store, anchored)
        if anchor is not None and frontier.root_hash() != anchor.checkpoint.root_hash:
            raise _forked(f"another tree of {anchored} entries was signed")
        self._grown = recompute(self._store, frontier, size)
        self._anchor, self._frontier = anchor, frontier

    def _sign(self, now: int) -> Anchor:
        """Within the locks of store and anchor: recompute, sign, and make it durable in both places."""
        if load_anchor(self._anchor_path, key=self.key) != self._anchor:  # another process signed meanwhile
            self._load()
        self.require_clock(now)
        frontier = recompute(self._store, self._frontier, self._store.size())
        checkpoint = Checkpoint(self.origin, frontier.size, frontier.root_hash())
        signer = self._mldsa_signer
        also = () if signer is None else (cosign_mldsa(checkpoint, signer, name=self.origin, time=now),)
        anchor = Anchor(checkpoint, sign_checkpoint(checkpoint, self._signer), now, also)
        save_anchor(self._anchor_path, anchor)
        self._anchor, self._frontier, self._grown = anchor, frontier, frontier
        self._store.add_checkpoint(StoredCheckpoint(checkpoint.size, now, False, anchor.note))
        return anchor

    def _cosigned(self, anchor: Anchor) -> bytes | None:
        """The anchor's note with a quorum of cosignatures, as verifiers of the policy accept it.

        None if another process had a larger tree of this very ledger cosigned meanwhile.
        """
        last = self._store.newest_checkpoint(cosigned=True)
        if last is not None:
            parse_stored(last)
        try:
            note = collect_cosignatures(
                anchor.checkpoint,
                anchor.signature,
                also=anchor.also,
                witnesses=self._witnesses,
                policy=self._policy,
                last_cosigned=None if last is None else last.note,
                prove=self.prove_consistency,
                now=anchor.time,
            )
        except WitnessConflictError as exc:
            if anchor.checkpoint.size < exc.size <= self.size:
                return None
            self._failed = _forked(f"a witness cosigned size {exc.size}, not this tree")
            raise self._failed from exc
        verify_checkpoint(note, policy=self._policy, now=anchor.time)
        return note

    def _newest_published(self) -> _Published | None:
        stored = self._store.newest_checkpoint(cosigned=True)
        if stored is None:
            return None
        if self._published is None or self._published.stored != stored:
            checkpoint, signatures = parse_stored(stored)
            verify_checkpoint(stored.note, policy=self._policy, now=stored.time)
            blobs = carried_signatures(signatures, log_key=self.key, policy=self._policy)
            tree = StoredTree(self._store, checkpoint.size)
            self._published = _Published(stored, checkpoint, blobs, tree)
        return self._published

    def require_clock(self, now: int) -> None:
        """Raise ConfigError `cli.clock_suspect` unless `now` (POSIX seconds) may be the time of the next checkpoint."""
        newest = 0 if self._anchor is None else self._anchor.time
        if not _EARLIEST <= now < _LATEST or now < newest:
            raise ConfigError(
                Reason.CLI_CLOCK_SUSPECT,
                f"now {now}, last checkpoint {newest}",
                hint="Set this machine's clock; nothing is signed before the time of the last checkpoint.",
            )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction. Refuses after a failure and notices one; a lock held by others is none."""
        if self._failed is not None:
            raise IntegrityError(
                self._failed.reason,
                "an earlier write failed; this ledger has to be opened again",
                hint=self._failed.hint,
            ) from self._failed
        try:
            with self._store.writing():
                yield
        except IntegrityError as exc:
            self._failed = exc
            raise


def _rolled_back(detail: str) -> IntegrityError:
    return IntegrityError(
        Reason.STORE_ROLLBACK_DETECTED,
        detail,
        hint="Bring back the newest database and the newest last-checkpoint file; sign nothing with older ones.",
    )


def _forked(detail: str) -> IntegrityError:
    return IntegrityError(
        Reason.STORE_FORK_DETECTED,
        detail,
        hint="Keep both databases as evidence; only the one that the witnesses know may go on.",
    )
