"""The bureau's OpenAPI: complete, with examples, and true under fuzzing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from issuer.home import CONFIG_NAME, Home
from issuer.http.app import create_app
from issuer.http.limits import Limits, Rate
from issuer.printing.clients import PrintClient
from issuer.printing.pages import PAGES
from tests.issuer_http.conftest import URL, Clock, Service, Wallet, running
from tests.openapi_fuzz import Party, follow_links, fuzz
from tests.world import SECONDS

WIDE = Rate(1_000_000, 1_000_000)


@pytest.fixture(scope="module")
def bureau(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose limits are out of the way, with a login provider that does not answer."""
    folder = tmp_path_factory.mktemp("fuzz")
    shutil.copytree(prepared, folder / "home")
    home, clock = Home(folder / "home"), Clock(SECONDS + 60)
    with (home.path / CONFIG_NAME).open("a") as config:
        config.write(
            '\n[login]\nissuer = "http://127.0.0.1:9"\nclient_id = "bureau"\n'
            '\n[[wallets]]\nclient_id = "wallet"\nredirect_uris = ["https://wallet.example.test/claimed"]\n'
        )
    limits = Limits.make(
        identity_address=WIDE, identity_code=WIDE, proof_address=WIDE, clerk=WIDE, printing=WIDE
    )
    app = create_app(home, url=URL, clock=clock, random=os.urandom, limits=limits)
    with running(app) as address, httpx.Client(base_url=address, timeout=60) as client:
        yield Service(home, client, clock, list(home.snapshot().person_nos()), app.state.service)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_every_operation_is_described_and_has_an_example(bureau: Service) -> None:
    document = bureau.client.get("/openapi.json").json()
    seen = set()
    for path, method, operation in operations(document):
        seen.add(f"{method} {path}")
        assert operation.get("description") or operation.get("summary"), path
        body = operation.get("requestBody")
        if body is not None:
            for content in body["content"].values():
                assert "example" in content or _has_examples(document, content["schema"]), path
        good = [status for status in operation["responses"] if status.startswith(("2", "3"))]
        assert good, path
    for name in ("credential", "token", "nonce", "notification", "renewal", "recoveries", "authorize"):
        assert any(f"/{name}" in one for one in seen), name
    for model, schema in document["components"]["schemas"].items():
        if model not in ("HTTPValidationError", "ValidationError"):
            for name, member in schema.get("properties", {}).items():
                assert member.get("examples") or "$ref" in str(member), f"{model}.{name}"


def _has_examples(document: dict[str, Any], schema: dict[str, Any]) -> bool:
    named = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return all(member.get("examples") or "$ref" in str(member) for member in named["properties"].values())


def test_no_answer_that_the_document_does_not_name(bureau: Service, full: bool) -> None:
    """No 5xx, no other status or media type; a citizen, a clerk, a wallet operator and nobody."""
    offer = bureau.offer()
    token = Wallet(bureau).token(offer.code, offer.pin).json()["access_token"]
    clerk = bureau.counter.clerks.add("first", now=bureau.clock.now, hours=1, random=os.urandom)
    operator = bureau.home.wallet_tokens().add(os.urandom)
    scope = PrintClient("desk", "示例银行", tuple(PAGES), ("办理贷款",), ("9901",))
    desk = bureau.state.printer.clients.add(scope, now=bureau.clock.now, days=1, random=os.urandom)
    parties = [
        Party("nobody"),
        Party("citizen", {"Authorization": f"Bearer {token}"}, secrets=[token]),
        Party("clerk", {"Authorization": f"Bearer {clerk}"}, secrets=[clerk]),
        Party("operator", {"Authorization": f"Bearer {operator}"}, secrets=[operator]),
        Party("desk", {"Authorization": f"Bearer {desk}"}, secrets=[desk]),
    ]
    answered = fuzz(str(bureau.client.base_url).rstrip("/"), parties, examples=300 if full else 12)
    assert sum(answered.values()) > 100
    assert {status for _, status in answered} >= {200, 401, 422}


def test_links_lead_from_an_offer_to_its_token(bureau: Service, full: bool) -> None:
    """A clerk's offer is redeemed by what the offer says, its token is used: the same promises along the way."""
    clerk = bureau.counter.clerks.add("first", now=bureau.clock.now, hours=1, random=os.urandom)
    party = Party("clerk", {"Authorization": f"Bearer {clerk}"})
    answered = follow_links(
        str(bureau.client.base_url).rstrip("/"),
        party,
        examples=200 if full else 12,
        people={"person_no": bureau.persons, "document_seen": [True]},
    )
    assert answered["POST /counter/offers", 200] > 0
    assert answered["POST /token", 200] > 0
