"""Cases and operators: a part of the register (`issuer.register`), in the same file and the same transactions.

A row of a case is written once, completed once by its approval, and never deleted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from certificate.status_list import Status
from issuer.casework.statement import Action
from ledger.errors import ConfigError
from ledger.reasons import Reason

__all__ = ["Case", "CaseRows", "Operator"]

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Operator:
    """Who may open and approve cases. Times are POSIX seconds; `ended_at` is None while the operator may."""

    name: str
    public_key: bytes
    added_at: int
    ended_at: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One case: `opening` and `approval` are what its operators signed; `changed` counts what execution did.

    `executed_at` is None until it is approved; a citizen's call is executed without an approver.
    """

    id: int
    action: Action
    reason: str
    count: int
    citizen_call: bool
    opened_by: str
    opened_at: int
    opening: bytes
    approved_by: str | None = None
    executed_at: int | None = None
    approval: bytes | None = None
    changed: int | None = None


_CASE = (
    "id, action, reason, count, citizen_call, opened_by, opened_at, opening, approved_by, executed_at, approval, "
    "changed"
)


class CaseRows:
    """The part of the register that knows cases."""

    def _writing(self) -> AbstractContextManager[sqlite3.Connection]:
        raise NotImplementedError

    def _reading(self) -> sqlite3.Connection:
        raise NotImplementedError

    # --- operators ------------------------------------------------------------------------------------------

    def add_operator(self, operator: Operator) -> None:
        """Raises IntegrityError `cli.duplicate_id` for a name or key that was there before."""
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO operators VALUES (?, ?, ?, ?)",
                (operator.name, operator.public_key, operator.added_at, operator.ended_at),
            )

    def end_operator(self, name: str, *, now: int) -> bool:
        """An operator may act no longer; what was signed before stays. False when there is none."""
        with self._writing() as connection:
            found = connection.execute(
                "UPDATE operators SET ended_at = ? WHERE name = ? AND ended_at IS NULL", (now, name)
            )
        return found.rowcount == 1

    def operators(self) -> list[Operator]:
        rows = self._reading().execute(
            "SELECT name, public_key, added_at, ended_at FROM operators ORDER BY name"
        )
        return [Operator(*row) for row in rows]

    # --- cases ----------------------------------------------------------------------------------------------

    def add_case(self, case: Case, numbers: Sequence[str]) -> int:
        """Write a case and its certificates; returns its number. All or nothing.

        Raises:
            ConfigError: `certificate.not_found`, `cli.batch_invalid`: a certificate that is not there, or not in a
                state that the action may change. The line of the first one is named.
        """
        with self._writing() as connection:
            made = connection.execute(
                "INSERT INTO cases (action, reason, count, citizen_call, opened_by, opened_at, opening) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    *(int(case.action), case.reason, case.count, int(case.citizen_call), case.opened_by),
                    *(case.opened_at, case.opening),
                ),
            )
            assert made.lastrowid is not None
            connection.executemany(
                "INSERT INTO case_certificates VALUES (?, ?)",
                ((made.lastrowid, number) for number in numbers),
            )
            _require_states(connection, case.action, numbers)
            return made.lastrowid

    def case(self, number: int) -> Case | None:
        rows = self._cases("id = ?", (number,))
        return rows[0] if rows else None

    def cases(self) -> list[Case]:
        """All cases, in order."""
        return self._cases("true ORDER BY id", ())

    def case_numbers(self, case: int) -> list[str]:
        """The certificates of a case, sorted."""
        rows = self._reading().execute(
            "SELECT number FROM case_certificates WHERE case_id = ? ORDER BY number", (case,)
        )
        return [row[0] for row in rows]

    def case_persons(self, case: int) -> list[tuple[str, str]]:
        """Certificate number and person of each certificate of a case, sorted."""
        return (
            self._reading()
            .execute(
                "SELECT number, person_no FROM case_certificates JOIN certificates USING (number) WHERE case_id = ? "
                "ORDER BY number",
                (case,),
            )
            .fetchall()
        )

    def execute_case(self, case: Case) -> int:
        """Complete a case by what `case` says of its approval, and change the states; how many changed.

        A certificate whose state was changed since the case was opened is left as it is. Executed already: 0.
        """
        assert case.executed_at is not None
        with self._writing() as connection:
            done = connection.execute(
                "UPDATE cases SET approved_by = ?, executed_at = ?, approval = ? "
                "WHERE id = ? AND executed_at IS NULL",
                (case.approved_by, case.executed_at, case.approval, case.id),
            )
            if done.rowcount == 0:
                return 0
            changed = _set_states(connection, case.id, case.action, case.executed_at)
            connection.execute("UPDATE cases SET changed = ? WHERE id = ?", (changed, case.id))
            return changed

    def replace_older(self, pairs: Sequence[tuple[str, bytes]], *, now: int) -> int:
        """Mark as replaced what a person's key holds beside its newest logged certificate of a type; how many.

        Paper has no key and stays: it says what it says until it expires.
        """
        with self._writing() as connection:
            before = connection.total_changes
            connection.executemany(
                "INSERT OR IGNORE INTO states SELECT c.number, ?, ? FROM certificates c "
                "WHERE c.person_no = ? AND c.holder = ? AND c.log_index IS NOT NULL AND EXISTS ("
                "SELECT 1 FROM certificates n WHERE n.person_no = c.person_no AND n.type = c.type "
                "AND n.holder = c.holder AND n.log_index IS NOT NULL "
                "AND (n.cut_off > c.cut_off OR n.cut_off = c.cut_off AND n.id > c.id))",
                ((int(Status.REPLACED), now, *pair) for pair in pairs if pair[1]),
            )
            return connection.total_changes - before

    def _cases(self, where: str, parameters: tuple[object, ...]) -> list[Case]:
        rows = self._reading().execute(f"SELECT {_CASE} FROM cases WHERE {where}", parameters)  # noqa: S608 - our own words
        return [Case(row[0], Action(row[1]), row[2], row[3], bool(row[4]), *row[5:]) for row in rows]


def _require_states(connection: sqlite3.Connection, action: Action, numbers: Sequence[str]) -> None:
    allowed = action.allowed_from
    for start in range(0, len(numbers), _AT_ONCE):
        some = numbers[start : start + _AT_ONCE]
        marks = ",".join("?" * len(some))
        sql = (
            "SELECT c.number, coalesce(s.state, 0) FROM certificates c LEFT JOIN states s USING (number) "  # noqa: S608 - marks only
            f"WHERE c.number IN ({marks})"
        )
        found = dict(connection.execute(sql, some).fetchall())
        for at, number in enumerate(some, start=start + 1):
            if number not in found:
                raise ConfigError(Reason.CERTIFICATE_NOT_FOUND, f"line {at}: no such certificate")
            if found[number] not in allowed:
                state = Status(found[number]).name.lower()
                raise ConfigError(Reason.CLI_BATCH_INVALID, f"line {at}: the certificate is {state}")


def _set_states(connection: sqlite3.Connection, case: int, action: Action, now: int) -> int:
    of_case = "number IN (SELECT number FROM case_certificates WHERE case_id = ?)"
    if action.makes is Status.VALID:
        sql = f"DELETE FROM states WHERE state = ? AND {of_case}"  # noqa: S608 - our own words
        return connection.execute(sql, (int(Status.SUSPENDED), case)).rowcount
    states = ", ".join(str(int(state)) for state in sorted(action.allowed_from))
    sql = (
        "INSERT INTO states SELECT number, ?, ? FROM case_certificates WHERE case_id = ? "  # noqa: S608 - our own words
        "ON CONFLICT (number) DO UPDATE SET state = excluded.state, since = excluded.since "
        f"WHERE states.state IN ({states})"
    )
    return connection.execute(sql, (int(action.makes), now, case)).rowcount
