"""Asking witnesses for cosignatures until the quorum is met."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ledger.checkpoint import Checkpoint, encode_checkpoint, parse_checkpoint_note, verify_cosignature
from ledger.errors import ConflictError, IntegrityError, ProjectError
from ledger.note import Note, NoteSignature, VerifierKey, encode_note, parse_signature_lines
from ledger.reasons import Reason
from ledger.trust_policy import COSIGNATURE_SKEW, TrustPolicy
from ledger.witness_protocol import Witness, WitnessConflictError, encode_add_checkpoint

__all__ = ["collect_cosignatures"]

_MAX_TRIES = 3


def collect_cosignatures(
    checkpoint: Checkpoint,
    signature: NoteSignature,
    *,
    witnesses: Sequence[Witness],
    policy: TrustPolicy,
    last_cosigned: bytes | None,
    prove: Callable[[int, int], list[bytes]],
    now: int,
) -> bytes:
    """Ask `witnesses` in order until those that cosigned make up the quorum of `policy`.

    Args:
        signature: the log's own.
        last_cosigned: the newest cosigned note of this log, which tells from which size each witness has to go on.
        prove: consistency proofs from an old size to a new one.
        now: POSIX seconds.
    Returns:
        the cosigned note.
    Raises:
        WitnessConflictError: no quorum, and a witness has cosigned a tree that this checkpoint does not extend: a
            larger one, or (size as the checkpoint's) another one.
        ConflictError: `ckpt.quorum_unmet`: no quorum for another reason.
    """
    signed = encode_note(Note(encode_checkpoint(checkpoint), (signature,)))
    known = _sizes_by_key(last_cosigned)
    cosignatures: list[NoteSignature] = []
    cosigned_by: set[bytes] = set()
    failures: list[ProjectError] = []
    for witness in witnesses:
        if policy.quorum_met(frozenset(cosigned_by)):
            break
        try:
            line = _ask(witness, checkpoint, signed, known.get(witness.key.key_id, 0), prove, now)
            cosignatures.append(_own_line(line, witness.key, checkpoint, now))
            cosigned_by.add(witness.key.public_key)
        except ProjectError as exc:
            failures.append(exc)
    if not policy.quorum_met(frozenset(cosigned_by)):
        raise _unmet(checkpoint, failures)
    return encode_note(Note(encode_checkpoint(checkpoint), (signature, *cosignatures)))


def _ask(
    witness: Witness,
    checkpoint: Checkpoint,
    signed: bytes,
    old_size: int,
    prove: Callable[[int, int], list[bytes]],
    now: int,
) -> bytes:
    """One witness, from the size it says it knows. It may know more than we remember, but never less."""
    least = old_size
    for _ in range(_MAX_TRIES):
        path = prove(old_size, checkpoint.size) if 0 < old_size < checkpoint.size else []
        body = encode_add_checkpoint(old_size=old_size, path=path, note=signed)
        try:
            return witness.add_checkpoint(body, now=now)
        except WitnessConflictError as exc:
            if exc.size < least:
                raise _forgot(witness.key, exc.size, least) from exc
            if exc.size > checkpoint.size or exc.size == old_size:
                raise
            old_size = exc.size
    raise ConflictError(Reason.WIT_CONFLICT, f"witness {witness.key.key_id.hex()} keeps moving")


def _own_line(lines: bytes, key: VerifierKey, checkpoint: Checkpoint, now: int) -> NoteSignature:
    """The cosignature by `key` among what the witness sent, verified."""
    for signature in parse_signature_lines(lines.decode("utf-8", "replace")):
        if signature.is_by(key):
            if verify_cosignature(checkpoint, signature.blob, key=key) > now + COSIGNATURE_SKEW:
                break
            return signature
    raise ConflictError(Reason.CKPT_COSIG_INVALID, f"nothing usable by witness {key.key_id.hex()}")


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
