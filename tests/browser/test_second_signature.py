"""Status lists that are signed twice, and threshold proofs, in Chromium: the whole report is that of the library."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page

from certificate.certificate import parse_certificate
from certificate.holding import present
from certificate.policy.asking import months_to_show, slots_for_policy
from certificate.policy.parsing import parse_policy
from certificate.request import PolicyItem, parse_request
from tests.attacks import test_a_second_signature as attacks
from tests.browser.site import Site
from tests.browser.verifying import Shown, verify_in_page
from tests.policy.test_outside import TODAY
from tests.policy.test_threshold_answers import TOTAL_180, held, paid
from tests.world import SECONDS, World
from verifier.expect import STATIC, Asked
from verifier.render import report_json
from verifier.seen import MemorySeen
from verifier.trust import parse_bundle
from verifier.verify import verify

FORGED = [
    attacks.flipped,
    attacks.of_another_list,
    attacks.of_one_signer_alone,
    attacks.by_a_stranger,
    attacks.by_a_stranger_under_the_key_id,
]


def test_lists_that_are_signed_twice(page: Page, site: Site) -> None:
    world = World()
    paper = world.certificate(world.body(paper=True))
    root = [world.root.public_key]
    bundles = [
        attacks.files_with(world, attacks.both(world)),
        attacks.files_with(world, world.status_token()),
        attacks.files_with(world, world.status_token(), demanded=False),
        attacks.files_with(world, world.status_token(), listed=False),
        *(attacks.files_with(world, forge(world)) for forge in FORGED),
    ]
    reasons = set()
    for files in bundles:
        (told,) = verify_in_page(page, site, files, root, [Shown([paper], None, SECONDS)])
        report = verify(
            paper,
            trust=parse_bundle(files, root_keys=root),
            now=datetime.fromtimestamp(SECONDS, UTC),
            expect=STATIC,
            seen=MemorySeen(),
        )
        assert told == report_json(report, "en")
        reasons.add(report.step(8).reason)
    assert len(reasons) == 4


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_a_threshold_proof_shows(page: Page, site: Site, language: str) -> None:
    world, whole = held(paid(200501), 262)
    rule, certificate = parse_policy(TOTAL_180), parse_certificate(whole)
    item = PolicyItem(rule.id, rule.digest)
    request = world.request(items=(item,), registration=world.registration(policies=(rule.id,)))
    body = parse_request(request).body
    _, (slots,) = slots_for_policy(rule, [certificate], today=TODAY)
    months = months_to_show(body, [0], certificate, slots, policies={rule.id: rule}, today=TODAY)
    data = present(world.holder, whole, request, slots, issued=SECONDS - 30, at_least=months)
    files, root = world.bundle_files(policies=[TOTAL_180]), [world.root.public_key]
    (told,) = verify_in_page(page, site, files, root, [Shown([data], request, SECONDS)], language=language)
    trust = parse_bundle(files, root_keys=root)
    now = datetime.fromtimestamp(SECONDS, UTC)
    report = verify(data, trust=trust, now=now, expect=Asked(request), seen=MemorySeen())
    assert told == report_json(report, "zh" if language == "zh" else "en")
    assert told["disclosed"][0]["at_least"] == 180
