"""QR text and file forms."""
from __future__ import annotations

import base64
import re

from certificate.base45 import decode_base45, encode_base45
from ledger.errors import FormatError
from ledger.reasons import Reason

_MAX = 65536
def encode_qr_text(data: bytes) -> str:
    return "TS1:" + encode_base45(data)
def encode_request_text(data: bytes) -> str:
    return "TSQ1:" + encode_base45(data)
def _dec(text: str | bytes, prefix: str) -> bytes:
    if isinstance(text, bytes):
        try:
            text = text.decode("ascii")
        except UnicodeDecodeError as exc:
            raise FormatError(Reason.ENC_BASE45_INVALID) from exc
    if not text.startswith(prefix):
        raise FormatError(Reason.ENC_PREFIX_UNKNOWN)
    return decode_base45(text[len(prefix):])
def decode_qr_text(text: str | bytes) -> bytes:
    return _dec(text, "TS1:")
def decode_request_text(text: str | bytes) -> bytes:
    return _dec(text, "TSQ1:")
def encode_file_text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
def decode_file_text(text: str) -> bytes:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", text) or len(text) % 4 == 1:
        raise FormatError(Reason.ENC_BASE64_NONCANONICAL)
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode_file_text(data) != text:
        raise FormatError(Reason.ENC_BASE64_NONCANONICAL)
    return data
def _any(data: bytes, prefix: str) -> bytes:
    if len(data) > _MAX:
        raise FormatError(Reason.ENC_TOO_LARGE)
    if data.startswith(prefix.encode()):
        return _dec(data, prefix)
    if data[:1] == b"\xd2":
        return data
    if data.startswith(b"0o"):
        try:
            return decode_file_text(data.decode("ascii"))
        except UnicodeDecodeError as exc:
            raise FormatError(Reason.ENC_BASE64_NONCANONICAL) from exc
    raise FormatError(Reason.ENC_PREFIX_UNKNOWN)
def decode_any(data: bytes) -> bytes:
    return _any(data, "TS1:")
def decode_any_request(data: bytes) -> bytes:
    return _any(data, "TSQ1:")
