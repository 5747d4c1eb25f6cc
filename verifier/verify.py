"""`verify`: all eleven steps, every time, over everything that was shown (DESIGN section 4, docs/VERIFY.md).

The steps stand in `verifier.steps`; here they are run for each presentation of one answer, and their results joined.
Nothing here opens a file, a socket or a database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from ledger.errors import FormatError, ProjectError
from ledger.reasons import Reason
from verifier.expect import Archive, Asked, Expectation, Static
from verifier.report import (
    STEP_NAMES,
    Outcome,
    Report,
    StepOutcome,
    StepResult,
    judge,
)
from verifier.seen import Seen
from verifier.steps import Run, own_request
from verifier.trust import TrustBundle

__all__ = ["verify"]

_MAX_PARTS = 16


def verify(
    data: bytes | Sequence[bytes], *, trust: TrustBundle, now: datetime, expect: Expectation, seen: Seen
) -> Report:
    """Judge what someone shows. Never raises for any `data`.

    Args:
        data: one presentation or paper certificate as text, file or bytes; or several presentations that together
            answer one request.
        trust: the opened bundle.
        now: an aware datetime; the verifier's clock.
        expect: `Asked(request bytes)`, `STATIC`, or an `Archive` of either to judge a filed answer again.
        seen: the verifier's memory; a valid answer is marked as used in it.
    Raises:
        ConfigError: `store.io_error` of that memory; without it there is no verdict.
    """
    if not isinstance(expect, Asked | Static | Archive):
        raise TypeError(
            "expect is a request asked, STATIC or a filed answer; there is no mode without checks"
        )
    moment = int(now.timestamp())
    try:
        parts = _parts(data)
    except FormatError as exc:
        return _refused(exc, trust)
    newest_time = max(trust.issued, seen.newest("time") or 0)
    runs = [Run(part, trust, moment, expect, seen, newest_time) for part in parts]
    for run in runs:
        run.steps_to_disclosures()
    asked, identity = _shown_items(runs), _shown_identity(runs)
    holders = {run.certificate.body.cnf for run in runs if run.certificate is not None}
    # Paper answers no question.
    facts = [run.facts() for run in runs if run.is_authentic] if isinstance(runs[0].question, Asked) else []
    for run in runs:
        run.holder_and_policy(asked, identity, facts, one_holder=len(holders) == 1)
    reports = [run.report() for run in runs]
    if not isinstance(expect, Archive) and all(report.outcome is Outcome.VALID for report in reports):
        reports = _spend(runs, reports, seen)
    seen.advance("bundle.version", trust.version)
    if trust.endorsed > (seen.newest("targets.version") or 0):
        seen.advance("targets.version", trust.endorsed)
    seen.advance("time", trust.issued)
    return reports[0] if len(reports) == 1 else _joined(reports)


def _parts(data: object) -> list[bytes]:
    """What was shown, as bytes: an object that is already parsed could differ from what was signed."""
    parts = [data] if isinstance(data, bytes | bytearray) else data
    if not isinstance(parts, list | tuple) or not all(isinstance(part, bytes | bytearray) for part in parts):
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "bytes are due, or a list of them")
    if not 1 <= len(parts) <= _MAX_PARTS:
        raise FormatError(Reason.ENC_TOO_LARGE, f"{len(parts)} presentations")
    return [bytes(part) for part in parts]


def _shown_items(runs: Sequence[Run]) -> set[int]:
    """Positions of the request's items that at least one presentation discloses whole."""
    question = runs[0].question
    if not isinstance(question, Asked):
        return set()
    try:
        items = own_request(runs[0].trust, question.request).request.body.items
    except FormatError:
        return set()  # step 10 says so
    return {at for at, item in enumerate(items) if any(run.shows(item) for run in runs)}


def _shown_identity(runs: Sequence[Run]) -> dict[str, list[str]]:
    """Names and last four digits that the presentations disclose, wherever they lead to the signed root."""
    shown: dict[str, list[str]] = {}
    for run in runs:
        for claim, value in run.identity():
            shown.setdefault(claim, []).append(value)
    return shown


def _spend(runs: Sequence[Run], reports: Sequence[Report], seen: Seen) -> list[Report]:
    """Mark a valid answer as used. Another process may have been quicker: then it is a replay here."""
    keys = [key for run in runs for key in run.replay_keys]
    if not keys or seen.use_once(keys):
        return list(reports)
    replayed = StepResult(10, StepOutcome.NO, Reason.PRES_NONCE_REPLAYED, "this answer was used before")
    not_run = StepResult(11, StepOutcome.NOT_RUN)
    return [
        replace(
            report,
            outcome=Outcome.INVALID,
            reason=Reason.PRES_NONCE_REPLAYED,
            steps=(*report.steps[:9], replayed, not_run),
        )
        for report in reports
    ]


def _joined(reports: Sequence[Report]) -> Report:
    """One report for several presentations: the worst of each step, with each part's own report beside it."""
    severity = (StepOutcome.OK, StepOutcome.NOT_RUN, StepOutcome.CANNOT_TELL, StepOutcome.NO)
    steps = tuple(
        max((report.step(number) for report in reports), key=lambda step: severity.index(step.outcome))
        for number in STEP_NAMES
    )
    outcome, reason = judge(steps)
    return replace(reports[0], outcome=outcome, reason=reason, steps=steps, parts=tuple(reports))


def _refused(error: ProjectError, trust: TrustBundle) -> Report:
    first = StepResult(1, StepOutcome.NO, error.reason, error.detail)
    rest = (StepResult(number, StepOutcome.NOT_RUN) for number in STEP_NAMES if number > 1)
    return Report(Outcome.INVALID, error.reason, (first, *rest), trust=trust.facts)
