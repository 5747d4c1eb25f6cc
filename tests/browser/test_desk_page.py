"""The whole page as its host serves it, in Chromium: from what is shown to the verdict, online and cut off."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from certificate.qr_text import encode_qr_text, encode_request_text
from certificate.request import matching_digits, parse_request
from tests.browser.cases import case_of
from tests.browser.hosting import Desk, open_desk, served_desk, show_text, without_copy
from tests.browser.pages import Watch
from tests.browser.seeing import axe_faults, overflow
from tests.world import NOW, SECONDS, World
from verifier.filing import judge_filed, parse_filed
from verifier.report import Outcome
from verifier.trust_dir import load_trust

# Others follow below, all are drawn in test_desk_card.py, and judged like Python's in the conformance tests.
_VERDICTS = {"static": "static", "forged": "invalid"}
_BUDGET = 200_000  # bytes of the first load, as transferred, without the scanner


@pytest.fixture
def tab(context: BrowserContext) -> Page:
    return without_copy(context)


def watched(tab: Page, desk: Desk) -> Watch:
    return Watch(tab, desk.url)


@pytest.mark.parametrize("name", _VERDICTS)
def test_what_is_shown_gets_its_verdict(tab: Page, tmp_path: Path, name: str) -> None:
    case = case_of(name)
    requests = [] if case.request is None else [case.request]
    with served_desk(tmp_path, case.files, requests=requests) as desk:
        watch = watched(tab, desk)
        open_desk(tab, desk)
        show_text(tab, case)
        assert tab.locator(".verdict").get_attribute("data-verdict") == _VERDICTS[name]
        report = case.report("zh")
        texts = [step["text"].partition(" [")[0] for step in report["steps"]]
        assert tab.locator(".step__text").all_text_contents() == texts
        watch.assert_quiet()


def test_the_first_load_is_light(tab: Page, tmp_path: Path) -> None:
    """Without the scanner, which is fetched when it is wanted or once the page stands."""
    case = case_of("valid")
    sizes: dict[str, int] = {}

    def note(response: Any) -> None:
        sizes[response.url] = int(response.headers.get("content-length", "0"))

    with served_desk(tmp_path, case.files, requests=[case.request or b""]) as desk:
        tab.on("response", note)
        open_desk(tab, desk)
        page_files = {url: size for url, size in sizes.items() if "/trust/" not in url}
        assert not any("zxing" in url or "pdfjs" in url for url in page_files)
        assert sum(page_files.values()) < _BUDGET, sorted(page_files.items(), key=lambda one: -one[1])[:8]


def tab_to(tab: Page, selector: str, *, at_most: int = 60) -> None:
    """Press Tab until an element that matches has the focus, which has to be visible."""
    for _ in range(at_most):
        tab.keyboard.press("Tab")
        if tab.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            outline = tab.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"{selector} has no visible focus"
            return
    raise AssertionError(f"{selector} cannot be reached")


def test_a_clerk_needs_no_mouse(tab: Page, tmp_path: Path) -> None:
    case = case_of("no-list")
    with served_desk(tmp_path, case.files, requests=[case.request or b""]) as desk:
        open_desk(tab, desk)
        tab_to(tab, ".skip")
        tab_to(tab, "#trust a")
        tab_to(tab, "[data-language=en]")
        tab.keyboard.press("Enter")
        expect(tab.locator("h1")).to_have_text("Certificate desk")
        tab_to(tab, "#scan summary")
        tab.keyboard.press("Enter")
        tab_to(tab, "#scan textarea")
        tab.keyboard.insert_text(encode_qr_text(case.shown))
        tab_to(tab, "[data-scan=read]")
        tab.keyboard.press("Enter")
        expect(tab.locator(".verdict__word")).to_have_text("Cannot tell yet")
        tab_to(tab, "[data-action=update]")
        tab_to(tab, ".steps summary")
        tab.keyboard.press("Enter")
        expect(tab.locator(".steps__list")).to_be_visible()
        tab_to(tab, "[data-action=close]")
        tab.keyboard.press("Enter")
        expect(tab.locator(".verdict")).to_have_count(0)


def test_axe_finds_nothing_on_any_view(tab: Page, tmp_path: Path) -> None:
    """Two views in Chinese, light and wide, two in English, dark and narrow: each stands for the other.

    Nothing runs out of the page, at twice the text either.
    """
    case = case_of("not-posted")
    with served_desk(tmp_path, case.files, requests=[case.request or b""]) as desk:
        watch = watched(tab, desk)
        open_desk(tab, desk)
        show_text(tab, case)
        for language, scheme, width in (("zh", "light", 1280), ("en", "dark", 360)):
            tab.set_viewport_size({"width": width, "height": 800})
            tab.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]  # a literal
            tab.locator(f"[data-language={language}]").click()
            for view in ("counter", "batch", "later", "about"):
                tab.evaluate("(view) => { location.hash = view; }", view)
                expect(tab.locator(f"#{view}")).to_be_visible()
                if (language == "zh") is (view in ("counter", "about")):
                    assert axe_faults(tab) == [], (view, language)
                assert overflow(tab) == [], (view, language)
                tab.evaluate("() => { document.documentElement.style.fontSize = '200%'; }")
                assert overflow(tab) == [], (view, language, "200 %")
                tab.evaluate("() => { document.documentElement.style.fontSize = ''; }")
        watch.assert_quiet()


def test_the_language_is_remembered_and_redraws_all(tab: Page, tmp_path: Path) -> None:
    case = case_of("met")
    with served_desk(tmp_path, case.files, requests=[case.request or b""]) as desk:
        open_desk(tab, desk)
        show_text(tab, case)
        tab.locator("[data-language=en]").click()
        expect(tab.locator(".verdict__word")).to_have_text("Condition met")
        assert tab.evaluate("() => document.documentElement.lang") == "en"
        left = tab.evaluate(
            """() => [...document.querySelectorAll("header *, main *, footer *")]
              .filter((one) => one.children.length === 0 && one.checkVisibility())
              .map((one) => one.textContent).filter((text) => /[\\u4e00-\\u9fff]/.test(text))"""
        )
        assert set(left) <= {"中文", "测试甲", "测试规定"}, left
        tab.reload()
        expect(tab.locator("h1")).to_have_text("Certificate desk")


def test_what_waits_is_listed_with_its_follow_up_and_ends_by_itself(tab: Page, tmp_path: Path) -> None:
    case = case_of("not-posted")
    asked = case.request or b""
    with served_desk(tmp_path, case.files, requests=[asked], posts={"pension.emp": 20}) as desk:
        watch = watched(tab, desk)
        open_desk(tab, desk)
        show_text(tab, case)
        expect(tab.locator(".guidance__next")).to_contain_text("20 日")
        tab.locator("[data-action=later]").click()
        tab.locator("#later-until").fill("2026-12-31")
        tab.locator("#later-reference").fill("2026-0042")
        assert axe_faults(tab) == []
        tab.locator("dialog button[value=add]").click()
        expect(tab.locator("#later-count")).to_have_text("1")
        tab.evaluate("() => { location.hash = '#later'; }")
        entry = tab.locator("[data-entry]")
        expect(entry).to_contain_text("2026-12-31")
        expect(entry).to_contain_text("2026-09")
        assert "测试甲" not in tab.evaluate("() => JSON.stringify({ ...localStorage })")
        follow = {"name": "F.txt", "mimeType": "text/plain", "buffer": encode_request_text(asked).encode()}
        entry.locator("input[type=file]").set_input_files(follow)  # type: ignore[arg-type]  # a file in memory
        entry.get_by_text("显示请求码").click()
        expect(entry.locator(".digits")).to_have_text(matching_digits(parse_request(asked).digest()))
        expect(entry.locator("svg.code-picture")).to_be_visible()
        watch.assert_quiet()
        tab.clock.set_fixed_time(datetime(2027, 1, 1, 12, tzinfo=UTC))
        tab.reload()
        tab.wait_for_selector("html[data-desk=open]")
        expect(tab.locator("[data-entry]")).to_have_count(0)
        assert tab.evaluate("() => localStorage.getItem('desk.later')") == "[]"


def test_a_saved_verification_is_judged_again_by_the_program(tab: Page, tmp_path: Path) -> None:
    case = case_of("valid")
    with served_desk(tmp_path, case.files, requests=[case.request or b""]) as desk:
        open_desk(tab, desk)
        show_text(tab, case)
        with tab.expect_download() as saved:
            tab.locator("[data-action=save]").click()
        filed = parse_filed(saved.value.path().read_bytes())
    trust = load_trust(desk.trust)
    assert judge_filed(filed, trust=trust, now=NOW).outcome is Outcome.VALID
    assert filed.archive.time == SECONDS


def test_a_form_is_filled_and_printed_alone(tab: Page, tmp_path: Path) -> None:
    case = case_of("static")
    with served_desk(tmp_path, case.with_template("months.24").files) as desk:
        watch = watched(tab, desk)
        open_desk(tab, desk)
        show_text(tab, case)
        tab.locator("[data-action=form]").click()
        sheet = tab.locator("dialog .sheet")
        expect(sheet.locator("table tbody tr").first).to_be_visible()
        expect(sheet.locator("svg.code-picture")).to_have_count(1)
        assert axe_faults(tab) == []
        tab.emulate_media(media="print")
        assert not tab.locator(".verdict").is_visible()
        assert sheet.is_visible()
        tab.emulate_media(media="screen")
        tab.locator("dialog .buttons button").last.click()
        tab.emulate_media(media="print")
        assert tab.locator(".verdict").is_visible()
        assert not tab.locator("#scan").is_visible()
        assert not tab.locator("[data-action=print]").is_visible()
        watch.assert_quiet()


def test_the_poster_explains_and_holds_no_address(tab: Page, tmp_path: Path) -> None:
    world = World()
    stand = world.request(nonce=None, desk="3号窗口")
    with served_desk(tmp_path, case_of("static").files, requests=[stand]) as desk:
        watch = watched(tab, desk)
        tab.goto(f"{desk.url}/poster.html")
        expect(tab.locator("#digits")).to_have_text(matching_digits(parse_request(stand).digest()))
        text = tab.locator("main").inner_text()
        assert "不要使用印在纸上的任何网址" in text
        assert "Open the verifier from your own bookmark" in text
        assert "://" not in text
        assert tab.locator("main a").count() == 0
        assert axe_faults(tab) == []
        watch.assert_quiet()


def test_a_new_page_is_taken_whole_or_not_at_all(context: BrowserContext, tmp_path: Path) -> None:
    """A file that is not the one that was listed leaves the old copy; a whole new list replaces it."""
    tab = context.new_page()
    with served_desk(tmp_path, case_of("static").files) as desk:
        open_desk(tab, desk)
        expect(tab.locator("#offline[data-state=ready]")).to_be_visible(timeout=60_000)
        old = desk.server.files["desk/words_zh.js"]
        new = old.replace("参保证明核验台".encode(), "新版核验台".encode())
        listing = desk.server.files["precache.js"].decode()
        fresh = re.sub(r'"version": "\w+"', '"version": "next"', listing)
        desk.replace("precache.js", fresh.encode())
        desk.replace("desk/words_zh.js", new)
        tab.reload()
        tab.wait_for_selector("html[data-desk=open]")
        assert tab.evaluate(_WAIT_INSTALLED) == "redundant"
        expect(tab.locator("h1")).to_have_text("参保证明核验台")
        whole = fresh.replace(sha256(old).hexdigest(), sha256(new).hexdigest()).replace("next", "next2")
        desk.replace("precache.js", whole.encode())
        assert tab.evaluate(_WAIT_INSTALLED) == "installed"
        expect(tab.locator("#offline[data-state=new]")).to_be_visible()
        tab.locator("[data-action=use_now]").click()
        expect(tab.locator("h1")).to_have_text("新版核验台", timeout=30_000)


def test_it_can_be_installed(context: BrowserContext, tmp_path: Path) -> None:
    """By the browser's own word: manifest, icons and an offline copy are as it wants them."""
    tab = context.new_page()
    with served_desk(tmp_path, case_of("static").files) as desk:
        open_desk(tab, desk)
        expect(tab.locator("#offline[data-state=ready]")).to_be_visible(timeout=60_000)
        browser = tab.context.new_cdp_session(tab)
        assert browser.send("Page.getAppManifest")["errors"] == []
        found = browser.send("Page.getInstallabilityErrors")["installabilityErrors"]
        assert [error for error in found if error["errorId"] != "in-incognito"] == []


# What became of the newest worker that an update found.
_WAIT_INSTALLED = """async () => {
  const registration = await navigator.serviceWorker.getRegistration();
  await registration.update().catch(() => null);
  const worker = registration.installing ?? registration.waiting;
  if (!worker) return "redundant";
  while (worker.state === "installing") await new Promise((done) => setTimeout(done, 50));
  return worker.state;
}"""
