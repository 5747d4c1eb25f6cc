"""Answers: the draft that waits for a signature, and the consent that came of it."""

from __future__ import annotations

from wallet_api.store.rows import AnswerRow, DraftRow
from wallet_api.store.statements import Statements

__all__ = ["AnswerStatements"]

_ANSWER = (
    "request, safe, sealed, answered, issued, expires, fetched, acknowledged, withdrawn, deletion_confirmed,"
    " principal"
)


class AnswerStatements(Statements):
    """Drafts and answers."""

    __slots__ = ()

    def put_draft(self, row: DraftRow) -> None:
        self._execute("DELETE FROM drafts WHERE request = ? AND safe = ?", (row.request, row.safe))
        self._insert(
            "drafts", "request, safe, sealed, expires", (row.request, row.safe, row.sealed, row.expires)
        )

    def draft(self, request: bytes, safe: bytes) -> DraftRow | None:
        sql = "SELECT request, safe, sealed, expires FROM drafts WHERE request = ? AND safe = ?"
        row = self._one(sql, request, safe)
        return None if row is None else DraftRow(*row)

    def delete_drafts(self, request: bytes) -> None:
        self._execute("DELETE FROM drafts WHERE request = ?", (request,))

    def add_answer(self, row: AnswerRow) -> None:
        values = (
            row.request, row.safe, row.sealed, row.answered, row.issued, row.expires, row.fetched,
            row.acknowledged, row.withdrawn, row.deletion_confirmed, row.principal,
        )  # fmt: skip
        self._insert("answers", _ANSWER, values)

    def answer(self, request: bytes) -> AnswerRow | None:
        row = self._one(f"SELECT {_ANSWER} FROM answers WHERE request = ?", request)  # noqa: S608 - our own names
        return None if row is None else AnswerRow(*row)

    def mark_fetched(self, request: bytes, time: int) -> None:
        self._execute("UPDATE answers SET fetched = ? WHERE request = ? AND fetched IS NULL", (time, request))

    def mark_acknowledged(self, request: bytes, time: int) -> None:
        """The organisation has it: the service keeps the presentation no longer."""
        self._execute("UPDATE answers SET acknowledged = ?, sealed = NULL WHERE request = ?", (time, request))

    def mark_withdrawn(self, request: bytes, time: int) -> None:
        self._execute("UPDATE answers SET withdrawn = ?, sealed = NULL WHERE request = ?", (time, request))

    def mark_deletion_confirmed(self, request: bytes, time: int) -> None:
        self._execute("UPDATE answers SET deletion_confirmed = ? WHERE request = ?", (time, request))
