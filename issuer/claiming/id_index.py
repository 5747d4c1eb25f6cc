"""Which person of the records has an identity number: for logins, which know people by that and not by our numbers.

The index of a snapshot is a file of its own, made once: keyed hashes of the identity numbers, sorted, each with its
person number. Who reads the file without the home's key can neither read nor try out an identity number.

    index = [HMAC-SHA-256(key, identity number)[:16], person number (20 bytes, NUL-padded)] ...
"""

from __future__ import annotations

import hmac
import os
from hashlib import sha256
from threading import Lock

from certificate.numbers import CertificateType
from certificate.slots import REGISTRIES
from issuer.home import Home
from issuer.snapshot import Snapshot

__all__ = ["IdIndex"]

_ID_NO = REGISTRIES[CertificateType.CONTRIBUTION].slot_of("id_no")
_MAC_SIZE = 16
_NO_SIZE = 20
_ROW = _MAC_SIZE + _NO_SIZE
_BATCH = 1000
_LONGEST = 32  # characters of an identity number


class IdIndex:
    """Looks people up in the newest snapshot. For any number of threads."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._key = sha256(b"tallystick identity index" + home.seal_key()).digest()
        self._folder = home.path / "id-index"
        self._lock = Lock()
        self._digest = b""
        self._rows = b""

    def find(self, id_no: str) -> str | None:
        """The one person with this identity number, or None: nobody, or more than one.

        The first look after an import makes the index, a second for some 20,000 people.

        Raises:
            ConfigError: `home.not_found`: nothing was imported yet.
        """
        wanted = self._mac(id_no[:_LONGEST].upper())
        with self._lock:
            snapshot = self._home.snapshot()
            if snapshot.digest != self._digest:
                self._rows = self._load(snapshot)
                self._digest = snapshot.digest
            rows = self._rows
        low, high = 0, len(rows) // _ROW
        while low < high:
            middle = (low + high) // 2
            if _mac_at(rows, middle) < wanted:
                low = middle + 1
            else:
                high = middle
        if _mac_at(rows, low) != wanted or _mac_at(rows, low + 1) == wanted:
            return None
        return rows[low * _ROW + _MAC_SIZE : (low + 1) * _ROW].rstrip(b"\0").decode("ascii")

    def _load(self, snapshot: Snapshot) -> bytes:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        path = self._folder / snapshot.digest.hex()
        if path.exists():
            rows = path.read_bytes()
            if len(rows) == len(snapshot) * _ROW:
                return rows
        rows = self._make(snapshot)
        temporary = path.with_suffix(f".{os.getpid()}.part")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(rows)
        temporary.replace(path)
        for other in self._folder.iterdir():
            if other != path:
                other.unlink(missing_ok=True)
        return rows

    def _make(self, snapshot: Snapshot) -> bytes:
        rows = [
            self._mac(str(person.claims.get(_ID_NO, "")).upper())
            + person.person_no.encode("ascii").ljust(_NO_SIZE, b"\0")
            for batch in snapshot.batches(_BATCH)
            for person in batch
        ]
        return b"".join(sorted(rows))

    def _mac(self, id_no: str) -> bytes:
        return hmac.digest(self._key, id_no.encode(), "sha256")[:_MAC_SIZE]


def _mac_at(rows: bytes, at: int) -> bytes:
    return rows[at * _ROW : at * _ROW + _MAC_SIZE]
