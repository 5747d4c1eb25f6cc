"""Telling the story: numbered steps, each line in both languages, the reader's is printed."""

from __future__ import annotations

from dataclasses import dataclass

import click

from certificate.texts import Language
from verifier.render import report_text
from verifier.report import Report

__all__ = ["Narrator"]


@dataclass(slots=True)
class Narrator:
    """Prints to stdout. `step` counts what was told so far."""

    language: Language
    step: int = 0

    def say(self, zh: str, en: str, *lines: tuple[str, str]) -> None:
        """One numbered step with its lines."""
        self.step += 1
        click.echo(f"\n{self.step}. {self.word(zh, en)}")
        for line in lines:
            self.line(*line)

    def line(self, zh: str, en: str) -> None:
        click.echo(f"   {self.word(zh, en)}")

    def report(self, report: Report) -> None:
        """A verification report, as `tally verify` prints it."""
        click.echo("")
        click.echo("\n".join(f"   {line}" for line in report_text(report, self.language).splitlines()))

    def word(self, zh: str, en: str) -> str:
        return zh if self.language == "zh" else en
