"""Which logs and witnesses count, and how many witnesses suffice (C2SP tlog-policy).

    log <vkey> [<url>]
    witness <name> <vkey> [<url>]
    group <name> <k|any|all> <member>...
    quorum <name|none>

and two lines of our own, which are comments to other programs:

    #tallystick retired <name> <time>     the witness's cosignatures count if they state this POSIX second or an earlier
    #tallystick pq require                a checkpoint without the log's ML-DSA-44 signature is refused

Numbered steps of a verification:

1. The checkpoint's origin is the name of a listed log key. Else `log.unknown_origin`.
2. A signature by that key is there (`ckpt.sig_missing`), and every one naming it verifies
   (`ckpt.sig_invalid`).
3. Every cosignature naming a listed witness verifies (`ckpt.cosig_invalid`) and is not from the future
   (`ckpt.cosig_future`). What names other keys is ignored.
4. The witnesses found, each public key counted once, make up the quorum; one that was retired before the time it
   states does not count. Else `ckpt.quorum_unmet`.
5. A note under a policy that requires post-quantum signatures has the log's. Else `alg.downgrade`. A proof carries no
   such signature (ADR 0013), so that this is asked of notes alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ledger.checkpoint import Checkpoint, parse_checkpoint_note, verify_cosignature, verify_log_signature
from ledger.errors import FormatError, ProjectError, UndeterminedError, VerificationError
from ledger.note import KEY_ID_SIZE, NoteSignature, SignatureType, VerifierKey, encode_vkey, parse_vkey
from ledger.reasons import Reason
from ledger.remembered import Remembered

__all__ = [
    "COSIGNATURE_SKEW",
    "CheckpointMemory",
    "Group",
    "LogKey",
    "TrustPolicy",
    "VerifiedCheckpoint",
    "WitnessKey",
    "carried_signatures",
    "encode_trust_policy",
    "parse_trust_policy",
    "policy_of_keys",
    "verify_checkpoint",
    "verify_signatures",
]

COSIGNATURE_SKEW = 300
"""Seconds by which a witness's clock may be ahead of ours."""

NO_QUORUM = "none"
_OURS = "#tallystick"
_MAX_POLICY = 1_000_000
_MAX_ITEMS = 256
_MAX_BLOBS = 100
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_TIME = re.compile(r"[1-9][0-9]{0,11}", re.ASCII)
_THRESHOLD = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class LogKey:
    """A trusted log: the key's name is the log's origin."""

    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """A trusted witness; `name` means something within the policy alone.

    Args:
        until: POSIX seconds; what it cosigned later does not count. None: not retired.
    """

    name: str
    key: VerifierKey
    url: str | None = None
    until: int | None = None

    def counts_at(self, time: int) -> bool:
        """Whether a cosignature that states `time` counts."""
        return self.until is None or time <= self.until


@dataclass(frozen=True, slots=True)
class Group:
    """Has witnessed a checkpoint when `threshold` of its members have."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """A parsed policy. Without logs it trusts nothing.

    Args:
        quorum: name of a witness or group, or `none` for no witnesses at all.
        pq_required: whether a note has to carry the log's ML-DSA-44 signature.
    Raises:
        FormatError: `trust.malformed` for names that do not fit together or keys listed twice,
            `key.purpose_mismatch` for a key that is listed for the other role or cannot play its role.
    """

    logs: tuple[LogKey, ...]
    witnesses: tuple[WitnessKey, ...]
    groups: tuple[Group, ...]
    quorum: str
    pq_required: bool = False

    def __post_init__(self) -> None:
        _check_keys(self)
        _check_names(self)

    def of_today(self) -> TrustPolicy:
        """The same without what retired witnesses cosigned, at whatever time they say."""
        witnesses = tuple(w if w.until is None else replace(w, until=0) for w in self.witnesses)
        return replace(self, witnesses=witnesses)

    def log_keys(self, origin: str) -> tuple[VerifierKey, ...]:
        """The keys trusted for the log named `origin`."""
        return tuple(log.key for log in self.logs if log.key.name == origin)

    def quorum_met(self, cosigned_by: frozenset[bytes]) -> bool:
        """Whether these witness keys (raw public keys) suffice."""
        satisfied: set[str] = set()
        counted: set[bytes] = set()
        for witness in self.witnesses:
            # One key under two names is one witness: the first name has it.
            if witness.key.public_key in cosigned_by and witness.key.public_key not in counted:
                counted.add(witness.key.public_key)
                satisfied.add(witness.name)
        for group in self.groups:
            if sum(member in satisfied for member in group.members) >= group.threshold:
                satisfied.add(group.name)
        return self.quorum == NO_QUORUM or self.quorum in satisfied


@dataclass(frozen=True, slots=True)
class VerifiedCheckpoint:
    """A checkpoint that a trusted log signed and a quorum of trusted witnesses cosigned.

    Args:
        log_key: the key that signed.
        cosignature_times: per witness name of the policy the time (POSIX seconds) of its cosignature, in
            policy order.
    """

    checkpoint: Checkpoint
    log_key: VerifierKey
    cosignature_times: tuple[tuple[str, int], ...]


def parse_trust_policy(text: str | bytes) -> TrustPolicy:
    """Read a policy file.

    Raises:
        FormatError: `trust.malformed`, `enc.too_large`, `enc.utf8_invalid`, `key.weak`, `key.malformed`,
            `key.purpose_mismatch`, `alg.not_allowed` or `enc.base64_noncanonical`.
    """
    if len(text) > _MAX_POLICY:
        raise FormatError(Reason.ENC_TOO_LARGE, f"a policy of {len(text)} bytes")
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as exc:
            raise FormatError(Reason.ENC_UTF8_INVALID, "a policy that is not UTF-8") from exc
    if _FORBIDDEN.search(text) or (text and not text.endswith("\n")):
        raise _malformed("a control character, or a last line without newline")
    reader = _PolicyReader()
    for number, line in enumerate(text.split("\n"), start=1):
        words = [word for word in re.split(r"[ \t]+", line) if word]
        if words and (words[0] == _OURS or not words[0].startswith("#")):
            reader.line(number, words)
    return reader.policy()


def policy_of_keys(keys: Sequence[VerifierKey]) -> TrustPolicy:
    """A policy without quorum for keys as a log prints them: Ed25519 keys are logs', and so are others of their names.

    Whoever trusts a checkpoint by it trusts the log alone; witnesses are verified where they occur.
    """
    origins = {key.name for key in keys if key.algorithm == SignatureType.ED25519}
    logs = tuple(LogKey(key) for key in keys if key.name in origins)
    others = [key for key in keys if key.name not in origins]
    witnesses = tuple(WitnessKey(f"{key.name}+{key.key_id.hex()}", key) for key in others)
    return TrustPolicy(logs, witnesses, (), NO_QUORUM)


def encode_trust_policy(policy: TrustPolicy) -> str:
    """The policy as text; parsing it gives an equal policy."""
    lines = [_join("log", encode_vkey(log.key), log.url) for log in policy.logs]
    lines += [_join("witness", w.name, encode_vkey(w.key), w.url) for w in policy.witnesses]
    lines += [_join("group", group.name, str(group.threshold), *group.members) for group in policy.groups]
    lines.append(_join("quorum", policy.quorum))
    lines += [_join(_OURS, "retired", w.name, str(w.until)) for w in policy.witnesses if w.until is not None]
    if policy.pq_required:
        lines.append(_join(_OURS, "pq", "require"))
    return "".join(lines)


def verify_checkpoint(note: bytes, *, policy: TrustPolicy, now: int) -> VerifiedCheckpoint:
    """Check a signed checkpoint in note form, steps 1 to 5 above. A line counts by name and key id both.

    Args:
        now: POSIX seconds.
    Raises:
        FormatError: as `parse_checkpoint_note`.
        UndeterminedError, VerificationError: as the steps say.
    """
    checkpoint, signatures = parse_checkpoint_note(note)
    verified = _verify(
        checkpoint, lambda key: [s.blob for s in signatures if s.is_by(key)], policy=policy, now=now
    )
    if policy.pq_required:
        _require_post_quantum(checkpoint, signatures, policy)
    return verified


CheckpointMemory = Remembered[tuple[Checkpoint, frozenset[bytes]], "VerifiedCheckpoint"]
"""Checkpoints verified under one policy, by what was signed and by the very signatures. Never for two policies."""


def verify_signatures(
    checkpoint: Checkpoint,
    blobs: Sequence[bytes],
    *,
    policy: TrustPolicy,
    now: int,
    known: CheckpointMemory | None = None,
) -> VerifiedCheckpoint:
    """Check a checkpoint against signatures in the form a proof carries: key id ‖ blob. Steps 1 to 4 above.

    Args:
        blobs: at most 100.
        now: POSIX seconds.
        known: the same checkpoint with the same signatures is not verified again; whether it is from the future is.
    Raises:
        FormatError: `enc.too_large`.
        UndeterminedError, VerificationError: as the steps say.
    """
    if len(blobs) > _MAX_BLOBS:
        raise FormatError(Reason.ENC_TOO_LARGE, f"{len(blobs)} signatures")
    found = frozenset(blobs)

    def verify() -> VerifiedCheckpoint:
        return _verify(
            checkpoint,
            lambda key: [blob[KEY_ID_SIZE:] for blob in found if blob[:KEY_ID_SIZE] == key.key_id],
            policy=policy,
            now=now,
        )

    if known is None:
        return verify()
    verified = known.once((checkpoint, found), verify)
    for name, time in verified.cosignature_times:
        _require_past(time, now, name)
    return verified


def carried_signatures(
    signatures: Sequence[NoteSignature], *, log_key: VerifierKey, policy: TrustPolicy
) -> tuple[bytes, ...]:
    """What a proof carries of a cosigned note: key id ‖ blob by the log's Ed25519 key and by known witnesses.

    ML-DSA-44 is 2.4 KB a signature, which no QR code has room for: it stays in the note, unless the quorum of `policy`
    cannot be met without it.
    """
    witness_keys = [witness.key for witness in policy.witnesses]
    small = [key for key in witness_keys if key.algorithm != SignatureType.ML_DSA_44]
    met = policy.quorum_met(frozenset(k.public_key for k in small if any(s.is_by(k) for s in signatures)))
    keys = [log_key, *(small if met else witness_keys)]
    return tuple(s.keyed_blob for s in signatures if any(s.is_by(key) for key in keys))


def _verify(
    checkpoint: Checkpoint,
    blobs_of: Callable[[VerifierKey], list[bytes]],
    *,
    policy: TrustPolicy,
    now: int,
) -> VerifiedCheckpoint:
    log_keys = policy.log_keys(checkpoint.origin)
    if not log_keys:
        raise UndeterminedError(
            Reason.LOG_UNKNOWN_ORIGIN, hint="Update the trust bundle; it lists the logs that count."
        )
    log_key = _verify_log(checkpoint, log_keys, blobs_of)
    times = _verify_witnesses(checkpoint, blobs_of, policy=policy, now=now)
    if not policy.quorum_met(frozenset(key for key, _ in times.values())):
        raise VerificationError(
            Reason.CKPT_QUORUM_UNMET,
            f"{len(times)} cosignatures at size {checkpoint.size}",
            hint="Wait for more witnesses to cosign the checkpoint, then ask for the proof again.",
        )
    return VerifiedCheckpoint(checkpoint, log_key, tuple((name, time) for name, (_, time) in times.items()))


def _verify_log(
    checkpoint: Checkpoint,
    log_keys: Sequence[VerifierKey],
    blobs_of: Callable[[VerifierKey], list[bytes]],
) -> VerifierKey:
    signed_by = None
    for key in log_keys:
        for blob in blobs_of(key):
            verify_log_signature(checkpoint, blob, key=key)
            signed_by = key
    if signed_by is None:
        raise VerificationError(Reason.CKPT_SIG_MISSING, f"at size {checkpoint.size}")
    return signed_by


def _verify_witnesses(
    checkpoint: Checkpoint,
    blobs_of: Callable[[VerifierKey], list[bytes]],
    *,
    policy: TrustPolicy,
    now: int,
) -> dict[str, tuple[bytes, int]]:
    """Per witness name its public key and the newest time it stated that counts."""
    times: dict[str, tuple[bytes, int]] = {}
    for witness in policy.witnesses:
        stated = [verify_cosignature(checkpoint, blob, key=witness.key) for blob in blobs_of(witness.key)]
        if stated:
            _require_past(max(stated), now, witness.name)
        counting = [time for time in stated if witness.counts_at(time)]
        if counting:
            times[witness.name] = (witness.key.public_key, max(counting))
    return times


def _require_post_quantum(
    checkpoint: Checkpoint, signatures: Sequence[NoteSignature], policy: TrustPolicy
) -> None:
    """Whatever names a key of the log was verified before; here one by ML-DSA-44 has to be among it."""
    keys = [k for k in policy.log_keys(checkpoint.origin) if k.algorithm == SignatureType.ML_DSA_44]
    if not any(signature.is_by(key) for signature in signatures for key in keys):
        raise VerificationError(
            Reason.ALG_DOWNGRADE,
            f"no post-quantum signature at size {checkpoint.size}",
            hint="Get the checkpoint again, from another copy of the log; somebody removed a signature.",
        )


def _require_past(time: int, now: int, witness: str) -> None:
    if time > now + COSIGNATURE_SKEW:
        raise VerificationError(
            Reason.CKPT_COSIG_FUTURE,
            f"{time - now} s ahead, witness {witness}",
            hint="Check this machine's clock.",
        )


class _PolicyReader:
    """Collects the lines of a policy file; names have to be defined above where they are used."""

    def __init__(self) -> None:
        self.logs: list[LogKey] = []
        self.witnesses: list[WitnessKey] = []
        self.groups: list[Group] = []
        self.quorum: str | None = None
        self.pq_required = False
        self.defined: set[str] = set()

    def line(self, number: int, words: list[str]) -> None:
        match words:
            case ["log", vkey, *url] if len(url) <= 1:
                self.logs.append(LogKey(_parse_key(vkey, number), *url))
            case ["witness", name, vkey, *url] if len(url) <= 1:
                self.witnesses.append(WitnessKey(name, _parse_key(vkey, number), url[0] if url else None))
                self.defined.add(name)
            case ["group", name, threshold, *members] if members:
                self.require_defined(number, members)
                self.groups.append(Group(name, _parse_threshold(threshold, members, number), tuple(members)))
                self.defined.add(name)
            case ["quorum", name] if self.quorum is None:
                if name != NO_QUORUM:
                    self.require_defined(number, [name])
                self.quorum = name
            case ["#tallystick", "retired", name, time]:
                self.retire(number, name, time)
            case ["#tallystick", "pq", "require"]:
                self.pq_required = True
            case _:
                raise _malformed(f"line {number}")

    def retire(self, number: int, name: str, time: str) -> None:
        for at, witness in enumerate(self.witnesses):
            if witness.name == name and witness.until is None and _TIME.fullmatch(time):
                self.witnesses[at] = replace(witness, until=int(time))
                return
        raise _malformed(f"line {number} retires nobody, or somebody twice, or at no time")

    def require_defined(self, number: int, names: list[str]) -> None:
        if not self.defined.issuperset(names):
            raise _malformed(f"line {number} names what no line above defines")

    def policy(self) -> TrustPolicy:
        if self.quorum is None:
            raise _malformed("no quorum line")
        return TrustPolicy(
            tuple(self.logs), tuple(self.witnesses), tuple(self.groups), self.quorum, self.pq_required
        )


def _parse_key(text: str, number: int) -> VerifierKey:
    try:
        return parse_vkey(text)
    except FormatError as exc:
        if exc.reason is Reason.CKPT_MALFORMED:  # that word is for notes
            raise _malformed(f"line {number}: not a key") from exc
        raise


def _parse_threshold(text: str, members: list[str], number: int) -> int:
    if text in ("any", "all"):
        return 1 if text == "any" else len(members)
    if not _THRESHOLD.fullmatch(text):
        raise _malformed(f"line {number}: no threshold")
    return int(text)


def _check_keys(policy: TrustPolicy) -> None:
    if len(policy.logs) + len(policy.witnesses) + len(policy.groups) > _MAX_ITEMS:
        raise FormatError(Reason.ENC_TOO_LARGE, "too many logs, witnesses and groups")
    log_keys = [log.key for log in policy.logs]
    witness_keys = [witness.key for witness in policy.witnesses]
    if any(key.algorithm == SignatureType.COSIGNATURE for key in log_keys) or any(
        key.algorithm == SignatureType.ED25519 for key in witness_keys
    ):
        raise _wrong_purpose("a log signs with type 0x01 or 0x06, a witness with type 0x04 or 0x06")
    public_log_keys = {key.public_key for key in log_keys}
    if any(key.public_key in public_log_keys for key in witness_keys):
        raise _wrong_purpose("the key of a log is listed as witness")
    if len(public_log_keys) != len(log_keys):
        raise _malformed("one key for two logs")
    if len({(key.name, key.key_id) for key in witness_keys}) != len(witness_keys):
        raise _malformed("one witness key twice")


def _check_names(policy: TrustPolicy) -> None:
    """Names are unique and known before use; nobody is a member twice, so each witness counts in one way."""
    defined: set[str] = {NO_QUORUM}
    used: set[str] = {NO_QUORUM}
    for witness in policy.witnesses:
        _define(witness.name, defined)
    for group in policy.groups:
        if not 1 <= group.threshold <= len(group.members):
            raise _malformed("a threshold that the members cannot reach, or none")
        for member in group.members:
            if member not in defined or member in used:
                raise _malformed("a group member that is unknown, `none`, or a member already")
            used.add(member)
        _define(group.name, defined)
    if policy.quorum not in defined:
        raise _malformed("the quorum names nothing")


def _define(name: str, defined: set[str]) -> None:
    if not name or re.search(r"[ \t\n]", name) or _FORBIDDEN.search(name) or name in defined:
        raise _malformed("a name that is empty, reserved or used twice")
    defined.add(name)


def _join(*words: str | None) -> str:
    return " ".join(word for word in words if word is not None) + "\n"


def _malformed(detail: str) -> FormatError:
    return FormatError(Reason.TRUST_MALFORMED, detail, hint="Compare the file with C2SP tlog-policy.")


def _wrong_purpose(detail: str) -> ProjectError:
    return FormatError(
        Reason.KEY_PURPOSE_MISMATCH, detail, hint="A witness has to be another machine with a key of its own."
    )
