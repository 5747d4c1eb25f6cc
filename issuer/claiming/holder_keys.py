"""Which holder keys stand for whom: keys that ended, keys that act for another person, and what became of certificates.

A part of the register (`issuer.register`), in the same file and the same transactions. Nothing is deleted but the
enrolment of a key that ended.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from certificate.status_list import Status

__all__ = ["EndedKey", "HolderKeys", "Proxy"]


@dataclass(frozen=True, slots=True)
class EndedKey:
    """A key that ended and the one that took its place. `statement` is the office's word for it, without proof."""

    holder: bytes
    person_no: str
    successor: bytes
    statement: bytes
    ended_at: int


@dataclass(frozen=True, slots=True)
class Proxy:
    """A key whose owner acts for `person_no` up to and including UTC day `until`.

    `delegation` is what the person signed, or None when a clerk saw to it; `ended_at` is POSIX seconds or None.
    """

    person_no: str
    holder: bytes
    name: str
    id_tail: str
    until: int
    delegation: bytes | None = None
    ended_at: int | None = None


class HolderKeys:
    """The part of the register that knows holder keys."""

    def _writing(self) -> AbstractContextManager[sqlite3.Connection]:
        raise NotImplementedError

    def _reading(self) -> sqlite3.Connection:
        raise NotImplementedError

    # --- who holds a key ------------------------------------------------------------------------------------

    def enroll(self, pairs: Iterable[tuple[str, bytes]]) -> None:
        """Remember that a person holds a key. Known pairs are left as they are."""
        with self._writing() as connection:
            connection.executemany("INSERT OR IGNORE INTO enrolled VALUES (?, ?)", pairs)

    def enrolled(self) -> list[tuple[str, bytes]]:
        """Everyone's keys, those of proxies among them."""
        rows = self._reading().execute("SELECT person_no, holder FROM enrolled ORDER BY person_no, holder")
        return [(row[0], row[1]) for row in rows]

    def own_keys(self, person_no: str) -> list[bytes]:
        """The keys that a person holds for themselves."""
        rows = self._reading().execute(
            "SELECT holder FROM enrolled WHERE person_no = ? AND NOT EXISTS (SELECT 1 FROM proxies p "
            "WHERE p.person_no = enrolled.person_no AND p.holder = enrolled.holder) ORDER BY holder",
            (person_no,),
        )
        return [row[0] for row in rows]

    def first_minted(self, person_no: str, holder: bytes) -> int | None:
        """When the first certificate about a person was minted to a key, POSIX seconds; None when none was."""
        row = self._reading().execute(
            "SELECT min(minted_at) FROM certificates WHERE person_no = ? AND holder = ?", (person_no, holder)
        )
        first: int | None = row.fetchone()[0]
        return first

    def person_of_key(self, holder: bytes) -> str | None:
        """The one person who holds this key for themselves; None for nobody, or for more than one."""
        rows = (
            self._reading()
            .execute(
                "SELECT person_no FROM enrolled WHERE holder = ? AND NOT EXISTS (SELECT 1 FROM proxies p "
                "WHERE p.person_no = enrolled.person_no AND p.holder = enrolled.holder) LIMIT 2",
                (holder,),
            )
            .fetchall()
        )
        return str(rows[0][0]) if len(rows) == 1 else None

    # --- keys that ended --------------------------------------------------------------------------------------

    def end_keys(self, ended: Iterable[EndedKey]) -> None:
        """End keys: their certificates are suspended and they are enrolled no longer; again replaces the statement."""
        with self._writing() as connection:
            for key in ended:
                connection.execute(
                    "INSERT OR REPLACE INTO ended_keys VALUES (?, ?, ?, ?, ?)",
                    (key.holder, key.person_no, key.successor, key.statement, key.ended_at),
                )
                connection.execute("DELETE FROM enrolled WHERE holder = ?", (key.holder,))
                self._suspend(connection, "holder = ?", (key.holder,), key.ended_at)

    def ended_key(self, holder: bytes) -> EndedKey | None:
        """What is known of a key that ended; None when it did not."""
        rows = self._ended("holder = ?", holder)
        return rows[0] if rows else None

    def ended_for(self, successor: bytes) -> list[EndedKey]:
        """The keys whose place `successor` took."""
        return self._ended("successor = ? ORDER BY holder", successor)

    def _ended(self, where: str, key: bytes) -> list[EndedKey]:
        rows = self._reading().execute(f"SELECT * FROM ended_keys WHERE {where}", (key,))  # noqa: S608 - our own words
        return [EndedKey(*row) for row in rows]

    # --- keys that act for another person ---------------------------------------------------------------------

    def add_proxy(self, proxy: Proxy) -> None:
        """Remember, or renew, that a key acts for a person; renewing lifts the suspension of its certificates."""
        with self._writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO proxies VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    proxy.person_no, proxy.holder, proxy.name, proxy.id_tail, proxy.until, proxy.delegation,
                    proxy.ended_at,
                ),
            )  # fmt: skip
            connection.execute(
                "DELETE FROM states WHERE state = ? AND number IN "
                "(SELECT number FROM certificates WHERE person_no = ? AND holder = ?)",
                (int(Status.SUSPENDED), proxy.person_no, proxy.holder),
            )

    def proxy(self, person_no: str, holder: bytes) -> Proxy | None:
        """The proxy that `holder` is or was for a person."""
        rows = self._proxies("person_no = ? AND holder = ?", (person_no, holder))
        return rows[0] if rows else None

    def proxies_of_key(self, holder: bytes) -> list[Proxy]:
        """For whom a key acts or acted."""
        return self._proxies("holder = ? ORDER BY person_no", (holder,))

    def end_proxy(self, person_no: str, holder: bytes, *, now: int) -> bool:
        """End a proxy: its certificates are suspended, none is minted any more. False when there is none."""
        with self._writing() as connection:
            found = connection.execute(
                "UPDATE proxies SET ended_at = coalesce(ended_at, ?) WHERE person_no = ? AND holder = ?",
                (now, person_no, holder),
            ).rowcount
            connection.execute("DELETE FROM enrolled WHERE person_no = ? AND holder = ?", (person_no, holder))
            self._suspend(connection, "person_no = ? AND holder = ?", (person_no, holder), now)
        return found == 1

    def _proxies(self, where: str, parameters: tuple[object, ...]) -> list[Proxy]:
        rows = self._reading().execute(f"SELECT * FROM proxies WHERE {where}", parameters)  # noqa: S608 - our own words
        return [Proxy(*row) for row in rows]

    # --- what became of certificates --------------------------------------------------------------------------

    def status_values(self, status_list: int) -> list[tuple[int, int]]:
        """Index and state of each certificate of a list whose state is not valid."""
        # CROSS keeps the order: by the list's own index SQLite would walk through every certificate of it.
        rows = self._reading().execute(
            "SELECT c.status_index, s.state FROM states s CROSS JOIN certificates c USING (number) "
            "WHERE c.status_list = ?",
            (status_list,),
        )
        return [(row[0], row[1]) for row in rows]

    def count_states(self) -> dict[Status, int]:
        """How many certificates are in each state other than valid."""
        rows = self._reading().execute("SELECT state, count(*) FROM states GROUP BY state ORDER BY state")
        return {Status(row[0]): row[1] for row in rows}

    def state(self, number: str) -> Status:
        """The state of the certificate with this number."""
        row = self._reading().execute("SELECT state FROM states WHERE number = ?", (number,)).fetchone()
        return Status.VALID if row is None else Status(row[0])

    @staticmethod
    def _suspend(
        connection: sqlite3.Connection, where: str, parameters: tuple[object, ...], now: int
    ) -> None:
        connection.execute(
            f"INSERT OR IGNORE INTO states SELECT number, ?, ? FROM certificates WHERE {where}",  # noqa: S608 - our own words
            (int(Status.SUSPENDED), now, *parameters),
        )
