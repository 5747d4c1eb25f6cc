"""Drawing QR codes (extra `qr`): one symbol, alphanumeric mode, no compression, by zxing-cpp's writer."""

from __future__ import annotations

import io
import re
from typing import Any

from certificate.qr_text import MAX_LETTERS, ErrorCorrection
from ledger.errors import ConfigError, FormatError
from ledger.reasons import Reason

__all__ = ["draw_qr_png", "draw_qr_svg"]

_DARK = re.compile(rb"\x00+")
_SVG = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<svg xmlns="http://www.w3.org/2000/svg" width="{side}mm" height="{side}mm" viewBox="0 0 {side} {side}">'
    '<path d="M0 0h{side}v{side}h-{side}z" fill="#fff"/><path d="{dark}" fill="#000"/></svg>\n'
)


def draw_qr_png(text: str, *, ecc: ErrorCorrection = "L", scale: int = 4) -> bytes:
    """A black and white PNG with `scale` pixels a module and a quiet zone of four modules.

    Raises:
        FormatError: `qr.too_large`.
        ConfigError: `cli.extra_missing`.
    """
    try:
        from PIL import Image
    except ModuleNotFoundError as exc:
        raise _extra_missing() from exc
    out = io.BytesIO()
    Image.fromarray(_pixels(text, ecc, scale)).convert("1").save(out, "PNG")
    return out.getvalue()


def draw_qr_svg(text: str, *, ecc: ErrorCorrection = "L") -> str:
    """An SVG document, one millimetre a module, the dark modules one path. Raises as `draw_qr_png`."""
    pixels = memoryview(_pixels(text, ecc, 1))
    side = len(pixels)
    data = pixels.tobytes()
    dark = "".join(
        f"M{run.start()} {y}h{run.end() - run.start()}v1h-{run.end() - run.start()}z"
        for y in range(side)
        for run in _DARK.finditer(data[side * y : side * (y + 1)])
    )
    return _SVG.format(side=side, dark=dark)


def _pixels(text: str, ecc: ErrorCorrection, scale: int) -> Any:
    """The symbol as a square of bytes, 0 for dark, with its quiet zone."""
    try:
        import zxingcpp
    except ModuleNotFoundError as exc:
        raise _extra_missing() from exc
    if len(text) > MAX_LETTERS[ecc]:  # the writer would quietly lower the level
        raise _too_large(text, ecc)
    try:
        symbol = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level=ecc)
        return zxingcpp.write_barcode_to_image(symbol, scale=scale, add_quiet_zones=True)
    except (ValueError, RuntimeError) as exc:
        raise _too_large(text, ecc) from exc


def _too_large(text: str, ecc: str) -> FormatError:
    hint = "show fewer claims, or send the file instead"
    return FormatError(Reason.QR_TOO_LARGE, f"{len(text)} characters at level {ecc}", hint=hint)


def _extra_missing() -> ConfigError:
    return ConfigError(Reason.CLI_EXTRA_MISSING, "QR codes", hint="pip install 'tallystick[qr]'")
