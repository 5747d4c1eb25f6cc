"""What a file shows: the codes in a picture or PDF, or the file itself."""

from __future__ import annotations

from certificate.qr_text import MAX_BYTES
from cli.common import read_input
from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = ["read_one", "read_shown", "read_shown_file", "shown_in"]

_MAX_FILE = 32 * 2**20  # the largest picture; texts and objects are far smaller, and refused as such
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"%PDF")


def read_shown(name: str) -> list[bytes]:
    """What a file shows: the text of each QR code in a picture or PDF, or the file's own bytes.

    Raises:
        ConfigError: `cli.not_found`, `enc.too_large`. FormatError: `image.unreadable`, `image.no_code`.
    """
    return shown_in(read_shown_file(name))


def read_shown_file(name: str) -> bytes:
    """The file itself. Raises ConfigError `cli.not_found`, `enc.too_large`."""
    return read_input(name, at_most=_MAX_FILE)


def shown_in(content: bytes) -> list[bytes]:
    """As `read_shown`, of a file that was read."""
    if not content.startswith(_PICTURES):
        # A line end may stand behind the longest text.
        is_text = content.startswith(b"TS") and len(content) <= MAX_BYTES + 2
        return [content.rstrip(b"\r\n") if is_text else content]
    from verifier.images import read_codes

    return [text.encode("utf-8", "surrogatepass") for text in read_codes(content)]


def read_one(name: str) -> bytes:
    """As `read_shown`, where exactly one thing must be shown."""
    shown = read_shown(name)
    if len(shown) != 1:
        raise FormatError(Reason.ENC_TRAILING_DATA, f"{len(shown)} codes where one is due")
    return shown[0]
