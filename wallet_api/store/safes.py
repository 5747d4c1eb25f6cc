"""Safes, and the certificates in them."""

from __future__ import annotations

from collections.abc import Iterator

from wallet_api.store.rows import CertificateRow, SafeRow
from wallet_api.store.statements import Statements

__all__ = ["SafeStatements"]

_SAFE = "id, holder_key, wrapped_key, log_counter, log_last, created"
_CERTIFICATE = "safe, number, digest, sealed, added"


class SafeStatements(Statements):
    """The safe of each holder key."""

    __slots__ = ()

    def add_safe(self, row: SafeRow) -> None:
        values = (row.id, row.holder_key, row.wrapped_key, row.log_counter, row.log_last, row.created)
        self._insert("safes", _SAFE, values)

    def safe(self, id_: bytes) -> SafeRow | None:
        row = self._one(f"SELECT {_SAFE} FROM safes WHERE id = ?", id_)  # noqa: S608 - our own names
        return None if row is None else SafeRow(*row)

    def safe_of_key(self, holder_key: bytes) -> SafeRow | None:
        row = self._one(f"SELECT {_SAFE} FROM safes WHERE holder_key = ?", holder_key)  # noqa: S608 - our own names
        return None if row is None else SafeRow(*row)

    def safes(self) -> Iterator[SafeRow]:
        for row in self._execute(f"SELECT {_SAFE} FROM safes ORDER BY id"):  # noqa: S608 - our own names
            yield SafeRow(*row)

    def set_wrapped_key(self, safe: bytes, wrapped_key: bytes) -> None:
        self._execute("UPDATE safes SET wrapped_key = ? WHERE id = ?", (wrapped_key, safe))

    def set_log_end(self, safe: bytes, *, counter: int, last: bytes) -> None:
        self._execute("UPDATE safes SET log_counter = ?, log_last = ? WHERE id = ?", (counter, last, safe))

    def add_certificate(self, row: CertificateRow) -> None:
        values = (row.safe, row.number, row.digest, row.sealed, row.added)
        self._insert("certificates", _CERTIFICATE, values)

    def certificate(self, safe: bytes, number: str) -> CertificateRow | None:
        sql = f"SELECT {_CERTIFICATE} FROM certificates WHERE safe = ? AND number = ?"  # noqa: S608 - our own names
        row = self._one(sql, safe, number)
        return None if row is None else CertificateRow(*row)

    def certificates(self, safe: bytes, *, after: str, limit: int) -> list[CertificateRow]:
        sql = f"SELECT {_CERTIFICATE} FROM certificates WHERE safe = ? AND number > ? ORDER BY number LIMIT ?"  # noqa: S608 - our own names
        return [CertificateRow(*row) for row in self._execute(sql, (safe, after, limit))]

    def delete_certificate(self, safe: bytes, number: str) -> None:
        self._execute("DELETE FROM certificates WHERE safe = ? AND number = ?", (safe, number))
