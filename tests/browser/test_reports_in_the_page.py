"""Reports, their words and filled forms: in Chromium word for word what the Python side says."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from playwright.sync_api import Page

from certificate.policy.parsing import parse_policy
from certificate.policy.shipped import shipped_files
from certificate.request import PolicyItem
from certificate.slots import REGISTRIES, Claim, ClaimValue, ValueType
from certificate.template.shipped import shipped_template_files
from certificate.texts import LANGUAGES, claim_name, format_value
from ledger.reasons import Reason
from tests.browser.judging import Shown, form_json, judge_page, reports
from tests.browser.pages import run
from tests.browser.policy_cases import plain
from tests.browser.site import Site
from tests.documents.printed_keys import printed_keys
from tests.policy.histories import History, months, policy_file
from tests.template.test_forms import FORMS, TODAY, Answered, answered, everything
from tests.world import SLOTS_24, World
from verifier.forms.filled import FilledForm, fill_form
from verifier.printed_keys import is_printed
from verifier.report import Outcome, Report
from verifier.seen import MemorySeen
from verifier.trust import parse_bundle
from verifier.verify import verify

PENSION = "pension.emp"

WORDED = """({ claimName, formatValue }, { registryOf }, { fromHex }, rows) => {
  const value = (part) =>
    Array.isArray(part) ? part.map(value) : part !== null && typeof part === "object" ? fromHex(part.hex) : part;
  return JSON.stringify(JSON.parse(rows).map(([type, slot, part, cutOff]) => {
    const claim = registryOf(type).claimAt(slot);
    return ["zh", "en"].flatMap((language) =>
      [claimName(claim, language, cutOff), formatValue(claim, value(part), language)]);
  }));
}"""


def test_every_claim_is_worded_alike(page: Page, site: Site) -> None:
    """Names with and without the certificate's month, and values of every shape: money, months, strips, employers."""
    rng = random.Random(3)
    rows, wanted = [], []
    for type_, registry in REGISTRIES.items():
        for claim in registry.claims:
            value, cut_off = value_of(rng, claim), rng.choice([None, 202610, 202512])
            rows.append([int(type_), claim.slot, plain(value), cut_off])
            wanted.append(
                [
                    text
                    for language in LANGUAGES
                    for text in (claim_name(claim, language, cut_off), format_value(claim, value, language))
                ]
            )
    modules = ["/certificate/texts.js", "/certificate/slots.js", "/ledger/digest.js"]
    assert json.loads(run(page, site, modules, WORDED, json.dumps(rows))) == wanted


def value_of(rng: random.Random, claim: Claim) -> ClaimValue:
    month = rng.randrange(1950, 2030) * 100 + rng.randrange(13)
    day = rng.randrange(1950, 2030) * 10000 + rng.randrange(1, 13) * 100 + rng.randrange(1, 29)
    fen, count = rng.choice([0, 5, 99999, 100000, 123456789, 10**13]), rng.randrange(1200)
    shapes: dict[ValueType, ClaimValue] = {
        ValueType.STATUS: rng.randrange(1, 4),
        ValueType.MONTH: month,
        ValueType.DATE: day,
        ValueType.MONTHS: count,
        ValueType.COUNT: count,
        ValueType.FEN: fen,
        ValueType.STRIP: rng.randbytes(3),
        ValueType.COMMITMENT: rng.randbytes(32),
        ValueType.BALANCE: [fen, day],
        ValueType.EMPLOYER: [rng.choice([None, "91990000T0000001X7"]), "样例{name}公司", month, count],
        ValueType.SPELL: ["=1+1", month, month, count],
        ValueType.PROXY: ["<b>", "0017", day, ["a.b"]],
        ValueType.ANSWER: [rng.randbytes(32), rng.random() < 0.5],
    }
    return shapes.get(claim.value_type, "{kind}")


def test_reports_are_the_same_in_both_languages(page: Page, site: Site) -> None:
    """Met, not met, too old, undetermined, paper, refused: what `tally verify --json` prints, member by member."""
    outcomes = set()
    for shown, report in judged_cases():
        said, _ = judge_page(page, site, shown)
        assert said == reports(report)
        outcomes.add((report.outcome, report.reason))
    assert {outcome for outcome, _ in outcomes} == set(Outcome)
    assert len(outcomes) >= 6


def judged_cases() -> Iterator[tuple[Shown, Report]]:
    world, asked = World(), policy_file(f"RUN({PENSION}, months = 24)", more='show = ["name"]')
    rule = parse_policy(asked)
    files = world.bundle_files(policies=[asked])
    request = world.request(
        items=(PolicyItem(rule.id, rule.digest),), registration=world.registration(policies=(rule.id,))
    )
    histories = [
        History(202610).pay(PENSION, months(202001, 202610)),
        History(202610).pay(PENSION, months(202501, 202610)),
        History(202607).pay(PENSION, months(202001, 202607)),
    ]
    for history in histories:
        for hidden in (None, "name", f"strip.{PENSION}.-1"):
            answer = answer_of(world, history, request, hidden)
            yield judged_here(Shown([answer], files, request))
    paper = world.certificate(world.body(paper=True), slots=SLOTS_24)
    yield judged_here(Shown([paper], files, None))
    yield judged_here(Shown([paper[:-1]], files, None))
    yield judged_here(Shown([answer], files, None))
    yield judged_here(Shown([paper], files, request))
    yield judged_here(Shown([answer, answer], files, request))


def answer_of(world: World, history: History, request: bytes, hidden: str | None) -> bytes:
    """An answer that shows all that it has, except one claim."""
    registry = world.body().registry
    claims = {registry.slot_of(name): value for name, value in history.claims().items()} | {0: "Ехаmplе 甲"}
    tree = world.tree(claims)
    full = world.certificate(world.body(claims_root=tree.root(), cut_off=history.cut_off), tree=tree)
    slots = [slot for slot in sorted(claims) if hidden is None or slot != registry.slot_of(hidden)]
    return world.presentation(certificate=full, request=request, slots=slots)


def judged_here(shown: Shown) -> tuple[Shown, Report]:
    trust = parse_bundle(shown.files, root_keys=[World().root.public_key])
    now = datetime.fromtimestamp(shown.now, UTC)
    report = verify(list(shown.data), trust=trust, now=now, expect=shown.expect, seen=MemorySeen())
    return shown, report


@pytest.mark.parametrize("turn", range(4))
def test_the_forms_are_filled_alike(page: Page, site: Site, turn: int, full: bool) -> None:
    """All sixteen with `--full`; one of each four in `make test`."""
    for name in FORMS[turn::4] if full else [FORMS[turn * 4]]:
        shown, filled = filled_here(answered(name))
        report, forms = judge_page(page, site, shown)
        assert forms == [form_json(form) for form in filled]
        assert report[0]["outcome"] == "valid"


def test_a_form_of_two_certificates_names_both(page: Page, site: Site) -> None:
    """In whatever order they are laid down the form is the same, and a value that both show is there once."""
    answer = answered("housing.24")
    world, registry = answer.world, answer.world.body().registry
    claims = {registry.slot_of(name): value for name, value in everything().items()}
    parts = []
    for number, last in ((1234, "0017"), (1235, "0018")):
        tree = world.tree(claims | {registry.slot_of("id_tail"): last})
        body = world.body(claims_root=tree.root(), status_index=number)
        full = world.certificate(body, tree=tree)
        slots = [slot for slot in tree.slots if slot < 64]
        parts.append(world.presentation(certificate=full, request=answer.request, slots=slots))
    told = []
    for shown_parts in (parts, parts[::-1]):
        shown, filled = filled_here(replace(answer, world=world), shown_parts)
        report, forms = judge_page(page, site, shown)
        assert forms == [form_json(form) for form in filled]
        assert len(report[0]["parts"]) == 2
        told.append(forms)
    assert told[0] == told[1]
    origins = [entry["origin"] for row in told[0][1]["rows"] for entry in row["entries"]]
    assert any(";" in origin for origin in origins)


def test_no_form_of_another_question_or_without_a_valid_answer(page: Page, site: Site) -> None:
    shown, _ = filled_here(answered("housing.24"))
    refused = [Reason.DISC_REQUIRED_MISSING] * 2
    assert judge_page(page, site, replace(shown, template="loan.24"))[1] == refused
    assert judge_page(page, site, replace(shown, data=[shown.data[0][:-1]]))[1] == refused
    source = answered("housing.24").template.source
    gone = source + b'retired_since = 2026-12-01\nretired_basis = "a law"\n'
    world = answered("housing.24").world
    files = world.bundle_files(policies=list(shipped_files().values()), templates=[gone])
    for today, is_filled in ((date(2026, 11, 30), True), (date(2026, 12, 1), False)):
        forms = judge_page(page, site, replace(shown, files=files, today=today))[1]
        assert forms == [Reason.TEMPLATE_RETIRED] * 2 or is_filled
        assert all(isinstance(form, dict) for form in forms) is is_filled


def filled_here(answer: Answered, parts: Sequence[bytes] = ()) -> tuple[Shown, list[FilledForm]]:
    files = answer.world.bundle_files(
        policies=list(shipped_files().values()), templates=list(shipped_template_files().values())
    )
    codes = tuple(parts) or (answer.shown,)
    shown = Shown(codes, files, answer.request, template=answer.template.id, codes=codes, today=TODAY)
    report = judged_here(shown)[1]
    forms = [
        fill_form(answer.template, report, codes=codes, language=language, today=TODAY)
        for language in LANGUAGES
    ]
    return shown, forms


def test_keys_that_vectors_print_are_known_in_the_page(page: Page, site: Site) -> None:
    """No production bundle may hold one; a key that nobody printed is no such key."""
    printed = sorted(printed_keys())
    keys = [*printed[:: len(printed) // 50], World().office.public_key, bytes(32)]
    snippet = """async ({ isPrinted }, { fromHex }, keys) => {
      const said = [];
      for (const key of keys) said.push(await isPrinted(fromHex(key)));
      return said;
    }"""
    said = run(
        page, site, ["/verifier/printed_keys.js", "/ledger/digest.js"], snippet, [key.hex() for key in keys]
    )
    assert said == [is_printed(key) for key in keys]
    assert set(said) == {True, False}
