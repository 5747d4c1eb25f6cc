"""Inflating with a limit."""
from __future__ import annotations

import zlib

from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = ["inflate_bounded"]
def inflate_bounded(data: bytes, *, limit: int) -> bytes:
    d = zlib.decompressobj()
    try:
        out = d.decompress(data, limit + 1)
    except zlib.error as exc:
        raise FormatError(Reason.ENC_DECOMPRESS_FAILED) from exc
    if len(out) > limit:
        raise FormatError(Reason.ENC_DECOMPRESS_LIMIT)
    if not d.eof:
        raise FormatError(Reason.ENC_DECOMPRESS_FAILED)
    if d.unused_data:
        raise FormatError(Reason.ENC_TRAILING_DATA)
    return out
