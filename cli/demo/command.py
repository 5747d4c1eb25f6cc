"""The command, and the order of the story."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

import click

from certificate.texts import Language
from cli.common import language_option, utc_now
from cli.demo.bureau import Bureau
from cli.demo.narrator import Narrator
from cli.demo.services import DemoClock

__all__ = ["demo"]

_MONTH_SECONDS: Final = 30 * 86400


@click.command()
@click.option("--people", type=click.IntRange(20, 100_000), default=1000, show_default=True)
@click.option(
    "--keep", type=click.Path(path_type=Path, file_okay=False), help="Work there and keep everything."
)
@language_option
def demo(people: int, keep: Path | None, language: Language) -> None:
    """All of it on a small synthetic city, saying what happens and why it can be trusted.

    Example: tally demo --people 200
    """
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        ok = _run(keep, people, Narrator(language))
    else:
        with tempfile.TemporaryDirectory(prefix="tallystick-demo-") as folder:
            ok = _run(Path(folder), people, Narrator(language))
    raise click.exceptions.Exit(0 if ok else 1)


def _run(folder: Path, people: int, tell: Narrator) -> bool:
    clock = DemoClock(int(utc_now().timestamp()))
    bureau = Bureau(tell, folder, people)
    bureau.set_up(clock())
    right = _through_the_services(bureau, clock, tell) and _at_the_counter(bureau, clock, tell)
    click.echo("")
    if right:
        tell.line(
            "一切如常；柜台核验没有询问任何人。",
            "All as it should be; at the counter nothing was asked of anybody.",
        )
    else:
        tell.line("出了问题。", "SOMETHING IS WRONG.")
    return right
