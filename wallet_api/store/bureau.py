"""What passes between bureau and wallet: its tokens, look-ups taken in, heads sent; and phones' journals."""

from __future__ import annotations

from wallet_api.store.rows import HeadRow, JournalRow
from wallet_api.store.statements import Statements

__all__ = ["BureauStatements"]

_HEAD = "size, made, note, proof"
_JOURNAL = "holder_key, counter, safe, digest, time"


class BureauStatements(Statements):
    """Tokens as hashes; what was taken in before is known again."""

    __slots__ = ()

    def add_bureau_token(self, token_hash: bytes, *, created: int) -> None:
        self._insert("bureau_tokens", "token_hash, created", (token_hash, created))

    def has_bureau_token(self, token_hash: bytes) -> bool:
        return self._one("SELECT 1 FROM bureau_tokens WHERE token_hash = ?", token_hash) is not None

    def end_bureau_tokens(self) -> None:
        self._execute("DELETE FROM bureau_tokens")

    def mark_lookup(self, digest: bytes, safe: bytes, *, time: int) -> bool:
        """Whether this look-up comes for the first time."""
        if self._one("SELECT 1 FROM lookups WHERE digest = ?", digest) is not None:
            return False
        self._insert("lookups", "digest, safe, time", (digest, safe, time))
        return True

    def journal_entry(self, holder_key: bytes, counter: int) -> JournalRow | None:
        sql = f"SELECT {_JOURNAL} FROM journals WHERE holder_key = ? AND counter = ?"  # noqa: S608 - our own names
        row = self._one(sql, holder_key, counter)
        return None if row is None else JournalRow(*row)

    def journal_end(self, holder_key: bytes) -> int:
        """The counter of the last entry taken in; 0 for none."""
        row = self._one("SELECT MAX(counter) FROM journals WHERE holder_key = ?", holder_key)
        return 0 if row is None or row[0] is None else int(row[0])

    def add_journal_entry(self, row: JournalRow) -> None:
        self._insert("journals", _JOURNAL, (row.holder_key, row.counter, row.safe, row.digest, row.time))

    def service_key(self, name: str) -> bytes | None:
        """A key of the service's own, wrapped under the master key."""
        row = self._one("SELECT wrapped FROM service_keys WHERE name = ?", name)
        return None if row is None else bytes(row[0])

    def put_service_key(self, name: str, wrapped: bytes) -> None:
        self._execute("DELETE FROM service_keys WHERE name = ?", (name,))
        self._insert("service_keys", "name, wrapped", (name, wrapped))

    def newest_head(self) -> HeadRow | None:
        return self._head("1 = 1")

    def newest_logged_head(self) -> HeadRow | None:
        return self._head("proof IS NOT NULL")

    def add_head(self, row: HeadRow) -> None:
        self._insert("log_heads", _HEAD, (row.size, row.made, row.note, row.proof))

    def set_head_proof(self, size: int, proof: bytes) -> None:
        self._execute("UPDATE log_heads SET proof = ? WHERE size = ?", (proof, size))

    def _head(self, where: str) -> HeadRow | None:
        row = self._one(f"SELECT {_HEAD} FROM log_heads WHERE {where} ORDER BY size DESC LIMIT 1")  # noqa: S608 - our own words
        return None if row is None else HeadRow(*row)
