"""The trust bundle on the page: replaced by newer ones only, pinned to its root keys; by site and by stick."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.attacks.marking import attack
from tests.browser.cases import case_of
from tests.browser.hosting import Desk, open_desk, served_desk, show_text, without_copy
from tests.browser.town import DeskTown
from tests.world import SECONDS, World, signer
from verifier.trust_dir import ROOT_KEYS_NAME, format_root_keys

_DAY = 86_400


@pytest.fixture(scope="module")
def bundles() -> DeskTown:
    return DeskTown()


@pytest.fixture
def tab(context: BrowserContext) -> Page:
    return without_copy(context)


def version(tab: Page) -> str:
    """The version of the bundle in use, as the page says it."""
    tab.evaluate("() => { location.hash = '#about'; }")
    return tab.locator("#trust-panel dd").nth(3).inner_text()


def update(tab: Page, desk: Desk, files: dict[str, bytes]) -> str:
    """Lay files on the host, press Update, and read what the page says."""
    desk.lay(files)
    tab.evaluate("() => { location.hash = '#about'; }")
    tab.locator("[data-action=trust_update]").click()
    return told(tab)


def told(tab: Page) -> str:
    line = tab.locator("#update-told")
    expect(line).not_to_have_text("")
    expect(line).not_to_have_text("正在更新……")
    return line.inner_text()


def test_a_newer_bundle_is_taken_and_an_older_one_is_not(
    tab: Page, tmp_path: Path, bundles: DeskTown
) -> None:
    with served_desk(tmp_path, bundles.trust_files(version=2)) as desk:
        open_desk(tab, desk)
        assert version(tab) == "2"
        assert "已更新" in update(tab, desk, bundles.trust_files(version=3, issued=SECONDS - 600))
        assert version(tab) == "3"
        assert "trust.bundle_rollback" in update(tab, desk, bundles.trust_files(version=2))
        assert version(tab) == "3"
        assert "已是最新" in update(tab, desk, bundles.trust_files(version=3, issued=SECONDS - 600))
        tab.reload()
        tab.wait_for_selector("html[data-desk=open]")
        assert version(tab) == "3", "kept on the device"


@attack("P26")
def test_a_changed_file_and_other_root_keys_are_refused(tab: Page, tmp_path: Path, bundles: DeskTown) -> None:
    files = bundles.trust_files(version=1)
    with served_desk(tmp_path, files) as desk:
        open_desk(tab, desk)
        newer = bundles.trust_files(version=2, issued=SECONDS - 600)
        assert "trust.bundle_sig_invalid" in update(tab, desk, newer | {"policy.txt": b"changed"})
        stranger = format_root_keys([signer("stranger").public_key]).encode()
        assert "根密钥" in update(tab, desk, newer | {ROOT_KEYS_NAME: stranger})
        other = World(root=signer("stranger"))
        other.log = bundles.world.log
        forged = other.bundle_files(version=9, others=bundles.world.log.held_files())
        assert "trust.bundle_sig_invalid" in update(
            tab, desk, forged | {ROOT_KEYS_NAME: files[ROOT_KEYS_NAME]}
        )
        assert version(tab) == "1"


def test_a_stick_brings_a_bundle_but_no_root_keys(tab: Page, tmp_path: Path, bundles: DeskTown) -> None:
    stick = tmp_path / "stick"
    with served_desk(tmp_path, bundles.trust_files(version=1)) as desk:
        open_desk(tab, desk, fragment="#about")
        desk.stop()
        newer = bundles.trust_files(version=5, issued=SECONDS - 600)
        for name, data in (newer | {"photo.jpg": b"x", "notes.txt": b"mine"}).items():
            stick.mkdir(exist_ok=True)
            (stick / name).write_bytes(data)
        tab.locator("#trust-folder").set_input_files(stick)
        assert "已更新" in told(tab)
        assert version(tab) == "5"
        (stick / ROOT_KEYS_NAME).write_bytes(format_root_keys([signer("stranger").public_key]).encode())
        (stick / "bundle.cose").write_bytes(bundles.trust_files(version=6)["bundle.cose"])
        tab.locator("#trust-files").set_input_files(sorted(stick.glob("*")))
        expect(tab.locator("#update-told")).to_contain_text("根密钥")
        assert version(tab) == "5"


def test_without_a_bundle_the_page_says_so_and_judges_nothing(tab: Page, tmp_path: Path) -> None:
    case = case_of("static")
    with served_desk(tmp_path, {}) as desk:
        open_desk(tab, desk)
        assert tab.locator("#trust [data-state=none]").count() == 1
        tab.locator("#scan details").evaluate("(one) => { one.open = true; }")
        tab.locator("textarea").fill("0o" + "A" * 10)
        tab.locator("[data-scan=read]").click()
        assert tab.locator(".verdict").count() == 0
        desk.lay(case.files)
        tab.evaluate("() => { location.hash = '#about'; }")
        tab.locator("[data-action=trust_update]").click()
        assert "已更新" in told(tab)
        tab.evaluate("() => { location.hash = '#counter'; }")
        show_text(tab, case)
        assert tab.locator(".verdict").get_attribute("data-verdict") == "static"


def test_an_over_bundle_is_amber_and_helps_itself(tab: Page, tmp_path: Path) -> None:
    case = case_of("static")
    with served_desk(tmp_path, case.files) as desk:
        open_desk(tab, desk)
        tab.clock.set_fixed_time((SECONDS + 9 * _DAY) * 1000)
        show_text(tab, case)
        card = tab.locator(".verdict")
        assert card.get_attribute("data-verdict") == "undetermined"
        assert card.locator("[data-action=update]").count() == 1
        tab.reload()
        expect(tab.locator("#trust [data-state=over]")).to_have_count(1)


def test_a_person_may_begin_anew_on_a_device(tab: Page, tmp_path: Path, bundles: DeskTown) -> None:
    with served_desk(tmp_path, bundles.trust_files()) as desk:
        open_desk(tab, desk, fragment="#about")
        tab.on("dialog", lambda dialog: dialog.accept())
        tab.locator("#trust-panel details summary").click()
        tab.locator("[data-action=forget]").click()
        assert "已清空" in told(tab)
        other = World(root=signer("next root"))
        other.log = bundles.world.log
        files = other.bundle_files(version=1, others=bundles.world.log.held_files())
        desk.lay(files | {ROOT_KEYS_NAME: format_root_keys([other.root.public_key]).encode()})
        tab.reload()
        tab.wait_for_selector("html[data-desk=open]")
        assert version(tab) == "1"
