"""Bulk verification: how long half a year of a city takes, from a measured run.

    python -m benchmarks.verify_rate [--count 500000] [--distinct 20000] [--half-year 7749000] [--folder DIR]

Weihai's windows verified 7,749,000 certificates in half a year. `--distinct` persons are imported and minted as ever,
each gets a paper, and a list of `--count` lines, in which the papers come again in their order, is judged on all cores
by `tally verify --list`. A line takes 1.9 KB.

What comes again costs what it cost before: no verdict and no signature of a certificate is remembered. Each process
remembers, for all certificates of the bundle, the checkpoint's five signatures and the status list; and of shapes, not
of persons, the office's header, the plan of a tree by its shown slots, and the encoding of values with few spellings.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from benchmarks.stages import Stage, run_stage
from certificate.qr_text import encode_qr_text
from issuer.export import encode_shown, paper_slots, proof_of_row
from issuer.home import Home
from issuer.mint import claims_tree_of
from issuer.register import PAPER
from issuer.signing import mint_identity

__all__ = ["VerifyRun", "main", "run_verify_rate"]

_DISTINCT = 20_000  # papers; making each line's own would take longer than judging it


@dataclass(frozen=True, slots=True)
class VerifyRun:
    """A measured run: how many lines, how many of them valid, and the stage."""

    count: int
    valid: int
    stage: Stage

    def line(self, half_year: int) -> str:
        rate = self.count / self.stage.seconds
        return (
            f"{self.count:,} verified in {self.stage.seconds:,.0f} s ({self.valid:,} valid): {rate:,.0f} a second, "
            f"{self.stage.cpu / self.count * 1e6:,.0f} µs of processor each, peak {self.stage.peak / 2**20:,.0f} MiB; "
            f"{half_year:,} take {half_year / rate / 60:.1f} minutes"
        )


def run_verify_rate(folder: Path, *, count: int, people: int = _DISTINCT) -> VerifyRun:
    """Make a list of `count` papers of `people` persons in `folder`, and judge it."""
    home, city, listed, judged = (folder / name for name in ("home", "city", "papers", "judged"))
    run_stage("init", ["init", str(home)])
    run_stage("sample", ["sample", "--people", str(people), "--seed", "7", "--out", str(city)])
    run_stage("import", ["issuer", "import", str(city), "--home", str(home)])
    run_stage("mint", ["issuer", "mint", "--all", "--home", str(home)])
    with listed.open("w", encoding="ascii") as stream:
        stream.writelines(text + "\n" for text in islice(cycle(_papers(Home(home))), count))
    trust = ["--trust", str(home / "trust"), "--static"]
    stage = run_stage("verify", ["verify", "--list", str(listed), *trust])
    judged.write_text(stage.output)
    with judged.open(encoding="utf-8") as lines:
        valid = sum(json.loads(line)["outcome"] == "valid" for line in lines)
    return VerifyRun(count, valid, stage)


def _papers(home: Home) -> Iterator[str]:
    snapshot, register, ledger, seal_key = home.snapshot(), home.register(), home.ledger(), home.seal_key()
    try:
        for number in snapshot.person_nos():
            row = register.by_identity(mint_identity(number, PAPER, None, snapshot.cut_off, snapshot.digest))
            assert row is not None
            tree = claims_tree_of(row, snapshot.claims(number).claims, seal_key=seal_key)
            yield encode_qr_text(encode_shown(row, tree, paper_slots(tree), proof_of_row(ledger, row)))
    finally:
        ledger.close()
        register.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500_000)
    parser.add_argument("--distinct", type=int, default=_DISTINCT)
    parser.add_argument("--half-year", type=int, default=7_749_000)
    parser.add_argument(
        "--folder", type=Path, default=None, help="where to work; a temporary folder by default"
    )
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="verify-", dir=arguments.folder))
    try:
        print(
            run_verify_rate(folder, count=arguments.count, people=arguments.distinct).line(
                arguments.half_year
            )
        )
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
