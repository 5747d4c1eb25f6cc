"""One request that asks several things, answered from two bureaus' certificates in one consent; and what is retired."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from certificate.directory import Authority, DirectoryKey, KeyRole, Office
from certificate.numbers import CertificateType
from certificate.policy.shipped import shipped_files, shipped_policies
from certificate.presentation import encode_answer, parse_answer, parse_presentation
from certificate.slot_tree import Disclosure
from certificate.slots import REGISTRIES
from certificate.status_list import status_list_uri
from certificate.template.language import template_items
from certificate.template.shipped import shipped_template_files, shipped_templates
from cli.wallet_client import WalletClient
from ledger.errors import ProjectError
from ledger.reasons import Reason
from tests.wallet.conftest import WIDE
from tests.wallet.parties import AUDIENCE, Asker, Phone, Town, b64, good, make_town, refused, unb64
from tests.wallet.stores import BOTH_STORES
from tests.world import World, claims_of_60_months, signer
from verifier.expect import Asked
from verifier.report import Outcome
from verifier.trust import TrustBundle, parse_bundle, status_file_name
from wallet_api.limits import Limits
from wallet_api.store.sql import Store

pytestmark = BOTH_STORES
REGISTRY = REGISTRIES[CertificateType.CONTRIBUTION]
OTHER, OTHER_STATUS = signer("office of the other city"), signer("status of the other city")


def two_cities(
    *, retired: str = "", statuses: dict[int, int] | None = None, policies: Sequence[bytes] = ()
) -> TrustBundle:
    """The bundle of `files_of_two_cities`."""
    files = files_of_two_cities(retired=retired, statuses=statuses, policies=policies)
    return parse_bundle(files, root_keys=[World().root.public_key])


def files_of_two_cities(
    *, retired: str = "", statuses: dict[int, int] | None = None, policies: Sequence[bytes] = ()
) -> dict[str, bytes]:
    """A bundle with a second bureau, in which template `retired` is required no longer, and the first one's list."""
    world = World()
    known = world.directory()
    directory = world.directory(
        authorities=(*known.authorities, Authority(2, "邻市社保局(测试)", "Next City Bureau (test)")),
        offices=(
            *known.offices,
            Office(2, 1, "99020200", "邻县社保局(测试)", "Next County Office (test)", None, "9901",
                   (CertificateType.CONTRIBUTION,)),
        ),
        keys=(
            *known.keys,
            DirectoryKey(KeyRole.CERTIFICATE, 2, 1, OTHER.public_key, 1),
            DirectoryKey(KeyRole.STATUS, 2, 1, OTHER_STATUS.public_key, 1),
        ),
    )  # fmt: skip
    token = world.status_token(uri=status_list_uri(2, 0), key=OTHER_STATUS)
    gone = b'retired_since = 2026-07-01\nretired_basis = "a law"\n'
    templates = [
        content + (gone if name == f"{retired}.toml" else b"")
        for name, content in shipped_template_files().items()
    ]
    return world.bundle_files(
        directory=directory,
        token=world.status_token(statuses=statuses),
        policies=[*shipped_files().values(), *policies],
        templates=templates,
        others={status_file_name(2, 0): token},
    )


def opened(store: Store, path: Path, bundle: TrustBundle) -> Town:
    limits = Limits(login_address=WIDE, login_key=WIDE, bad_token=WIDE, new_request=WIDE)
    return make_town(store, path / "wallet.db", random=os.urandom, limits=limits, bundle=bundle)


@pytest.fixture
def town(store: Store, tmp_path: Path) -> Iterator[Town]:
    town = opened(store, tmp_path, two_cities())
    with town.http:
        yield town


def claims_of(kind: str) -> dict[int, Any]:
    named = {REGISTRY.claim_at(slot): value for slot, value in claims_of_60_months().items()}
    return {claim.slot: value for claim, value in named.items() if claim.kind in ("", kind)}


def two_certificates(alice: Phone) -> tuple[str, str]:
    """Pension in one city, medical insurance in the other."""
    here = alice.put(alice.certificate(claims=claims_of("pension.emp")))
    world = alice.town.world
    tree = world.tree(claims_of("medical.emp"), seed=b"t" * 32)
    body = world.body(authority=2, cnf=alice.key.public_key, claims_root=tree.root())
    there = alice.put(world.certificate(body, tree=tree, key=OTHER, neighbours=8))
    return here, there


def bundled(bank: Asker, *names: str) -> bytes:
    """One request of these templates."""
    templates = [shipped_templates()[name] for name in names]
    items = tuple(item for one in templates for item in template_items(one, shipped_policies()))
    return bank.request(items=items, policies=tuple(name for one in templates for name in one.policies))


def signed(alice: Phone, begun: dict[str, Any]) -> dict[str, Any]:
    texts = [begun["to_be_signed"], *(part["to_be_signed"] for part in begun["also"])]
    first, *also = [b64(alice.key.sign(unb64(text))) for text in texts]
    return {"signature": first, "also": also}


def test_what_the_list_ended_is_passed_over(store: Store, tmp_path: Path) -> None:
    """Two certificates hold what is asked; the bureau revoked the one: the other is offered, and taken."""
    town = opened(store, tmp_path, two_cities(statuses={1234: 1}))
    with town.http:
        alice, bank = town.citizen("alice").login(), town.organisation(1)
        ended = alice.put(alice.certificate())
        tree = town.world.tree(seed=b"t" * 32)
        body = town.world.body(
            authority=2, status_index=7, cut_off=202609, cnf=alice.key.public_key, claims_root=tree.root()
        )
        good_one = alice.put(town.world.certificate(body, tree=tree, key=OTHER, neighbours=8))
        id_ = bank.leave(bank.ask_policy("housing.24"))
        (item,) = good(alice.get(f"/requests/{id_}"))["items"]
        assert [offer["certificate"] for offer in item["offers"]] == [good_one]
        refused(alice.begin(id_, ended, (0,)), Reason.STATUS_REVOKED)
        begun = good(alice.post(f"/requests/{id_}/answers/begin", {"items": [0]}))
        assert begun["certificate"] == good_one


def test_two_bureaus_one_consent(town: Town, alice: Phone, bank: Asker) -> None:
    here, there = two_certificates(alice)
    request = bundled(bank, "months.24", "vehicle.24")
    id_ = bank.leave(request)
    items = good(alice.get(f"/requests/{id_}"))["items"]
    complete = [{offer["certificate"] for offer in item["offers"] if offer["complete"]} for item in items]
    assert complete == [{here}, {there}]
    also = [{"certificate": there, "items": [1]}]
    begun = good(alice.begin(id_, here, (0,), also=also))
    assert [part["certificate"] for part in begun["also"]] == [there]
    assert {
        claim["claim"].split(".")[1] for claim in begun["also"][0]["claims"] if "." in claim["claim"]
    } == {"medical"}
    good(alice.post(f"/requests/{id_}/answers/complete", signed(alice, begun)))
    told = good(bank.post(f"/requests/{id_}/fetch"))
    shown = [unb64(text) for text in (told["presentation"], *told["also"])]
    assert good(bank.post(f"/requests/{id_}/fetch"))["also"] == told["also"]
    report = town.world.verify(shown, expect=Asked(request), trust=town.service.trust())
    assert (report.outcome, len(report.parts)) == (Outcome.VALID, 2)
    alone = town.world.verify(shown[0], expect=Asked(request), trust=town.service.trust())
    assert alone.step(10).reason is Reason.DISC_REQUIRED_MISSING
    rows = [row for row in good(alice.get("/access-log"))["rows"] if row["action"] in ("answered", "fetched")]
    slots = sorted({one.slot for data in shown for one in disclosures_of(data)})
    assert [row["slots"] for row in rows] == [slots, slots, slots]
    good(alice.post(f"/requests/{id_}/withdraw"))
    refused(bank.post(f"/requests/{id_}/fetch"), Reason.CONSENT_REVOKED)


def disclosures_of(presentation: bytes) -> tuple[Disclosure, ...]:
    return tuple(parse_presentation(presentation).certificate.disclosures)


def test_an_item_is_refused_by_itself(town: Town, alice: Phone, bank: Asker) -> None:
    here, there = two_certificates(alice)
    request = bundled(bank, "months.24", "vehicle.24", "identity.24")
    id_ = bank.leave(request)
    also = [{"certificate": there, "items": [1]}]
    begun = good(alice.begin(id_, here, (0,), also=also))
    assert not {claim["claim"] for claim in begun["claims"]} & {"name", "id_no"}
    good(alice.post(f"/requests/{id_}/answers/complete", signed(alice, begun)))
    told = good(bank.post(f"/requests/{id_}/fetch"))
    shown = [unb64(text) for text in (told["presentation"], *told["also"])]
    report = town.world.verify(shown, expect=Asked(request), trust=town.service.trust())
    assert "[2]" in report.step(10).detail


def test_a_bundle_cannot_be_bent(alice: Phone, bank: Asker) -> None:
    here, there = two_certificates(alice)
    id_ = bank.leave(bundled(bank, "months.24", "vehicle.24"))
    twice = [{"certificate": here, "items": [1]}]
    refused(alice.begin(id_, here, (0,), also=twice), Reason.API_VALIDATION)
    refused(alice.begin(id_, there, (1,), also=[{"certificate": there, "items": [1]}]), Reason.API_VALIDATION)
    stranger = [{"certificate": "A" * 13, "items": [1]}]
    refused(alice.begin(id_, here, (0,), also=stranger), Reason.AUTHZ_NOT_FOUND)
    begun = good(alice.begin(id_, here, (0,), also=[{"certificate": there, "items": [1]}]))
    both = signed(alice, begun)
    complete = f"/requests/{id_}/answers/complete"
    refused(alice.post(complete, both | {"also": []}), Reason.PRES_BINDING_INVALID)
    swapped = {"signature": both["also"][0], "also": [both["signature"]]}
    refused(alice.post(complete, swapped), Reason.PRES_BINDING_INVALID)
    refused(alice.post(complete, both | {"also": [b64(b"s" * 64)]}), Reason.PRES_BINDING_INVALID)
    good(alice.post(complete, both))


def test_what_is_retired_is_offered_by_nobody(store: Store, tmp_path: Path) -> None:
    town = opened(store, tmp_path, two_cities(retired="vehicle.24"))
    with town.http:
        alice, bank = town.citizen("alice").login(), town.organisation(1)
        here = alice.put()
        request = bundled(bank, "vehicle.24", "months.24")
        id_ = bank.leave(request)
        gone, kept = good(alice.get(f"/requests/{id_}"))["items"]
        assert (gone["offers"], gone["retired_since"], gone["retired_basis"]) == ([], "2026-07-01", "a law")
        assert (kept["retired_since"], len(kept["offers"])) == (None, 1)
        answer = alice.begin(id_, here, (0, 1))
        refused(answer, Reason.TEMPLATE_RETIRED)
        alice.answer(id_, here, (1,))
        report = town.world.verify(bank.fetch(id_), expect=Asked(request), trust=town.service.trust())
        assert (report.outcome, report.policies) == (Outcome.VALID, ())
        assert Reason.TEMPLATE_RETIRED in report.notes


def client_of(town: Town, alice: Phone) -> WalletClient:
    client = WalletClient(
        "http://wallet.test",
        alice.key,
        trust=town.service.trust(),
        clock=town.clock,
        audience=AUDIENCE,
        http=town.http,
    )
    client.login()
    return client


def test_the_client_takes_a_certificate_for_each_item(town: Town, alice: Phone, bank: Asker) -> None:
    two_certificates(alice)
    request = bundled(bank, "months.24", "vehicle.24")
    id_ = bank.leave(request)
    client_of(town, alice).answer(id_, minutes=10)
    told = good(bank.post(f"/requests/{id_}/fetch"))
    shown = [unb64(text) for text in (told["presentation"], *told["also"])]
    report = town.world.verify(shown, expect=Asked(request), trust=town.service.trust())
    assert (report.outcome, len(report.parts)) == (Outcome.VALID, 2)
    kept = encode_answer(shown)
    assert (parse_answer(kept), parse_answer(shown[0])) == (shown, shown[:1])


def test_the_client_answers_what_is_still_required(store: Store, tmp_path: Path) -> None:
    town = opened(store, tmp_path, two_cities(retired="vehicle.24"))
    with town.http:
        alice, bank = town.citizen("alice").login(), town.organisation(1)
        alice.put()
        client = client_of(town, alice)
        partly, wholly = (
            bank.leave(bundled(bank, "vehicle.24", "months.24")),
            bank.leave(bundled(bank, "vehicle.24")),
        )
        client.answer(partly)
        shown = {REGISTRY.claim_at(one.slot).kind for one in disclosures_of(bank.fetch(partly))}
        assert shown == {"pension.emp"}
        with pytest.raises(ProjectError) as refusal:
            client.answer(wholly)
        assert refusal.value.reason is Reason.TEMPLATE_RETIRED
