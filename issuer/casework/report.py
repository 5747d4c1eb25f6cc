"""The supervisor's figures: what was minted, what was ended and by whose word, which keys count, who may ask too much.

It names offices, operators and organisations, and nobody else: a person appears in no figure, and certificates only
as counts. Reasons are the operators' own words; opening a case refuses the numbers of a person in them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from certificate.certificate import parse_certificate
from certificate.directory import DirectoryKey, Office
from certificate.numbers import CertificateType
from certificate.policy.facts import Facts
from certificate.policy.language import Policy
from certificate.policy.least import relevant_claims
from certificate.request import RegistrationBody
from certificate.slots import registry_of
from certificate.status_list import Status
from issuer.casework.rows import Case, Operator
from issuer.casework.statement import verify_approval, verify_opening
from issuer.home import Home
from issuer.organisations import list_organisations
from issuer.policies import load_policies
from issuer.publish import load_directory
from issuer.service import opened_register
from ledger.entry import EntryType, parse_entry
from ledger.errors import ProjectError

__all__ = ["CaseLine", "Mints", "OverAsking", "Report", "make_report"]

_AT_ONCE = 4096
_NO_RECORDS = 202401  # any month: without records nobody was asked anything
_REGISTRY = registry_of(CertificateType.CONTRIBUTION)


@dataclass(frozen=True, slots=True)
class Mints:
    """Certificates of one office minted in one month (YYYYMM, local time); `paper` are those without a key."""

    office: int
    month: int
    certificates: int
    paper: int


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A case, and whether what its operators signed is what the register says."""

    case: Case
    as_signed: bool


@dataclass(frozen=True, slots=True)
class OverAsking:
    """An organisation that may ask for claims which none of its policies looks at or shows.

    Args:
        allowed, needed: how many claims it may ask, and how many its policies can make use of.
        beyond: how many claims of each group it may ask although no policy of its needs them.
        identity: the names of those claims that say who somebody is.
    """

    org: int
    name_zh: str
    name_en: str
    suspended: bool
    allowed: int
    needed: int
    beyond: Mapping[str, int]
    identity: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """All figures; `states` counts the certificates that are not valid, by state."""

    offices: tuple[Office, ...]
    mints: tuple[Mints, ...]
    states: Mapping[Status, int]
    cases: tuple[CaseLine, ...]
    operators: tuple[Operator, ...]
    keys: tuple[DirectoryKey, ...]
    key_events: int
    organisations: int
    over_asking: tuple[OverAsking, ...]


def make_report(home: Home, *, progress: Callable[[int, int], None] | None = None) -> Report:
    """Read the home; nothing is changed.

    Raises:
        IntegrityError: `store.…`.
    """
    directory = load_directory(home)
    offset = timedelta(hours=home.profile().utc_offset_hours)
    with opened_register(home) as register:
        total, minted, paper = register.count(), Counter[tuple[int, int]](), Counter[tuple[int, int]]()
        for done, (minted_at, is_paper, signed) in enumerate(register.minted(), start=1):
            month = datetime.fromtimestamp(minted_at, UTC) + offset
            key = parse_certificate(signed).body.office, month.year * 100 + month.month
            minted[key] += 1
            paper[key] += is_paper
            if progress is not None and done % _AT_ONCE == 0:
                progress(done, total)
        operators = register.operators()
        cases = tuple(_case_line(case, operators) for case in register.cases())
        states = register.count_states()
        cut_off = next((row.cut_off for row in register.snapshots()), _NO_RECORDS)
    organisations = list_organisations(home)
    policies = load_policies(home)
    judged = (_over_asking(one.body, one.suspended, policies, cut_off) for one in organisations)
    return Report(
        offices=directory.offices,
        mints=tuple(Mints(*key, minted[key], paper[key]) for key in sorted(minted)),
        states=states,
        cases=cases,
        operators=tuple(operators),
        keys=directory.keys,
        key_events=_count_key_events(home),
        organisations=len(organisations),
        over_asking=tuple(one for one in judged if one is not None),
    )


def _case_line(case: Case, operators: list[Operator]) -> CaseLine:
    keys = {operator.name: operator.public_key for operator in operators}
    try:
        opening = verify_opening(case.opening, operator_key=keys[case.opened_by])
        as_signed = (
            opening.action,
            opening.count,
            opening.reason,
            opening.citizen_call,
            opening.operator,
        ) == (*(case.action, case.count, case.reason, case.citizen_call, case.opened_by),)
        if case.approval is not None and case.approved_by is not None:
            approval = verify_approval(case.approval, operator_key=keys[case.approved_by])
            as_signed &= approval.operator == case.approved_by
        elif case.executed_at is not None:
            as_signed &= case.citizen_call
    except (ProjectError, KeyError):
        as_signed = False
    return CaseLine(case, as_signed)


def _over_asking(
    body: RegistrationBody, suspended: bool, policies: Mapping[str, Policy], cut_off: int
) -> OverAsking | None:
    ranges = [bounds for type_, bounds in body.slots if type_ is CertificateType.CONTRIBUTION]
    allowed = {
        claim.name
        for claim in _REGISTRY.claims
        for bounds in ranges
        if any(first <= claim.slot <= last for first, last in zip(bounds[::2], bounds[1::2], strict=True))
    }
    recorded = (
        name for name in _REGISTRY.by_name if not name.startswith("pol.")
    )  # minted answers say no more
    everything = Facts(0, 0, cut_off, dict.fromkeys(recorded, 0))
    needed: set[str] = set()
    for policy in (policies[id_] for id_ in body.policies if id_ in policies):
        needed |= relevant_claims(policy, everything) | set(policy.show)
    beyond = [_REGISTRY.by_name[name] for name in sorted(allowed - needed)]
    if not beyond:
        return None
    return OverAsking(
        org=body.org,
        name_zh=body.name_zh,
        name_en=body.name_en,
        suspended=suspended,
        allowed=len(allowed),
        needed=len(needed),
        beyond=dict(sorted(Counter(claim.group for claim in beyond).items())),
        identity=tuple(claim.name for claim in beyond if claim.group == "identity"),
    )


def _count_key_events(home: Home) -> int:
    store = home.open_store()
    try:
        size = store.size()
        return sum(
            parse_entry(row.entry).entry_type == EntryType.KEY_EVENT
            for start in range(0, size, _AT_ONCE)
            for row in store.entries(start, min(start + _AT_ONCE, size))
        )
    finally:
        store.close()
