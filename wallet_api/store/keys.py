"""Holder keys of safes, one to many; what a second device was offered; successions that were carried out."""

from __future__ import annotations

from wallet_api.store.rows import AnswerRow, DeviceOfferRow, KeyRow, SuccessionRow
from wallet_api.store.statements import Statements

__all__ = ["KeyStatements"]

_KEY = "holder_key, safe, added, ended"
_OFFER = "second_key, safe, first_key, issued, expires, signature"
_SUCCESSION = "digest, safe, old_key, new_key, time"
_ANSWER = (
    "request, safe, sealed, answered, issued, expires, fetched, acknowledged, withdrawn, deletion_confirmed,"
    " principal"
)
_MOVED_WITH_A_SAFE = ("sessions", "safe_keys", "successions", "lookups", "journals", "delegations")


class KeyStatements(Statements):
    """A key that ended stays known until its safe is erased: it opens nothing any more."""

    __slots__ = ()

    def key(self, holder_key: bytes) -> KeyRow | None:
        row = self._one(f"SELECT {_KEY} FROM safe_keys WHERE holder_key = ?", holder_key)  # noqa: S608 - our own names
        return None if row is None else KeyRow(*row)

    def keys(self, safe: bytes) -> list[KeyRow]:
        sql = f"SELECT {_KEY} FROM safe_keys WHERE safe = ? ORDER BY added, holder_key"  # noqa: S608 - our own names
        return [KeyRow(*row) for row in self._execute(sql, (safe,))]

    def end_key(self, holder_key: bytes, *, time: int) -> None:
        """From now on the key opens nothing: it has no session and no offer to another device."""
        self._execute("UPDATE safe_keys SET ended = ? WHERE holder_key = ?", (time, holder_key))
        self._execute("DELETE FROM sessions WHERE holder_key = ?", (holder_key,))
        self._execute(
            "DELETE FROM device_offers WHERE first_key = ? OR second_key = ?", (holder_key, holder_key)
        )

    def put_device_offer(self, row: DeviceOfferRow) -> None:
        self._execute("DELETE FROM device_offers WHERE second_key = ?", (row.second_key,))
        values = (row.second_key, row.safe, row.first_key, row.issued, row.expires, row.signature)
        self._insert("device_offers", _OFFER, values)

    def device_offer(self, second_key: bytes) -> DeviceOfferRow | None:
        row = self._one(f"SELECT {_OFFER} FROM device_offers WHERE second_key = ?", second_key)  # noqa: S608 - our own names
        return None if row is None else DeviceOfferRow(*row)

    def delete_device_offer(self, second_key: bytes) -> None:
        self._execute("DELETE FROM device_offers WHERE second_key = ?", (second_key,))

    def add_succession(self, row: SuccessionRow) -> None:
        values = (row.digest, row.safe, row.old_key, row.new_key, row.time)
        self._insert("successions", _SUCCESSION, values)

    def succession(self, digest: bytes) -> SuccessionRow | None:
        row = self._one(f"SELECT {_SUCCESSION} FROM successions WHERE digest = ?", digest)  # noqa: S608 - our own names
        return None if row is None else SuccessionRow(*row)

    def delete_drafts_of_safe(self, safe: bytes) -> None:
        self._execute("DELETE FROM drafts WHERE safe = ?", (safe,))

    def answers_of_safe(self, safe: bytes) -> list[AnswerRow]:
        """All answers of the safe, those gone from here included."""
        sql = f"SELECT {_ANSWER} FROM answers WHERE safe = ? ORDER BY request"  # noqa: S608 - our own names
        return [AnswerRow(*row) for row in self._execute(sql, (safe,))]

    def answers_for_principal(self, principal: bytes) -> list[AnswerRow]:
        """What proxies answered for the owner of this safe."""
        sql = f"SELECT {_ANSWER} FROM answers WHERE principal = ? ORDER BY request"  # noqa: S608 - our own names
        return [AnswerRow(*row) for row in self._execute(sql, (principal,))]

    def move_answer(self, request: bytes, *, to: bytes, sealed: bytes | None) -> None:
        self._execute("UPDATE answers SET safe = ?, sealed = ? WHERE request = ?", (to, sealed, request))

    def move_safe(self, safe: bytes, *, to: bytes) -> None:
        """Give `to` what `safe` has and no seal covers; what is left is erased with `safe`."""
        for table in _MOVED_WITH_A_SAFE:
            self._execute(f"UPDATE {table} SET safe = ? WHERE safe = ?", (to, safe))  # noqa: S608 - our own names
        self._execute("UPDATE requests SET safe = ? WHERE safe = ?", (to, safe))
        self._execute("UPDATE answers SET principal = ? WHERE principal = ?", (to, safe))
        self._execute(
            "DELETE FROM seen WHERE safe = ? AND request IN (SELECT request FROM seen WHERE safe = ?)",
            (safe, to),
        )
        self._execute("UPDATE seen SET safe = ? WHERE safe = ?", (to, safe))
