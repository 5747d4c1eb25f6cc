"""The wallet's OpenAPI under fuzzing: two citizens, two organisations, nobody; nothing of one answered to another."""

from __future__ import annotations

from tests.issuer_http.conftest import running
from tests.openapi_fuzz import Party, fuzz
from tests.wallet.parties import URL, Asker, Caller, Phone, Town
from tests.world import claims_of_60_months
from wallet_api.http.app import create_app

# These end the session or the safe of who sends them; other tests see to them.
ENDING = ("/safe", "/login/tokens/current", "/devices/{device}")


def party(name: str, caller: Caller, *secrets: str) -> Party:
    return Party(name, {"Authorization": f"Bearer {caller.token}"}, [*secrets, caller.token])


def stored(phone: Phone, name: str, seed: bytes) -> str:
    return phone.put(phone.certificate(seed=seed * 32, claims={**claims_of_60_months(), 0: name}))


def test_no_answer_that_the_document_does_not_name(
    town: Town, alice: Phone, bob: Phone, bank: Asker, shop: Asker, full: bool
) -> None:
    """No 5xx, no other status or media type, no cross-read."""
    numbers = [stored(alice, "测试甲", b"a"), stored(bob, "测试乙", b"b")]
    ids = [bank.leave(), bank.leave(), shop.leave(), shop.leave()]
    alice.answer(ids[0], numbers[0])
    bob.answer(ids[2], numbers[1])
    app = create_app(town.service, public_url=URL)
    app.state.stopping.set()  # nobody waits for an answer here
    parties = [
        Party("nobody"),
        party("alice", alice, numbers[0]),
        party("bob", bob, numbers[1]),
        party("bank", bank),
        party("shop", shop),
    ]
    with running(app) as url:
        answered = fuzz(
            url,
            parties,
            examples=400 if full else 6,
            ids={"id": ids, "number": numbers},
            without=ENDING,
        )
    assert sum(answered.values()) > 200
    assert {status for _, status in answered} >= {200, 401, 403, 404, 422}
