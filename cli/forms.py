"""`tally verify --form-out`: a form filled from what was verified, and a filled form that is verified itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from certificate.policy.asking import day_of_question
from certificate.qr_text import decode_any
from certificate.texts import Language
from cli.asking import known_template
from cli.common import require_writable, say, write_new_file
from ledger.errors import ConfigError
from ledger.reasons import Reason
from verifier.forms.filled import fill_form
from verifier.report import Outcome, Report
from verifier.trust import TrustBundle

__all__ = ["FormWish", "compare_form", "form_options"]

_F = TypeVar("_F", bound=Callable[..., Any])


class FormWish:
    """The form that is to be filled once the answer turns out to be valid."""

    def __init__(self, out: Path | None, template: str | None, trust: TrustBundle, *, force: bool) -> None:
        """Raises ConfigError `template.unknown`, `cli.exists`, before the answer is used up."""
        if (out is None) is not (template is None):
            raise click.UsageError("--form-out and --template go together")
        if out is not None and out.suffix not in (".pdf", ".html"):
            raise click.UsageError("a form is a .pdf or a .html file")
        self._out, self._force = out, force
        self._template = None if template is None else known_template(template, trust.templates)
        if out is not None:
            require_writable(out, force=force)

    def write(self, report: Report, shown: Sequence[bytes], *, language: Language, now: int) -> None:
        """Fill and write it; from an answer that is not valid nothing is filled. Raises as `fill_form`."""
        if self._out is None or self._template is None:
            return
        if report.outcome is not Outcome.VALID:
            say("the answer is not valid, so no form was filled")
            return
        codes = tuple(map(decode_any, shown))
        form = fill_form(self._template, report, codes=codes, language=language, today=day_of_question(now))
        if self._out.suffix == ".html":
            from verifier.forms.page_html import draw_form_html

            page = draw_form_html(form)
        else:
            try:
                from verifier.forms.page_pdf import draw_form_pdf
            except ModuleNotFoundError as exc:
                raise _extra_missing() from exc
            page = draw_form_pdf(form)
        write_new_file(self._out, page, force=self._force)
        say(f"{self._out}: {form.title}, {len(form.rows)} fields")


def form_options(function: _F) -> _F:
    """`--form-out`, `--template`."""
    for option in (
        click.option("--template", "form_template", help="The published template that --form-out fills."),
        click.option(
            "--form-out",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Fill the template's form from what is shown: *.pdf or *.html.",
        ),
    ):
        function = option(function)
    return function


def compare_form(
    contents: Sequence[bytes], report: Report, shown: Sequence[bytes], *, trust: TrustBundle, now: int
) -> Report:
    """The report of what was shown; where it was a filled form, with what its page says counted too.

    Args:
        contents: the files that were shown.
        now: POSIX seconds of the day as of which it is judged.
    """
    if not any(content.startswith(b"%PDF") for content in contents):
        return report
    try:
        from verifier.forms.compare import judge_form, read_form_mark
    except ModuleNotFoundError:
        say("the page itself was not compared with its code; pip install 'tallystick[forms]'")
        return report
    marks = [(content, mark) for content in contents if (mark := read_form_mark(content)) is not None]
    if not marks:
        return report
    if len(contents) > 1:
        raise click.UsageError("a filled form is judged alone: it holds all codes of its answer")
    (pdf, mark), codes = marks[0], tuple(map(decode_any, shown)) if report.outcome is Outcome.VALID else ()
    return judge_form(pdf, mark, report, codes=codes, trust=trust, today=day_of_question(now))


def _extra_missing() -> ConfigError:
    return ConfigError(Reason.CLI_EXTRA_MISSING, "PDF forms", hint="pip install 'tallystick[forms]'")
