"""Look-ups by bureau staff reach the citizen's log, and the bureau learns nothing by telling."""

from __future__ import annotations

import os
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from cli.main import cli
from ledger.reasons import Reason
from tests.wallet.parties import Asker, Caller, Phone, Town, b64, good, refused
from tests.wallet.stores import BOTH_STORES
from wallet_api.access_log import check_access_log
from wallet_api.login import end_bureau_tokens, make_bureau_token

REASON = "核对缴费月数\uff0c本人到柜台"


class Clerk(Caller):
    def __init__(self, town: Town, token: str) -> None:
        self.town = town
        self.token = token

    def tell(self, phone: Phone, **changes: Any) -> httpx.Response:
        body = {
            "holder_key": b64(phone.key.public_key),
            "operator": "first",
            "reason": REASON,
            "claims": [1, 0],
            "time": self.town.clock.now - 60,
        }
        return self.post("/lookups", {**body, **changes})


@pytest.fixture
def clerk(town: Town) -> Clerk:
    return Clerk(town, make_bureau_token(town.service.store, secret=os.urandom(32), now=town.clock.now))


@BOTH_STORES
def test_the_citizen_reads_who_looked_and_why(town: Town, alice: Phone, bob: Phone, clerk: Clerk) -> None:
    known = clerk.tell(alice)
    assert (known.status_code, known.content) == (204, b"")
    assert clerk.tell(alice).status_code == 204  # the bureau sends until it is heard
    assert clerk.tell(alice, time=town.clock.now).status_code == 204
    rows = good(alice.get("/access-log"))["rows"]
    assert [row["action"] for row in rows] == ["looked_up"] * 2
    assert rows[0]["details"] == ["first", REASON]
    assert (rows[0]["claims"], rows[0]["org"], rows[0]["time"]) == (
        ["name", "id_tail"], 0, town.clock.now - 60,
    )  # fmt: skip
    assert good(bob.get("/access-log"))["rows"] == []
    check_access_log(town.service.store, town.service.keyring)


def test_known_and_unknown_keys_answer_alike(town: Town, alice: Phone, clerk: Clerk) -> None:
    stranger = town.citizen("never here")
    known, unknown = clerk.tell(alice), clerk.tell(stranger)
    assert (known.status_code, known.content, dict(known.headers)) == (
        unknown.status_code, unknown.content, dict(unknown.headers),
    )  # fmt: skip
    with town.service.store.read() as tx:
        assert tx.log_size() == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"claims": [9999]}, Reason.SCHEMA_FIELD_UNKNOWN),
        ({"claims": [-1]}, Reason.API_VALIDATION),
        ({"operator": "a\u202eb"}, Reason.SCHEMA_TEXT_FORBIDDEN_CHAR),
        ({"reason": ""}, Reason.API_VALIDATION),
        ({"reason": "x" * 201}, Reason.API_VALIDATION),
        ({"time": 2**39}, Reason.ENC_NUMBER_RANGE),
        ({"person_no": "9900000001"}, Reason.API_VALIDATION),
    ],
)
def test_what_is_no_look_up_is_refused(
    alice: Phone, clerk: Clerk, changes: dict[str, Any], reason: Reason
) -> None:
    refused(clerk.tell(alice, **changes), reason)
    assert good(alice.get("/access-log"))["rows"] == []


def test_the_bureaus_token_opens_nothing_else_and_others_do_not_tell(
    town: Town, alice: Phone, bank: Asker, clerk: Clerk
) -> None:
    id_ = bank.leave()
    for path in ("/certificates", "/access-log", "/requests", f"/requests/{id_}", "/devices"):
        refused(clerk.get(path), Reason.AUTHZ_DENIED)
    for caller in (alice, bank):
        refused(Clerk.tell(caller, alice), Reason.AUTHZ_DENIED)  # type: ignore[arg-type]  # another caller's call
    end_bureau_tokens(town.service.store)
    refused(clerk.tell(alice), Reason.AUTH_INVALID)


def test_the_token_is_made_at_the_command_line(town: Town, alice: Phone) -> None:
    made = CliRunner().invoke(cli, ["wallet", "bureau-token", "--db", str(town.path)])
    assert made.exit_code == 0, made.output
    token = made.output.strip()
    assert token.startswith("tsb_")
    assert token.encode() not in town.path.read_bytes()
    assert Clerk(town, token).tell(alice).status_code == 204
