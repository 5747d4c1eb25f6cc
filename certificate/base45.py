"""base45 (RFC 9285), strict."""
from __future__ import annotations

from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = ["decode_base45", "encode_base45"]
_A = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_V = {c: i for i, c in enumerate(_A)}
def encode_base45(data: bytes) -> str:
    out = []
    for i in range(0, len(data) - 1, 2):
        n = data[i] * 256 + data[i + 1]
        out.append(_A[n % 45] + _A[n // 45 % 45] + _A[n // 2025])
    if len(data) % 2:
        out.append(_A[data[-1] % 45] + _A[data[-1] // 45])
    return "".join(out)
def decode_base45(text: str) -> bytes:
    try:
        v = [_V[c] for c in text]
    except KeyError as exc:
        raise FormatError(Reason.ENC_BASE45_INVALID) from exc
    if len(v) % 3 == 1:
        raise FormatError(Reason.ENC_BASE45_INVALID)
    out = bytearray()
    for i in range(0, len(v) - 2, 3):
        n = v[i] + 45 * v[i + 1] + 2025 * v[i + 2]
        if n > 65535:
            raise FormatError(Reason.ENC_BASE45_INVALID)
        out += n.to_bytes(2)
    if len(v) % 3 == 2:
        n = v[-2] + 45 * v[-1]
        if n > 255:
            raise FormatError(Reason.ENC_BASE45_INVALID)
        out.append(n)
    return bytes(out)
