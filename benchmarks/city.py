"""A whole city from the bureau's export to verified certificates, stage by stage, with the installed commands.

    python -m benchmarks.city [--people 950000] [--dirty 0.001] [--folder DIR] [--keep]

Generates the records, imports them, mints paper for everyone, signs a checkpoint, recomputes the ledger, and verifies
random certificates from their QR texts. Beside each stage: wall and processor time, persons a second, share of the
whole, memory of all its processes; and the bytes a certificate takes in snapshot, register and ledger.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.stages import HEADER, Stage, run_stage
from certificate.qr_text import encode_qr_text
from issuer.export import encode_shown, paper_slots, proof_of_row
from issuer.home import Home
from issuer.mint import claims_tree_of

__all__ = ["City", "main", "run_city"]

_PIPELINE = ("import", "mint", "checkpoint")


@dataclass(frozen=True, slots=True)
class City:
    """What came of a run: persons in the snapshot, laid aside, minted; entries in the ledger; verified of how many."""

    persons: int
    quarantined: int
    named: int
    minted: int
    entries: int
    verified: int
    asked: int
    stages: tuple[Stage, ...]
    sizes: dict[str, int]

    def table(self) -> str:
        """The figures for people."""
        total = sum(stage.seconds for stage in self.stages)
        lines = [HEADER]
        for stage in self.stages:
            lines.append(stage.line(self.asked if stage.name == "verify" else self.persons, total))
        pipeline = sum(stage.seconds for stage in self.stages if stage.name in _PIPELINE)
        peak = max(stage.peak for stage in self.stages)
        lines.append(
            f"{' + '.join(_PIPELINE)}: {pipeline / 60:.1f} min; peak {peak / 2**30:.2f} GiB; "
            f"{self.minted:,} minted, {self.quarantined:,} laid aside ({self.named:,} named in the report), "
            f"{self.verified:,} of {self.asked:,} verified"
        )
        each = ", ".join(f"{name} {size / max(self.minted, 1):,.0f}" for name, size in self.sizes.items())
        return "\n".join([*lines, f"bytes a certificate: {each}"])


def run_city(folder: Path, *, people: int, dirty: float = 0.0, seed: int = 7, verified: int = 1000) -> City:
    """Run all stages in `folder`, which is empty."""
    home, city, report = folder / "home", folder / "city", folder / "report.jsonl"
    run_stage("init", ["init", str(home)])
    at_home = ["--home", str(home), "--json"]
    stages = [
        run_stage(
            "sample",
            [
                "sample",
                "--people",
                str(people),
                "--seed",
                str(seed),
                "--out",
                str(city),
                "--dirty",
                str(dirty),
            ],
        ),
        run_stage(
            "import",
            [
                *("issuer", "import", str(city), "--report", str(report)),
                *("--max-quarantined", str(people if dirty else 0), *at_home),
            ],
        ),
        run_stage("mint", ["issuer", "mint", "--all", *at_home]),
        run_stage("checkpoint", ["ledger", "checkpoint", "--home", str(home)]),
        run_stage("check", ["ledger", "check", *at_home]),
    ]
    imported, minted, checked = (json.loads(stages[at].output) for at in (1, 2, 4))
    texts = list(_random_papers(home, verified, random.Random(seed)))
    listed = folder / "papers"
    listed.write_text("\n".join(texts) + "\n")
    trust = ["--trust", str(home / "trust"), "--static"]
    stages.append(run_stage("verify", ["verify", "--list", str(listed), *trust], allowed=(0, 3, 4)))
    judged = [json.loads(line) for line in stages[-1].output.splitlines()]
    return City(
        persons=imported["persons"],
        quarantined=imported["quarantined"],
        named=_named(report),
        minted=minted["minted"],
        entries=checked["entries"],
        verified=sum(line["outcome"] == "valid" for line in judged),
        asked=len(texts),
        stages=tuple(stages),
        sizes={
            "snapshot": _size(home / "snapshots"),
            "register": _size(home, "register.db*"),
            "ledger": _size(home / "ledger"),
        },
    )


def _random_papers(home_path: Path, count: int, chance: random.Random) -> Iterator[str]:
    """The QR texts of papers of random people."""
    home = Home(home_path)
    snapshot, register, ledger, seal_key = home.snapshot(), home.register(), home.ledger(), home.seal_key()
    try:
        numbers = list(snapshot.person_nos())
        for number in chance.sample(numbers, min(count, len(numbers))):
            row = register.of_person(number)[0]
            tree = claims_tree_of(row, snapshot.claims(number).claims, seal_key=seal_key)
            yield encode_qr_text(encode_shown(row, tree, paper_slots(tree), proof_of_row(ledger, row)))
    finally:
        ledger.close()
        register.close()


def _named(report: Path) -> int:
    lines = report.read_text("utf-8").splitlines() if report.exists() else []
    return len({json.loads(line)["person_no"] for line in lines} - {None})


def _size(folder: Path, pattern: str = "*") -> int:
    return sum(path.stat().st_size for path in folder.glob(pattern) if path.is_file())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=950_000)
    parser.add_argument("--dirty", type=float, default=0.0, help="share of persons with an error")
    parser.add_argument(
        "--folder", type=Path, default=None, help="where to work; a temporary folder by default"
    )
    parser.add_argument("--keep", action="store_true", help="leave the files there")
    arguments = parser.parse_args()
    if arguments.folder is not None:
        arguments.folder.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="city-", dir=arguments.folder))
    try:
        print(run_city(folder, people=arguments.people, dirty=arguments.dirty).table())
    finally:
        if arguments.keep:
            print(f"kept in {folder}")
        else:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
