"""Month after month by the key alone: three cycles, and a phone that slept through all of them."""

from __future__ import annotations

from pathlib import Path

from certificate.certificate import parse_certificate
from issuer.sample import write_sample
from issuer.service import MintRun, import_records, mint_enrolled, opened_register
from tests.issuer_http.conftest import Service, Wallet, unb64

MONTH = 30 * 86400
MONTHS = (202611, 202612, 202701)


def next_month(service: Service, folder: Path, cut_off: int) -> MintRun:
    """A month passes: the bureau imports the newest export and mints for the enrolled in one run."""
    service.clock.now += MONTH
    write_sample(folder / str(cut_off), people=30, seed=3, cut_off=cut_off)
    import_records(service.home, folder / str(cut_off), now=service.clock.now)
    ledger = service.home.ledger()
    try:
        return mint_enrolled(service.home, ledger, now=service.clock.now)
    finally:
        ledger.close()


def test_three_months_without_a_code_and_a_phone_that_slept(service: Service, tmp_path: Path) -> None:
    awake, asleep = Wallet(service), Wallet(service)
    awake.claim(service.offer(0))
    held = parse_certificate(asleep.claim(service.offer(1))).body.cut_off
    for cut_off in MONTHS:
        assert awake.renew(newer_than=held).status_code == 204
        run = next_month(service, tmp_path, cut_off)
        assert (run.minted, run.already) == (2, 0)
        answer = awake.renew(newer_than=held)
        assert answer.json()["cut_off"] == cut_off
        body = parse_certificate(unb64(answer.json()["credential"])).body
        assert (body.cut_off, body.cnf) == (cut_off, awake.public_key)
        held = cut_off
    woken = asleep.renew(newer_than=202610)
    assert woken.json()["cut_off"] == MONTHS[-1]
    assert parse_certificate(unb64(woken.json()["credential"])).body.cnf == asleep.public_key


def test_who_left_the_records_stops_nobody_else(service: Service, tmp_path: Path) -> None:
    """An enrolled person who is not in the next export: the others are minted, the old certificate stays."""
    stays, leaves = Wallet(service), Wallet(service)
    stays.claim(service.offer(0))
    leaves.claim(service.offer(29))
    service.clock.now += MONTH
    write_sample(tmp_path / "fewer", people=20, seed=3, cut_off=202611)
    import_records(service.home, tmp_path / "fewer", now=service.clock.now)
    ledger = service.home.ledger()
    try:
        run = mint_enrolled(service.home, ledger, now=service.clock.now)
    finally:
        ledger.close()
    with opened_register(service.home) as register:
        assert len(register.enrolled()) == 2
    gone = service.persons[29] not in service.home.snapshot()
    assert run.minted == (1 if gone else 2)
    assert stays.renew(newer_than=202610).json()["cut_off"] == 202611
    assert leaves.renew(newer_than=202610).status_code == (204 if gone else 200)
