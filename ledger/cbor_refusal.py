"""Why an encoding is refused: a slow walk over it that only refused input pays for (see `ledger.cbor`)."""

from __future__ import annotations

from typing import NoReturn

from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = ["COSE_SIGN1_TAG", "MAX_DEPTH", "refusal_of"]

MAX_DEPTH = 16
COSE_SIGN1_TAG = 18


def refusal_of(data: bytes) -> FormatError:
    """The error that names what is wrong with `data`, which `decode_cbor` does not read."""
    walker = _Walker(data)
    try:
        walker.item(1)
    except FormatError as exc:
        return exc
    if walker.violation is not None:
        return walker.violation
    if walker.at != len(data):
        return FormatError(Reason.ENC_TRAILING_DATA, f"{len(data) - walker.at} bytes after the item")
    return FormatError(Reason.ENC_CBOR_NONCANONICAL, "map keys out of order")


class _Walker:
    """One walk over the encoding. Raises for what is not well-formed; notes the first breach of our profile."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.violation: FormatError | None = None

    def note(self, reason: Reason, detail: str) -> None:
        if self.violation is None:
            self.violation = FormatError(reason, f"{detail} at byte {self.at}")

    def malformed(self, detail: str) -> NoReturn:
        raise FormatError(Reason.ENC_CBOR_MALFORMED, f"{detail} at byte {self.at}")

    def take(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            self.malformed("item cut short")
        chunk = self.data[self.at : self.at + count]
        self.at += count
        return chunk

    def item(self, depth: int) -> None:
        """Walk over one item whose nesting level is `depth` (1 for the outermost)."""
        major, info, argument = self.head()
        if depth > MAX_DEPTH and (major == 6 or (major in (4, 5) and argument != 0)):
            raise FormatError(Reason.ENC_DEPTH_LIMIT, f"more than {MAX_DEPTH} levels at byte {self.at}")
        if major in (2, 3):
            self.string(major, argument)
        elif major == 4:
            self.array(argument, depth)
        elif major == 5:
            self.map(argument, depth)
        elif major == 6:
            if argument != COSE_SIGN1_TAG:
                self.note(Reason.ENC_CBOR_TAG_FORBIDDEN, f"tag {argument}")
            self.item(depth + 1)
        elif major == 7:
            self.simple(info, argument)

    def head(self) -> tuple[int, int, int | None]:
        """Major type, additional information and argument; the argument is None for an indefinite length."""
        first = self.take(1)[0]
        major, info = first >> 5, first & 0x1F
        if info < 24:
            return major, info, info
        if info < 28:
            argument = int.from_bytes(self.take(1 << (info - 24)))
            if major != 7 and (argument < 24 if info == 24 else argument >> (4 << (info - 24)) == 0):
                self.note(Reason.ENC_CBOR_NONCANONICAL, "a longer head than needed")
            return major, info, argument
        if info == 31 and major in (2, 3, 4, 5):
            self.note(Reason.ENC_CBOR_NONCANONICAL, "indefinite length")
            return major, info, None
        self.malformed("reserved additional information")

    def string(self, major: int, length: int | None) -> None:
        if length is not None:
            chunk = self.take(length)
            if major == 3:
                try:
                    chunk.decode("utf-8")
                except UnicodeDecodeError:
                    self.note(Reason.ENC_UTF8_INVALID, "broken text")
            return
        while not self.at_break():
            inner_major, _, inner_length = self.head()
            if inner_major != major or inner_length is None:
                self.malformed("a chunk of another kind")
            self.string(major, inner_length)

    def array(self, length: int | None, depth: int) -> None:
        if length is None:
            while not self.at_break():
                self.item(depth + 1)
            return
        for _ in range(length):  # ends at the end of the data at the latest: every item takes a byte
            self.item(depth + 1)

    def map(self, length: int | None, depth: int) -> None:
        keys: set[bytes] = set()
        pairs = 0
        previous = b""
        while not self.at_break() if length is None else pairs < length:
            start = self.at
            self.item(depth + 1)
            key = self.data[start : self.at]
            if key in keys:
                self.note(Reason.ENC_CBOR_DUPLICATE_KEY, "the same key twice")
            elif key < previous:
                self.note(Reason.ENC_CBOR_NONCANONICAL, "keys out of order")
            keys.add(key)
            previous = key
            self.item(depth + 1)
            pairs += 1

    def simple(self, info: int, argument: int | None) -> None:
        if info == 24 and argument is not None and argument < 32:
            self.malformed("a simple value in two bytes that fits one")
        if 25 <= info <= 27:
            self.note(Reason.ENC_NUMBER_RANGE, "a float")
        elif argument not in (20, 21, 22):
            self.note(Reason.ENC_CBOR_TAG_FORBIDDEN, f"simple value {argument}")

    def at_break(self) -> bool:
        if self.at >= len(self.data):
            self.malformed("no break before the end")
        if self.data[self.at] != 0xFF:
            return False
        self.at += 1
        return True
