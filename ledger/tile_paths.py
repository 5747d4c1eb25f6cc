"""Where a log's pieces lie under its prefix (C2SP tlog-tiles). Pure.

    checkpoint                        the newest cosigned note
    tile/0/x001/x234/067              a full tile of level 0: 256 hashes
    tile/1/000.p/17                   a partial one of level 1: 17 hashes
    tile/entries/273.p/112            the entries under a partial tile of level 0

One piece has one spelling; everything else is refused, so that nothing outside the log can be named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ledger.errors import FormatError
from ledger.merkle import MAX_SIZE
from ledger.reasons import Reason
from ledger.tiles import TILE_HEIGHT, TILE_WIDTH, complete_tiles, levels_at

__all__ = ["CHECKPOINT_PATH", "ENTRIES", "TilePath", "new_pieces", "parse_tile_path", "partial_pieces"]

CHECKPOINT_PATH = "checkpoint"
ENTRIES = -1
"""In place of a level: the bundle of entries under a tile of level 0."""

_MAX_LEVEL = 63
_PATH = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class TilePath:
    """One tile, or one bundle of entries.

    Args:
        level: 0 to 63, or `ENTRIES`.
        index: zero-based within the level.
        width: how many hashes or entries, 1 to 256; less than 256 is a partial one.
    Raises:
        FormatError: `log.index_range`.
    """

    level: int
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        fits = ENTRIES <= self.level <= _MAX_LEVEL and 1 <= self.width <= TILE_WIDTH
        if not fits or self.index < 0 or self.end > MAX_SIZE:
            raise FormatError(Reason.LOG_INDEX_RANGE, f"tile {self.index} of level {self.level}")

    @property
    def end(self) -> int:
        """The smallest size of a tree that has this piece."""
        return (self.index * TILE_WIDTH + self.width) << TILE_HEIGHT * max(self.level, 0)

    def __str__(self) -> str:
        digits = f"{self.index:0{-(-len(str(self.index)) // 3) * 3}d}"
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        name = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        level = "entries" if self.level == ENTRIES else str(self.level)
        return f"tile/{level}/{name}" + (f".p/{self.width}" if self.width < TILE_WIDTH else "")


def parse_tile_path(text: str) -> TilePath:
    """The piece that `text` is the one path of.

    Raises:
        FormatError: `log.index_range`.
    """
    match = _PATH.fullmatch(text)
    if match is None:
        raise FormatError(Reason.LOG_INDEX_RANGE, "not the path of a tile")
    level = ENTRIES if match[1] == "entries" else int(match[1])
    index = int(match[2].replace("x", "").replace("/", ""))
    path = TilePath(level, index, int(match[3] or TILE_WIDTH))
    if str(path) != text:  # leading groups of zeros, a partial tile called 256 wide
        raise FormatError(Reason.LOG_INDEX_RANGE, "not the one path of a tile")
    return path


def partial_pieces(size: int) -> Iterator[TilePath]:
    """The partial tiles of the tree of `size` entries, lower levels first, and the partial bundle before them."""
    for level in range(levels_at(size)):
        index, width = divmod(size >> TILE_HEIGHT * level, TILE_WIDTH)
        if width:
            if level == 0:
                yield TilePath(ENTRIES, index, width)
            yield TilePath(level, index, width)


def new_pieces(old_size: int, size: int) -> Iterator[TilePath]:
    """What a copy of the log at `old_size` lacks at `size`: full pieces first, then the partial ones."""
    for level, index in complete_tiles(old_size, size):
        if level == 0:
            yield TilePath(ENTRIES, index)
        yield TilePath(level, index)
    yield from partial_pieces(size)
