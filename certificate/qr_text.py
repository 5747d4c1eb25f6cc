"""How objects travel as text (DESIGN 3.5): QR text in base45, and base64url in a file.

    TS1:…     a presentation or a paper certificate       TSQ1:…    a request
    0o…       the same bytes in base64url without padding; every object begins with the bytes d2 84, hence "0o"

Each object has one text in each form. A QR code never holds a link.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Literal

from certificate.base45 import decode_base45, encode_base45
from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = [
    "MAX_BYTES",
    "MAX_LETTERS",
    "ErrorCorrection",
    "decode_any",
    "decode_any_request",
    "decode_file_text",
    "decode_qr_text",
    "decode_request_text",
    "encode_file_text",
    "encode_qr_text",
    "encode_request_text",
    "qr_capacity",
    "qr_version",
]

MAX_BYTES = 65_536
ErrorCorrection = Literal["L", "M"]

_PREFIX, _REQUEST_PREFIX, _FILE_START = "TS1:", "TSQ1:", "0o"
_TAG_18 = b"\xd2"
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")
# Alphanumeric capacities of QR versions 1 to 40: ISO/IEC 18004, table 7.
_CAPACITY = {
    "L": (
        *(25, 47, 77, 114, 154, 195, 224, 279, 335, 395, 468, 535, 619, 667, 758, 854, 938, 1046, 1153, 1249),
        *(1352, 1460, 1588, 1704, 1853, 1990, 2132, 2223, 2369, 2520, 2677, 2840, 3009, 3183, 3351, 3537),
        *(3729, 3927, 4087, 4296),
    ),
    "M": (
        *(20, 38, 61, 90, 122, 154, 178, 221, 262, 311, 366, 419, 483, 528, 600, 656, 734, 816, 909, 970),
        *(1035, 1134, 1248, 1326, 1451, 1542, 1637, 1732, 1839, 1994, 2113, 2238, 2369, 2506, 2632, 2780),
        *(2894, 3054, 3220, 3391),
    ),
}
MAX_LETTERS = {level: capacities[-1] for level, capacities in _CAPACITY.items()}


def encode_qr_text(data: bytes) -> str:
    """The QR text of a presentation or paper certificate."""
    return _PREFIX + encode_base45(data)


def encode_request_text(data: bytes) -> str:
    """The QR text of a request."""
    return _REQUEST_PREFIX + encode_base45(data)


def encode_file_text(data: bytes) -> str:
    """The file form of any object: base64url without padding, without a line end."""
    return urlsafe_b64encode(data).decode("ascii").rstrip("=")


def decode_qr_text(text: str) -> bytes:
    """The bytes behind `TS1:…`. Raises FormatError `enc.prefix_unknown`, `enc.base45_invalid`, `enc.too_large`."""
    return _decode_base45_text(text, _PREFIX)


def decode_request_text(text: str) -> bytes:
    """The bytes behind `TSQ1:…`. Raises as `decode_qr_text`."""
    return _decode_base45_text(text, _REQUEST_PREFIX)


def decode_file_text(text: str) -> bytes:
    """The bytes behind the file form. Raises FormatError `enc.base64_noncanonical`."""
    if _BASE64URL.fullmatch(text) is None or len(text) % 4 == 1:
        raise FormatError(Reason.ENC_BASE64_NONCANONICAL, "not base64url without padding")
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode_file_text(data) != text:
        raise FormatError(Reason.ENC_BASE64_NONCANONICAL, "unused bits are set")
    return data


def decode_any(data: bytes) -> bytes:
    """The bytes of a presentation or certificate, given as QR text, as file text or as they are.

    Raises:
        FormatError: `enc.too_large`, `enc.prefix_unknown`, `enc.base45_invalid`, `enc.base64_noncanonical`.
    """
    return _decode(data, _PREFIX)


def decode_any_request(data: bytes) -> bytes:
    """The bytes of a request in any of its forms. Raises as `decode_any`."""
    return _decode(data, _REQUEST_PREFIX)


def qr_capacity(version: int, level: ErrorCorrection) -> int:
    """How many of our bytes a QR symbol of `version` holds behind `TS1:`, two in three letters."""
    letters = _CAPACITY[level][version - 1] - len(_PREFIX)
    return letters // 3 * 2 + (letters % 3 == 2)


def qr_version(byte_count: int, level: ErrorCorrection) -> int | None:
    """The smallest QR version that holds `byte_count` of our bytes behind `TS1:`; None above version 40."""
    return next((version for version in range(1, 41) if qr_capacity(version, level) >= byte_count), None)


def _decode(data: bytes, prefix: str) -> bytes:
    if len(data) > MAX_BYTES:
        raise FormatError(Reason.ENC_TOO_LARGE, f"{len(data)} bytes, at most {MAX_BYTES}")
    if data.startswith(_TAG_18):
        return data
    text = data.decode("latin-1")  # what is not ASCII is refused below, each form by its own alphabet
    if text.startswith(_FILE_START):
        return decode_file_text(text)
    return _decode_base45_text(text, prefix)


def _decode_base45_text(text: str, prefix: str) -> bytes:
    if len(text) > MAX_BYTES:
        raise FormatError(Reason.ENC_TOO_LARGE, f"{len(text)} characters, at most {MAX_BYTES}")
    if not text.startswith(prefix):
        raise FormatError(Reason.ENC_PREFIX_UNKNOWN, f"no {prefix}")
    return decode_base45(text.removeprefix(prefix))
