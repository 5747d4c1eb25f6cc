"""What one person proposes about a key and another approves (ATTACKS K10): rotate, retire, void.

A case says exactly what will be done; approving it executes that and nothing else, once. Both names stand in the signed
key event.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from certificate.directory import Directory
from certificate.schema import take_array, take_bytes, take_int, take_optional_int
from issuer.claiming.own_file import OwnFile
from issuer.home import Home
from issuer.offices.events import office_of_code
from issuer.offices.keys import Voiding, retire_key, rotate_key, void_key
from issuer.publish import load_directory
from ledger.cbor import decode_cbor, encode_cbor
from ledger.errors import ConfigError, VerificationError
from ledger.reasons import Reason
from ledger.sequencer import Sequencer

__all__ = ["Action", "Case", "KeyCases", "approve_key_case", "open_key_case"]

_MAX_INDEX = 2**62
_SCHEMA = """
CREATE TABLE IF NOT EXISTS key_cases (
    number INTEGER PRIMARY KEY, action TEXT NOT NULL, code TEXT NOT NULL, voiding BLOB NOT NULL, reason TEXT NOT NULL,
    opened_by TEXT NOT NULL, opened_at INTEGER NOT NULL, approved_by TEXT, approved_at INTEGER
) STRICT;
"""


class Action(StrEnum):
    """What is proposed."""

    ROTATE = "rotate"
    RETIRE = "retire"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Case:
    """One proposal; `voiding` only where something is void. Times are POSIX seconds."""

    number: int
    action: Action
    code: str
    voiding: Voiding | None
    reason: str
    opened_by: str
    opened_at: int
    approved_by: str | None
    approved_at: int | None


class KeyCases:
    """The cases of one home."""

    def __init__(self, home: Home) -> None:
        self._file = OwnFile(home.path / "offices.db", _SCHEMA)

    def open(
        self, action: Action, code: str, voiding: Voiding | None, *, reason: str, operator: str, now: int
    ) -> int:
        """Keep a proposal; its number."""
        with self._file.writing() as connection:
            row = connection.execute(
                "INSERT INTO key_cases (action, code, voiding, reason, opened_by, opened_at) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (action.value, code, _encode(voiding), reason, operator, now),
            )
            return int(row.lastrowid or 0)

    def case(self, number: int) -> Case:
        """Raises ConfigError `cli.not_found`."""
        for case in self.all():
            if case.number == number:
                return case
        raise ConfigError(Reason.CLI_NOT_FOUND, f"no case {number}", hint="tally issuer key cases")

    def all(self) -> list[Case]:
        """Every case, in order."""
        with self._file.reading() as connection:
            rows = connection.execute("SELECT * FROM key_cases ORDER BY number").fetchall()
        return [Case(row[0], Action(row[1]), row[2], _decode(row[3]), *row[4:]) for row in rows]

    def approve(self, number: int, *, operator: str, now: int) -> None:
        """Note who approved a case that nobody approved yet. Raises ConfigError `cli.exists`."""
        with self._file.writing() as connection:
            done = connection.execute(
                "UPDATE key_cases SET approved_by = ?, approved_at = ? WHERE number = ? AND approved_by IS NULL",
                (operator, now, number),
            ).rowcount
        if done != 1:
            raise ConfigError(Reason.CLI_EXISTS, f"case {number} was approved already")

    def reopen(self, number: int) -> None:
        """Take an approval back whose execution was refused."""
        with self._file.writing() as connection:
            connection.execute(
                "UPDATE key_cases SET approved_by = NULL, approved_at = NULL WHERE number = ?", (number,)
            )


def open_key_case(
    home: Home,
    action: Action,
    code: str,
    voiding: Voiding | None = None,
    *,
    reason: str,
    operator: str,
    now: int,
) -> int:
    """Propose something about an office's key; the number of the case. Raises ConfigError `cli.not_found`."""
    office_of_code(home, load_directory(home), code)
    return KeyCases(home).open(action, code, voiding, reason=reason, operator=operator, now=now)


def approve_key_case(
    home: Home,
    ledger: Sequencer,
    number: int,
    *,
    operator: str,
    now: int,
    random: Callable[[int], bytes],
) -> Directory:
    """Execute a case that somebody else opened; returns the directory after it.

    Raises:
        VerificationError: `cli.dual_control`: it is the same person.
        ConfigError: `cli.not_found`, `cli.exists` (approved already), and as executing it raises.
    """
    cases = KeyCases(home)
    case = cases.case(number)
    if operator == case.opened_by:
        hint = "another operator approves it"
        raise VerificationError(Reason.CLI_DUAL_CONTROL, "who opened a case does not approve it", hint=hint)
    cases.approve(number, operator=operator, now=now)
    operators = (case.opened_by, operator)
    try:
        match case.action:
            case Action.ROTATE:
                return rotate_key(home, ledger, case.code, operators=operators, now=now, random=random)
            case Action.RETIRE:
                return retire_key(home, ledger, case.code, operators=operators, now=now)
            case Action.VOID:
                assert case.voiding is not None
                return void_key(home, ledger, case.code, case.voiding, operators=operators, now=now)
    except Exception:
        cases.reopen(number)
        raise


def _encode(voiding: Voiding | None) -> bytes:
    if voiding is None:
        return b""
    return encode_cbor([voiding.kid, voiding.void_from, [list(one) for one in voiding.disowned]])


def _decode(data: bytes) -> Voiding | None:
    if not data:
        return None
    kid, void_from, disowned = take_array(decode_cbor(data), 3)
    ranges = [take_array(one, 2) for one in take_array(disowned)]
    return Voiding(
        None if kid is None else take_bytes(kid, 8),
        take_optional_int(void_from, 0, _MAX_INDEX),
        tuple((take_int(a, 0, _MAX_INDEX), take_int(b, 0, _MAX_INDEX)) for a, b in ranges),
    )
