"""The supervisor's report: right figures, in both languages, and nothing about a citizen."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from certificate.certificate import parse_certificate
from issuer.casework.cases import open_case
from issuer.casework.statement import Action
from issuer.organisations import register_organisation
from issuer.publish import load_directory
from issuer.service import opened_register
from ledger.errors import ConfigError
from ledger.reasons import Reason
from tests.attacks.commands import ok
from tests.casework.doing import PASSPHRASE, minted, opened, ran
from tests.issuer.conftest import Bureau
from tests.world import REGISTRY, SECONDS, signer


@pytest.fixture
def busy(bureau: Bureau) -> Bureau:
    """Nine certificates on paper and two with keys, four of them ended in four cases, one case waiting."""
    numbers = minted(bureau, 9)
    minted(bureau, 2, holder=signer("a citizen").public_key)
    ran(bureau, Action.REVOKE, numbers[:2])
    ran(bureau, Action.SUSPEND, numbers[2:5])
    ran(bureau, Action.RESUME, numbers[2:3])
    opened(bureau, Action.SUSPEND, numbers[5:6], citizen_call=True)
    opened(bureau, Action.REVOKE, numbers[6:])
    slots = [REGISTRY.slot_of(name) for name in ("name", "id_tail")]
    register_organisation(
        bureau.home, org=2, name_zh="示例学校(测试)", name_en="Example School (test)", contact="示例路2号",
        request_key=signer("school").public_key, now=SECONDS, slots=(slots[0], slots[1]), policies=("housing.24",),
    )  # fmt: skip
    bureau.ledger.close()
    return bureau


def test_the_figures(busy: Bureau) -> None:
    told = ok("issuer", "report", "--home", busy.home.path, "--json").json
    assert told["mints"] == [
        {"office": 1, "code": busy_code(busy), "month": 202611, "certificates": 11, "paper": 9}
    ]
    assert told["states"] == {"revoked": 2, "suspended": 3}
    cases = [
        (
            one["action"],
            one["certificates"],
            one["changed"],
            one["opened_by"],
            one["approved_by"],
            one["citizen_call"],
        )
        for one in told["cases"]
    ]
    assert cases == [
        ("revoke", 2, 2, "first", "second", False),
        ("suspend", 3, 3, "first", "second", False),
        ("resume", 1, 1, "first", "second", False),
        ("suspend", 1, 1, "first", None, True),
        ("revoke", 3, None, "first", None, False),
    ]
    assert all(one["as_signed"] and one["reason"] == "a test" for one in told["cases"])
    assert [one["operator"] for one in told["operators"]] == ["first", "second"]
    assert [key["role"] for key in told["keys"]] == [
        "certificate",
        "status",
        "registrar",
        "status_mldsa",
    ]


def busy_code(busy: Bureau) -> str:
    return load_directory(busy.home).offices[0].code


def test_who_may_ask_more_than_they_need(busy: Bureau) -> None:
    """The bank may ask every claim there is; the school asks what its question shows, and is not named."""
    told = ok("issuer", "report", "--home", busy.home.path, "--json").json
    assert told["organisations"] == 2
    (bank,) = told["over_asking"]
    assert bank["org"] == 1
    assert bank["allowed"] == len(REGISTRY.claims)
    assert sum(bank["beyond"].values()) + bank["needed"] == bank["allowed"]
    assert "id_no" in bank["identity"]
    assert "name" not in bank["identity"]  # which its policies show


def test_it_names_no_citizen(busy: Bureau) -> None:
    """Neither what records say of anybody, nor a number of a person or certificate, in any of its forms."""
    at = ("issuer", "report", "--home", busy.home.path)
    shown = [ok(*at, "--lang", "zh").out, ok(*at, "--lang", "en").out, ok(*at, "--json").out]
    with opened_register(busy.home) as register:
        secret = {row.number for person in busy.persons for row in register.of_person(person)}
        secret |= {parse_certificate(signed).body.claims_root.hex() for _, _, signed in register.minted()}
    for person in busy.persons:
        claims = busy.home.snapshot().claims(person).claims
        secret |= {person, *(str(claims[REGISTRY.slot_of(name)]) for name in ("name", "id_no"))}
    assert len(secret) > 100
    for text in shown:
        assert len(text) > 500
        assert not [one for one in secret if one in text]


def test_both_languages(busy: Bureau) -> None:
    zh = ok("issuer", "report", "--home", busy.home.path, "--lang", "zh").out
    en = ok("issuer", "report", "--home", busy.home.path, "--lang", "en").out
    assert "second 批准" in zh
    assert "待批准" in zh
    assert "approved by second" in en
    assert "at the citizen's call" in en
    assert len(zh.splitlines()) == len(en.splitlines())


@pytest.mark.parametrize("edit", ["approved_by = NULL", "approved_by = 'third'", "approval = opening"])
def test_an_approval_that_was_edited_is_shown_as_such(busy: Bureau, edit: str) -> None:
    with closing(sqlite3.connect(busy.home.path / "register.db", isolation_level=None)) as register:
        register.execute(f"UPDATE cases SET {edit} WHERE id = 1")
    told = ok("issuer", "report", "--home", busy.home.path, "--json").json
    assert [one["as_signed"] for one in told["cases"]] == [False, True, True, True, True]
    assert "NOT WHAT WAS SIGNED" in ok("issuer", "report", "--home", busy.home.path, "--lang", "en").out


@pytest.mark.parametrize("number", ["9900000001", "990000199001010017", "1381234567"])
def test_a_reason_that_numbers_a_person_is_refused(bureau: Bureau, number: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        open_case(
            bureau.home, bureau.ledger, Action.REVOKE, minted(bureau), reason=f"double of {number}",
            operator="first", passphrase=PASSPHRASE, now=SECONDS + 1,
        )  # fmt: skip
    assert refusal.value.reason is Reason.CLI_USAGE
    assert number not in str(refusal.value)
