"""docs/DESK.md stays true: its commands run as shown, its headers are those that are sent."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

from tests.cli.conftest import ok, tally
from tests.desk.test_site import WEB, get, served
from verifier.desk_site import HEADERS

PAGE = (Path(__file__).parents[2] / "docs" / "DESK.md").read_text("utf-8")
COMMANDS = re.findall(r"^    tally (.+)$", PAGE, re.M)


def test_the_commands_shown_run_as_shown(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    ok("init", "home", cwd=tmp_path)
    ok("trust", "publish", "--home", "home", "--out", "public", cwd=tmp_path)
    shutil.copy(tmp_path / "home" / "tuf" / "1.root.json", tmp_path)
    ok("request", "new", "--home", "home", "--out", "R.txt", cwd=tmp_path)
    assert len(COMMANDS) == 6
    for words in map(shlex.split, COMMANDS):
        if words[:2] == ["desk", "serve"]:
            words[-1] = "0"  # any free port
            with served(*words[2:], cwd=tmp_path) as url:
                assert get(url, "/")[0] == 200
            continue
        ran = tally(*words, cwd=tmp_path)
        assert ran.code == 0, (words, ran.err, ran.out)
    assert (tmp_path / "desk" / "trust" / "bundle.cose").is_file()
    assert (tmp_path / "stick" / "trust" / "bundle.cose").is_file()


def test_the_headers_shown_are_those_that_are_sent() -> None:
    assert HEADERS["Content-Security-Policy"] in PAGE
    for name in ("X-Content-Type-Options", "Referrer-Policy", "Cache-Control"):
        assert f"add_header {name} {HEADERS[name]} always" in PAGE


def test_it_quotes_the_page() -> None:
    words = (WEB / "desk" / "words_en.js").read_text("utf-8")
    for quoted in (
        "Ready to work offline",
        "Forget this device's bundle",
        "Update from a folder",
        "Accept for now",
    ):
        assert quoted in PAGE
        assert quoted in words
