"""stub"""
from __future__ import annotations
import io
import qrcode
from qrcode.util import QRData, MODE_ALPHA_NUM
def draw_qr_png(text: str, *, ecc: str = "L") -> bytes:
    q = qrcode.QRCode(error_correction={"L": 1, "M": 0}[ecc], box_size=4, border=4)
    q.add_data(QRData(text.encode(), mode=MODE_ALPHA_NUM))
    q.make(fit=True)
    out = io.BytesIO()
    q.make_image().save(out, "PNG")
    return out.getvalue()
def draw_qr_svg(text: str, *, ecc: str = "L") -> str:
    return ""
