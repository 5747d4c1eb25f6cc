"""Inflating zlib data (RFC 1950) with a limit, strictly: one whole stream and nothing else."""

from __future__ import annotations

import zlib

from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = ["inflate_bounded"]


def inflate_bounded(data: bytes, *, limit: int) -> bytes:
    """The inflated bytes, at most `limit` of them; inflating stops there, whatever the input promises.

    Raises:
        FormatError: `enc.decompress_failed` (container, checksum, cut short, preset dictionary),
            `enc.decompress_limit`, `enc.trailing_data`.
    """
    stream = zlib.decompressobj(wbits=zlib.MAX_WBITS)
    try:
        inflated = stream.decompress(data, limit + 1)
    except zlib.error as exc:
        raise FormatError(Reason.ENC_DECOMPRESS_FAILED, "not a zlib stream") from exc
    if len(inflated) > limit:
        raise FormatError(Reason.ENC_DECOMPRESS_LIMIT, f"more than {limit} bytes")
    if not stream.eof:
        raise FormatError(Reason.ENC_DECOMPRESS_FAILED, "cut short")
    if stream.unused_data:
        raise FormatError(Reason.ENC_TRAILING_DATA, f"{len(stream.unused_data)} bytes after the stream")
    return inflated
