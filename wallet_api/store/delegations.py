"""Delegations: who acts for whom, from the principal's safe."""

from __future__ import annotations

from wallet_api.store.rows import DelegationRow
from wallet_api.store.statements import Statements

__all__ = ["DelegationStatements"]

_DELEGATION = "digest, safe, proxy_key, statement, added, ended, end_statement"


class DelegationStatements(Statements):
    """An ended delegation stays in its principal's list."""

    __slots__ = ()

    def add_delegation(self, row: DelegationRow) -> None:
        values = (
            row.digest, row.safe, row.proxy_key, row.statement, row.added, row.ended, row.end_statement,
        )  # fmt: skip
        self._insert("delegations", _DELEGATION, values)

    def delegation(self, digest: bytes) -> DelegationRow | None:
        row = self._one(f"SELECT {_DELEGATION} FROM delegations WHERE digest = ?", digest)  # noqa: S608 - our own names
        return None if row is None else DelegationRow(*row)

    def delegations_of_safe(self, safe: bytes) -> list[DelegationRow]:
        return self._delegations("safe", safe)

    def delegations_to(self, proxy_key: bytes) -> list[DelegationRow]:
        return self._delegations("proxy_key", proxy_key)

    def end_delegation(self, digest: bytes, *, time: int, statement: bytes | None) -> None:
        sql = "UPDATE delegations SET ended = ?, end_statement = ? WHERE digest = ?"
        self._execute(sql, (time, statement, digest))

    def _delegations(self, name: str, value: bytes) -> list[DelegationRow]:
        sql = f"SELECT {_DELEGATION} FROM delegations WHERE {name} = ? ORDER BY added, digest"  # noqa: S608 - our own names
        return [DelegationRow(*row) for row in self._execute(sql, (value,))]
