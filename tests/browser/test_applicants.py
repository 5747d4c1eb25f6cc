"""Applicants at one desk never cross: an answer goes to the card whose request it signed, whatever is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from certificate.request import parse_request
from tests.browser.pages import run, watched_page
from tests.browser.site import Site, served_site
from tests.browser.town import DeskTown
from tests.world import SECONDS

MODULES = [
    "/desk/applicants.js",
    "/desk/request_stack.js",
    "/desk/judging.js",
    "/verifier/seen.js",
    "/verifier/trust.js",
]
OPEN = """async ({ Queue }, { openRequests, Stack }, { judge }, { MemorySeen }, { parseBundle }, given) => {
  const { now, files, root, requests } = given;
  localStorage.clear();
  const bytes = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
  const opened = new Map(files.map(([name, hex]) => [name, bytes(hex)]));
  const trust = await parseBundle(opened, { rootKeys: [bytes(root)] });
  const desk = { trust, seen: new MemorySeen(), now: () => now };
  const [known] = await openRequests(requests.map(bytes));
  window.queue = new Queue({
    stack: new Stack(known),
    judge: (parts, request) => judge(desk, parts, request),
    now: desk.now,
    onChange: () => null,
  });
  window.tell = ({ number, request, state, result, note, parts }) => {
    const { outcome, reason } = result?.report ?? { outcome: null, reason: null };
    return [number, request?.digest ?? null, state, outcome, reason, note, parts.size];
  };
  window.show = async (...answers) => {
    const shown = answers.map((hex) => window.queue.show([bytes(hex)]));
    return (await Promise.all(shown)).flat().map(window.tell);
  };
}"""


def digest(request: bytes) -> str:
    return parse_request(request).digest().hex()


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with served_site() as running:
        yield running


@pytest.fixture(scope="module")
def page(browser: Browser, site: Site) -> Iterator[Page]:
    with watched_page(browser, site) as tab:
        yield tab


@pytest.fixture
def desk(page: Page, site: Site, town: DeskTown) -> Page:
    """A queue with the stand's request and two of a stack."""
    files = town.trust_files()
    files.pop("root.keys")
    requests = [town.request(nonce=None, desk="03"), town.request(1), town.request(2)]
    given = {
        "now": SECONDS,
        "files": [[name, data.hex()] for name, data in files.items()],
        "root": town.world.root.public_key.hex(),
        "requests": [request.hex() for request in requests],
    }
    run(page, site, MODULES, OPEN, given)
    return page


def show(page: Page, *answers: bytes) -> list[Any]:
    """(number, request, state, outcome, reason, note, parts) of the cards of what is shown at once."""
    cards: list[Any] = page.evaluate("(answers) => show(...answers)", [answer.hex() for answer in answers])
    return cards


def test_two_interleaved_answers_reach_their_own_cards(desk: Page, town: DeskTown) -> None:
    first, second = town.request(1), town.request(2)
    taken = desk.evaluate(
        "() => [queue.next(), queue.next(), queue.next()].map((card) => card && tell(card))"
    )
    assert taken[2] is None, "the stack holds two"
    assert [card[1] for card in taken[:2]] == [digest(first), digest(second)]
    one, two = town.people
    # The second applicant is quicker, and both reach the desk at once.
    cards = show(desk, two.answer(second), one.answer(first))
    assert cards == [
        [2, digest(second), "judged", "valid", None, None, 1],
        [1, digest(first), "judged", "valid", None, None, 1],
    ]
    assert show(desk, two.answer(second)) == [cards[0]], "a phone still before the camera is no second answer"
    assert desk.evaluate("() => queue.cards.length") == 2


def test_answers_to_the_stand_open_a_card_for_each_person(desk: Page, town: DeskTown) -> None:
    stand = town.request(nonce=None, desk="03")
    one, two = (person.answer(stand, lifetime=5) for person in town.people)
    assert [card[:4] for card in show(desk, one, two)] == [
        [1, digest(stand), "judged", "valid"],
        [2, digest(stand), "judged", "valid"],
    ]
    assert [card[0] for card in show(desk, two, one)] == [2, 1]


def test_a_second_person_on_one_request_is_never_laid_over_the_first(desk: Page, town: DeskTown) -> None:
    desk.evaluate("() => tell(queue.next())")
    first = town.request(1)
    one, two = (person.answer(first) for person in town.people)
    cards = show(desk, one, two)
    assert [card[0] for card in cards] == [1, 2]
    assert [card[5] for card in cards] == [None, "other_holder"]
    assert desk.evaluate("() => queue.cards[0].result.report.outcome") == "valid"


def test_an_answer_to_somebody_else_s_request_stays_outside(desk: Page, town: DeskTown) -> None:
    desk.evaluate("() => tell(queue.next())")
    (card,) = show(desk, town.people[0].answer(town.request(77)))
    assert card[0] == 2
    assert (card[3], card[5]) == ("invalid", "not_asked_here")
    assert desk.evaluate("() => queue.cards[0].state") == "waiting"


def test_paper_and_rubbish_have_cards_of_their_own(desk: Page, town: DeskTown) -> None:
    cards = show(desk, town.paper, b"rubbish", town.paper)
    assert [(card[0], card[1], card[3]) for card in cards] == [
        (1, None, "valid"),
        (2, None, "invalid"),
        (1, None, "valid"),
    ]


def test_a_request_is_handed_out_once_over_reloads_too(desk: Page, site: Site, town: DeskTown) -> None:
    desk.evaluate("() => tell(queue.next())")
    show(desk, town.people[0].answer(town.request(2)))
    left = """async ({ openRequests, Stack }, requests) => {
      const bytes = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
      const [known, refused] = await openRequests(requests.map(bytes));
      const stack = new Stack(known);
      return [stack.left(NOW), stack.left(NOW + 7200), stack.stand(NOW) !== null, refused];
    }""".replace("NOW", str(SECONDS))
    numbers = (1, 2, 3)  # handed out, answered, free
    requests = [town.request(nonce=None, desk="03").hex(), *(town.request(n).hex() for n in numbers), "00"]
    desk.reload()
    assert run(desk, site, "/desk/request_stack.js", left, requests) == [1, 0, True, 1]
