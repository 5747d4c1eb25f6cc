"""Who may touch what: own, somebody else's and absent objects, on every route (G01-G06, G12, G25)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import httpx
import pytest

from ledger.reasons import Reason
from tests.wallet.parties import Asker, Caller, Phone, Town, b64, good, refused
from tests.wallet.stores import BOTH_STORES

pytestmark = BOTH_STORES

ABSENT = "0" * 32
ABSENT_NUMBER = "A" * 13


@dataclass
class Scene:
    """Alice answered the bank, Bob answered the shop; each has a certificate and a request that waits."""

    town: Town
    alice: Phone
    bob: Phone
    bank: Asker
    shop: Asker
    number: dict[str, str]
    answered: dict[str, str]
    waiting: dict[str, str]


@pytest.fixture
def scene(town: Town, alice: Phone, bob: Phone, bank: Asker, shop: Asker) -> Scene:
    number = {"alice": alice.put(), "bob": bob.put(bob.certificate(seed=b"b" * 32))}
    answered = {"alice": bank.leave(), "bob": shop.leave()}
    alice.answer(answered["alice"], number["alice"])
    bob.answer(answered["bob"], number["bob"])
    waiting = {"bank": bank.leave(), "shop": shop.leave()}
    return Scene(town, alice, bob, bank, shop, number, answered, waiting)


def begin(number: str) -> object:
    return {"certificate": number, "items": [1]}


SIGNATURE = {"signature": b64(b"s" * 64)}

# method, path with {} for the object, body of the citizen `alice`
CITIZEN_ROUTES: list[tuple[str, str, Callable[[Scene], object]]] = [
    ("GET", "/requests/{}", lambda scene: None),
    ("POST", "/requests/{}/answers/begin", lambda scene: begin(scene.number["alice"])),
    ("POST", "/requests/{}/answers/complete", lambda scene: SIGNATURE),
    ("POST", "/requests/{}/refuse", lambda scene: None),
    ("POST", "/requests/{}/withdraw", lambda scene: None),
]
ORG_ROUTES = [
    ("GET", "/requests/{}"),
    ("POST", "/requests/{}/fetch"),
    ("POST", "/requests/{}/acknowledge"),
    ("POST", "/requests/{}/deletion-confirmed"),
    ("POST", "/requests/{}/reminder"),
]
CITIZEN_ONLY = [("GET", "/certificates"), ("GET", "/requests"), ("GET", "/access-log"), ("DELETE", "/safe")]


def same_answer(left: httpx.Response, right: httpx.Response) -> bool:
    return (left.status_code, left.content, left.headers) == (right.status_code, right.content, right.headers)


@pytest.mark.parametrize(("method", "path", "body"), CITIZEN_ROUTES)
def test_g01_g04_another_citizens_request_is_as_good_as_absent(
    scene: Scene, method: str, path: str, body: Callable[[Scene], object]
) -> None:
    others = scene.alice.call(method, path.format(scene.answered["bob"]), body(scene))
    absent = scene.alice.call(method, path.format(ABSENT), body(scene))
    refused(others, Reason.AUTHZ_NOT_FOUND)
    assert same_answer(others, absent)
    own = scene.alice.call(method, path.format(scene.answered["alice"]), body(scene))
    assert own.status_code != 404


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_g01_another_citizens_certificate_is_as_good_as_absent(scene: Scene, method: str) -> None:
    others = scene.alice.call(method, f"/certificates/{scene.number['bob']}")
    absent = scene.alice.call(method, f"/certificates/{ABSENT_NUMBER}")
    refused(others, Reason.AUTHZ_NOT_FOUND)
    assert same_answer(others, absent)
    good(scene.bob.get(f"/certificates/{scene.number['bob']}"))
    good(scene.alice.call(method, f"/certificates/{scene.number['alice']}"))


def test_g01_lists_and_logs_hold_the_callers_own_alone(scene: Scene) -> None:
    numbers = [item["number"] for item in good(scene.alice.get("/certificates"))["certificates"]]
    assert numbers == [scene.number["alice"]]
    assert [item["id"] for item in good(scene.alice.get("/requests"))["requests"]] == [
        scene.answered["alice"]
    ]
    assert {row["org"] for row in good(scene.alice.get("/access-log"))["rows"]} == {1}
    assert {row["org"] for row in good(scene.bob.get("/access-log"))["rows"]} == {2}


@pytest.mark.parametrize(("method", "path"), ORG_ROUTES)
def test_g02_another_organisations_request_is_as_good_as_absent(scene: Scene, method: str, path: str) -> None:
    others = scene.bank.call(method, path.format(scene.answered["bob"]))
    absent = scene.bank.call(method, path.format(ABSENT))
    refused(others, Reason.AUTHZ_NOT_FOUND)
    assert same_answer(others, absent)
    assert scene.bank.call(method, path.format(scene.answered["alice"])).status_code != 404


def test_g03_an_id_in_the_body_is_no_member(scene: Scene) -> None:
    id_ = scene.waiting["bank"]
    body = {"certificate": scene.number["alice"], "items": [1], "id": scene.waiting["shop"]}
    refused(scene.alice.post(f"/requests/{id_}/answers/begin", body), Reason.API_VALIDATION)


def test_g04_own_request_with_another_citizens_certificate(scene: Scene) -> None:
    id_ = scene.waiting["bank"]
    others = scene.alice.begin(id_, scene.number["bob"])
    refused(others, Reason.AUTHZ_NOT_FOUND)
    assert same_answer(others, scene.alice.begin(id_, ABSENT_NUMBER))


def test_g05_no_side_door(scene: Scene) -> None:
    id_, alice = scene.answered["bob"], scene.alice
    for path in (
        f"/requests/{id_}/",
        f"/requests/{ABSENT}/%2e%2e/{id_}",
        f"/requests/{id_.upper()}",
        f"//requests/{id_}",
    ):
        refused(alice.get(path), Reason.AUTHZ_NOT_FOUND)
    for method in ("OPTIONS", "PUT", "PATCH", "TRACE"):
        refused(alice.call(method, f"/requests/{id_}"), Reason.API_VALIDATION)
    assert alice.call("HEAD", f"/requests/{id_}").status_code == 405
    override = alice.call("GET", f"/requests/{id_}", X_HTTP_Method_Override="DELETE")
    refused(override, Reason.AUTHZ_NOT_FOUND)
    shouted = f"/certificates/{scene.number['alice'].lower()}"
    refused(alice.get(shouted), Reason.AUTHZ_NOT_FOUND)


ALL_ROUTES = [
    *((method, path.format(ABSENT)) for method, path, _ in CITIZEN_ROUTES),
    *((method, path.format(ABSENT)) for method, path in ORG_ROUTES),
    *CITIZEN_ONLY,
    ("POST", "/requests"),
    ("POST", "/certificates"),
    ("GET", f"/certificates/{ABSENT_NUMBER}"),
    ("DELETE", f"/certificates/{ABSENT_NUMBER}"),
]


@pytest.mark.parametrize(("method", "path"), ALL_ROUTES)
def test_g06_without_a_good_token(town: Town, method: str, path: str) -> None:
    caller = Caller(town)
    refused(caller.call(method, path), Reason.AUTH_MISSING)
    refused(caller.call(method, f"{path}?access_token=tsc_{'A' * 43}"), Reason.AUTH_MISSING)
    for bad in (
        f"Bearer tsc_{'A' * 43}",
        f"Bearer tso_{'A' * 43}",
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.",
        "Bearer ",
        "Basic YWxpY2U6",
        "Bearer tsc_' OR 1=1 --",
    ):
        answer = caller.call(method, path, Authorization=bad)
        refused(answer, Reason.AUTH_INVALID)
        assert answer.headers["www-authenticate"] == "Bearer"


def test_g06_a_token_ends_after_a_quarter_of_an_hour(town: Town, alice: Phone) -> None:
    town.clock.now += 15 * 60 - 1
    good(alice.get("/certificates"))
    town.clock.now += 1
    refused(alice.get("/certificates"), Reason.AUTH_INVALID)
    good(alice.login().get("/certificates"))
    good(alice.call("DELETE", "/login/tokens/current"))
    refused(alice.get("/certificates"), Reason.AUTH_INVALID)


def test_g12_each_side_stays_on_its_own_routes(scene: Scene) -> None:
    for id_ in (scene.answered["alice"], ABSENT):
        for method, path in ORG_ROUTES[1:]:
            refused(scene.alice.call(method, path.format(id_)), Reason.AUTHZ_DENIED)
        for method, path, body in CITIZEN_ROUTES[1:]:
            refused(scene.bank.call(method, path.format(id_), body(scene)), Reason.AUTHZ_DENIED)
    for method, path in CITIZEN_ONLY:
        refused(scene.bank.call(method, path), Reason.AUTHZ_DENIED)
    refused(scene.alice.post("/requests", {"request": b64(scene.bank.request())}), Reason.AUTHZ_DENIED)


def test_g25_nothing_personal_is_kept_by_caches(scene: Scene) -> None:
    for path in (
        f"/certificates/{scene.number['alice']}",
        "/certificates",
        f"/requests/{scene.answered['alice']}",
        "/access-log",
    ):
        assert scene.alice.get(path).headers["cache-control"] == "no-store"
    fetched = scene.bank.post(f"/requests/{scene.answered['alice']}/fetch")
    assert fetched.headers["cache-control"] == "no-store"
    refused(scene.bob.get(f"/requests/{scene.answered['alice']}"), Reason.AUTHZ_NOT_FOUND)


def test_an_organisation_leaves_no_request_of_another(scene: Scene) -> None:
    stolen = {"request": b64(scene.shop.request())}
    refused(scene.bank.post("/requests", stolen), Reason.AUTHZ_DENIED)
