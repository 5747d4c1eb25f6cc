"""Asking witnesses for cosignatures until the quorum is met: near ones in turn, far ones all at once.

A far witness has a time limit of its own. Nobody waits for the rest once the quorum is met, nor for a witness beyond
the limit: it catches up with the next checkpoint.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ledger.checkpoint import Checkpoint, encode_checkpoint, parse_checkpoint_note, verify_cosignature
from ledger.errors import ConflictError, IntegrityError, ProjectError
from ledger.note import Note, NoteSignature, VerifierKey, encode_note, parse_signature_lines
from ledger.reasons import Reason
from ledger.trust_policy import COSIGNATURE_SKEW, TrustPolicy
from ledger.witness_protocol import Witness, WitnessConflictError, encode_add_checkpoint

__all__ = ["COSIGNING_SECONDS", "collect_cosignatures"]

COSIGNING_SECONDS = 15.0
"""How long a checkpoint waits for far witnesses, all rounds together."""

_MAX_TRIES = 3


@dataclass(slots=True)
class _Asked:
    """One witness while it is asked. It may know more than we remember, but never less than `least`."""

    witness: Witness
    least: int
    old_size: int
    tries: int = 0


@dataclass(slots=True)
class _Round:
    """One checkpoint on its way to the quorum."""

    checkpoint: Checkpoint
    signed: bytes
    policy: TrustPolicy
    prove: Callable[[int, int], list[bytes]]
    now: int
    lines: list[NoteSignature] = field(default_factory=list)
    cosigned_by: set[bytes] = field(default_factory=set)
    failures: list[ProjectError] = field(default_factory=list)

    def is_met(self) -> bool:
        return self.policy.quorum_met(frozenset(self.cosigned_by))

    def body(self, asked: _Asked) -> bytes:
        size = self.checkpoint.size
        path = self.prove(asked.old_size, size) if 0 < asked.old_size < size else []
        return encode_add_checkpoint(old_size=asked.old_size, path=path, note=self.signed)

    def take(self, asked: _Asked, answer: bytes | ProjectError) -> bool:
        """Take in an answer; True if the witness has to be asked once more, from the size it told."""
        try:
            if isinstance(answer, WitnessConflictError):
                return self._moves(asked, answer)
            if isinstance(answer, ProjectError):
                raise answer
            self._add(asked.witness.key, answer)
        except ProjectError as exc:
            self.failures.append(exc)
        return False

    def _moves(self, asked: _Asked, conflict: WitnessConflictError) -> bool:
        key = asked.witness.key
        if conflict.size < asked.least:
            raise _forgot(key, conflict.size, asked.least) from conflict
        if conflict.size > self.checkpoint.size or conflict.size == asked.old_size:
            raise conflict
        asked.old_size = conflict.size
        asked.tries += 1
        if asked.tries == _MAX_TRIES:
            raise ConflictError(Reason.WIT_CONFLICT, f"witness {key.key_id.hex()} keeps moving") from conflict
        return True

    def _add(self, key: VerifierKey, answer: bytes) -> None:
        """The cosignature by `key`, verified; and those by other keys of the policy, if they verify too."""
        found = []
        for line in parse_signature_lines(answer.decode("utf-8", "replace")):
            listed = next((w for w in self.policy.witnesses if line.is_by(w.key)), None)
            known = key if line.is_by(key) else None if listed is None else listed.key
            if known is not None:
                time = verify_cosignature(self.checkpoint, line.blob, key=known)
                if listed is not None and not listed.counts_at(time):
                    continue  # retired: what it says is true, and counts for nothing
                if time > self.now + COSIGNATURE_SKEW:
                    raise ConflictError(
                        Reason.CKPT_COSIG_INVALID, f"witness {key.key_id.hex()} is ahead of time"
                    )
                found.append((known, line))
        if all(known != key for known, _ in found):
            raise ConflictError(Reason.CKPT_COSIG_INVALID, f"nothing usable by witness {key.key_id.hex()}")
        for known, line in found:
            if line not in self.lines:
                self.lines.append(line)
                self.cosigned_by.add(known.public_key)


def collect_cosignatures(
    checkpoint: Checkpoint,
    signature: NoteSignature,
    *,
    also: Sequence[NoteSignature] = (),
    witnesses: Sequence[Witness],
    policy: TrustPolicy,
    last_cosigned: bytes | None,
    prove: Callable[[int, int], list[bytes]],
    now: int,
    seconds: float = COSIGNING_SECONDS,
) -> bytes:
    """Ask `witnesses` until those that cosigned make up the quorum of `policy`.

    Args:
        signature: the log's own.
        also: its signatures of other types.
        last_cosigned: the newest cosigned note of this log, which tells from which size each witness has to go on.
        prove: consistency proofs from an old size to a new one.
        now: POSIX seconds.
        seconds: how long to wait for far witnesses.
    Returns:
        the cosigned note.
    Raises:
        WitnessConflictError: no quorum, and a witness has cosigned a tree that this checkpoint does not extend: a
            larger one, or (size as the checkpoint's) another one.
        ConflictError: `ckpt.quorum_unmet`: no quorum for another reason.
    """
    own = (signature, *also)
    signed = encode_note(Note(encode_checkpoint(checkpoint), own))
    known = _sizes_by_key(last_cosigned)
    round_ = _Round(checkpoint, signed, policy, prove, now)
    asked = [_Asked(witness, size := known.get(witness.key.key_id, 0), size) for witness in witnesses]
    far = [one for one in asked if one.witness.is_far]
    answers: queue.Queue[tuple[_Asked, bytes | ProjectError]] = queue.Queue()
    for one in far:
        _ask_far(one, round_, answers)
    for one in asked:
        if one.witness.is_far:
            continue
        while not round_.is_met() and round_.take(one, _ask(one.witness, round_.body(one), now)):
            pass
    _await(round_, answers, len(far), time.monotonic() + seconds)
    if not round_.is_met():
        raise _unmet(checkpoint, round_.failures)
    return encode_note(Note(encode_checkpoint(checkpoint), (*own, *round_.lines)))


def _await(
    round_: _Round, answers: queue.Queue[tuple[_Asked, bytes | ProjectError]], waiting: int, deadline: float
) -> None:
    """Take in what far witnesses say, until the quorum is met, all have answered, or time is up."""
    while waiting and not round_.is_met():
        try:
            one, answer = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            round_.failures.append(ConflictError(Reason.WIT_UNREACHABLE, f"{waiting} witnesses are silent"))
            return
        if round_.take(one, answer):
            _ask_far(one, round_, answers)
        else:
            waiting -= 1


def _ask_far(one: _Asked, round_: _Round, answers: queue.Queue[tuple[_Asked, bytes | ProjectError]]) -> None:
    """In a thread that nobody has to wait for. The proof is read here: the store belongs to this thread."""
    body = round_.body(one)
    threading.Thread(
        target=lambda: answers.put((one, _ask(one.witness, body, round_.now))), daemon=True
    ).start()


def _ask(witness: Witness, body: bytes, now: int) -> bytes | ProjectError:
    try:
        return witness.add_checkpoint(body, now=now)
    except ProjectError as exc:
        return exc


def _sizes_by_key(note: bytes | None) -> dict[bytes, int]:
    if note is None:
        return {}
    checkpoint, signatures = parse_checkpoint_note(note)
    return {signature.key_id: checkpoint.size for signature in signatures}


def _forgot(key: VerifierKey, size: int, least: int) -> IntegrityError:
    return IntegrityError(
        Reason.WIT_STATE_LOST,
        f"witness {key.key_id.hex()} knows size {size}, but it cosigned {least}",
        hint="Retire this witness: its memory was lost or restored from a backup.",
    )


def _unmet(checkpoint: Checkpoint, failures: Sequence[ProjectError]) -> ProjectError:
    seen = ", ".join(sorted({failure.reason.value for failure in failures})) or "too few witnesses"
    ahead = [f.size for f in failures if isinstance(f, WitnessConflictError) and f.size >= checkpoint.size]
    if ahead:
        return WitnessConflictError(max(ahead))
    if any(failure.reason is Reason.WIT_PROOF_INVALID for failure in failures):
        return WitnessConflictError(checkpoint.size)
    return ConflictError(
        Reason.CKPT_QUORUM_UNMET,
        f"size {checkpoint.size} awaits witnesses: {seen}",
        hint="The entries are logged; make the checkpoint again when the witnesses are back.",
    )
