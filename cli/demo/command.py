"""The command, and the order of the story."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from certificate.texts import Language
from cli.common import language_option, utc_now
from cli.demo.bureau import Bureau
from cli.demo.counter import show_at_counter, verify_at_counter
from cli.demo.forgers import run_forgers
from cli.demo.narrator import Narrator
from cli.demo.online import Online
from cli.demo.services import DemoClock, wallet_running

__all__ = ["demo"]


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
    with wallet_running(folder, bureau.home.trust_dir, clock) as wallet:
        online = Online(tell, bureau, wallet, clock)
        certificate = online.run()
    right = certificate is not None and _at_the_counter(bureau, online, certificate)
    click.echo("")
    if right:
        zh, en = (
            "一切如常；柜台上的核验没有询问任何人。",
            "All as it should be; at the counter, nobody was asked.",
        )
    else:
        zh, en = "出了问题。", "SOMETHING IS WRONG."
    click.echo(tell.word(zh, en))
    return right


def _at_the_counter(bureau: Bureau, online: Online, certificate: bytes) -> bool:
    ledger = bureau.home.ledger()
    try:
        scene = show_at_counter(
            online.tell,
            bureau.folder,
            bureau.home,
            ledger,
            holder=online.holder,
            certificate=certificate,
            now=online.clock(),
        )
        valid = verify_at_counter(online.tell, scene)
        return run_forgers(online.tell, scene) and valid
    finally:
        ledger.close()
