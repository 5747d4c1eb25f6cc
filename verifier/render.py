"""A report for people, in their language, and for machines. Every fact shown comes from signed bytes.

`tally verify --json` prints {"outcome", "reason", "steps": [{"step", "name", "outcome", "reason", "text"}],
"certificate", "disclosed", "policies", "trust"} and, beside these, notes, evidence and parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from certificate.numbers import Presenter
from certificate.policy.language import month_text
from certificate.policy.wording import answer_word, finding_sentences
from certificate.slots import ClaimValue
from certificate.texts import Language, claim_name, reason_text, type_name
from ledger.cbor import encode_cbor
from ledger.proof import encode_proof
from verifier.policies import JudgedPolicy
from verifier.proof_of_verification import Rejudged
from verifier.report import CertificateView, Evidence, Report, StepOutcome, StepResult
from verifier.sentences import OUTCOMES, PHRASES, STEP_OK, STEP_TITLES, disclosed_text

__all__ = ["rejudged_json", "rejudged_text", "report_json", "report_text"]

_DAY = 86400
_MARKS = {StepOutcome.OK: "✓", StepOutcome.NO: "✗", StepOutcome.CANNOT_TELL: "?", StepOutcome.NOT_RUN: "·"}


def report_text(report: Report, language: Language) -> str:
    """The report as a clerk reads it: the verdict first, then who says it, what was shown, and the eleven steps."""
    lines = [OUTCOMES[language][report.outcome]]
    if report.reason is not None:
        lines.append(f"  {reason_text(report.reason, language)} [{report.reason.value}]")
    lines += [f"  {reason_text(note, language)} [{note.value}]" for note in report.notes]
    for part in report.parts or (report,):
        lines += ["", *_certificate_lines(part, language)] if part.certificate is not None else []
    for judged in report.policies:
        lines += ["", *_policy_lines(judged, language)]
    lines += ["", *(_step_line(step, language) for step in report.steps)]
    return "\n".join(lines)


def report_json(report: Report, language: Language) -> dict[str, Any]:
    """The report as one JSON-ready mapping. Digests and proofs are lower-case hex."""
    return {
        "outcome": report.outcome.value,
        "reason": None if report.reason is None else report.reason.value,
        "steps": [
            {
                "step": step.step,
                "name": step.name,
                "outcome": step.outcome.value,
                "reason": None if step.reason is None else step.reason.value,
                "text": _step_text(step, language),
                "detail": step.detail,
            }
            for step in report.steps
        ],
        "certificate": None
        if report.certificate is None
        else _certificate_json(report.certificate, language),
        "disclosed": _disclosed(report, language),
        "policies": [_policy_json(judged, language) for judged in report.policies],
        "trust": dict(report.trust),
        "notes": [{"reason": note.value, "text": reason_text(note, language)} for note in report.notes],
        "evidence": _evidence_json(report.evidence),
        "parts": [report_json(part, language) for part in report.parts],
    }


def rejudged_text(again: Rejudged, language: Language) -> str:
    """That a verification proof stands, and the report of judging again as of its day."""
    return f"{_stands(again, language)}\n\n{report_text(again.report, language)}"


def rejudged_json(again: Rejudged, language: Language) -> dict[str, Any]:
    """The report of judging again, with what the proof says under `proof`."""
    body = again.body
    proof = {
        "organisation": body.org,
        "time": body.time,
        "outcome": body.outcome.name.lower(),
        "reason": None if body.reason is None else body.reason.value,
        "request_digest": body.request.hex(),
        "bundle_digest": body.bundle.hex(),
        "text": _stands(again, language),
    }
    return {**report_json(again.report, language), "proof": proof}


def _stands(again: Rejudged, language: Language) -> str:
    moment = datetime.fromtimestamp(again.body.time, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return PHRASES[language]["proof_stands"].format(org=again.body.org, time=moment)


def _certificate_lines(report: Report, language: Language) -> list[str]:
    view, words = report.certificate, PHRASES[language]
    assert view is not None
    body = view.body
    lines = [
        f"{type_name(body.type, language)}  {words['number']} {body.number}",
        f"  {words['issuer']}: {_name(view, language)}",
        f"  {words['region']}: {body.region}    {words['cut_off']}: {_month(body.cut_off)}"
        f"    {words['expires']}: {_date(body.expires)}",
        f"  {words['only_this_authority'].format(authority=_authority(view, language))}",
    ]
    if body.presenter is not Presenter.SELF:
        lines.append(f"  {words[f'presented_{body.presenter.name.lower()}']}")
    lines += [f"  {item['label']}: {item['text']}" for item in _disclosed(report, language)]
    return lines


def _policy_lines(judged: JudgedPolicy, language: Language) -> list[str]:
    policy, words = judged.policy, PHRASES[language]
    return [
        f"{policy.title(language)}: {answer_word(judged.answer.value, language)}",
        f"  {words['legal_basis']}: {policy.legal_basis}    {words['policy']}: {policy.id}, {policy.version}",
        *(f"  {sentence}" for sentence in finding_sentences(judged.answer, language)),
    ]


def _policy_json(judged: JudgedPolicy, language: Language) -> dict[str, Any]:
    policy, value = judged.policy, judged.answer.value
    return {
        "id": policy.id,
        "version": policy.version,
        "digest": policy.digest.hex(),
        "title": policy.title(language),
        "legal_basis": policy.legal_basis,
        "answer": {True: "true", False: "false", None: "undetermined"}[value],
        "text": answer_word(value, language),
        "findings": [
            {
                "cause": finding.cause.value,
                "kind": finding.kind or None,
                "month": None if finding.month is None else month_text(finding.month),
                "need": finding.need,
                "have": finding.have,
            }
            for finding in judged.answer.findings
        ],
        "sentences": finding_sentences(judged.answer, language),
    }


def _disclosed(report: Report, language: Language) -> list[dict[str, Any]]:
    if report.certificate is None:
        return []
    body = report.certificate.body
    months = {opening.slot: opening.at_least for opening in report.openings}
    shown = []
    for disclosure in report.disclosed:
        claim = body.registry.claim_at(disclosure.slot)
        value = disclosure.value
        row = {
            "slot": disclosure.slot,
            "name": claim.name,
            "label": claim_name(claim, language, body.cut_off),
            "value": _plain(value),
            "text": disclosed_text(report, disclosure, claim, language),
        }
        if disclosure.slot in months:
            row["at_least"] = months[disclosure.slot]
        shown.append(row)
    return shown


def _plain(value: ClaimValue) -> object:
    """A claim's value with its bytes in hex, those within a list too: a minted answer names its policy by digest."""
    if isinstance(value, bytes):
        return value.hex()
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value


def _certificate_json(view: CertificateView, language: Language) -> dict[str, Any]:
    body = view.body
    return {
        "number": body.number,
        "type": body.type.name.lower(),
        "authority": {"number": body.authority, "name": _authority(view, language)},
        "office": {"number": body.office, "name": _name(view, language), "code": view.office.code},
        "region": body.region,
        "profile": body.profile,
        "cut_off": body.cut_off,
        "issued": _date(body.issued),
        "expires": _date(body.expires),
        "presenter": body.presenter.name.lower(),
        "bound": body.cnf is not None,
        "scope": PHRASES[language]["only_this_authority"].format(authority=_authority(view, language)),
    }


def _evidence_json(evidence: Evidence) -> Mapping[str, Any]:
    def hex_of(value: bytes | None) -> str | None:
        return None if value is None else value.hex()

    return {
        "certificate_digest": hex_of(evidence.certificate_digest),
        "request_digest": hex_of(evidence.request_digest),
        "status_list_digest": hex_of(evidence.status_list_digest),
        "checkpoint_root": hex_of(evidence.checkpoint_root),
        "checkpoint_size": evidence.checkpoint_size,
        "proof": None if evidence.proof is None else encode_cbor(encode_proof(evidence.proof)).hex(),
    }


def _step_line(step: StepResult, language: Language) -> str:
    title = STEP_TITLES[language][step.step]
    return f"{_MARKS[step.outcome]} {step.step:>2} {title}: {_step_text(step, language)}"


def _step_text(step: StepResult, language: Language) -> str:
    if step.reason is not None:
        return f"{reason_text(step.reason, language)} [{step.reason.value}]"
    if step.outcome is StepOutcome.NOT_RUN:
        return PHRASES[language]["not_run"]
    return STEP_OK[language][step.step]


def _authority(view: CertificateView, language: Language) -> str:
    return view.authority.name_zh if language == "zh" else view.authority.name_en


def _name(view: CertificateView, language: Language) -> str:
    return view.office.name_zh if language == "zh" else view.office.name_en


def _month(period: int) -> str:
    return f"{period // 100}-{period % 100:02d}"


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * _DAY, UTC).strftime("%Y-%m-%d")
