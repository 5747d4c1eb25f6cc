"""QR codes out of pictures and PDF pages (extra `qr`), by zxing-cpp. An edge: the steps see only the text.

A symbol's text is returned as it stands; what is not ours is refused by the steps, and nothing is ever opened.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from typing import Any

from ledger.errors import ConfigError, FormatError
from ledger.reasons import Reason

__all__ = ["MAX_PIXELS", "read_codes"]

MAX_BYTES = 32 * 2**20
MAX_PIXELS = 25_000_000  # a large phone photo; about 200 MB while it is being read
MAX_PAGES = 20
_PDF_DPI = 200


def read_codes(data: bytes) -> list[str]:
    """The texts of all QR codes in a PNG, JPEG or PDF, in the order the reader finds them.

    Raises:
        FormatError: `enc.too_large`, `image.unreadable`, `image.no_code`.
        ConfigError: `cli.extra_missing`.
    """
    if len(data) > MAX_BYTES:
        raise FormatError(Reason.ENC_TOO_LARGE, f"{len(data)} bytes, at most {MAX_BYTES}")
    try:
        import zxingcpp
    except ModuleNotFoundError as exc:
        raise ConfigError(Reason.CLI_EXTRA_MISSING, "pictures", hint="pip install 'tallystick[qr]'") from exc
    texts = []
    for picture in _pages(data) if data.startswith(b"%PDF") else [_picture(data)]:
        for code in zxingcpp.read_barcodes(
            picture, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
        ):
            texts.append(code.bytes.decode("latin-1"))
    if not texts:
        hint = "take the picture again: closer, straight from above, without glare"
        raise FormatError(Reason.IMAGE_NO_CODE, "no QR code in the picture", hint=hint)
    return texts


def _picture(data: bytes) -> Any:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(data), formats=("PNG", "JPEG"))
            if picture.width * picture.height > MAX_PIXELS:
                raise FormatError(Reason.ENC_TOO_LARGE, f"{picture.width} x {picture.height} pixels")
            return _on_white(picture).convert("L")
    except (
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as exc:
        raise FormatError(Reason.IMAGE_UNREADABLE, "neither PNG nor JPEG, or damaged") from exc


def _on_white(picture: Any) -> Any:
    """The picture on white paper: a transparent ground would turn black in shades of grey."""
    from PIL import Image

    if not picture.has_transparency_data:
        return picture
    paper = Image.new("RGBA", picture.size, "white")
    paper.alpha_composite(picture.convert("RGBA"))
    return paper


def _pages(data: bytes) -> Iterator[Any]:
    import pypdfium2

    document = None
    try:
        document = pypdfium2.PdfDocument(data)
        if len(document) > MAX_PAGES:
            raise FormatError(Reason.ENC_TOO_LARGE, f"{len(document)} pages, at most {MAX_PAGES}")
        for number in range(len(document)):
            page = document[number]
            scale = _PDF_DPI / 72
            if page.get_width() * page.get_height() * scale * scale > MAX_PIXELS:
                raise FormatError(Reason.ENC_TOO_LARGE, f"page {number + 1} of the PDF")
            yield page.render(scale=scale).to_pil().convert("L")
    except pypdfium2.PdfiumError as exc:  # from opening, or from a page of a file that opens
        raise FormatError(Reason.IMAGE_UNREADABLE, "a PDF that is damaged or under a password") from exc
    finally:
        if document is not None:
            document.close()
