"""What a bureau's work needs of the ledger, whether it runs in this process or in another organisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ledger.proof import FullProof

__all__ = ["BureauLedger"]


class BureauLedger(Protocol):
    """Each method as that of `ledger.sequencer.Sequencer`; over a network `log.unreachable` comes to the errors."""

    @property
    def log(self) -> int: ...

    @property
    def size(self) -> int: ...

    def append(self, entries: Sequence[bytes]) -> list[int]: ...

    def checkpoint(self, now: int) -> bytes: ...

    def newest_checkpoint(self) -> bytes | None: ...

    def require_clock(self, now: int) -> None: ...

    def find(self, entry: bytes) -> int | None: ...

    def entry(self, index: int) -> bytes: ...

    def prove(self, index: int) -> FullProof: ...

    def prove_with_note(self, index: int) -> tuple[FullProof, bytes]: ...

    def prove_consistency(self, old_size: int, new_size: int) -> list[bytes]: ...

    def close(self) -> None: ...
