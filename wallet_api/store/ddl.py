"""How a table, an index or a trigger is written for each of the two databases.

One description gives both texts: the tables hold bytes, text and integers only, which SQLite spells BLOB, TEXT and
INTEGER (in STRICT tables) and PostgreSQL bytea, text (compared by bytes) and bigint.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["ONLY_GROWS", "Statement", "Step", "Table", "column", "grows_only", "index", "plain"]

_ONLY_GROWS = "the access log only grows"
_TYPES = {"BLOB": "bytea", "INTEGER": "bigint", "TEXT": 'text COLLATE "C"'}  # by bytes in any language


@dataclass(frozen=True, slots=True)
class Statement:
    """Something to execute once: the text for each database."""

    sqlite: str
    postgres: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table with columns of BLOB, TEXT and INTEGER, in the words of SQLite.

    Attributes:
        of_safe: it has a column `safe`, and its rows go when that safe is erased.
        expires: it has a column `expires`, and its rows go when that time is over.
    """

    name: str
    columns: str
    of_safe: bool = False
    expires: bool = False

    def statement(self) -> Statement:
        """What makes the table."""
        head = f"CREATE TABLE {self.name} ({self.columns})"
        return Statement(f"{head} STRICT", _postgres(head))


@dataclass(frozen=True, slots=True)
class Step:
    """One version of the schema: what it adds to the version before.

    Attributes:
        tables: new tables, in an order in which each refers to earlier ones only.
        then: what follows them: indexes, triggers, new columns of older tables.
    """

    tables: tuple[Table, ...] = ()
    then: tuple[Statement, ...] = ()

    def statements(self) -> list[Statement]:
        """All of it, in order."""
        return [*(table.statement() for table in self.tables), *self.then]


def index(name: str, on: str, *, unique: bool = False) -> Statement:
    """An index `name` on `table (column, …)`."""
    sql = f"CREATE {'UNIQUE ' if unique else ''}INDEX {name} ON {on}"
    return Statement(sql, sql)


def plain(sql: str) -> Statement:
    """A statement that both databases read alike."""
    return Statement(sql, sql)


def column(table: str, definition: str) -> Statement:
    """One more column of a table that an earlier step made; without a default it has to allow NULL."""
    sql = f"ALTER TABLE {table} ADD COLUMN {definition}"
    return Statement(sql, _postgres(sql))


def grows_only(table: str, fixed: Sequence[str] = (), *, plural: bool = False) -> list[Statement]:
    """Triggers that refuse to delete a row, and to change the `fixed` columns (none named: any) of one.

    Their names are a sentence; `plural` when the name of the table is.
    """
    stays, is_fixed = ("stay", "are_fixed") if plural else ("stays", "is_fixed")
    of = f" OF {', '.join(fixed)}" if fixed else ""
    body = f" BEGIN SELECT RAISE(ABORT, '{_ONLY_GROWS}'); END"
    made = [
        Statement(
            f"CREATE TRIGGER {table}_{name} BEFORE {event} ON {table}{body}",
            f"CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION only_grows()",
        )
        for name, event in ((stays, "DELETE"), (is_fixed, f"UPDATE{of}"))
    ]
    truncate = f"CREATE TRIGGER {table}_not_emptied BEFORE TRUNCATE ON {table}"
    return [*made, Statement("", f"{truncate} FOR EACH STATEMENT EXECUTE FUNCTION only_grows()")]


ONLY_GROWS = Statement(
    "",
    "CREATE FUNCTION only_grows() RETURNS trigger LANGUAGE plpgsql AS"
    f" $$ BEGIN RAISE EXCEPTION '{_ONLY_GROWS}' USING ERRCODE = 'restrict_violation'; END $$",
)


def _postgres(sql: str) -> str:
    return re.sub(r"\b(BLOB|INTEGER|TEXT)\b", lambda found: _TYPES[found[1]], sql)
