"""Safes, and the certificates in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from wallet_api.store.rows import CertificateRow, CertificateState, SafeRow
from wallet_api.store.statements import Statements

__all__ = ["SafeStatements"]

_SAFE = "id, holder_key, wrapped_key, log_counter, log_last, created"
_CERTIFICATE = "safe, number, digest, sealed, added, state"


class SafeStatements(Statements):
    """The safe of each holder key."""

    __slots__ = ()

    def add_safe(self, row: SafeRow) -> None:
        values = (row.id, row.holder_key, row.wrapped_key, row.log_counter, row.log_last, row.created)
        self._insert("safes", _SAFE, values)
        self._insert("safe_keys", "holder_key, safe, added", (row.holder_key, row.id, row.created))

    def safe(self, id_: bytes) -> SafeRow | None:
        row = self._one(f"SELECT {_SAFE} FROM safes WHERE id = ?", id_)  # noqa: S608 - our own names
        return None if row is None else SafeRow(*row)

    def safe_of_key(self, holder_key: bytes) -> SafeRow | None:
        """The safe that this key opens; None for a key that ended."""
        columns = ", ".join(f"safes.{name}" for name in _SAFE.split(", "))
        sql = (
            f"SELECT {columns} FROM safe_keys JOIN safes ON safes.id = safe_keys.safe"  # noqa: S608 - our own names
            " WHERE safe_keys.holder_key = ? AND safe_keys.ended IS NULL"
        )
        row = self._one(sql, holder_key)
        return None if row is None else replace(SafeRow(*row), holder_key=holder_key)

    def safes(self) -> Iterator[SafeRow]:
        for row in self._execute(f"SELECT {_SAFE} FROM safes ORDER BY id"):  # noqa: S608 - our own names
            yield SafeRow(*row)

    def set_wrapped_key(self, safe: bytes, wrapped_key: bytes) -> None:
        self._execute("UPDATE safes SET wrapped_key = ? WHERE id = ?", (wrapped_key, safe))

    def set_log_end(self, safe: bytes, *, counter: int, last: bytes) -> None:
        self._execute("UPDATE safes SET log_counter = ?, log_last = ? WHERE id = ?", (counter, last, safe))

    def add_certificate(self, row: CertificateRow) -> None:
        values = (row.safe, row.number, row.digest, row.sealed, row.added, row.state.value)
        self._insert("certificates", _CERTIFICATE, values)

    def certificate(self, safe: bytes, number: str) -> CertificateRow | None:
        sql = f"SELECT {_CERTIFICATE} FROM certificates WHERE safe = ? AND number = ?"  # noqa: S608 - our own names
        row = self._one(sql, safe, number)
        return None if row is None else _certificate_row(row)

    def certificates(self, safe: bytes, *, after: str, limit: int) -> list[CertificateRow]:
        sql = f"SELECT {_CERTIFICATE} FROM certificates WHERE safe = ? AND number > ? ORDER BY number LIMIT ?"  # noqa: S608 - our own names
        return [_certificate_row(row) for row in self._execute(sql, (safe, after, limit))]

    def set_certificate_data(self, safe: bytes, number: str, *, digest: bytes, sealed: bytes) -> None:
        sql = "UPDATE certificates SET digest = ?, sealed = ? WHERE safe = ? AND number = ?"
        self._execute(sql, (digest, sealed, safe, number))

    def set_certificate_state(self, safe: bytes, number: str, state: CertificateState) -> None:
        sql = "UPDATE certificates SET state = ? WHERE safe = ? AND number = ?"
        self._execute(sql, (state.value, safe, number))

    def delete_certificate(self, safe: bytes, number: str) -> None:
        self._execute("DELETE FROM certificates WHERE safe = ? AND number = ?", (safe, number))


def _certificate_row(row: tuple[Any, ...]) -> CertificateRow:
    safe, number, digest, sealed, added, state = row
    return CertificateRow(safe, number, digest, sealed, added, CertificateState(state))
