"""What one operator proposes about a key and another approves (ATTACKS K10): rotate, retire, void.

    opening   [version, authority, action, code, voiding, reason, operator, time]
    voiding   [key id or null, void_from or null, [[from, to], ...]], or null where nothing is void

in COSE_Sign1 with protected {1: alg, 4: kid, 16: typ}, by the key of the operator who opens; the approval is signed
over its digest as every approval (`issuer.casework.statement`). What is executed is what was signed, once. Both names
stand in the key event.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256

from certificate.cose import Sign1, parse_sign1, sign_object
from certificate.directory import Directory
from certificate.keys import key_id, verify_signature
from certificate.numbers import FORMAT_VERSION, Typ
from certificate.schema import take_array, take_bytes, take_int, take_optional_int, take_text, take_version
from issuer.bureau_ledger import BureauLedger
from issuer.casework.operators import known_operator, operator_signer
from issuer.casework.statement import Approval, sign_approval
from issuer.claiming.own_file import OwnFile
from issuer.home import Home
from issuer.offices.events import office_of_code
from issuer.offices.kept import KeyEvents
from issuer.offices.keys import Voiding, retire_key, rotate_key, void_key
from issuer.publish import load_directory
from ledger.errors import ConfigError, VerificationError
from ledger.reasons import Reason

__all__ = ["Action", "Case", "KeyCases", "approve_key_case", "open_key_case"]

_MAX_INDEX = 2**62
_MAX_SECONDS = 2**40
_SCHEMA = """
CREATE TABLE IF NOT EXISTS key_cases (
    number INTEGER PRIMARY KEY, opening BLOB NOT NULL, approved_by TEXT, approved_at INTEGER, approval BLOB
) STRICT;
CREATE TRIGGER IF NOT EXISTS key_cases_stay BEFORE DELETE ON key_cases
    BEGIN SELECT RAISE(ABORT, 'cases stay'); END;
CREATE TRIGGER IF NOT EXISTS key_cases_are_final BEFORE UPDATE OF number, opening ON key_cases
    BEGIN SELECT RAISE(ABORT, 'cases stay'); END;
"""


class Action(IntEnum):
    """What is proposed."""

    ROTATE = 1
    RETIRE = 2
    VOID = 3


@dataclass(frozen=True, slots=True)
class Case:
    """One proposal as it was signed; `approved_by` is None until it is executed. `opened_at` is POSIX seconds."""

    number: int
    sign1: Sign1
    authority: int
    action: Action
    code: str
    voiding: Voiding | None
    reason: str
    opened_by: str
    opened_at: int
    approved_by: str | None


class KeyCases:
    """The cases of one home."""

    def __init__(self, home: Home) -> None:
        self._file = OwnFile(home.path / "offices.db", _SCHEMA)

    def add(self, opening: bytes) -> int:
        """Keep a proposal; its number."""
        with self._file.writing() as connection:
            row = connection.execute("INSERT INTO key_cases (opening) VALUES (?)", (opening,))
            return int(row.lastrowid or 0)

    def case(self, number: int) -> tuple[Case, bytes]:
        """A case and its opening. Raises ConfigError `cli.not_found`."""
        with self._file.reading() as connection:
            row = connection.execute(
                "SELECT opening, approved_by FROM key_cases WHERE number = ?", (number,)
            ).fetchone()
        if row is None:
            raise ConfigError(Reason.CLI_NOT_FOUND, f"no case {number}", hint="tally issuer key cases")
        return _parse(number, *row), row[0]

    def all(self) -> list[Case]:
        """Every case, in order."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT number, opening, approved_by FROM key_cases ORDER BY number"
            ).fetchall()
        return [_parse(*row) for row in rows]

    def approve(self, number: int, approval: bytes, *, operator: str, now: int) -> None:
        """Note who approved a case that nobody approved yet. Raises ConfigError `cli.exists`."""
        with self._file.writing() as connection:
            done = connection.execute(
                "UPDATE key_cases SET approved_by = ?, approved_at = ?, approval = ? "
                "WHERE number = ? AND approved_by IS NULL",
                (operator, now, approval, number),
            ).rowcount
        if done != 1:
            raise ConfigError(Reason.CLI_EXISTS, f"case {number} was approved already")

    def reopen(self, number: int) -> None:
        """Take an approval back whose execution was refused."""
        with self._file.writing() as connection:
            connection.execute(
                "UPDATE key_cases SET approved_by = NULL, approved_at = NULL, approval = NULL WHERE number = ?",
                (number,),
            )


def open_key_case(
    home: Home,
    action: Action,
    code: str,
    voiding: Voiding | None = None,
    *,
    reason: str,
    operator: str,
    passphrase: bytes,
    now: int,
) -> int:
    """Propose something about an office's key; the number of the case.

    Args:
        passphrase: the operator's own.
        now: POSIX seconds.
    Raises:
        ConfigError: `cli.not_found` (office), and as `operator_signer`. FormatError: `schema.…` (the reason).
    """
    office_of_code(home, load_directory(home), code)
    signer = operator_signer(home, operator, passphrase)
    what = None
    if voiding is not None:
        what = [voiding.kid, voiding.void_from, [list(one) for one in voiding.disowned]]
    payload = [FORMAT_VERSION, home.settings.authority, int(action), code, what, reason, operator, now]
    opening = sign_object(signer, Typ.KEY_CASE, payload)
    _parse(0, opening, None)
    return KeyCases(home).add(opening)


def approve_key_case(
    home: Home,
    ledger: BureauLedger,
    number: int,
    *,
    operator: str,
    passphrase: bytes,
    now: int,
    random: Callable[[int], bytes],
) -> Directory:
    """Execute a case that somebody else opened; returns the directory after it.

    Raises:
        VerificationError: `cli.dual_control` (the same person), `key.unknown`, `sig.invalid` (not as it was signed).
        ConfigError: `cli.not_found`, `cli.exists` (approved already), and as `operator_signer` and executing it raise.
    """
    cases = KeyCases(home)
    case, opening = cases.case(number)
    signer = operator_signer(home, operator, passphrase)
    if operator == case.opened_by:
        hint = "another operator approves it"
        raise VerificationError(Reason.CLI_DUAL_CONTROL, "who opened a case does not approve it", hint=hint)
    _require_as_signed(home, case)
    approval = sign_approval(signer, Approval(sha256(opening).digest(), operator, now))
    cases.approve(number, approval, operator=operator, now=now)
    operators, kept = (case.opened_by, operator), KeyEvents(home).count()
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
        if KeyEvents(home).count() == kept:  # what was kept is completed by the next change
            cases.reopen(number)
        raise


def _require_as_signed(home: Home, case: Case) -> None:
    key = known_operator(home, case.opened_by).public_key
    if case.sign1.kid != key_id(key) or case.authority != home.settings.authority:
        raise VerificationError(Reason.KEY_UNKNOWN, "not signed by the operator it names")
    verify_signature(public_key=key, message=case.sign1.to_be_signed, signature=case.sign1.signature)


def _parse(number: int, opening: bytes, approved_by: str | None) -> Case:
    sign1 = parse_sign1(opening, Typ.KEY_CASE)
    version, authority, action, code, voiding, reason, operator, time = take_array(sign1.payload, 8)
    take_version(version)
    return Case(
        number=number,
        sign1=sign1,
        authority=take_int(authority, 1, 65535),
        action=Action(take_int(action, 1, len(Action))),
        code=take_text(code, at_most=16),
        voiding=None if voiding is None else _voiding(voiding),
        reason=take_text(reason),
        opened_by=take_text(operator, at_most=32),
        opened_at=take_int(time, 0, _MAX_SECONDS),
        approved_by=approved_by,
    )


def _voiding(value: object) -> Voiding:
    kid, void_from, disowned = take_array(value, 3)
    ranges = [take_array(one, 2) for one in take_array(disowned)]
    return Voiding(
        None if kid is None else take_bytes(kid, 8),
        take_optional_int(void_from, 0, _MAX_INDEX),
        tuple((take_int(a, 0, _MAX_INDEX), take_int(b, 0, _MAX_INDEX)) for a, b in ranges),
    )
