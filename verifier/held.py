"""The logs that a trust bundle holds: per log a cosigned checkpoint, its blocks and its milestones, from named files.

checkpoint-<log>.txt    the newest cosigned checkpoint, a signed note
blocks-<log>.cbor       blocks that lead to its root (certificate.log_files)
milestones-<log>.cbor   sizes and times of the log
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from certificate.directory import Directory
from certificate.log_files import Milestones, parse_blocks, parse_milestones
from ledger.checkpoint import parse_checkpoint_note
from ledger.errors import FormatError, UndeterminedError
from ledger.held_log import HeldLog
from ledger.reasons import Reason
from ledger.trust_policy import TrustPolicy, carried_signatures, verify_checkpoint

__all__ = ["HeldLogs", "blocks_file_name", "checkpoint_file_name", "milestones_file_name", "parse_held_logs"]

_NAME = re.compile(r"(checkpoint|blocks|milestones)-([1-9][0-9]{0,9})\.(txt|cbor)")


@dataclass(frozen=True, slots=True)
class HeldLogs:
    """What is held of each log, by its number in the directory."""

    logs: Mapping[int, HeldLog] = field(default_factory=dict)
    milestones: Mapping[int, Milestones] = field(default_factory=dict)

    def sizes(self) -> tuple[tuple[int, int], ...]:
        """(log, size) of each: what a request says that its verifier holds."""
        return tuple(sorted((log, held.blocks.size) for log, held in self.logs.items()))


def checkpoint_file_name(log: int) -> str:
    return f"checkpoint-{log}.txt"


def blocks_file_name(log: int) -> str:
    return f"blocks-{log}.cbor"


def milestones_file_name(log: int) -> str:
    return f"milestones-{log}.cbor"


def parse_held_logs(
    files: Mapping[str, bytes], *, directory: Directory, policy: TrustPolicy, now: int
) -> HeldLogs:
    """Open and check the files of logs among `files`.

    Args:
        now: POSIX seconds at which the bundle was cut: no witness signed later.
    Raises:
        FormatError, VerificationError, UndeterminedError: of the parsers, of `verify_checkpoint` and of `HeldLog`;
            `log.unknown_origin` for a log that the directory does not list, `trust.missing` for blocks without
            checkpoint, `trust.malformed` for a file named for another log.
    """
    numbers = sorted({int(match[2]) for name in files if (match := _NAME.fullmatch(name))})
    logs, milestones = {}, {}
    for number in numbers:
        record = directory.log(number)
        if record is None:
            raise UndeterminedError(Reason.LOG_UNKNOWN_ORIGIN, f"log {number}")
        if milestones_file_name(number) in files:
            milestones[number] = parse_milestones(files[milestones_file_name(number)])
            _require_number(milestones[number].log, number)
        if blocks_file_name(number) in files:
            logs[number] = _held_log(files, number, origin=record.origin, policy=policy, now=now)
    return HeldLogs(logs, milestones)


def _held_log(
    files: Mapping[str, bytes], number: int, *, origin: str, policy: TrustPolicy, now: int
) -> HeldLog:
    log, blocks = parse_blocks(files[blocks_file_name(number)])
    _require_number(log, number)
    try:
        note = files[checkpoint_file_name(number)]
    except KeyError as exc:
        raise UndeterminedError(Reason.TRUST_MISSING, checkpoint_file_name(number)) from exc
    checkpoint, signatures = parse_checkpoint_note(note)
    if checkpoint.origin != origin:
        raise FormatError(Reason.TRUST_MALFORMED, f"the checkpoint of another log under number {number}")
    verified = verify_checkpoint(note, policy=policy, now=now)
    carried = carried_signatures(signatures, log_key=verified.log_key, policy=policy)
    return HeldLog(blocks, verified, carried)


def _require_number(stated: int, number: int) -> None:
    if stated != number:
        raise FormatError(Reason.TRUST_MALFORMED, f"a file of log {stated} under number {number}")
