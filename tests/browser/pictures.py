"""What a phone's screen looks like to a scanner: a symbol drawn as the product draws it, then photographed badly."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from certificate.qr_draw import draw_qr_png

__all__ = ["degraded", "drawn", "jpeg", "png", "save_video"]


def drawn(text: str, *, scale: int = 4) -> Image.Image:
    """The clean symbol in shades of grey."""
    return Image.open(io.BytesIO(draw_qr_png(text, scale=scale))).convert("L")


def degraded(
    text: str, *, scale: int = 4, turn: float = 4.0, blur: float = 0.8, noise: float = 9.0
) -> Image.Image:
    """The symbol as a cheap camera sees it: turned, blurred, unevenly lit, noisy, in the middle of a grey table."""
    symbol = drawn(text, scale=scale)
    side = int(max(symbol.size) * 1.25)
    table = Image.new("L", (side, side), 150)
    table.paste(symbol, ((side - symbol.width) // 2, (side - symbol.height) // 2))
    seen = table.rotate(turn, resample=Image.Resampling.BICUBIC, fillcolor=150)
    seen = seen.filter(ImageFilter.GaussianBlur(blur))
    light = np.linspace(0.65, 1.0, side)[None, :]
    chance = np.random.default_rng(7).normal(0, noise, (side, side))
    return Image.fromarray(np.clip(np.asarray(seen) * light + chance, 0, 255).astype("uint8"))


def png(image: Image.Image) -> bytes:
    return _saved(image, "PNG")


def jpeg(image: Image.Image, *, quality: int = 60) -> bytes:
    return _saved(image, "JPEG", quality=quality)


def save_video(path: Path, image: Image.Image, *, frames: int = 3) -> None:
    """A video file as Chromium's fake camera takes it: motion JPEG, 1280 x 720 or what holds the picture, fresh noise
    in each frame."""
    width, height = max(1280, image.width + image.width % 2), max(720, image.height + image.height % 2)
    scene = Image.new("L", (width, height), 120)
    scene.paste(image, ((width - image.width) // 2, (height - image.height) // 2))
    pixels = np.asarray(scene)
    with path.open("wb") as out:
        for number in range(frames):
            chance = np.random.default_rng(number).normal(0, 4, pixels.shape)
            frame = Image.fromarray(np.clip(pixels + chance, 0, 255).astype("uint8")).convert("RGB")
            out.write(jpeg(frame, quality=85))


def _saved(image: Image.Image, kind: str, **options: int) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()
