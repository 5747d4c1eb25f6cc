"""A counter whose network is cut once the desk was opened: all ways in, two applicants at once, a bundle by stick."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright

from certificate.certificate import parse_certificate
from certificate.qr_text import encode_file_text, encode_qr_text
from certificate.request import matching_digits, parse_request
from issuer.paper import draw_paper
from tests.browser.chromium import FLAGS, find_chromium
from tests.browser.desks import OpenDesk, opened_desk, served_desk
from tests.browser.pictures import degraded, jpeg, save_video
from tests.browser.town import DeskTown
from tests.browser.typing import key_events, type_events
from tests.world import SECONDS


@pytest.fixture(scope="module")
def requests(town: DeskTown) -> list[bytes]:
    """The stand's request, and a stack of four."""
    return [town.request(nonce=None, desk="03"), *(town.request(number) for number in range(1, 5))]


@pytest.fixture(scope="module")
def cut_off(browser: Browser, town: DeskTown, requests: list[bytes]) -> Iterator[OpenDesk]:
    """A desk that was opened once; since then there is no network and no server."""
    with served_desk(town, requests=requests) as site, opened_desk(browser, site) as opened:
        opened.cut_network()
        yield opened


@pytest.fixture
def desk(cut_off: OpenDesk) -> OpenDesk:
    """The same, its page loaded again: nobody is in the queue."""
    cut_off.page.goto(f"{cut_off.site.url}/")
    cut_off.page.locator("[data-scan=camera]").wait_for()
    return cut_off


def picture(text: str) -> dict[str, object]:
    return {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": jpeg(degraded(text))}


def test_all_ways_in_without_a_network(
    desk: OpenDesk, town: DeskTown, requests: list[bytes], tmp_path: Path
) -> None:
    one, two = town.people
    desk.choose(picture(encode_qr_text(one.answer(requests[0], lifetime=5))))
    desk.verdict("valid")
    pdf = tmp_path / "paper.pdf"
    pdf.write_bytes(draw_paper(town.paper, "zh"))
    desk.choose(pdf)
    assert "identity document" in desk.verdict("static").inner_text()
    type_events(desk.page, key_events(two.answer_text(requests[3])))
    desk.verdict("valid")
    desk.page.get_by_text("Paste text").click()
    desk.page.locator("textarea").fill(encode_file_text(two.answer(requests[4])))
    desk.page.locator("[data-scan=read]").click()
    desk.page.locator("[data-card='4']").wait_for()
    desk.verdict("valid")
    desk.page.locator("textarea").fill("https://example.test/verify?x=TS1")
    desk.page.locator("[data-scan=read]").click()
    assert desk.page.locator(".scan__message[data-told=foreign]").is_visible()
    assert desk.page.locator("a[href*='example.test']").count() == 0, "nothing scanned becomes a link"


def test_spaces_that_a_scanner_dropped_from_the_signature_are_put_back(
    desk: OpenDesk, town: DeskTown
) -> None:
    stand = town.request(nonce=None, desk="03")
    person = town.people[0]
    answers = (encode_qr_text(person.answer(stand, issued=SECONDS - at, lifetime=5)) for at in range(200))
    text = next(text for text in answers if "  " in text[-96:])
    type_events(desk.page, key_events(re.sub(" +", " ", text)))
    desk.verdict("valid")
    assert desk.page.locator(".scan__message[data-told=mended_spaces]").is_visible()


def test_two_applicants_at_once_have_their_own_codes_and_cards(
    desk: OpenDesk, town: DeskTown, requests: list[bytes]
) -> None:
    page = desk.page
    asked = []
    for request in requests[1:3]:
        page.locator("[data-queue=next]").click()
        shown = page.locator(f"#queue [data-request='{parse_request(request).digest().hex()}']")
        shown.wait_for()
        asked.append(request)
        assert shown.locator("[data-digits]").inner_text() == matching_digits(parse_request(request).digest())
    one, two = town.people
    type_events(page, key_events(two.answer_text(asked[1])))
    page.locator("[data-card='2'].queue__tab--valid").wait_for()
    assert page.locator("[data-card='1']").get_attribute("class") == "queue__tab queue__tab--waiting"
    page.locator("[data-card='2']").click()  # whatever is looked at
    type_events(page, key_events(one.answer_text(asked[0])))
    page.locator("[data-card='1'].queue__tab--valid").wait_for()
    assert page.locator("[data-card='1']").get_attribute("aria-current") == "true"
    for number, person in ((1, one), (2, two)):
        page.locator(f"[data-card='{number}']").click()
        mine = parse_certificate(person.certificate).body.number
        page.locator("#queue").get_by_text(mine).first.wait_for()


def test_a_newer_bundle_comes_by_stick_and_an_older_one_does_not(
    desk: OpenDesk, town: DeskTown, tmp_path: Path
) -> None:
    town.save_trust(tmp_path / "newer", version=2, issued=SECONDS - 60)
    town.save_trust(tmp_path / "older", version=1, issued=SECONDS - 7200)
    page = desk.page
    page.locator(".tabs__tab[href='#about']").click()
    for folder, told in (("newer", "The trust bundle is now that of"), ("older", "Not updated")):
        page.locator("#trust-folder").set_input_files(tmp_path / folder)
        page.locator("#about").get_by_text(told).first.wait_for()
        assert "Version\n2" in page.locator("#about").inner_text()


def test_a_phone_before_the_camera_without_a_network(
    playwright: Playwright, town: DeskTown, requests: list[bytes], tmp_path: Path
) -> None:
    video = tmp_path / "phone.mjpeg"
    save_video(video, degraded(encode_qr_text(town.people[0].answer(requests[0], lifetime=5)), scale=6))
    camera = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={video}",
    ]
    browser = playwright.chromium.launch(executable_path=find_chromium(), args=[*FLAGS, *camera])
    with served_desk(town, requests=requests) as site, opened_desk(browser, site) as desk:
        desk.cut_network()
        desk.page.locator("[data-scan=camera]").click()
        desk.verdict("valid")
        desk.page.wait_for_timeout(500)
        assert desk.page.locator("[data-card]").count() == 1, "one card, however long it is held there"
        desk.page.locator("[data-scan=camera]").click()
        assert desk.page.locator("video").count() == 0
    browser.close()
