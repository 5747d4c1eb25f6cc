"""Look-ups on their way to the citizens' wallet service, which shows them beside who else saw what.

A row stays here until the wallet service took it: a wallet that is down, or a kill, loses nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from certificate.qr_text import encode_file_text
from issuer.claiming.operator_log import LookUp
from issuer.claiming.own_file import OwnFile

__all__ = ["LookUpOutbox", "WaitingLookUp"]

_LONGEST_WAIT = 300  # seconds
_SCHEMA = """
CREATE TABLE IF NOT EXISTS lookup_outbox (
    id INTEGER PRIMARY KEY, body TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class WaitingLookUp:
    """One JSON body to be posted, and how often that was tried."""

    id: int
    body: str
    tries: int


class LookUpOutbox:
    """The waiting look-ups of one home."""

    def __init__(self, path: Path) -> None:
        self._file = OwnFile(path, _SCHEMA)

    def add(self, look: LookUp, holders: Iterable[bytes]) -> None:
        """Put a look-up in, once for each holder key of the person; durable on return."""
        self.add_all([(look, holders)])

    def add_all(self, looks: Iterable[tuple[LookUp, Iterable[bytes]]]) -> None:
        """Put many in, each with the holder keys of its person: all or none, durable on return."""
        with self._file.writing() as connection:
            connection.executemany(
                "INSERT INTO lookup_outbox (body, due) VALUES (?, ?)",
                ((_body(look, holder), look.time) for look, holders in looks for holder in holders),
            )

    def due(self, now: int, *, at_most: int = 50) -> list[WaitingLookUp]:
        """What is to be posted now, oldest first."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT id, body, tries FROM lookup_outbox WHERE due <= ? ORDER BY id LIMIT ?", (now, at_most)
            ).fetchall()
        return [WaitingLookUp(*row) for row in rows]

    def done(self, waiting: WaitingLookUp) -> None:
        """The wallet service took it."""
        with self._file.writing() as connection:
            connection.execute("DELETE FROM lookup_outbox WHERE id = ?", (waiting.id,))

    def later(self, waiting: WaitingLookUp, *, now: int) -> None:
        """It did not; the next try waits twice as long, five minutes at most."""
        wait = min(_LONGEST_WAIT, 2 ** min(waiting.tries, 10))
        with self._file.writing() as connection:
            connection.execute(
                "UPDATE lookup_outbox SET tries = tries + 1, due = ? WHERE id = ?", (now + wait, waiting.id)
            )

    def count(self) -> int:
        with self._file.reading() as connection:
            return int(connection.execute("SELECT count(*) FROM lookup_outbox").fetchone()[0])


def _body(look: LookUp, holder: bytes) -> str:
    said = {
        "holder_key": encode_file_text(holder),
        "operator": look.operator,
        "reason": look.reason,
        "claims": list(look.slots),
        "time": look.time,
    }
    return json.dumps(said, ensure_ascii=False)
