"""The pictures of the desk in docs/pictures: there, small, and drawn anew by `pytest --pictures` from the real page."""

from __future__ import annotations

import io
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PIL import Image
from playwright.sync_api import Browser, Playwright

from tests.browser.cases import case_of
from tests.browser.chromium import FLAGS, find_chromium
from tests.browser.hosting import open_desk, served_desk, show_text
from tests.world import World

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
_MOST = 120_000


class _Shot(NamedTuple):
    """A picture of the desk after it was shown a case."""

    name: str
    case: str
    language: str
    colours: Any
    width: int
    height: int


_SHOTS = (
    _Shot("desk-met", "met", "zh", "light", 1280, 900),
    _Shot("desk-cannot-tell", "not-posted", "zh", "light", 1280, 900),
    _Shot("desk-paper-dark", "static", "en", "dark", 1280, 900),
    _Shot("desk-invalid-phone", "forged", "en", "light", 390, 780),
)
_FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><include ignore_missing="yes">/etc/fonts/fonts.conf</include><dir>{fonts}</dir><cachedir>{cache}</cachedir>
<alias binding="same"><family>system-ui</family><prefer><family>Noto Sans SC</family></prefer></alias></fontconfig>
"""


@pytest.mark.parametrize("name", [shot.name for shot in _SHOTS])
def test_the_pictures_are_there_and_small(name: str) -> None:
    picture = PICTURES / f"{name}.png"
    assert picture.stat().st_size < _MOST
    with Image.open(picture) as opened:
        assert opened.format == "PNG"


def test_they_are_drawn_anew_when_asked(playwright: Playwright, tmp_path: Path, pictures: Path) -> None:
    """With a Chinese font, which a machine for tests may not have."""
    fonts = files("justmytype_intl_cjk") / "fonts" / "ofl" / "notosanssc"
    config = tmp_path / "fonts.conf"
    config.write_text(_FONTS.format(fonts=fonts, cache=tmp_path / "cache"))
    browser = playwright.chromium.launch(
        executable_path=find_chromium(), args=list(FLAGS), env={"FONTCONFIG_FILE": str(config)}
    )
    for shot in _SHOTS:
        folder = tmp_path / shot.name
        folder.mkdir()
        (pictures / f"{shot.name}.png").write_bytes(_take(browser, folder, shot))
    browser.close()


def _take(browser: Browser, folder: Path, shot: _Shot) -> bytes:
    case = case_of(shot.case)
    requests = [World().request(nonce=None, desk="03")] if case.request is None else [case.request]
    with served_desk(folder, case.files, requests=requests, posts={"pension.emp": 20}) as desk:
        context = browser.new_context(
            viewport={"width": shot.width, "height": shot.height},
            locale={"zh": "zh-CN", "en": "en-GB"}[shot.language],
            color_scheme=shot.colours,
            reduced_motion="reduce",
        )
        page = context.new_page()
        open_desk(page, desk)
        show_text(page, case)
        page.locator("#scan details").evaluate("(one) => { one.open = false; }")
        page.locator(".verdict__head").scroll_into_view_if_needed()
        drawn = page.screenshot()
        context.close()
    out = io.BytesIO()
    with Image.open(io.BytesIO(drawn)) as opened:
        opened.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()
