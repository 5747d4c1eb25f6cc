"""A witness with a memory on disk: it cosigns a log's checkpoints as long as each one extends the last.

Two files in its folder. `state.db` holds what it last cosigned of each log. `signed-through` is a marker that
counts its cosignatures; it is written after the state and before a cosignature leaves. A state that is
missing, or behind the marker, was lost or restored from a backup: such a witness could be led to cosign two
histories, so it never signs again (`wit.state_lost`); make a new one with a new key. Keep the marker where
the backup of the state is not.

Order of a cosignature: decide and store in one transaction, then move the marker, then sign.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from sqlite_utils import Database

from ledger.checkpoint import Checkpoint, cosign, cosign_mldsa, encode_checkpoint, verify_cosignature
from ledger.durable import map_os_error, replace_durably
from ledger.ed25519 import Signer
from ledger.errors import ConfigError, FormatError, IntegrityError, VerificationError
from ledger.merkle import EMPTY_ROOT, RootHash
from ledger.mldsa import MlDsa44Signer
from ledger.note import Note, NoteSignature, SignatureType, VerifierKey, encode_note, encode_signature_line
from ledger.reasons import Reason
from ledger.store.sqlite_file import create_sqlite, mapped_errors, open_sqlite, transaction
from ledger.trust_policy import TrustPolicy
from ledger.witness_protocol import (
    NOTHING_YET,
    AddCheckpoint,
    WitnessConflictError,
    WitnessedTree,
    decide_add_checkpoint,
    parse_add_checkpoint,
)

__all__ = ["LocalWitness"]

STATE_NAME = "state.db"
MARKER_NAME = "signed-through"
_VERSION = 1
_SCHEMA: Mapping[str, str] = {
    "witnessed": "CREATE TABLE witnessed (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, "
    "root_hash BLOB NOT NULL CHECK (length(root_hash) = 32)) STRICT",
    "generation": "CREATE TABLE generation (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), "
    "value INTEGER NOT NULL) STRICT",
    # Whatever a program gets wrong, the file itself lets no size fall and no root change.
    "witnessed_grows": "CREATE TRIGGER witnessed_grows BEFORE UPDATE ON witnessed "
    "WHEN NEW.size < OLD.size OR (NEW.size = OLD.size AND NEW.root_hash <> OLD.root_hash) "
    "BEGIN SELECT RAISE(ABORT, 'a witness never goes back'); END",
    "witnessed_stays": "CREATE TRIGGER witnessed_stays BEFORE DELETE ON witnessed "
    "BEGIN SELECT RAISE(ABORT, 'a witness never forgets'); END",
}
_ORIGIN_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MARKER = re.compile(rb"(0|[1-9][0-9]{0,18})\n")


class LocalWitness:
    """Cosigns for the logs whose keys it knows. Several processes may open one witness."""

    is_far = False

    def __init__(
        self,
        folder: Path,
        *,
        signer: Signer,
        mldsa_signer: MlDsa44Signer | None = None,
        name: str,
        log_keys: Sequence[VerifierKey],
        marker: Path | None = None,
        lock_timeout: float = 10.0,
        keep_notes: bool = False,
    ) -> None:
        """Open the witness in `folder`, or make a new one if neither state nor marker is there.

        Args:
            mldsa_signer: its second key, which cosigns too.
            name: of its keys, as verifiers know it.
            log_keys: of the logs it serves.
            marker: where to keep the marker instead of `folder`.
            keep_notes: also keep the newest note of each log, for monitors.
        Raises:
            IntegrityError: `wit.state_lost`, or a `store.…` reason.
            ConfigError: `key.purpose_mismatch` if its key is that of a log.
        """
        self.key = VerifierKey(name, SignatureType.COSIGNATURE, signer.public_key)
        if any(key.public_key == signer.public_key for key in log_keys):
            raise ConfigError(
                Reason.KEY_PURPOSE_MISMATCH, "the witness has a log's key", hint="Make a key of its own."
            )
        self._signer = signer
        self._mldsa_signer = mldsa_signer
        self._log_keys = tuple(log_keys)
        self._folder = folder
        self._keep_notes = keep_notes
        self._marker = folder / MARKER_NAME if marker is None else marker
        self._db = self._open(folder, lock_timeout)
        try:
            self._require_state()
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        signer: Signer,
        mldsa_signer: MlDsa44Signer | None = None,
        policy: TrustPolicy,
        marker: Path | None = None,
    ) -> LocalWitness:
        """Open the witness that `policy` lists under the key of `signer`, for the logs that it lists.

        Raises:
            ConfigError: `cli.key_mismatch` if no witness has this key; and as the constructor.
        """
        names = [w.key.name for w in policy.witnesses if w.key.public_key == signer.public_key]
        if not names:
            raise ConfigError(
                Reason.CLI_KEY_MISMATCH,
                "no witness of the policy has this key",
                hint="Compare the policy file.",
            )
        log_keys = [log.key for log in policy.logs]
        return cls(
            folder, signer=signer, mldsa_signer=mldsa_signer, name=names[0], log_keys=log_keys, marker=marker
        )

    def add_checkpoint(self, body: bytes, *, now: int) -> bytes:
        """Cosign what a request asks for, or refuse; `ledger.witness_protocol` gives the steps.

        Args:
            body: an `add-checkpoint` request.
            now: POSIX seconds, stated in the cosignature.
        Returns:
            its signature lines, one a key.
        Raises:
            FormatError, VerificationError, WitnessConflictError: as `parse_add_checkpoint` and
                `decide_add_checkpoint`.
            IntegrityError: `wit.state_lost` or `store.…`; nothing was cosigned.
            ConflictError: `store.locked`.
        """
        request = parse_add_checkpoint(body)
        with transaction(self._db):
            self._require_state()
            latest = self._witnessed(request.checkpoint.origin)
            try:
                decided = decide_add_checkpoint(request, log_keys=self._log_keys, latest=latest)
            except WitnessConflictError as exc:
                if request.checkpoint.size > latest.size and self._carries_own_cosignature(request):
                    raise _state_lost("the request carries a cosignature newer than the state") from exc
                raise
            self._carries_own_cosignature(request)
            self._advance(request.checkpoint.origin, latest, decided)
        self._move_marker()
        lines = self._cosign(request.checkpoint, now)
        if self._keep_notes:
            self._keep_note(request, lines)
        return "".join(encode_signature_line(line) for line in lines).encode()

    def _cosign(self, checkpoint: Checkpoint, now: int) -> list[NoteSignature]:
        lines = [cosign(checkpoint, self._signer, name=self.key.name, time=now)]
        if self._mldsa_signer is not None:
            lines.append(cosign_mldsa(checkpoint, self._mldsa_signer, name=self.key.name, time=now))
        return lines

    def latest_note(self, origin_hash: str) -> bytes | None:
        """The newest note it kept of the log whose origin has this SHA-256 (lower-case hex), or None."""
        if not _ORIGIN_HASH.fullmatch(origin_hash):
            return None
        try:
            return (self._folder / f"{origin_hash}.note").read_bytes()
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise map_os_error(exc) from exc

    def _keep_note(self, request: AddCheckpoint, lines: Sequence[NoteSignature]) -> None:
        """The note as a monitor gets it: the log's signatures that were verified, and ours. Losing it loses nothing."""
        origin = request.checkpoint.origin
        keys = [key for key in self._log_keys if key.name == origin]
        by_log = [line for line in request.signatures if any(line.is_by(key) for key in keys)]
        note = Note(encode_checkpoint(request.checkpoint), (*by_log, *lines))
        replace_durably(self._folder / f"{sha256(origin.encode()).hexdigest()}.note", encode_note(note))

    def witnessed_size(self, origin: str) -> int:
        """The size it last cosigned of the log `origin`; 0 for none."""
        return self._witnessed(origin).size

    def close(self) -> None:
        """Give up the files; calling it twice is fine."""
        self._db.close()

    def _open(self, folder: Path, lock_timeout: float) -> Database:
        state = folder / STATE_NAME
        if not state.exists():
            if self._marked() is not None:
                raise _state_lost("its state is missing")
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as exc:
                raise map_os_error(exc) from exc
            create_sqlite(state, _SCHEMA, version=_VERSION, script="INSERT INTO generation VALUES (1, 0)")
            replace_durably(self._marker, b"0\n")
        return open_sqlite(state, _SCHEMA, version=_VERSION, lock_timeout=lock_timeout)

    def _require_state(self) -> None:
        self._require_whole()
        generation, marked = self._generation(), self._marked()
        if marked is None and generation == 0:  # killed while it was being made
            replace_durably(self._marker, b"0\n")
        elif marked is None or generation < marked:
            raise _state_lost("its state is older than its last cosignature, or its marker is gone")

    def _witnessed(self, origin: str) -> WitnessedTree:
        with mapped_errors():
            row = self._db.execute(
                "SELECT size, root_hash FROM witnessed WHERE origin = ?", (origin,)
            ).fetchone()
        if row is None:
            return NOTHING_YET
        size, root = row
        if size == 0 and root != EMPTY_ROOT:  # it would cosign whatever comes next
            raise _damaged()
        return WitnessedTree(size, RootHash(root))

    def _require_whole(self) -> None:
        """A page that the disk gave back wrong may hide what was cosigned: the row, or the way to it."""
        with mapped_errors():
            [found] = self._db.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            raise _damaged()

    def _generation(self) -> int:
        with mapped_errors():
            return int(self._db.execute("SELECT value FROM generation").fetchone()[0])

    def _marked(self) -> int | None:
        try:
            data = self._marker.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise map_os_error(exc) from exc
        if not _MARKER.fullmatch(data):
            raise _state_lost("its marker is not readable")
        return int(data)

    def _carries_own_cosignature(self, request: AddCheckpoint) -> bool:
        """Whether we cosigned this very checkpoint. A line that only says so is refused, not ignored."""
        ours = [signature.blob for signature in request.signatures if signature.is_by(self.key)]
        for blob in ours:
            try:
                verify_cosignature(request.checkpoint, blob, key=self.key)
            except VerificationError as exc:
                raise FormatError(Reason.WIT_BAD_REQUEST, "a forged cosignature of this witness") from exc
        return bool(ours)

    def _advance(self, origin: str, latest: WitnessedTree, decided: WitnessedTree) -> None:
        """Store what will have been cosigned, within the transaction that read `latest`."""
        self._db.execute("UPDATE generation SET value = value + 1")
        if latest is NOTHING_YET:
            sql = "INSERT INTO witnessed (size, root_hash, origin) VALUES (?, ?, ?)"
        else:
            sql = "UPDATE witnessed SET size = ?, root_hash = ? WHERE origin = ?"
        self._db.execute(sql, (decided.size, decided.root_hash, origin))

    def _move_marker(self) -> None:
        """Under the lock, so that two processes never move it backwards."""
        with transaction(self._db):
            replace_durably(self._marker, b"%d\n" % self._generation())


def _damaged() -> IntegrityError:
    return IntegrityError(
        Reason.STORE_CORRUPT,
        "its state is damaged",
        hint="Check the disk. Retire this witness unless the disk gives the state back whole.",
    )


def _state_lost(detail: str) -> IntegrityError:
    return IntegrityError(
        Reason.WIT_STATE_LOST, detail, hint="Retire this witness; make a new one with a new key."
    )
