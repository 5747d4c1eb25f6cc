"""The eleven steps in Chromium: the whole report is that of the Python side."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page

from tests.browser.site import Site
from tests.browser.town import DeskTown
from tests.browser.verifying import Shown, open_bundle, verify_in_page
from tests.world import DAY, SECONDS
from verifier.expect import STATIC, Asked, Subject
from verifier.render import report_json
from verifier.seen import MemorySeen
from verifier.trust import parse_bundle
from verifier.verify import verify


def bundle(town: DeskTown) -> tuple[dict[str, bytes], list[bytes]]:
    files = town.trust_files()
    files.pop("root.keys")
    return files, [town.world.root.public_key]


def python_reports(town: DeskTown, shown: list[Shown], language: str) -> list[dict[str, object]]:
    files, keys = bundle(town)
    reports = []
    for one in shown:
        subject = Subject(one.name, one.id_tail)
        expect = STATIC if one.request is None else Asked(one.request, subject)
        data = one.data[0] if len(one.data) == 1 else list(one.data)
        report = verify(
            data,
            trust=parse_bundle(files, root_keys=keys),
            now=datetime.fromtimestamp(one.now, UTC),
            expect=expect,
            seen=MemorySeen(),
        )
        reports.append(report_json(report, "zh" if language == "zh" else "en"))
    return reports


def cases(town: DeskTown) -> list[Shown]:
    request, other = town.request(1), town.request(2)
    answer = town.people[0].answer(request)
    text = town.people[0].answer_text(request).encode()
    name = "\uff21\uff22 \u6d4b"
    printed = town.request(3, nonce=None, desk="3")
    at_counter = town.people[0].answer(printed, issued=SECONDS, lifetime=60)
    later = town.people[0].answer(request, issued=SECONDS + 301)
    return [
        Shown([answer], request, SECONDS),
        Shown([text], request, SECONDS),
        Shown([answer], other, SECONDS),
        Shown([answer, town.people[1].answer(request)], request, SECONDS),
        Shown([town.paper], None, SECONDS),
        Shown([answer], None, SECONDS),
        Shown([town.paper], request, SECONDS),
        Shown([answer], request, SECONDS, name="\u6d4b\u8bd5\u7532"),
        Shown([answer], request, SECONDS, name=name),
        *(
            Shown([answer], request, SECONDS + days * DAY)
            for days in (-400, -2, -1, 1, 2, 5, 8, 9, 50, 200, 500)
        ),
        *(Shown([answer[:size]], request, SECONDS) for size in (0, 1, 2, 200, len(answer) - 1)),
        *(Shown([at_counter], printed, SECONDS + seconds) for seconds in (-301, -300, 0, 299, 300, 3599)),
        *(Shown([later], request, SECONDS + seconds) for seconds in (0, 1, 900, 901)),
        Shown([text[:-1]], request, SECONDS),
        Shown([b"http://example.test/TS1:"], request, SECONDS),
        Shown([answer] * 16, request, SECONDS),
        Shown([answer] * 17, request, SECONDS),
        Shown([], request, SECONDS),
        Shown([answer], b"\xd2\x84", SECONDS),
    ]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_in_the_page_is_the_report_of_the_library(
    page: Page, site: Site, town: DeskTown, language: str
) -> None:
    shown = cases(town)
    told = verify_in_page(page, site, *bundle(town), shown, language=language)
    expected = python_reports(town, shown, language)
    assert len({str(report["reason"]) for report in expected}) > 10
    assert told == expected


def test_an_answer_is_taken_once(page: Page, site: Site, town: DeskTown) -> None:
    request = town.request(1)
    shown = [Shown([person.answer(request)], request, SECONDS) for person in town.people]
    told = verify_in_page(page, site, *bundle(town), [*shown, *shown], remember=True)
    assert [report["reason"] for report in told] == [None, None, "pres.nonce_replayed", "pres.nonce_replayed"]


def test_a_bundle_of_another_root_opens_with_nothing(page: Page, site: Site, town: DeskTown) -> None:
    files, _ = bundle(town)
    assert open_bundle(page, site, files, [town.people[0].key.public_key]) == "trust.bundle_sig_invalid"
    assert open_bundle(page, site, files, []) == "trust.bundle_sig_invalid"
    changed = {**files, "policy.txt": files["policy.txt"] + b"\n"}
    assert open_bundle(page, site, changed, [town.world.root.public_key]) == "trust.bundle_sig_invalid"
