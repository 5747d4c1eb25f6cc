"""What a trust bundle says of a log, as files (DESIGN 3.3, 3.6).

    blocks      [1, log, size, start, large, small, edge]    hashes one after the other (ledger.blocks)
    milestones  [1, log, [[size, time], ...]]                one a day, times in POSIX seconds

Neither is signed by itself: blocks have to lead to the root of a cosigned checkpoint, and milestones stand under the
signature of the bundle.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from certificate.schema import take_array, take_bytes, take_int, take_version
from ledger.blocks import Blocks
from ledger.cbor import decode_cbor, encode_cbor
from ledger.errors import FormatError
from ledger.merkle import MAX_SIZE
from ledger.proof import MAX_LOG
from ledger.reasons import Reason

__all__ = ["Milestones", "encode_blocks", "encode_milestones", "parse_blocks", "parse_milestones"]

_DAY = 86400
_MAX_MILESTONES = 40_000  # a century of days
_MAX_SECONDS = 2**40


@dataclass(frozen=True, slots=True)
class Milestones:
    """Sizes and times of one log, both strictly rising.

    Raises:
        FormatError: `trust.malformed`.
    """

    log: int
    marks: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        for (size, time), (next_size, next_time) in zip(self.marks, self.marks[1:], strict=False):
            if next_size <= size or next_time <= time:
                raise FormatError(Reason.TRUST_MALFORMED, "milestones that do not rise")

    def reached_before(self, index: int) -> int | None:
        """The newest time (POSIX seconds) by which the log was not yet longer than `index`; None if none is known.

        Entry `index` was logged after it.
        """
        at = bisect_right(self.marks, (index, _MAX_SECONDS))
        return self.marks[at - 1][1] if at else None

    def size_by(self, time: int) -> int:
        """How many entries the log had, for certain, at `time` (POSIX seconds)."""
        return max((size for size, when in self.marks if when <= time), default=0)

    def extended(self, size: int, time: int) -> Milestones:
        """With one more, unless this day has one already or nothing was logged since."""
        if self.marks and (size <= self.marks[-1][0] or time // _DAY <= self.marks[-1][1] // _DAY):
            return self
        return Milestones(self.log, (*self.marks, (size, time)))


def encode_blocks(log: int, blocks: Blocks) -> bytes:
    """The file of `blocks` of the log with this number in the directory."""
    return encode_cbor([1, log, blocks.size, blocks.start, *blocks.to_bytes()])


def parse_blocks(data: bytes) -> tuple[int, Blocks]:
    """The log's number and its blocks.

    Raises:
        FormatError: `enc.…`, `schema.…`, `log.proof_malformed`.
    """
    fields = take_array(decode_cbor(data), 7)
    take_version(fields[0])
    size, start = take_int(fields[2], 0, MAX_SIZE), take_int(fields[3], 0, MAX_SIZE)
    return take_int(fields[1], 0, MAX_LOG), Blocks.of_bytes(size, start, *map(take_bytes, fields[4:]))


def encode_milestones(milestones: Milestones) -> bytes:
    """The file of `milestones`."""
    return encode_cbor([1, milestones.log, [list(mark) for mark in milestones.marks]])


def parse_milestones(data: bytes) -> Milestones:
    """Read the file.

    Raises:
        FormatError: `enc.…`, `schema.…`, `trust.malformed`.
    """
    fields = take_array(decode_cbor(data), 3)
    take_version(fields[0])
    marks = []
    for mark in take_array(fields[2], at_most=_MAX_MILESTONES):
        size, time = take_array(mark, 2)
        marks.append((take_int(size, 0, MAX_SIZE), take_int(time, 0, _MAX_SECONDS)))
    return Milestones(take_int(fields[1], 0, MAX_LOG), tuple(marks))
