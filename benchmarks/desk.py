"""The desk page in Chromium: one verification, and a batch of a thousand.

    python -m benchmarks.desk [--count 1000] [--singles 60]

Everything is what a clerk's browser runs: the product's files and headers from a server on loopback, the trust bundle
of the tests' world, distinct answers of distinct holders to one counter request. `single` is the judgement alone, one
after the other; `batch` is from the choice of a list of JSON lines to the table.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from playwright.sync_api import Browser, sync_playwright

from certificate.qr_text import encode_qr_text
from tests.browser.chromium import FLAGS, find_chromium
from tests.browser.desks import OpenDesk, opened_desk, served_desk
from tests.browser.town import DeskTown
from tests.world import SECONDS
from verifier.trust_dir import ROOT_KEYS_NAME

__all__ = ["DeskRun", "main", "run_desk"]

_SINGLES = """async ({ answers, request, files, root, now }) => {
  const paths = ["desk/judging.js", "verifier/seen_store.js", "verifier/trust.js", "ledger/digest.js"];
  const modules = await Promise.all(paths.map((path) => import(new URL(path, document.baseURI))));
  const [{ judge }, { openSeenStore }, { parseBundle }, { fromHex }] = modules;
  const opened = new Map(files.map(([name, data]) => [name, fromHex(data)]));
  const trust = await parseBundle(opened, { rootKeys: [fromHex(root)] });
  const desk = { trust, seen: await openSeenStore(), now: () => now };
  const times = [];
  for (const answer of answers) {
    const parts = [fromHex(answer)];
    const from = performance.now();
    const { report } = await judge(desk, parts, fromHex(request));
    times.push(performance.now() - from);
    if (report.outcome !== "valid") throw new Error(report.reason);
  }
  return times;
}"""


@dataclass(frozen=True, slots=True)
class DeskRun:
    """Milliseconds of the first and of the median single verification, seconds of the batch, how many were valid."""

    first: float
    single: float
    count: int
    batch: float
    valid: int

    def line(self) -> str:
        return (
            f"one verification: {self.single:.1f} ms (the first {self.first:.0f} ms); {self.count:,} in a batch: "
            f"{self.batch:.1f} s, {self.valid:,} valid, {self.count / self.batch:,.0f} a second"
        )


def run_desk(browser: Browser, *, count: int = 1000, singles: int = 60) -> DeskRun:
    """Measure in `browser` with `count` answers in a batch and `singles` one by one."""
    town = DeskTown(names=[f"测试{number}" for number in range(count + singles)])
    request = town.request(nonce=None, desk="03")
    answers = [person.answer(request, lifetime=5) for person in town.people]
    with served_desk(town, requests=[request]) as site, opened_desk(browser, site) as desk:
        files = [[name, data.hex()] for name, data in town.trust_files().items() if name != ROOT_KEYS_NAME]
        given = {
            "answers": [answer.hex() for answer in answers[:singles]],
            "request": request.hex(),
            "files": files,
            "root": town.world.root.public_key.hex(),
            "now": SECONDS,
        }
        times: list[float] = desk.page.evaluate(_SINGLES, given)
        seconds, valid = _batch(desk, answers[singles:])
    return DeskRun(times[0], statistics.median(times), count, seconds, valid)


def _batch(desk: OpenDesk, answers: Sequence[bytes]) -> tuple[float, int]:
    rows = [{"reference": str(at), "answer": encode_qr_text(answer)} for at, answer in enumerate(answers)]
    listed = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    desk.page.locator("a[href='#batch']").click()
    begun = time.monotonic()
    desk.page.locator("[data-batch=files]").set_input_files(
        {"name": "answers.jsonl", "mimeType": "application/x-ndjson", "buffer": listed}
    )
    desk.page.locator("[data-told=batch_done]").wait_for(timeout=300_000)
    seconds = time.monotonic() - begun
    counts = re.findall(r"\d+", desk.page.locator("[data-batch=message]").inner_text())
    return seconds, int(counts[1])  # "12 in all: 12 valid, ..."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--singles", type=int, default=60)
    arguments = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        print(run_desk(browser, count=arguments.count, singles=arguments.singles).line())
        browser.close()


if __name__ == "__main__":
    main()
