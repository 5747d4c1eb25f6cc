"""Page and library say the same of the same: outcome, reason, every step, notes, claims, policies, in both languages.

The Python side judges first; Chromium gets bytes, bundle, clock and memory, and each word of its report is compared,
and what it remembers.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.attacks.marking import attack
from tests.browser.conformance.answers import add_policies
from tests.browser.conformance.bench import Bench
from tests.browser.conformance.boundaries import add_edged_bundles, add_edges
from tests.browser.conformance.broken import add_broken, add_endorsed
from tests.browser.conformance.chromium import PageVerifier, judged_alike
from tests.browser.conformance.corpus import Corpus
from tests.browser.conformance.generated import add_dated, add_golden, add_resigned
from tests.browser.conformance.mutated import PAPER, add_mutated
from tests.browser.pages import run
from tests.browser.site import Site
from tests.world import World
from verifier.report import Outcome

ROOT = Path(__file__).parents[3]
MAX_MS = 1000.0
# What of the suite is listened to: files whose calls of `verify` and `parse_bundle` become cases.
HEARD = (
    "tests/attacks/test_a_texts.py",
    "tests/attacks/test_p_disclosures.py",
    "tests/attacks/test_p_holder.py",
)
FULL_HEARD = (
    *HEARD,
    *(
        f"tests/attacks/test_{name}.py"
        for name in ("a", "a_second_signature", "a_signatures", "l", "p", "p_verifier", "s", "w")
    ),
    *("tests/verifier", "tests/trust", "tests/policy", "tests/template"),
    "tests/browser/conformance/hostile_cases.py",
)


def heard(path: Path, files: tuple[str, ...], each: int) -> Corpus:
    """The cases of other tests, at most `each` of one test."""
    plugin = "tests.browser.conformance.recording"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", plugin, "-n", "0"]
    command += ["--record", str(path), "--record-each", str(each), *files]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout[-2000:]
    made = json.loads(path.read_text())
    return Corpus(made["blobs"], made["bundles"], made["cases"])


def test_what_other_tests_judge(verifier: PageVerifier, full: bool, tmp_path: Path) -> None:
    corpus = heard(tmp_path / "corpus", FULL_HEARD if full else HEARD, 1000 if full else 2)
    assert len(corpus.cases) > (7_000 if full else 150)
    assert len({case["zh"]["reason"] for case in corpus.cases}) > 30
    judged_alike(verifier, corpus)


@attack("P31")
def test_golden_and_broken_cases_of_three_bureaus(verifier: PageVerifier, full: bool) -> None:
    bench = Bench()
    add_golden(bench, 3_002 if full else 76)
    judged_alike(verifier, bench.corpus)


@pytest.mark.parametrize("seed", [1, 2])
def test_rightly_signed_and_odd(verifier: PageVerifier, full: bool, seed: int) -> None:
    bench = Bench()
    add_resigned(bench, 3_000 if full else 66, seed=seed)
    assert len({case["zh"]["reason"] for case in bench.corpus.cases}) > 10
    judged_alike(verifier, bench.corpus)


def test_every_edge_in_every_place(verifier: PageVerifier, full: bool) -> None:
    """All of them with `--full`, one in ninety else."""
    bench = Bench()
    add_edges(bench, 1 if full else 90)
    add_edged_bundles(bench, 1 if full else 90)
    assert len(bench.corpus.cases) > (4_900 if full else 40)
    judged_alike(verifier, bench.corpus)


def test_other_days_and_memories(verifier: PageVerifier, full: bool) -> None:
    bench = Bench()
    add_dated(bench, 2_000 if full else 60, seed=1)
    judged_alike(verifier, bench.corpus)


def test_answers_to_policies(verifier: PageVerifier, full: bool) -> None:
    bench = Bench()
    add_policies(bench, 2_000 if full else 60, seed=1)
    answers = Counter(row["answer"] for case in bench.corpus.cases for row in case["zh"]["policies"])
    assert min(answers[answer] for answer in ("true", "false", "undetermined")) > (100 if full else 2)
    judged_alike(verifier, bench.corpus)


def test_broken_bundles(verifier: PageVerifier, full: bool) -> None:
    bench = Bench()
    add_broken(bench, 2_000 if full else 80, seed=1)
    add_endorsed(bench, 1_000 if full else 60, seed=1)
    assert len({bundle["reason"] for bundle in bench.corpus.bundles}) > 8
    judged_alike(verifier, bench.corpus)


_ODD = """async ({ verify }, { parseBundle }, { STATIC }, { MemorySeen }, { fromHex }, [files, rootKeys]) => {
  const contents = new Map(Object.entries(files).map(([name, data]) => [name, fromHex(data)]));
  const trust = await parseBundle(contents, { rootKeys: rootKeys.map(fromHex) });
  const bytes = new Uint8Array(3);
  const odd = [
    null, undefined, true, 1, 1n, "TS1:", {}, new Date(), () => bytes, Symbol("x"), new Map(), new ArrayBuffer(3),
    new Int8Array(3), new DataView(new ArrayBuffer(3)), { length: 1, 0: bytes }, [null], [[bytes]], ["TS1:"],
    [bytes, undefined], new Set([bytes]), new Array(2), new Array(1e6).fill(null), [], new Array(17).fill(bytes),
  ];
  const said = [];
  for (const data of odd) {
    const report = await verify(data, { trust, now: 1, expect: STATIC, seen: new MemorySeen() });
    said.push([report.outcome, report.reason, report.steps.map((step) => step.outcome).join()]);
  }
  return said;
}"""


def test_what_is_no_bytes_is_refused(page: Page, site: Site) -> None:
    world = World()
    files = {name: data.hex() for name, data in world.bundle_files().items()}
    paths = ["verifier/verify", "verifier/trust", "verifier/expect", "verifier/seen", "ledger/digest"]
    modules = [f"/{path}.js" for path in paths]
    said = run(page, site, modules, _ODD, [files, [world.root.public_key.hex()]])
    steps = ",".join(["no"] + ["not run"] * 10)
    expected = ["schema.field_type"] * 22 + ["enc.too_large"] * 2
    assert said == [["invalid", reason, steps] for reason in expected]


def test_mutations_neither_crash_nor_pass(verifier: PageVerifier, full: bool) -> None:
    """10,000 changed answers and copies (`--full`; 300 else): refused for the same reason, each within a second.

    A copy may come with other signatures of its checkpoint beside the right ones: those count for nothing.
    """
    bench, count = Bench(), 10_000 if full else 300
    add_mutated(bench, count, seed=1)
    corpus = bench.corpus
    said = judged_alike(verifier, corpus)
    assert len(said) == count + 3
    passed = [
        case["name"]
        for case, one in zip(corpus.cases, said, strict=True)
        if one["zh"]["outcome"] == Outcome.VALID
    ]
    assert set(passed[3:]) <= {PAPER}
    assert len(passed) < 3 + count // 20
    assert max(one["ms"] for one in said) < MAX_MS
