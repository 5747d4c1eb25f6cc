"""A list of hires from the sending to the results, with crashes in between."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import httpx
import pytest

from ledger.errors import ConfigError, ConflictError, ConsentError, ProjectError, VerificationError
from ledger.reasons import Reason
from tests.wallet.orgs.hires import CSV, Desk, item_digest, person
from tests.wallet.parties import Asker, Phone, Town, good
from tests.world import SLOTS_24
from verifier.bulk.people import parse_people
from verifier.bulk.state import BatchFile
from verifier.bulk.wallet_client import OrganisationClient, wallet_url
from verifier.bulk.work import Reminders, prepare, remind


@pytest.fixture
def desk(town: Town, bank: Asker, tmp_path: Path) -> Desk:
    return Desk(town, bank, tmp_path)


class Killed(BaseException):
    """The process ends here."""


def test_a_list_from_the_sending_to_the_results(desk: Desk, town: Town, alice: Phone, bob: Phone) -> None:
    assert desk.send() == 3
    first, second, third = desk.everybody()
    assert len({item_digest(asked) for asked in (first, second, third)}) == 3
    assert all(
        asked.link == f"https://wallet.example-city.test/requests/{asked.id}" for asked in (first, second)
    )

    assert first.id
    assert second.id
    assert third.id
    alice.answer(first.id, person(alice, "测试甲", "0017"), (0,))
    bob.answer(second.id, person(bob, "冒名者", "0025"), (0,))
    good(alice.post(f"/requests/{third.id}/refuse"))
    first, second, third = desk.collect()
    assert (first.state, second.state, third.state) == ("answered", "answered", "refused")
    assert first.result is not None
    assert second.result is not None
    assert (first.result.outcome, first.result.reason) == ("valid", None)
    shown = dict(first.result.facts)
    assert shown["cut_off"] == "2026-10"
    assert len(shown) == 1 + len(SLOTS_24)
    assert (second.result.outcome, second.result.reason) == ("invalid", "pres.subject_mismatch")
    assert second.result.facts == ()
    assert third.result is None
    assert first.acknowledged
    assert second.acknowledged
    assert first.presentation is None
    assert b"\xe5\x86\x92" not in desk.path.read_bytes()  # nothing of the wrong person stays in the file
    assert [asked.result for asked in desk.collect()] == [first.result, second.result, None]


def test_names_and_numbers_stay_here(desk: Desk, town: Town) -> None:
    sent: list[bytes] = []
    desk.send(lambda request: sent.append(request.content + str(request.url).encode()))
    town.service.store.wipe()
    stored = town.path.read_bytes() + b"".join(sent)
    for name in ("测试甲", "测试乙"):
        assert name.encode() in desk.path.read_bytes()
        assert name.encode() not in stored
    assert stat.S_IMODE(desk.path.stat().st_mode) == 0o600


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_while_sending_sends_nothing_twice(desk: Desk, town: Town, when: str) -> None:
    calls = 0

    def crash(request: httpx.Request) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            if when == "after":  # the wallet took it, and nobody heard
                town.http._transport.handle_request(request)
            raise Killed

    with pytest.raises(Killed):
        desk.send(crash)
    assert [asked.id is not None for asked in desk.everybody()] == [True, False, False]
    assert desk.send() == 2
    assert desk.send() == 0
    with town.service.store.read() as tx:
        assert tx._execute("SELECT COUNT(*) FROM requests") == [(3,)]


@pytest.mark.parametrize("step", ["fetch", "acknowledge"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_while_collecting_loses_nothing(
    desk: Desk, town: Town, alice: Phone, step: str, when: str
) -> None:
    desk.send()
    first = desk.everybody()[0]
    assert first.id
    alice.answer(first.id, person(alice, "测试甲", "0017"), (0,))

    def crash(request: httpx.Request) -> None:
        if request.url.path.endswith(step):
            if when == "after":
                town.http._transport.handle_request(request)
            raise Killed

    with pytest.raises(Killed):
        desk.collect(crash)
    first = desk.everybody()[0]
    assert not first.acknowledged
    assert (first.result is not None) == (step == "acknowledge")  # durable before the acknowledgement leaves
    first = desk.collect()[0]
    assert first.result is not None
    assert (first.result.outcome, first.acknowledged) == ("valid", True)


def test_judged_but_not_noted(desk: Desk, alice: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between the verification and its note: judged again, an answer is no replay of itself."""
    desk.send()
    first = desk.everybody()[0]
    assert first.id
    alice.answer(first.id, person(alice, "测试甲", "0017"), (0,))

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(BatchFile, "judged", killed)
        with pytest.raises(Killed):
            desk.collect()
    result = desk.collect()[0].result
    assert result is not None
    assert result.outcome == "valid"


def test_what_cannot_be_told_yet_is_judged_again(desk: Desk, town: Town, alice: Phone) -> None:
    desk.send()
    first = desk.everybody()[0]
    assert first.id
    alice.answer(first.id, person(alice, "测试甲", "0017"), (0,))
    whole = town.service.trust()
    without_list = town.world.bundle(with_list=False)
    object.__setattr__(town.service, "trust", lambda: without_list)
    first = desk.collect()[0]
    assert first.result is not None
    assert (first.result.reason, first.acknowledged) == ("status.list_missing", False)
    object.__setattr__(town.service, "trust", lambda: whole)
    first = desk.collect()[0]
    assert first.result is not None
    assert (first.result.outcome, first.acknowledged) == ("valid", True)


def test_what_is_withdrawn_is_erased_and_that_is_confirmed(desk: Desk, town: Town, alice: Phone) -> None:
    desk.send()
    first = desk.everybody()[0]
    assert first.id
    alice.answer(first.id, person(alice, "测试甲", "0017"), (0,))
    assert desk.collect()[0].result is not None
    assert b"cut_off" in desk.path.read_bytes()
    good(alice.post(f"/requests/{first.id}/withdraw"))
    first = desk.refresh()[0]
    assert b"cut_off" not in desk.path.read_bytes()
    assert (first.state, first.result, first.presentation) == ("withdrawn", None, None)
    told = good(alice.get(f"/requests/{first.id}"))
    assert told["answer"]["deletion_confirmed"] == town.clock.now


def test_withdrawn_between_the_look_and_the_fetch(desk: Desk, alice: Phone) -> None:
    desk.send()
    first = desk.everybody()[0]
    assert first.id
    id_ = first.id
    alice.answer(id_, person(alice, "测试甲", "0017"), (0,))

    def withdraw(request: httpx.Request) -> None:
        if request.url.path.endswith("fetch"):
            good(alice.post(f"/requests/{id_}/withdraw"))

    first = desk.collect(withdraw)[0]
    assert (first.state, first.result) == ("withdrawn", None)


def test_one_reminder(desk: Desk, town: Town, alice: Phone) -> None:
    desk.send()
    first, *_ = desk.everybody()
    assert first.id
    good(alice.get(f"/requests/{first.id}"))
    assert good(alice.get("/reminders"))["requests"] == []
    file = desk.open()
    try:
        town.clock.now += 60
        assert remind(file, desk.client(), now=lambda: town.clock.now) == Reminders(3, 0)
        with pytest.raises(ConsentError) as caught:
            remind(file, desk.client(), now=lambda: town.clock.now)
    finally:
        file.close()
    assert caught.value.reason is Reason.ORG_REMINDED
    assert [item["id"] for item in good(alice.get("/reminders"))["requests"]] == [first.id]
    assert good(alice.get(f"/requests/{first.id}"))["reminded"] == town.clock.now


def test_two_commands_on_one_list(desk: Desk) -> None:
    desk.send()
    file = desk.open()
    try:
        with pytest.raises(ConflictError) as caught:
            desk.open()
    finally:
        file.close()
    assert caught.value.reason is Reason.STORE_LOCKED
    desk.open().close()


def test_the_file_is_nobody_elses(desk: Desk, tmp_path: Path) -> None:
    desk.send()
    desk.path.chmod(0o640)
    with pytest.raises(ConfigError) as caught:
        desk.open()
    assert caught.value.reason is Reason.CLI_PATH_UNSAFE
    desk.path.chmod(0o600)
    link = tmp_path / "link.db"
    os.symlink(desk.path, link)
    with pytest.raises(ConfigError) as caught:
        BatchFile(link)
    assert caught.value.reason is Reason.CLI_PATH_UNSAFE


def test_a_question_that_would_not_tell_people_apart(desk: Desk, town: Town) -> None:
    body = town.world.request_body()
    with pytest.raises(ConfigError) as caught:
        list(
            prepare(
                parse_people(CSV.encode()),
                body,
                key=desk.asker.key,
                registration=b"",
                random=os.urandom,
                policies={},
            )
        )
    assert caught.value.reason is Reason.CLI_USAGE


def test_a_wrong_token_is_the_wallets_own_word(desk: Desk) -> None:
    desk.asker.token = "tso_" + "A" * 43
    with pytest.raises(VerificationError) as caught:
        desk.send()
    assert caught.value.reason is Reason.AUTH_INVALID


@pytest.mark.parametrize(
    "url", ["http://wallet.example", "ftp://x", "wallet.example", "https://u@x", "https://x?a=1", ""]
)
def test_a_token_goes_to_no_other_address(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        wallet_url(url)
    assert caught.value.reason is Reason.CLI_USAGE


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, content=b"<html>"),
        httpx.Response(201, json={"id": "../..", "link": "https://x"}),
        httpx.Response(201, json={"id": "0" * 32, "link": "javascript:x"}),
        httpx.Response(302, headers={"location": "https://evil.example"}),
        httpx.Response(500, json={"reason": "no.such"}),
        httpx.Response(404, json=[]),
    ],
)
def test_an_answer_that_is_no_wallets(answer: httpx.Response) -> None:
    calls = 0

    def handle(_: httpx.Request) -> httpx.Response:
        nonlocal calls
        calls += 1
        return answer

    client = OrganisationClient(
        "https://x.test", "t", pause=lambda _: None, transport=httpx.MockTransport(handle)
    )
    with pytest.raises(ProjectError):
        client.leave(b"x", key="k")
    assert calls == 1


def test_a_busy_wallet_is_asked_again() -> None:
    answers = [
        httpx.Response(429, headers={"retry-after": "7"}),
        httpx.Response(200, json={"state": "waiting"}),
    ]
    waits: list[float] = []
    client = OrganisationClient(
        "https://x.test", "t", pause=waits.append, transport=httpx.MockTransport(lambda _: answers.pop(0))
    )
    assert client.state("0" * 32) == "waiting"
    assert waits == [7.0]


def test_three_hundred(desk: Desk, town: Town, bank: Asker, tmp_path: Path) -> None:
    rows = "".join(f"测试{n},{n:04d},\n" for n in range(300))
    many = Desk(town, bank, tmp_path, f"name,id_tail,ref\n{rows}")
    assert many.send() == 300
    town.clock.now += 3601
    assert {asked.state for asked in many.refresh()} == {"expired"}
