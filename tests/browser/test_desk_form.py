"""Forms on the desk: filled with what was verified, and refused in words where their code would fit no picture."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from certificate.texts import reason_text
from ledger.reasons import Reason
from tests.browser.cases import Case
from tests.browser.hosting import open_desk, served_desk, show_text
from tests.browser.pages import Watch
from tests.template.test_forms import everything
from tests.world import World
from verifier.trust_dir import ROOT_KEYS_NAME, format_root_keys


@pytest.fixture
def tab(context: BrowserContext) -> Page:
    return context.new_page()


def paper_of(name: str, most: int) -> Case:
    """Paper that shows the first `most` of many claims, among them `name`, with a form in the bundle."""
    world = World()
    registry = world.body().registry
    tree = world.tree({registry.slot_of(claim): value for claim, value in everything(name).items()})
    body = world.body(paper=True, claims_root=tree.root())
    shown = world.certificate(body, tree=tree, slots=tree.slots[:most])
    files = world.bundle_files(others=world.log.held_files())
    files[ROOT_KEYS_NAME] = format_root_keys([world.root.public_key]).encode()
    return Case(shown, None, files).with_template("identity.24")


@pytest.mark.parametrize("name", ["测试甲", "<img src=x onerror=alert(1)>"])
def test_the_form_holds_what_was_verified(tab: Page, tmp_path: Path, name: str) -> None:
    case = paper_of(name, 20)
    with served_desk(tmp_path, case.files) as desk:
        watch = Watch(tab, desk.url)
        open_desk(tab, desk)
        show_text(tab, case)
        tab.locator("[data-action=form]").click()
        sheet = tab.locator("dialog .sheet")
        expect(sheet.locator("svg.code-picture")).to_have_count(1)
        assert name in sheet.locator("td bdi").all_text_contents()
        assert sheet.locator("img, script, a").count() == 0
        watch.assert_quiet()


def test_a_code_that_fits_no_picture_is_said_in_words(tab: Page, tmp_path: Path) -> None:
    case = paper_of("测试甲", 400)
    with served_desk(tmp_path, case.files) as desk:
        watch = Watch(tab, desk.url)
        open_desk(tab, desk)
        show_text(tab, case)
        tab.locator("[data-action=form]").click()
        expect(tab.locator("dialog .sheet")).to_have_text(reason_text(Reason.QR_TOO_LARGE, "zh"))
        watch.assert_quiet()
