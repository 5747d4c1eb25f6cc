"""The four steps of a list: ask everybody, see where it stands, remind once, collect what was answered.

Each step may be killed anywhere and run again. Asking again sends the same bytes under the same key; collecting again
fetches the same bytes, which the wallet gives until it is told that the result is safe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from certificate.keys import CoseSigner
from certificate.policy.language import Policy
from certificate.policy.wording import answer_word
from certificate.presentation import parse_answer
from certificate.request import NONCE_SIZE, RequestBody, SlotsItem, sign_request
from certificate.slots import IDENTITY_SLOTS, registry_of
from certificate.texts import Language, claim_name, format_value
from ledger.errors import ConfigError, ConsentError
from ledger.reasons import Reason
from verifier.bulk.people import People, Person
from verifier.bulk.state import AskedPerson, BatchFile, Result
from verifier.bulk.wallet_client import OrganisationClient
from verifier.expect import Asked, Subject
from verifier.report import Outcome, Report
from verifier.seen import Seen
from verifier.trust import TrustBundle
from verifier.verify import verify

__all__ = ["Reminders", "ask", "collect", "prepare", "refresh", "remind"]

_OVER = ("refused", "expired", "withdrawn")
_IDENTITY = ("name", "id_tail")
_CONSENT_OVER = frozenset(
    {Reason.CONSENT_REVOKED, Reason.CONSENT_EXHAUSTED, Reason.CONSENT_EXPIRED, Reason.AUTHZ_NOT_FOUND}
)
# Undetermined for good: the certificate that was shown does not say more.
_FINAL = (
    Reason.POLICY_UNDETERMINED.value,
    Reason.POLICY_DATA_TOO_OLD.value,
    Reason.POLICY_NOT_SETTLED.value,
    Reason.POLICY_RETIRED.value,
)


@dataclass(frozen=True, slots=True)
class Reminders:
    """How many were reminded now, and how many could not be because they had been before."""

    now: int
    before: int


def prepare(
    people: People,
    pattern: RequestBody,
    *,
    key: CoseSigner,
    registration: bytes,
    random: Callable[[int], bytes],
    policies: Mapping[str, Policy],
) -> Iterator[tuple[Person, bytes]]:
    """Each person with a request of their own: `pattern` with a fresh nonce, signed.

    Args:
        policies: those that `pattern` may ask, by id.
    Raises:
        ConfigError: `cli.usage`: the pattern does not ask for name and last four digits, so nobody could be told from
            anybody else.
    """
    names = _asked_claims(pattern, policies)
    if not names.issuperset(_IDENTITY):
        hint = "ask name and id_tail too, as --template identity.24 does"
        raise ConfigError(Reason.CLI_USAGE, "the answers could not be told apart", hint=hint)
    for person in people.people:
        body = replace(pattern, nonce=random(NONCE_SIZE), desk=None)
        yield person, sign_request(key, body, registration)


def ask(file: BatchFile, client: OrganisationClient, *, progress: Callable[[], None]) -> int:
    """Leave every request that the wallet does not have yet; how many were left now."""
    count = 0
    for asked in file.everybody():
        if asked.id is None:
            id_, link = client.leave(asked.request, key=sha256(asked.request).hexdigest()[:32])
            file.sent(asked.person.row, id_=id_, link=link)
            count += 1
        progress()
    return count


def refresh(file: BatchFile, client: OrganisationClient, *, progress: Callable[[], None]) -> None:
    """Ask the wallet where each open request stands. What was withdrawn is erased here, and that is confirmed."""
    for asked in file.everybody():
        if asked.id is not None and asked.state not in _OVER:
            state = client.state(asked.id)
            if state == "withdrawn":
                _erase(file, client, asked)
            elif state != asked.state:
                file.stands(asked.person.row, state)
        progress()


def remind(file: BatchFile, client: OrganisationClient, *, now: Callable[[], int]) -> Reminders:
    """Remind everybody who has not answered, each once in a lifetime.

    Raises:
        ConsentError: `org.reminded`: there was nobody left to remind, and some had been before.
    """
    fresh = before = 0
    for asked in file.everybody():
        if asked.id is None or asked.state != "waiting":
            continue
        try:
            if asked.reminded is None:
                client.remind(asked.id)
                fresh += 1
                file.reminded(asked.person.row, now())
            else:
                before += 1
        except ConsentError as exc:
            if exc.reason is Reason.ORG_REMINDED:  # the answer of a first try was lost
                file.reminded(asked.person.row, now())
                before += 1
            elif exc.reason not in _CONSENT_OVER:
                raise
    if before and not fresh:
        raise ConsentError(Reason.ORG_REMINDED, f"{before} were reminded before")
    return Reminders(fresh, before)


def collect(
    file: BatchFile,
    client: OrganisationClient,
    *,
    trust: TrustBundle,
    newest: Seen,
    now: Callable[[], datetime],
    language: Language,
    progress: Callable[[], None],
    archive: Callable[[AskedPerson, bytes, Report, datetime], None] | None = None,
) -> int:
    """Fetch, verify and keep each answer, then acknowledge it; how many were judged now.

    Args:
        newest: remembers newest versions across lists.
        archive: files an answer with its report, durably, before it is acknowledged.
    """
    count = 0
    for asked in file.everybody():
        if asked.id is not None and asked.state == "answered" and not asked.acknowledged:
            count += _collect_one(file, client, asked, trust, newest, now(), language, archive)
        progress()
    return count


def _asked_claims(pattern: RequestBody, policies: Mapping[str, Policy]) -> set[str]:
    """Names of the claims that an answer shows."""
    names: set[str] = set()
    for item in pattern.items:
        if isinstance(item, SlotsItem):
            names |= {registry_of(item.type).claim_at(slot).name for slot in item.slots}
        elif item.policy in policies:
            names |= set(policies[item.policy].show)
    return names


def _collect_one(
    file: BatchFile,
    client: OrganisationClient,
    asked: AskedPerson,
    trust: TrustBundle,
    newest: Seen,
    moment: datetime,
    language: Language,
    archive: Callable[[AskedPerson, bytes, Report, datetime], None] | None,
) -> int:
    row, id_ = asked.person.row, asked.id
    assert id_ is not None
    try:
        if asked.result is None or _may_change(asked.result):
            data = asked.presentation
            if data is None:
                data = client.fetch(id_)
                file.fetched(row, data)
            report = _judge(file, asked, data, trust, newest, moment)
            if asked.result is None or report.reason is not Reason.PRES_EXPIRED:
                if archive is not None:
                    archive(asked, data, report, moment)
                result = _result(report, moment, language)
                file.judged(row, result)
                if _may_change(result):
                    return 1
        client.acknowledge(id_)
    except ConsentError as exc:
        if exc.reason is Reason.CONSENT_NOT_YET_VALID:
            return 0  # begins later
        if exc.reason not in _CONSENT_OVER:
            raise
        _over(file, client, asked)
        return 0
    file.acknowledged(row)
    return 1


def _may_change(result: Result) -> bool:
    """Whether a newer trust bundle or a clock put right may say more; what a policy cannot tell it never will."""
    return result.outcome == Outcome.UNDETERMINED.value and result.reason not in _FINAL


def _over(file: BatchFile, client: OrganisationClient, asked: AskedPerson) -> None:
    """The wallet gives the answer no more: withdrawn, or its time is over."""
    assert asked.id is not None
    state = client.state(asked.id)
    if state == "withdrawn":
        _erase(file, client, asked)
    else:
        file.stands(asked.person.row, "expired" if state == "answered" else state)


def _erase(file: BatchFile, client: OrganisationClient, asked: AskedPerson) -> None:
    assert asked.id is not None
    file.erase_answer(asked.person.row)
    client.confirm_deletion(asked.id)
    file.stands(asked.person.row, "withdrawn")


def _judge(
    file: BatchFile, asked: AskedPerson, data: bytes, trust: TrustBundle, newest: Seen, moment: datetime
) -> Report:
    person = asked.person
    return verify(
        parse_answer(data),
        trust=trust,
        now=moment,
        expect=Asked(asked.request, Subject(person.name, person.id_tail)),
        seen=file.seen_for(person.row, newest),
    )


def _result(report: Report, moment: datetime, language: Language) -> Result:
    """What is kept: the facts of a valid answer only, so that nothing of a wrong person stays."""
    facts: list[tuple[str, str]] = []
    if report.outcome is Outcome.VALID and report.certificate is not None:
        body = report.certificate.body
        facts.append(("cut_off", f"{body.cut_off // 100}-{body.cut_off % 100:02d}"))
        for shown in report.disclosed:
            if shown.slot >= IDENTITY_SLOTS:
                claim = body.registry.claim_at(shown.slot)
                text = format_value(claim, shown.value, language)
                facts.append((claim_name(claim, language, body.cut_off), text))
        facts += [
            (judged.policy.title(language), answer_word(judged.answer.value, language))
            for judged in report.policies
        ]
    reason = None if report.reason is None else report.reason.value
    return Result(report.outcome.value, reason, tuple(facts), int(moment.timestamp()))
