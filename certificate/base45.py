"""base45 (RFC 9285), strict: the text QR codes carry most densely in their alphanumeric mode.

Two bytes become three letters, a single last byte two. Every byte string has one text, and a text that is no such text
is refused: lower case, other lengths, groups above 65,535 or 255.
"""

from __future__ import annotations

from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = ["decode_base45", "encode_base45"]

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
# All groups of two bytes at once: 65,536 texts, so that encoding is one look-up a group.
_TRIPLES = tuple(
    _ALPHABET[number % 45] + _ALPHABET[number // 45 % 45] + _ALPHABET[number // 2025]
    for number in range(2**16)
)
_GROUPS = {triple: number for number, triple in enumerate(_TRIPLES)}
_PAIRS = tuple(_ALPHABET[number % 45] + _ALPHABET[number // 45] for number in range(2**8))
_LAST = {pair: number for number, pair in enumerate(_PAIRS)}


def encode_base45(data: bytes) -> str:
    """The base45 text of `data`."""
    whole = len(data) // 2 * 2
    text = "".join([_TRIPLES[data[at] << 8 | data[at + 1]] for at in range(0, whole, 2)])
    return text if whole == len(data) else text + _PAIRS[data[-1]]


def decode_base45(text: str) -> bytes:
    """The bytes of a base45 text.

    Raises:
        FormatError: `enc.base45_invalid`.
    """
    whole = len(text) // 3 * 3
    try:
        data = b"".join([_GROUPS[text[at : at + 3]].to_bytes(2) for at in range(0, whole, 3)])
        return data if whole == len(text) else data + bytes((_LAST[text[whole:]],))
    except KeyError as exc:
        raise FormatError(Reason.ENC_BASE45_INVALID, f"in a text of {len(text)} characters") from exc
