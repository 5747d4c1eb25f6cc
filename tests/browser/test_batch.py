"""Many answers at once in the page: each judged by its own request, results to take away, judged again by Python."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from certificate.qr_text import encode_file_text, encode_qr_text
from tests.attacks.marking import attack
from tests.browser.desks import OpenDesk, opened_desk, served_desk
from tests.browser.pictures import drawn, png
from tests.browser.town import DeskTown
from tests.world import SECONDS
from verifier.filing import judge_filed, parse_filed
from verifier.report import Outcome
from verifier.trust import parse_bundle

FORMULA = "=HYPERLINK(1)"


@pytest.fixture(scope="module")
def desk(browser: Browser, town: DeskTown) -> Iterator[OpenDesk]:
    requests = [town.request(number) for number in range(1, 5)]
    with served_desk(town, requests=requests) as site, opened_desk(browser, site) as opened:
        opened.page.locator("a[href='#batch']").click()
        yield opened


def saved(desk: OpenDesk, name: str) -> bytes:
    """What the button `name` gives to download."""
    with desk.page.expect_download() as waiting:
        desk.page.locator(f"button[data-batch={name}]").click()
    return Path(waiting.value.path()).read_bytes()


def judged(desk: OpenDesk, files: list[dict[str, object]]) -> str:
    desk.page.locator("[data-batch=files]").set_input_files(files)  # type: ignore[arg-type]  # payloads
    desk.page.locator("#batch [data-told=batch_done]").wait_for()
    return desk.page.locator("[data-batch=message]").inner_text()


@attack("A37")
def test_a37_a_list_is_judged_and_its_table_holds_no_formula(desk: OpenDesk, town: DeskTown) -> None:
    one, two = town.people
    answers = [
        (FORMULA, one.answer_text(town.request(1))),
        ("<script>alert(1)</script>", encode_file_text(two.answer(town.request(2)))),
        ("{{7*7}}", one.answer_text(town.request(9))),
        ("paper", encode_qr_text(town.paper)),
        ("nothing", "TS1:NOTHING"),
    ]
    table = io.StringIO(newline="")
    csv.writer(table).writerows([("who", "answer"), *answers])
    message = judged(
        desk, [{"name": "list.csv", "mimeType": "text/csv", "buffer": table.getvalue().encode()}]
    )
    assert message.startswith("5 in all: 3 valid, 2 invalid")

    rows = list(csv.DictReader(io.StringIO(saved(desk, "batch_csv").decode("utf-8-sig"))))
    outcomes = [row["outcome"] for row in rows]
    assert outcomes == ["Valid", "Valid", "Invalid", "Valid paper copy", "Invalid"]
    assert rows[0]["source"] == f"'{FORMULA}"
    assert rows[2]["reason code"] == "pres.request_mismatch"
    reports = [json.loads(line) for line in saved(desk, "batch_jsonl").splitlines()]
    assert [report["file"] for report in reports] == [name for name, _ in answers]
    assert reports[0]["certificate"]["number"] == rows[0]["certificate number"]

    archive = zipfile.ZipFile(io.BytesIO(saved(desk, "batch_zip")))
    assert archive.namelist() == [row["verification file"] for row in rows if row["verification file"]]
    files = town.trust_files()
    files.pop("root.keys")
    trust = parse_bundle(files, root_keys=[town.world.root.public_key])
    later = datetime.fromtimestamp(SECONDS + 3600 * 24 * 3, UTC)
    again = judge_filed(parse_filed(archive.read(rows[0]["verification file"])), trust=trust, now=later)
    assert again.outcome is Outcome.VALID
    lines = desk.page.locator(".batch__list > li")
    assert lines.count() == 5
    assert desk.page.locator("#batch script").count() == 0
    lines.first.locator("summary").first.click()
    lines.first.locator("[data-verdict=valid]").wait_for()


def test_a_folder_of_pictures_and_files_is_judged(desk: OpenDesk, town: DeskTown) -> None:
    one, two = town.people
    files: list[dict[str, object]] = [
        {"name": "a.png", "mimeType": "image/png", "buffer": png(drawn(one.answer_text(town.request(3))))},
        {"name": "b.cose", "mimeType": "", "buffer": two.answer(town.request(4))},
        {"name": "c.png", "mimeType": "image/png", "buffer": png(drawn("TSQ1:NOTHING"))},
        {"name": "d.jpg", "mimeType": "image/jpeg", "buffer": b"\xff\xd8\xffno"},
        {"name": ".DS_Store", "mimeType": "", "buffer": b"\0\0"},
    ]
    assert judged(desk, files).startswith("4 in all: 2 valid, 2 invalid")
    reports = [json.loads(line) for line in saved(desk, "batch_jsonl").splitlines()]
    assert [report["reason"] for report in reports] == [None, None, "enc.prefix_unknown", "image.unreadable"]
    # What was judged valid was used: the same answers are a replay.
    assert judged(desk, files[:2]).startswith("2 in all: 0 valid, 2 invalid")
