"""A template filled from a report: every entry says which claim or signed field it came from, and in which certificate.

Only what the report authenticated is read. Nothing here opens a file or draws anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from certificate.policy.wording import answer_word, finding_sentences
from certificate.slots import ValueType
from certificate.template.language import CertificateFact, Field, Source, Template
from certificate.texts import Language, claim_name
from ledger.errors import FormatError
from ledger.reasons import Reason
from verifier.forms.words import FORM_WORDS
from verifier.report import CertificateView, Outcome, Report
from verifier.sentences import disclosed_text

__all__ = ["Entry", "FilledForm", "Row", "fill_form"]

_DAY = 86400


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of a field, for people, and where it came from; `origin` is "" for one that is not there."""

    text: str
    origin: str


@dataclass(frozen=True, slots=True)
class Row:
    """One field of the form; several certificates may fill it."""

    label: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class FilledForm:
    """A template with its fields filled, in one language.

    Attributes:
        covered: whose data the verification covers, a line per certificate.
        codes: the tagged bytes of what was verified, a code each.
    """

    template: Template
    language: Language
    rows: tuple[Row, ...]
    covered: tuple[str, ...]
    codes: tuple[bytes, ...]

    @property
    def title(self) -> str:
        return self.template.title(self.language)


def fill_form(
    template: Template, report: Report, *, codes: tuple[bytes, ...], language: Language, today: date
) -> FilledForm:
    """Fill `template` from a valid report.

    Args:
        codes: the tagged bytes that were judged.
        today: the day on which it is filled.
    Raises:
        ConsentError: `template.retired`. FormatError: `disc.required_missing`: the report is not valid, or answers
            another question than the template asks.
    """
    if template.is_retired(today):
        raise template.retirement()
    if report.outcome is not Outcome.VALID:
        raise FormatError(Reason.DISC_REQUIRED_MISSING, "a form is filled from a valid answer only")
    answered = {judged.policy.id for judged in report.policies}
    is_paper = Reason.PRES_STATIC_COPY in report.notes
    if not is_paper and not answered.issuperset(template.policies):
        hint = f"ask with tally request new --template {template.id}"
        raise FormatError(Reason.DISC_REQUIRED_MISSING, "the answer is to another question", hint=hint)
    parts = _parts(report)
    rows = tuple(
        Row(one.label(language), tuple(_entries(one, report, language)) or (_missing(one, language),))
        for one in template.fields
    )
    covered = tuple(_covered(part.certificate, language) for part in parts if part.certificate is not None)
    return FilledForm(template, language, rows, covered, tuple(sorted(codes)))


def _entries(field: Field, report: Report, language: Language) -> Iterator[Entry]:
    if field.source is Source.ANSWER:
        yield from _answers(field.name, report, language)
        return
    found: dict[str, list[str]] = {}
    for part in _parts(report):
        for text, origin in _values(field, part, language):
            found.setdefault(text, []).append(origin)
    for text, origins in found.items():
        yield Entry(text, "; ".join(origins))


def _parts(report: Report) -> list[Report]:
    """One per certificate, in an order that does not depend on how they were laid down."""
    return sorted(report.parts or (report,), key=_number)


def _number(part: Report) -> str:
    return "" if part.certificate is None else part.certificate.body.number


def _answers(policy: str, report: Report, language: Language) -> Iterator[Entry]:
    for judged in report.policies:
        if judged.policy.id == policy:
            words = [answer_word(judged.answer.value, language), *finding_sentences(judged.answer, language)]
            origin = FORM_WORDS[language]["from_policy"]
            yield Entry("; ".join(words), origin.format(name=policy, version=judged.policy.version))


def _values(field: Field, part: Report, language: Language) -> Iterator[tuple[str, str]]:
    """What one certificate gives for a field: texts and where they came from."""
    view, words = part.certificate, FORM_WORDS[language]
    if view is None:
        return
    if field.source is Source.CERTIFICATE:
        fact = CertificateFact(field.name)
        yield (
            _fact(fact, view, language),
            words["from_field"].format(name=fact.value, number=view.body.number),
        )
        return
    for shown in part.disclosed:
        claim = view.body.registry.claim_at(shown.slot)
        text = disclosed_text(part, shown, claim, language)
        if field.source is Source.STRIPS and claim.value_type is ValueType.STRIP:
            text = f"{claim_name(claim, language, view.body.cut_off)}: {text}"
        elif field.source is Source.STRIPS or claim.name != field.name:
            continue
        yield text, words["from_claim"].format(name=claim.name, number=view.body.number)


def _fact(fact: CertificateFact, view: CertificateView, language: Language) -> str:
    body = view.body
    match fact:
        case CertificateFact.NUMBER:
            return body.number
        case CertificateFact.AUTHORITY:
            return _authority(view, language)
        case CertificateFact.OFFICE:
            return view.office.name_zh if language == "zh" else view.office.name_en
        case CertificateFact.REGION:
            return str(body.region)
        case CertificateFact.CUT_OFF:
            return f"{body.cut_off // 100}-{body.cut_off % 100:02d}"
        case CertificateFact.ISSUED:
            return _date(body.issued)
        case CertificateFact.EXPIRES:
            return _date(body.expires)


def _missing(field: Field, language: Language) -> Entry:
    return Entry(FORM_WORDS[language]["no_answer" if field.source is Source.ANSWER else "missing"], "")


def _covered(view: CertificateView, language: Language) -> str:
    words = FORM_WORDS[language]["covered"]
    return words.format(number=view.body.number, authority=_authority(view, language))


def _authority(view: CertificateView, language: Language) -> str:
    return view.authority.name_zh if language == "zh" else view.authority.name_en


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * _DAY, UTC).strftime("%Y-%m-%d")
