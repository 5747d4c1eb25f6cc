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
    values = text.encode("ascii", "replace").translate(
        _VALUES
    )  # "?" stands for what is not ASCII, and is foreign
    rest = len(values) % 3
    whole = len(values) - rest
    groups = zip(values[0:whole:3], values[1:whole:3], values[2:whole:3], strict=True)
    numbers = [low + 45 * middle + 2025 * high for low, middle, high in groups]
    last = values[whole] + 45 * values[whole + 1] if rest == 2 else 0
    if _FOREIGN in values or rest == 1 or max(numbers, default=0) > 0xFFFF or last > 0xFF:
        raise FormatError(Reason.ENC_BASE45_INVALID, f"in a text of {len(text)} characters")
    packed = array("H", numbers)
    if sys.byteorder == "little":
        packed.byteswap()
    return packed.tobytes() + (bytes((last,)) if rest == 2 else b"")
