"""Evidence files that the page lets people keep: the bytes the library makes, judged by `tally verify --evidence`."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from ledger.errors import ProjectError
from tests.attacks.commands import tally
from tests.browser.pages import run
from tests.browser.site import Site
from tests.browser.town import DeskTown
from tests.browser.verifying import MODULES as VERIFYING
from tests.world import DAY, NOW, SECONDS
from verifier.expect import STATIC, Asked
from verifier.filing import file_verification, judge_filed, parse_filed
from verifier.render import report_json
from verifier.seen import MemorySeen
from verifier.trust import parse_bundle
from verifier.trust_dir import ROOT_KEYS_NAME, format_root_keys, save_bundle_files
from verifier.verify import verify

MODULES = [*VERIFYING, "/verifier/filing.js"]
FILE = """async (trust, verify, expect, seen, render, digest, { fileVerification }, input) => {
  const { fromHex, hex } = digest;
  const files = new Map(Object.entries(input.files).map(([name, data]) => [name, fromHex(data)]));
  const opened = await trust.parseBundle(files, { rootKeys: input.rootKeys.map(fromHex) });
  const request = input.request === null ? null : fromHex(input.request);
  const shown = input.shown.map(fromHex);
  const expected = request === null ? expect.STATIC : new expect.Asked(request);
  const options = { trust: opened, now: input.now, expect: expected, seen: new seen.MemorySeen() };
  const report = await verify.verify(shown, options);
  return hex(await fileVerification(report, shown, { request, trust: opened, now: input.now }));
}"""
JUDGE = """async (trust, verify, expect, seen, render, digest, { judgeFiled, parseFiled }, input) => {
  const { fromHex } = digest;
  const files = new Map(Object.entries(input.files).map(([name, data]) => [name, fromHex(data)]));
  const opened = await trust.parseBundle(files, { rootKeys: input.rootKeys.map(fromHex) });
  const told = [];
  for (const file of input.filed) {
    try {
      const report = await judgeFiled(await parseFiled(fromHex(file)), { trust: opened, now: input.now });
      told.push(render.reportJson(report, "en"));
    } catch (error) {
      told.push(error.reason ?? String(error));
    }
  }
  return told;
}"""


def ground(town: DeskTown, *, now: int = SECONDS) -> dict[str, Any]:
    """A bundle cut shortly before `now` as the page takes it."""
    world = town.world
    files = world.bundle_files(
        issued=now - 60, expires=now + 8 * DAY, others=world.log.held_files(time=now - 7200)
    )
    return {"files": files, "root_keys": [world.root.public_key]}


def to_json(bundle: dict[str, Any]) -> dict[str, Any]:
    return {
        "files": {name: data.hex() for name, data in bundle["files"].items()},
        "rootKeys": [key.hex() for key in bundle["root_keys"]],
    }


def filed_in_page(page: Page, site: Site, town: DeskTown, shown: list[bytes], request: bytes | None) -> bytes:
    data = to_json(ground(town)) | {
        "request": None if request is None else request.hex(),
        "shown": [one.hex() for one in shown],
        "now": SECONDS,
    }
    return bytes.fromhex(run(page, site, MODULES, FILE, data))


@pytest.mark.parametrize("case", ["one", "text", "two", "paper", "wrong"])
def test_the_pages_file_is_the_librarys_and_is_judged_by_the_command(
    page: Page, site: Site, town: DeskTown, tmp_path: Path, case: str
) -> None:
    request: bytes | None = town.request(1)
    assert request is not None
    one, other = (person.answer(request) for person in town.people)
    shown = {
        "one": [one],
        "text": [town.people[0].answer_text(request).encode()],
        "two": [one, other],
        "paper": [town.paper],
        "wrong": [one[:-1] + bytes((one[-1] ^ 1,))],
    }[case]
    if case == "paper":
        request = None
    data = filed_in_page(page, site, town, shown, request)
    trust = parse_bundle(**ground(town))
    expect = STATIC if request is None else Asked(request)
    report = verify(shown, trust=trust, now=NOW, expect=expect, seen=MemorySeen())
    assert data == file_verification(report, shown, request=request, trust=trust, now=NOW)

    now = int(time.time())
    today = ground(town, now=now)
    keys = format_root_keys(today["root_keys"]).encode()
    save_bundle_files(tmp_path / "trust", today["files"] | {ROOT_KEYS_NAME: keys})
    (tmp_path / "evidence.cbor").write_bytes(data)
    ran = tally("verify", "--evidence", tmp_path / "evidence.cbor", "--trust", tmp_path / "trust", "--json")
    assert (ran.json["outcome"], ran.json["reason"]) == (report.outcome.value, report.reason)


def test_a_file_is_judged_in_the_page_as_in_the_library(page: Page, site: Site, town: DeskTown) -> None:
    """Ten years later, whole and with single bytes changed."""
    request = town.request(1)
    shown = [town.people[0].answer(request)]
    trust = parse_bundle(**ground(town))
    report = verify(shown, trust=trust, now=NOW, expect=Asked(request), seen=MemorySeen())
    data = file_verification(report, shown, request=request, trust=trust, now=NOW)
    later = SECONDS + 3650 * DAY
    files = [data, *(data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :] for at in range(0, len(data), 29))]
    bundle = ground(town, now=later)
    told = run(
        page,
        site,
        MODULES,
        JUDGE,
        to_json(bundle) | {"filed": [file.hex() for file in files], "now": later},
    )
    opened = parse_bundle(**bundle)
    expected: list[object] = []
    for file in files:
        try:
            again = judge_filed(parse_filed(file), trust=opened, now=datetime.fromtimestamp(later, UTC))
            expected.append(report_json(again, "en"))
        except ProjectError as exc:
            expected.append(exc.reason.value)
    assert told == expected
    assert told[0]["outcome"] == "valid"
