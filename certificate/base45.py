"""base45 (RFC 9285), strict: the text QR codes carry most densely in their alphanumeric mode.

Two bytes become three letters, a single last byte two. Every byte string has one text, and a text that is no such text
is refused: lower case, other lengths, groups above 65,535 or 255.
"""

from __future__ import annotations

import sys
from array import array

from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = ["decode_base45", "encode_base45"]

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_FOREIGN = 0xFF
# Small tables on purpose: one of all 65,536 groups falls out of the processor's cache and is ten times as slow.
_VALUES = bytes(_ALPHABET.find(chr(code)) % 256 for code in range(256))  # -1 becomes _FOREIGN
_PAIRS = tuple(_ALPHABET[number % 45] + _ALPHABET[number // 45] for number in range(45 * 45))

_LANES = 2**15


def _lane_ends(count: int) -> int:
    """The last byte of each of `count` lanes of three."""
    return int.from_bytes(b"\0\0\xff" * count)


_LANE_ENDS = _lane_ends(_LANES)


def encode_base45(data: bytes) -> str:
    """The base45 text of `data`."""
    numbers = array("H", data[: len(data) // 2 * 2])
    if sys.byteorder == "little":
        numbers.byteswap()
    text = "".join([_PAIRS[number % 2025] + _ALPHABET[number // 2025] for number in numbers])
    return text + _PAIRS[data[-1]] if len(data) % 2 else text


def decode_base45(text: str) -> bytes:
    """The bytes of a base45 text.

    Raises:
        FormatError: `enc.base45_invalid`.
    """
    # "?" stands for what is not ASCII, and is foreign.
    values = text.encode("ascii", "replace").translate(_VALUES)
    rest = len(values) % 3
    last = values[-2] + 45 * values[-1] if rest == 2 else 0
    if _FOREIGN in values or rest == 1 or last > 0xFF:
        raise _invalid(text)
    groups = _groups(values[: len(values) - rest])
    if groups is None:
        raise _invalid(text)
    return groups + bytes((last,)) if rest == 2 else groups


def _groups(values: bytes) -> bytes | None:
    """Two bytes for each three values; None if a group is above 65,535.

    All groups at once: a group's values stand in a lane of three bytes of one large number, each is moved to the end of
    its lane, and the weighted sum has the groups in its lanes. A lane never overflows: 44 * (1 + 45 + 2025) < 2**17.
    """
    count = len(values) // 3
    lanes = int.from_bytes(values)
    ends = _LANE_ENDS if count <= _LANES else _lane_ends(count)
    total = (lanes >> 16 & ends) + 45 * (lanes >> 8 & ends) + 2025 * (lanes & ends)
    groups = total.to_bytes(3 * count)
    if groups[0::3].strip(b"\0"):
        return None
    packed = bytearray(2 * count)
    packed[0::2] = groups[1::3]
    packed[1::2] = groups[2::3]
    return bytes(packed)


def _invalid(text: str) -> FormatError:
    return FormatError(Reason.ENC_BASE45_INVALID, f"in a text of {len(text)} characters")
