"""What the browser tests stand on: each of its guards goes off when it should, and the town's answers are valid."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.pages import Watch, open_blank, run
from tests.browser.site import Site
from tests.browser.town import DeskTown
from tests.world import SECONDS
from verifier.expect import STATIC, Asked
from verifier.report import Outcome
from verifier.seen import MemorySeen
from verifier.trust import parse_bundle
from verifier.verify import verify

NOW = datetime.fromtimestamp(SECONDS, UTC)


def test_a_module_of_the_site_runs_in_chromium(page: Page, site: Site) -> None:
    site.put("/twice.js", b"export const twice = (n) => 2 * n;")
    assert run(page, site, "/twice.js", "({ twice }, data) => data.map(twice)", [1, 2]) == [2, 4]
    assert run(page, site, [], "() => typeof crypto.subtle.digest") == "function"


@pytest.mark.parametrize(
    ("snippet", "seen"),
    [
        ("() => fetch('http://127.0.0.2/').catch(() => null)", "console"),
        ("() => fetch('/blank.html', { method: 'POST', body: 'x' }).then(() => null)", "sent a body"),
        ("() => { console.log('x'); }", "console"),
        (
            "() => { const s = document.createElement('script'); s.text = '1'; document.head.append(s); }",
            "console",
        ),
        (
            "() => new Promise((done) => { setTimeout(done, 50); setTimeout(() => { throw Error('x'); }); })",
            "x",
        ),
    ],
)
def test_what_a_page_may_not_do_is_seen(context: BrowserContext, site: Site, snippet: str, seen: str) -> None:
    tab = context.new_page()
    watch = Watch(tab, site.url)
    open_blank(tab, site)
    watch.assert_quiet()
    run(tab, site, [], snippet)
    with pytest.raises(AssertionError, match=seen):
        watch.assert_quiet()


def test_a_stopped_site_answers_nobody(page: Page, site: Site) -> None:
    open_blank(page, site)
    site.stop()
    assert run(page, site, [], "() => fetch('/blank.html').then(() => 1, () => 0)") == 0


def test_the_people_of_the_town_give_valid_answers(town: DeskTown) -> None:
    files = town.trust_files()
    files.pop("root.keys")
    trust = parse_bundle(files, root_keys=[town.world.root.public_key])
    for number, person in enumerate(town.people):
        request = town.request(number)
        for asked, outcome in ((request, Outcome.VALID), (town.request(number + 7), Outcome.INVALID)):
            answer = person.answer(request)
            report = verify(answer, trust=trust, now=NOW, expect=Asked(asked), seen=MemorySeen())
            assert report.outcome is outcome, report.reason
    report = verify(town.paper, trust=trust, now=NOW, expect=STATIC, seen=MemorySeen())
    assert report.outcome is Outcome.VALID, report.reason
