"""Claim offers: a code and a PIN that let one person claim certificates onto a key of their own.

The code (100 random bits) goes out by letter or QR, the PIN by another way. Only hashes are kept; the PIN's is keyed
with a secret of the home, for six digits alone could be tried out by whoever reads the file. Five wrong PINs end an
offer. The first key that claims by it is the only one that ever can, so a claim cut off in the middle is simply made
again. An unknown, ended, expired or mistyped offer all answer alike.
"""

from __future__ import annotations

import hmac
import sqlite3
from base64 import b32encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ledger.errors import IntegrityError, VerificationError
from ledger.reasons import Reason

__all__ = ["MAX_TRIES", "Offer", "Offers"]

MAX_TRIES = 5
_DAY = 86400
_CODE_BYTES = 13  # 20 base32 characters are kept of them: 100 bits
_CODE_LENGTH = 20
_SCHEMA = """
CREATE TABLE IF NOT EXISTS offers (
    code_hash BLOB PRIMARY KEY, person_no TEXT NOT NULL, pin_hash BLOB NOT NULL, expires INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, holder BLOB
) STRICT, WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Offer:
    """What is told to the person, once. `expires` is POSIX seconds."""

    person_no: str
    code: str
    pin: str
    expires: int


class Offers:
    """The offers of one home, in a file of their own. May be used from several threads and processes."""

    def __init__(self, path: Path, *, secret: bytes) -> None:
        """Open or make the file. `secret` is 32 bytes of the home's own."""
        self._path = path
        self._key = sha256(b"tallystick claim offers" + secret).digest()
        if not path.exists():
            path.touch(mode=0o600)
        with self._writing() as connection:
            connection.execute(_SCHEMA)

    def make(
        self, persons: Iterable[str], *, now: int, days: int, random: Callable[[int], bytes]
    ) -> list[Offer]:
        """One offer for each person, valid for `days`; all are written before any is returned."""
        made = []
        for person_no in persons:
            code = b32encode(random(_CODE_BYTES)).decode("ascii")[:_CODE_LENGTH]
            pin = f"{int.from_bytes(random(8)) % 10**6:06d}"
            made.append(Offer(person_no, code, pin, now + days * _DAY))
        with self._writing() as connection:
            connection.executemany(
                "INSERT INTO offers (code_hash, person_no, pin_hash, expires) VALUES (?, ?, ?, ?)",
                ((_hash(o.code), o.person_no, self._pin_hash(o.code, o.pin), o.expires) for o in made),
            )
        return made

    def redeem(self, code: str, pin: str, *, now: int) -> str:
        """The person whose offer this is.

        Raises:
            VerificationError: `auth.invalid`, whatever is wrong with it.
        """
        with self._writing() as connection:
            row = connection.execute(
                "SELECT person_no, pin_hash, expires, tries FROM offers WHERE code_hash = ?", (_hash(code),)
            ).fetchone()
            right = hmac.compare_digest(self._pin_hash(code, pin), row[1] if row else bytes(32))
            if row is not None and not right:
                connection.execute("UPDATE offers SET tries = tries + 1 WHERE code_hash = ?", (_hash(code),))
        if row is None or not right or now >= row[2] or row[3] >= MAX_TRIES:
            raise _invalid("the code or the PIN")
        return str(row[0])

    def bind(self, code: str, holder: bytes) -> None:
        """Tie the offer to the raw public key that claims by it; again for the same key is no fault.

        Raises:
            VerificationError: `auth.invalid` when another key claimed by it.
        """
        with self._writing() as connection:
            bound = connection.execute(
                "UPDATE offers SET holder = ? WHERE code_hash = ? AND (holder IS NULL OR holder = ?)",
                (holder, _hash(code), holder),
            ).rowcount
        if bound != 1:
            raise _invalid("the offer was used for another key")

    def _pin_hash(self, code: str, pin: str) -> bytes:
        return hmac.digest(self._key, f"{code}\0{pin}".encode(), "sha256")

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._path, timeout=30, isolation_level=None)) as connection:
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                except BaseException:
                    connection.execute("ROLLBACK")
                    raise
                connection.execute("COMMIT")
        except sqlite3.Error as exc:
            raise IntegrityError(Reason.STORE_IO_ERROR, "the file of claim offers") from exc


def _hash(code: str) -> bytes:
    return sha256(code.encode()).digest()


def _invalid(detail: str) -> VerificationError:
    return VerificationError(Reason.AUTH_INVALID, detail, hint="ask the bureau for a new offer")
