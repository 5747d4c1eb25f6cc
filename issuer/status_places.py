"""Places in the status lists: drawn at random, never used twice, so that an index tells nothing about when or who."""

from __future__ import annotations

from collections.abc import Callable

from issuer.register import Register

__all__ = ["LIST_SIZE", "StatusPlaces"]

LIST_SIZE = 2**20
_FULL_AT = LIST_SIZE * 15 // 16  # above that, drawing a free place takes ever longer


class StatusPlaces:
    """Hands out free places of one authority. Unused places are the decoys: the list has its full size at once."""

    def __init__(self, register: Register, random: Callable[[int], bytes]) -> None:
        self._random = random
        self._list = register.newest_status_list()
        self._taken = bytearray(LIST_SIZE)
        self._count = 0
        for index in register.used_indices(self._list):
            self._taken[index] = 1
            self._count += 1

    def draw(self) -> tuple[int, int]:
        """List number and index of a place never handed out before."""
        if self._count >= _FULL_AT:
            self._list, self._taken, self._count = self._list + 1, bytearray(LIST_SIZE), 0
        while True:
            index = int.from_bytes(self._random(3)) % LIST_SIZE
            if not self._taken[index]:
                self._taken[index] = 1
                self._count += 1
                return self._list, index
