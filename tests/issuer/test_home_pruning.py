"""Old months: forgotten only when nobody needs them, and then for good."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from issuer.export import find_row, tree_of_row
from issuer.register_schema import SCHEMA_VERSION
from issuer.sample import write_sample
from issuer.service import import_records, mint_all
from issuer.upkeep.pruning import prune_snapshots
from ledger.errors import ConfigError
from ledger.reasons import Reason
from tests.issuer.conftest import PEOPLE, Bureau
from tests.program import ok, tally
from tests.world import SECONDS

DAY = 86400


@pytest.fixture
def two_months(bureau: Bureau, tmp_path: Path) -> Bureau:
    """Everyone minted from the first of two months."""
    mint_all(bureau.home, bureau.ledger, now=SECONDS)
    write_sample(tmp_path / "next", people=PEOPLE, seed=3, cut_off=202611)
    import_records(bureau.home, tmp_path / "next", now=SECONDS + 1)
    return bureau


def test_a_month_with_valid_certificates_is_kept(two_months: Bureau) -> None:
    with pytest.raises(ConfigError) as refusal:
        prune_snapshots(two_months.home, before=202611, now=SECONDS + 90 * DAY)
    assert refusal.value.reason is Reason.CLI_USAGE
    assert tree_of_row(two_months.home, find_row(two_months.home, two_months.persons[0])).slots


def test_the_newest_month_is_always_kept(two_months: Bureau) -> None:
    with pytest.raises(ConfigError):
        prune_snapshots(two_months.home, before=203001, now=SECONDS + 900 * DAY)
    assert two_months.home.snapshot().cut_off == 202611


def test_a_forgotten_month_leaves_nothing(two_months: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the records nor the key of the file: not even on the disk under a name that is gone."""
    home = two_months.home
    [old] = (home.path / "snapshots").glob("202610-*")
    before = old.read_bytes()
    left: list[bytes] = []
    unlink = Path.unlink

    def looking(path: Path, missing_ok: bool = False) -> None:
        if path == old:
            left.append(path.read_bytes())
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", looking)
    assert prune_snapshots(home, before=202611, now=SECONDS + 91 * DAY) == [202610]
    assert left == [bytes(len(before))]
    assert [path.name[:6] for path in (home.path / "snapshots").iterdir()] == ["202611"]
    with pytest.raises(ConfigError) as refusal:
        tree_of_row(home, find_row(home, two_months.persons[0]))
    assert refusal.value.reason is Reason.HOME_NOT_FOUND
    assert prune_snapshots(home, before=202611, now=SECONDS + 91 * DAY) == []
    assert mint_all(home, two_months.ledger, now=SECONDS + 91 * DAY).minted == PEOPLE


def test_the_commands_of_a_home(two_months: Bureau, tmp_path: Path) -> None:
    """What an operator types, and what a program reads of it."""
    home = two_months.home.path
    status = ok("home", "status", "--home", home, "--json").json
    assert status["certificates"] == PEOPLE
    assert status["schemas"] == {"home": 1, "register": SCHEMA_VERSION, "ledger": 1}
    assert [(s["cut_off"], s["persons"]) for s in status["snapshots"]] == [(202611, PEOPLE), (202610, PEOPLE)]
    assert status["ledger"]["entries"] == status["ledger"]["signed_size"] == status["ledger"]["cosigned_size"]
    assert status["environment"] == "test"
    text = ok("home", "status", "--home", home).out
    assert f"{PEOPLE:,}" in text
    assert status["ledger"]["root"] in text
    assert ok("home", "upgrade", "--home", home, "--json").json == {
        "old": SCHEMA_VERSION,
        "new": SCHEMA_VERSION,
        "sealed": 0,
    }
    assert ok("home", "prune", "--before", 202610, "--home", home, "--json").json == {"destroyed": []}
    refused = tally("home", "restore", tmp_path, "--home", tmp_path / "new")
    assert (refused.code, "--anchor-lost" in refused.err) == (2, True)
    refused = tally("home", "status", "--home", tmp_path / "nowhere", "--json")
    assert (refused.code, json.loads(refused.out)["error"]["reason"]) == (2, "home.not_found")
