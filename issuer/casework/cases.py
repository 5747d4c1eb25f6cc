"""Revoking, suspending, resuming, replacing: a case that one operator opens and another approves.

1. The opener signs action, reason and the digest of the certificate numbers; the case is kept with that.
2. The approver, another operator, signs the digest of the opening. Nobody approves what they opened
   (`cli.dual_control`); only a suspension at the citizen's own call is executed without an approver.
3. Both leave rows in the operator log, a row for each certificate, whose head is in the ledger before anything changes.
4. States change in one transaction with the approval; the status list is logged before it goes out in a new bundle.

Killed between 4's two halves, the next bundle carries the change; approving again cuts one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from hashlib import sha256

from issuer.bureau_ledger import BureauLedger
from issuer.casework.operators import known_operator, operator_signer
from issuer.casework.rows import Case
from issuer.casework.statement import (
    MAX_CASE,
    Action,
    Approval,
    Opening,
    digest_of_numbers,
    sign_approval,
    sign_opening,
    verify_opening,
)
from issuer.claiming.counter import operator_log_of
from issuer.claiming.lookup_outbox import LookUpOutbox
from issuer.claiming.operator_log import LookUp
from issuer.home import Home
from issuer.publish import cut_bundle
from issuer.register import Register
from issuer.service import opened_register
from ledger.entry import EntryType, encode_entry
from ledger.errors import ConfigError, IntegrityError, VerificationError
from ledger.reasons import Reason

__all__ = ["approve_case", "open_case"]

_DAY = 86400
_LONG_NUMBER = re.compile(r"\d{7,}")  # of a person, an identity document, a telephone


def open_case(
    home: Home,
    ledger: BureauLedger,
    action: Action,
    numbers: Iterable[str],
    *,
    reason: str,
    operator: str,
    passphrase: bytes,
    now: int,
    citizen_call: bool = False,
    random: Callable[[int], bytes] = os.urandom,
) -> Case:
    """Open a case over certificates; one that repeats counts once. A citizen's call is executed at once.

    Args:
        passphrase: the operator's own.
        now: POSIX seconds.
    Raises:
        ConfigError: `cli.clock_suspect`, `cli.batch_invalid` (none, too many, or one in a state that the action
            cannot change), `certificate.not_found`, `cli.usage` (a reason that holds the number of a person), and as
            `operator_signer`.
        VerificationError: `cli.dual_control` (a citizen's call that is more than suspending one certificate),
            `key.revoked` (resuming what is bound to a key that ended).
        FormatError: `schema.…`, `api.validation` for a reason that the format refuses.
    """
    ledger.require_clock(now)
    wanted = list(dict.fromkeys(numbers))
    if not 1 <= len(wanted) <= MAX_CASE:
        raise ConfigError(Reason.CLI_BATCH_INVALID, f"{len(wanted)} certificates")
    if citizen_call and (action is not Action.SUSPEND or len(wanted) != 1):
        raise VerificationError(
            Reason.CLI_DUAL_CONTROL, "at a citizen's call one certificate is suspended, no more"
        )
    if _LONG_NUMBER.search(reason):
        hint = "leave it out: the supervisor's report and the citizen's log show the reason"
        raise ConfigError(Reason.CLI_USAGE, "the reason holds a long number", hint=hint)
    signer = operator_signer(home, operator, passphrase)
    opening = Opening(
        *(home.settings.authority, action, digest_of_numbers(wanted), len(wanted), reason),
        *(citizen_call, operator, now),
    )
    data = sign_opening(signer, opening)
    case = Case(0, action, reason, len(wanted), citizen_call, operator, now, data)
    with opened_register(home) as register:
        if action is Action.RESUME:
            _require_keys(register, wanted, now)
        case = replace(case, id=register.add_case(case, wanted))
    _note(home, ledger, case, "open", operator=operator, now=now, random=random)
    return _execute(home, ledger, replace(case, executed_at=now), random) if citizen_call else case


def approve_case(
    home: Home,
    ledger: BureauLedger,
    number: int,
    *,
    operator: str,
    passphrase: bytes,
    now: int,
    random: Callable[[int], bytes] = os.urandom,
) -> Case:
    """Approve and execute a case; one that was executed is left, and only the bundle is cut again.

    Raises:
        ConfigError: `cli.clock_suspect`, `cli.not_found`, and as `operator_signer`.
        VerificationError: `cli.dual_control`: opened by the same operator; `key.revoked` as `open_case`.
        IntegrityError: `store.hash_mismatch`: the case is not what its opener signed.
    """
    ledger.require_clock(now)
    with opened_register(home) as register:
        case = register.case(number)
        numbers = register.case_numbers(number)
        if case is not None and case.action is Action.RESUME:
            _require_keys(register, numbers, now)
    if case is None:
        raise ConfigError(Reason.CLI_NOT_FOUND, f"no case {number}", hint="see: tally issuer cases")
    signer = operator_signer(home, operator, passphrase)
    if operator == case.opened_by:
        hint = "another operator has to approve it"
        raise VerificationError(Reason.CLI_DUAL_CONTROL, f"case {number} was opened by {operator}", hint=hint)
    if case.executed_at is not None:
        cut_bundle(home, ledger, now=now)
        return case
    _require_as_signed(home, case, numbers)
    approval = sign_approval(signer, Approval(sha256(case.opening).digest(), operator, now))
    _note(home, ledger, case, "approve", operator=operator, now=now, random=random)
    approved = replace(case, approved_by=operator, executed_at=now, approval=approval)
    return _execute(home, ledger, approved, random)


def _execute(home: Home, ledger: BureauLedger, case: Case, random: Callable[[int], bytes]) -> Case:
    assert case.executed_at is not None
    with opened_register(home) as register:
        changed = register.execute_case(case)
        keys = {person: register.own_keys(person) for _, person in register.case_persons(case.id)}
    by = case.approved_by or case.opened_by
    told = ((_row(case, "done", person, by, case.executed_at), held) for person, held in keys.items())
    LookUpOutbox(home.path / "counter.db").add_all(told)
    cut_bundle(home, ledger, now=case.executed_at)
    return replace(case, changed=changed)


def _require_as_signed(home: Home, case: Case, numbers: list[str]) -> None:
    """Whoever can write to the register must not turn one case into another between opening and approval."""
    key = known_operator(home, case.opened_by).public_key
    signed = verify_opening(case.opening, operator_key=key)
    kept = Opening(
        *(home.settings.authority, case.action, digest_of_numbers(numbers), len(numbers), case.reason),
        *(case.citizen_call, case.opened_by, case.opened_at),
    )
    if signed != kept:
        hint = "compare the register with a backup; open the case again"
        raise IntegrityError(Reason.STORE_HASH_MISMATCH, f"case {case.id}", hint=hint)


def _require_keys(register: Register, numbers: Iterable[str], now: int) -> None:
    """A certificate that was suspended because its key ended stays so: another one is claimed with another key."""
    for number in numbers:
        row = register.by_number(number)
        if row is None or row.is_paper:
            continue
        proxy = register.proxy(row.identity.person_no, row.identity.holder)
        over = proxy is not None and (proxy.ended_at is not None or now // _DAY > proxy.until)
        if over or register.ended_key(row.identity.holder) is not None:
            hint = "the holder claims a new one"
            raise VerificationError(Reason.KEY_REVOKED, f"certificate {number}: its key ended", hint=hint)


def _note(
    home: Home,
    ledger: BureauLedger,
    case: Case,
    step: str,
    *,
    operator: str,
    now: int,
    random: Callable[[int], bytes],
) -> None:
    """Who does what to which certificate, in the operator log, with its head in the ledger."""
    with opened_register(home) as register:
        persons = register.case_persons(case.id)
    rows = [_row(case, step, person, operator, now) for _, person in persons]
    head = operator_log_of(home).append_all(rows, random=random)
    ledger.append([encode_entry(EntryType.ACCESS_LOG_HEAD, home.settings.authority, head)])


def _row(case: Case, step: str, person_no: str, operator: str, now: int) -> LookUp:
    return LookUp(
        operator, now, f"case.{case.action.name.lower()}.{step}", person_no, (), f"{case.id}: {case.reason}"
    )
