"""One object into one file, in one of its forms."""

from __future__ import annotations

from pathlib import Path

from certificate.qr_text import ErrorCorrection, encode_file_text
from cli.common import write_new_file

__all__ = ["form_of", "write_code"]

_FORMS = {".png": "png", ".svg": "svg", ".b64": "file", ".cbor": "bytes"}


def form_of(out: Path) -> str:
    """The form that a file's ending asks for: png, svg, file (base64url), bytes; any other ending means QR text."""
    return _FORMS.get(out.suffix, "text")


def write_code(
    out: Path, form: str, text: str, data: bytes, *, force: bool, ecc: ErrorCorrection = "L"
) -> None:
    """Write an object to `out`.

    Args:
        form: as `form_of` names them.
        text: the QR text, with its prefix.
        data: the tagged bytes.
    Raises:
        ConfigError: `cli.exists`, `cli.path_unsafe`, `qr.too_large`, `cli.extra_missing`.
    """
    if form in ("png", "svg"):
        from certificate.qr_draw import draw_qr_png, draw_qr_svg

        content = draw_qr_png(text, ecc=ecc) if form == "png" else draw_qr_svg(text, ecc=ecc).encode("utf-8")
    elif form == "file":
        content = encode_file_text(data).encode("ascii")
    else:
        content = data if form == "bytes" else text.encode("ascii")
    write_new_file(out, content, force=force)
