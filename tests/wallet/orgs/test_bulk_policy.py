"""A list that is asked a policy: the answer stands in the result, and what it cannot tell it never will."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest

from certificate.certificate import parse_certificate
from certificate.policy.asking import slots_for_policy
from certificate.policy.parsing import parse_policy
from certificate.request import PolicyItem
from ledger.errors import ConfigError
from ledger.reasons import Reason
from tests.policy.histories import History, months, policy_file
from tests.world import NOW, SECONDS, World
from verifier.bulk.people import parse_people
from verifier.bulk.state import AskedPerson, BatchFile
from verifier.bulk.wallet_client import OrganisationClient
from verifier.bulk.work import collect, prepare
from verifier.seen import MemorySeen

PENSION = "pension.emp"
TEXT = policy_file("RUN(pension.emp, months = 24)", more='show = ["name", "id_tail"]')
RULE = parse_policy(TEXT)
PEOPLE = parse_people("name,id_tail\n测试甲,0017\n".encode())


class Case:
    """One person of a list, whose certificate holds `history`; the wallet says what a wallet would."""

    def __init__(self, folder: Path, history: History) -> None:
        self.world = World()
        self.history = history
        registration = self.world.registration(policies=(RULE.id,))
        pattern = self.world.request_body(items=(PolicyItem(RULE.id, RULE.digest),))
        asked = prepare(
            PEOPLE,
            pattern,
            key=self.world.asker,
            registration=registration,
            random=bytes,
            policies={RULE.id: RULE},
        )
        url = "https://wallet.test"
        self.file = BatchFile.create(folder / "hires.db", asked, list_digest=b"", wallet=url, org=1)
        self.file.sent(2, id_="0" * 32, link=f"{url}/requests/{'0' * 32}")
        self.file.stands(2, "answered")
        self.calls: list[str] = []
        self.presentation = self._present()
        self.trust = self.world.bundle(policies=[TEXT])
        transport = httpx.MockTransport(self._wallet)
        self.client = OrganisationClient(url, "t", pause=lambda _: None, transport=transport)

    def _present(self) -> bytes:
        registry = self.world.body().registry
        claims = {registry.slot_of(name): value for name, value in self.history.claims().items()}
        tree = self.world.tree({**claims, 0: "测试甲", 1: "0017"})
        body = self.world.body(claims_root=tree.root(), cut_off=self.history.cut_off)
        whole = self.world.certificate(body, tree=tree)
        _, (slots,) = slots_for_policy(RULE, [parse_certificate(whole)], today=date(2026, 11, 24))
        request = self.file.everybody()[0].request
        return self.world.presentation(certificate=whole, request=request, slots=slots)

    def _wallet(self, request: httpx.Request) -> httpx.Response:
        step = request.url.path.rpartition("/")[2]
        self.calls.append(step)
        shown = urlsafe_b64encode(self.presentation).rstrip(b"=").decode()
        return httpx.Response(200, json={"presentation": shown} if step == "fetch" else {})

    def collect(self, *, later: int = 0) -> AskedPerson:
        collect(
            self.file,
            self.client,
            trust=self.trust,
            newest=MemorySeen(),
            now=lambda: NOW + timedelta(seconds=later),
            language="en",
            progress=lambda: None,
        )
        return self.file.everybody()[0]


def paid(first: int, last: int, cut_off: int = 202610) -> History:
    return History(cut_off).pay(PENSION, months(first, last))


def test_the_answer_stands_in_the_result(tmp_path: Path) -> None:
    case = Case(tmp_path, paid(202001, 202610))
    result = case.collect().result
    case.file.close()
    assert result is not None
    assert (result.outcome, result.reason) == ("valid", None)
    assert RULE.title("en") in dict(result.facts)
    assert result.judged == SECONDS


@pytest.mark.parametrize(
    ("history", "outcome", "reason"),
    [
        (paid(202501, 202610), "invalid", Reason.POLICY_NOT_MET),
        (paid(202001, 202607, cut_off=202607), "undetermined", Reason.POLICY_DATA_TOO_OLD),
    ],
)
def test_what_it_does_not_say_is_final(
    tmp_path: Path, history: History, outcome: str, reason: Reason
) -> None:
    case = Case(tmp_path, history)
    asked = case.collect()
    again = case.collect(later=3600)
    case.file.close()
    assert asked.result is not None
    assert (asked.result.outcome, asked.result.reason, asked.acknowledged) == (outcome, reason.value, True)
    assert again == asked
    assert case.calls == ["fetch", "acknowledge"]


def test_what_was_not_told_in_time_stays_not_told(tmp_path: Path) -> None:
    """Without the status list it cannot be told; when the answer is over, that is still the last word on it."""
    case = Case(tmp_path, paid(202001, 202610))
    case.trust = case.world.bundle(policies=[TEXT], with_list=False)
    asked = case.collect()
    assert asked.result is not None
    assert (asked.result.reason, asked.acknowledged) == ("status.list_missing", False)
    last = case.collect(later=3600)
    case.file.close()
    assert (last.result, last.acknowledged) == (asked.result, True)


def test_a_policy_that_shows_no_name_is_not_enough() -> None:
    rule = parse_policy(policy_file("RUN(pension.emp, months = 24)"))
    pattern = World().request_body(items=(PolicyItem(rule.id, rule.digest),))
    with pytest.raises(ConfigError) as caught:
        list(
            prepare(
                PEOPLE,
                pattern,
                key=World().asker,
                registration=World().registration(),
                random=bytes,
                policies={rule.id: rule},
            )
        )
    assert caught.value.reason is Reason.CLI_USAGE
