"""A form in hand against what its code proves (extras `qr` and `forms`): drawn again, it must look and read the same.

What a page says is never believed: the report comes from the code, and a form that says something else is refused. The
part of the last page that is signed by hand is not compared, and a scan, which no longer says what form it is, neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from certificate.texts import Language
from ledger.errors import ProjectError
from ledger.reasons import Reason
from verifier.forms.filled import fill_form
from verifier.forms.page_pdf import SIGNATURE_MM, draw_form_pdf
from verifier.report import Outcome, Report, StepOutcome, StepResult
from verifier.trust import TrustBundle

__all__ = ["FormMark", "judge_form", "read_form_mark"]

_MARK: Final = re.compile(r"tallystick form 1 ([a-z0-9.]{1,32}) ([0-9a-f]{64}) (zh|en)")
_DPI: Final = 72
_MM: Final = _DPI / 25.4
_SEEN_BY_EYE: Final = 64  # of 255 shades


@dataclass(frozen=True, slots=True)
class FormMark:
    """Which form a file says it is."""

    template: str
    digest: bytes
    language: Language


def read_form_mark(pdf: bytes) -> FormMark | None:
    """What a PDF says of itself; None for any other file."""
    import pypdfium2

    try:
        with _opened(pdf) as document:
            found = _MARK.fullmatch(document.get_metadata_dict().get("Subject", ""))
    except pypdfium2.PdfiumError:
        return None
    if found is None:
        return None
    return FormMark(found[1], bytes.fromhex(found[2]), "zh" if found[3] == "zh" else "en")


def judge_form(
    pdf: bytes, mark: FormMark, report: Report, *, codes: tuple[bytes, ...], trust: TrustBundle, today: date
) -> Report:
    """The report of what the form's code holds, made invalid or undetermined by what the page says.

    Args:
        report: of the codes on the page; one that is not valid stays as it is.
    Returns:
        with step 1 `form.differs` where the page differs, `template.unknown` where it cannot be compared.
    """
    if report.outcome is not Outcome.VALID:
        return report
    template = trust.templates.get(mark.template)
    if template is None or template.digest != mark.digest:
        step = StepResult(1, StepOutcome.CANNOT_TELL, Reason.TEMPLATE_UNKNOWN, mark.template)
        return _with_step(report, step, Outcome.UNDETERMINED)
    try:
        form = fill_form(template, report, codes=codes, language=mark.language, today=today)
        differing = _differing_page(pdf, draw_form_pdf(form))
    except ProjectError as exc:
        return _with_step(report, StepResult(1, StepOutcome.NO, exc.reason, exc.detail), Outcome.INVALID)
    if differing is None:
        return report
    step = StepResult(1, StepOutcome.NO, Reason.FORM_DIFFERS, f"page {differing}")
    return _with_step(report, step, Outcome.INVALID)


def _with_step(report: Report, step: StepResult, outcome: Outcome) -> Report:
    return replace(report, outcome=outcome, reason=step.reason, steps=(step, *report.steps[1:]))


def _differing_page(shown: bytes, due: bytes) -> int | None:
    """The first page that reads or looks otherwise, from 1."""
    with _opened(shown) as left, _opened(due) as right:
        if len(left) != len(right):
            return min(len(left), len(right)) + 1
        for number in range(len(right)):
            kept = SIGNATURE_MM if number + 1 == len(right) else 0
            if _read(left[number], kept) != _read(right[number], kept):
                return number + 1
            if not _looks_alike(left[number], right[number], kept):
                return number + 1
    return None


def _read(page: Any, kept: int) -> str:
    text = page.get_textpage()
    return str(text.get_text_bounded(bottom=kept * _MM)).strip()


def _looks_alike(left: Any, right: Any, kept: int) -> bool:
    from PIL import ImageChops

    pictures = [page.render(scale=1).to_pil().convert("L") for page in (left, right)]
    if pictures[0].size != pictures[1].size:
        return False
    width, height = pictures[0].size
    above = (0, 0, width, height - int(kept * _MM))
    difference = ImageChops.difference(pictures[0].crop(above), pictures[1].crop(above))
    return not any(difference.histogram()[_SEEN_BY_EYE:])


@contextmanager
def _opened(pdf: bytes) -> Iterator[Any]:
    import pypdfium2

    document = pypdfium2.PdfDocument(pdf)
    try:
        yield document
    finally:
        document.close()
