"""What operators do, in few words."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count

from certificate.status_list import Status
from issuer.casework.cases import approve_case, open_case
from issuer.casework.rows import Case
from issuer.casework.statement import Action
from issuer.export import find_row, full_certificate
from issuer.register import PAPER
from issuer.service import mint_persons, opened_register
from ledger.reasons import Reason
from tests.issuer.conftest import Bureau
from tests.world import SECONDS
from verifier.expect import STATIC
from verifier.report import StepOutcome
from verifier.seen import MemorySeen, Seen
from verifier.trust_dir import load_trust
from verifier.verify import verify

__all__ = ["PASSPHRASE", "approved", "minted", "opened", "ran", "state_of", "status_of"]

PASSPHRASE = b"test passphrase"
_TIMES = count(SECONDS + 60)  # each act a second after the one before


def minted(bureau: Bureau, count: int = 1, *, holder: bytes = PAPER, at: int = 0) -> list[str]:
    """Certificates of the first `count` people, minted now."""
    pairs = [(person, holder) for person in bureau.persons[at : at + count]]
    run = mint_persons(bureau.home, bureau.ledger, pairs, now=SECONDS)
    return [one.number for one in run.certificates]


def opened(bureau: Bureau, action: Action, numbers: list[str], *, by: str = "first", **more: bool) -> Case:
    return open_case(
        bureau.home,
        bureau.ledger,
        action,
        numbers,
        reason="a test",
        operator=by,
        passphrase=PASSPHRASE,
        now=next(_TIMES),
        citizen_call=more.get("citizen_call", False),
    )


def approved(bureau: Bureau, case: Case, *, by: str = "second") -> Case:
    return approve_case(
        bureau.home, bureau.ledger, case.id, operator=by, passphrase=PASSPHRASE, now=next(_TIMES)
    )


def ran(bureau: Bureau, action: Action, numbers: list[str]) -> Case:
    """Opened by one and approved by the other."""
    return approved(bureau, opened(bureau, action, numbers))


def state_of(bureau: Bureau, number: str) -> Status:
    with opened_register(bureau.home) as register:
        return register.state(number)


def status_of(
    bureau: Bureau, number: str, *, seen: Seen | None = None, now: int = SECONDS + 9_999
) -> Reason | None:
    """What step 8 says of a certificate to a verifier with today's bundle; None when it is in order."""
    data = full_certificate(bureau.home, bureau.ledger, find_row(bureau.home, number))
    report = verify(
        data,
        trust=load_trust(bureau.home.trust_dir),
        now=datetime.fromtimestamp(now, UTC),
        expect=STATIC,
        seen=seen or MemorySeen(),
    )
    step = report.step(8)
    assert (step.reason is None) is (step.outcome is StepOutcome.OK)
    return step.reason
