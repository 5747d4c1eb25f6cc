"""Snapshots as the first version wrote them, unsealed: read once more, to be written sealed.

The layout is that of `issuer.snapshot` without head and tags. The digest is of what is under the seal, so it stays.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from issuer.snapshot import SnapshotWriter
from ledger.cbor import decode_cbor
from ledger.errors import FormatError, IntegrityError
from ledger.reasons import Reason

__all__ = ["is_plain", "seal_snapshot"]

_MAGIC: Final = b"TSSNAP1\n"
_ENTRY: Final = struct.Struct("<20sQ16s")
_END: Final = struct.Struct(f"<32sI{len(_MAGIC)}s")


def is_plain(path: Path) -> bool:
    """Whether there is an unsealed snapshot at `path`."""
    try:
        with path.open("rb") as stream:
            return stream.read(len(_MAGIC)) == _MAGIC
    except FileNotFoundError:
        return False


def seal_snapshot(
    path: Path, to: Path, *, key: bytes, expected_digest: bytes, random: Callable[[int], bytes]
) -> None:
    """Write the snapshot at `path` sealed under the home's `key` to `to`. The old file is left alone.

    Raises:
        IntegrityError: `store.corrupt` when the file is not the one with `expected_digest`, `store.…`; then nothing
            was written.
    """
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        fields, tail_at = _tail(data, expected_digest)
        _, profile, agency, cut_off, settled, count, employer_count, employers_size, *_ = fields
        index_at = tail_at - count * _ENTRY.size
        employers_at = index_at - employers_size
        with SnapshotWriter(to, key=key, random=random) as writer:
            for number, blob in _people(data, index_at, employers_at, count):
                writer.add(number, blob)
            writer.finish(
                profile=profile,
                agency=agency,
                cut_off=cut_off,
                settled=dict(settled),
                employers=_employers(data[employers_at:index_at], employer_count),
                expected_digest=expected_digest,
            )


def _tail(data: mmap.mmap, expected_digest: bytes) -> tuple[Any, int]:
    """The decoded tail and where it begins."""
    end = len(data) - _END.size
    digest, size, magic = _END.unpack_from(data, max(end, 0)) if end > 0 else (b"", 0, b"")
    tail = data[end - size : end] if 0 < size <= end else b""
    if magic != _MAGIC or digest != expected_digest or sha256(tail).digest() != digest:
        raise _corrupt()
    try:
        fields = decode_cbor(tail)
    except FormatError as exc:
        raise _corrupt() from exc
    return fields, end - size


def _people(data: mmap.mmap, index_at: int, end: int, count: int) -> Iterator[tuple[str, bytes]]:
    entries = [_ENTRY.unpack_from(data, index_at + at * _ENTRY.size) for at in range(count)]
    starts = [offset for _, offset, _ in entries]
    for (number, start, digest), stop in zip(entries, [*starts[1:], end], strict=True):
        blob = data[start:stop]
        if sha256(blob).digest()[:16] != digest:
            raise _corrupt()
        yield number.rstrip(b"\0").decode("ascii"), blob


def _employers(table: bytes, count: int) -> list[tuple[str | None, str]]:
    offsets = struct.unpack_from(f"<{count + 1}I", table)
    texts = table[4 * (count + 1) :]
    pairs = [texts[start:end].decode("utf-8").split("\0") for start, end in pairwise(offsets)]
    return [(code or None, name) for code, name in pairs]


def _corrupt() -> IntegrityError:
    hint = "restore the file from a backup, or import the records again"
    return IntegrityError(Reason.STORE_CORRUPT, "a snapshot of version 1 is not the one noted", hint=hint)
