"""What the statements of every topic have in common: how one runs, and how a row is read or added.

Statements are in words that SQLite and PostgreSQL both understand, with `?` for each parameter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

__all__ = ["Execute", "Statements"]


class Execute(Protocol):
    """Runs one statement with `?` for each parameter; returns the rows it gives, and none for a plain write."""

    def __call__(self, sql: str, parameters: Sequence[Any] = (), /) -> list[tuple[Any, ...]]: ...


class Statements:
    """Statements within one transaction. A topic is a class beside this one; `sql.Transaction` has them all."""

    __slots__ = ("_execute",)

    def __init__(self, execute: Execute) -> None:
        self._execute = execute

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """A statement that belongs to no topic: a backup's, which copies every table alike."""
        return self._execute(sql, parameters)

    def _one(self, sql: str, *parameters: Any) -> tuple[Any, ...] | None:
        rows = self._execute(sql, parameters)
        return rows[0] if rows else None

    def _insert(self, table: str, columns: str, values: Sequence[Any]) -> None:
        places = ", ".join("?" for _ in values)
        self._execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", values)  # noqa: S608 - our own names
