"""How often each code is read from a simulated phone picture of 1920 x 1080 pixels.

    python -m benchmarks.read_rate [--seeds 20]

The code takes 80 % of the height, is turned by up to 8 degrees, seen aslant by up to 6 % of its side, blurred by a
radius of 1.5 pixels, noisy (sigma 10) and saved as JPEG of quality 60. Sizes are those of docs/SIZES.md at 10^6
entries.
"""

from __future__ import annotations

import argparse
import io
import random

from PIL import Image, ImageChops, ImageFilter

from certificate.qr_draw import draw_qr_png
from certificate.qr_text import ErrorCorrection, encode_qr_text
from ledger.errors import ProjectError
from verifier.images import read_codes

__all__ = ["KINDS", "photograph", "read_rate"]

FRAME = (1920, 1080)
KINDS: tuple[tuple[str, int, ErrorCorrection], ...] = (
    ("presentation, 24 months, short proof", 943, "L"),
    ("the same at its bound", 1133, "L"),
    ("presentation, recent proof", 1258, "L"),
    ("the same at its bound", 1677, "L"),
    ("presentation, full proof", 1633, "L"),
    ("paper, short proof", 782, "M"),
    ("the same at its bound", 964, "M"),
    ("paper, full proof", 1481, "L"),
)


def photograph(picture: Image.Image, seed: int) -> bytes:
    """A JPEG of a phone held over the code, the same for the same seed."""
    chance = random.Random(seed)
    side = int(FRAME[1] * 0.8)
    sheet = picture.convert("L").resize((side, side), Image.Resampling.LANCZOS)
    frame = Image.new("L", FRAME, 235)
    frame.paste(sheet, ((FRAME[0] - side) // 2, (FRAME[1] - side) // 2))
    slant = 0.06 * side
    corners = [(0, 0), (0, FRAME[1]), (FRAME[0], FRAME[1]), (FRAME[0], 0)]
    quad = [value + chance.uniform(-slant, slant) for corner in corners for value in corner]
    frame = frame.transform(
        FRAME, Image.Transform.QUAD, quad, resample=Image.Resampling.BICUBIC, fillcolor=235
    )
    frame = frame.rotate(chance.uniform(-8, 8), resample=Image.Resampling.BICUBIC, fillcolor=235)
    frame = frame.filter(ImageFilter.GaussianBlur(1.5))
    noise = Image.effect_noise(FRAME, 10)
    frame = ImageChops.add(frame, noise, scale=1, offset=-128)
    out = io.BytesIO()
    frame.save(out, "JPEG", quality=60)
    return out.getvalue()


def read_rate(size: int, level: ErrorCorrection, seeds: int) -> int:
    """How many of `seeds` pictures of a code of `size` bytes read back as what was drawn."""
    read = 0
    for seed in range(seeds):
        text = encode_qr_text(random.Random(seed).randbytes(size))
        picture = Image.open(io.BytesIO(draw_qr_png(text, ecc=level, scale=8)))
        try:
            read += read_codes(photograph(picture, seed)) == [text]
        except ProjectError:
            continue
    return read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    seeds = parser.parse_args().seeds
    print(f"| shown | bytes | level | read of {seeds} |\n| --- | --- | --- | --- |")
    for name, size, level in KINDS:
        print(f"| {name} | {size:,} | {level} | {read_rate(size, level, seeds)} |")


if __name__ == "__main__":
    main()
