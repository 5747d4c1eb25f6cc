"""Drawing QR codes (extra `qr`): one symbol, alphanumeric mode, no compression.

PNG by zxing-cpp's writer, which draws hundreds a second; SVG by the `qrcode` library.
"""

from __future__ import annotations

import io
from typing import Any, Final

from certificate.qr_text import MAX_LETTERS, ErrorCorrection
from ledger.errors import ConfigError, FormatError
from ledger.reasons import Reason

__all__ = ["draw_qr_png", "draw_qr_svg"]

_ALPHANUMERIC: Final = 2  # mode indicator 0010, ISO/IEC 18004 section 7.4.1


def draw_qr_png(text: str, *, ecc: ErrorCorrection = "L", scale: int = 4) -> bytes:
    """A black and white PNG with `scale` pixels a module and a quiet zone of four modules.

    Raises:
        FormatError: `qr.too_large`.
        ConfigError: `cli.extra_missing`.
    """
    try:
        import zxingcpp
        from PIL import Image
    except ModuleNotFoundError as exc:
        raise _extra_missing() from exc
    if len(text) > MAX_LETTERS[ecc]:  # the writer would quietly lower the level
        raise _too_large(text, ecc)
    try:
        symbol = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level=ecc)
        pixels: Any = zxingcpp.write_barcode_to_image(symbol, scale=scale, add_quiet_zones=True)
    except (ValueError, RuntimeError) as exc:
        raise _too_large(text, ecc) from exc
    out = io.BytesIO()
    Image.fromarray(pixels).convert("1").save(out, "PNG")
    return out.getvalue()


def draw_qr_svg(text: str, *, ecc: ErrorCorrection = "L") -> str:
    """An SVG document with one path. Raises as `draw_qr_png`."""
    try:
        import qrcode
        from qrcode.exceptions import DataOverflowError
        from qrcode.image.svg import SvgPathImage
        from qrcode.util import QRData
    except ModuleNotFoundError as exc:
        raise _extra_missing() from exc
    level = qrcode.ERROR_CORRECT_L if ecc == "L" else qrcode.ERROR_CORRECT_M
    symbol = qrcode.QRCode(error_correction=level)
    try:
        symbol.add_data(QRData(text, mode=_ALPHANUMERIC), optimize=0)
        symbol.make(fit=True)
    except (DataOverflowError, ValueError) as exc:
        raise _too_large(text, ecc) from exc
    out = io.BytesIO()
    symbol.make_image(image_factory=SvgPathImage).save(out)
    return out.getvalue().decode("utf-8")


def _too_large(text: str, ecc: str) -> FormatError:
    hint = "show fewer claims, or send the file instead"
    return FormatError(Reason.QR_TOO_LARGE, f"{len(text)} characters at level {ecc}", hint=hint)


def _extra_missing() -> ConfigError:
    return ConfigError(Reason.CLI_EXTRA_MISSING, "QR codes", hint="pip install 'tallystick[qr]'")
