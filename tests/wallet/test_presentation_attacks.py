"""P09-P17 with presentations that came through the wallet: what a thief does with one afterwards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from certificate.certificate import encode_certificate
from certificate.cose import encode_sign1
from certificate.presentation import parse_presentation
from certificate.qr_text import encode_qr_text
from certificate.request import parse_request, sign_request
from ledger.reasons import Reason
from tests.wallet.parties import Asker, Phone, Town, b64, refused
from tests.world import NOW, PURPOSE, SLOTS_24
from verifier.expect import STATIC, Asked
from verifier.report import Outcome, Report
from verifier.seen_file import FileSeen


@dataclass
class Released:
    """What the bank fetched: its request, the answer, and what the verifier says to it."""

    town: Town
    request: bytes
    presentation: bytes

    def judge(self, data: bytes | None = None, *, request: bytes | None = None, late: int = 0) -> Report:
        return self.town.world.verify(
            data or self.presentation,
            expect=Asked(request or self.request),
            now=NOW + timedelta(seconds=late),
        )


@pytest.fixture
def released(town: Town, alice: Phone, bank: Asker) -> Released:
    number, request = alice.put(), bank.request()
    id_ = bank.leave(request)
    alice.answer(id_, number, (0, 1), minutes=10)
    return Released(town, request, bank.fetch(id_))


def no(report: Report, reason: Reason) -> None:
    assert (report.outcome, report.reason) == (Outcome.INVALID, reason)


def test_p09_shown_later_elsewhere_or_again(released: Released, bank: Asker, tmp_path: Path) -> None:
    """P09, P15: and the memory of used answers outlives the verifier's process."""
    no(released.judge(late=11 * 60), Reason.PRES_EXPIRED)
    no(released.judge(request=bank.request()), Reason.PRES_REQUEST_MISMATCH)
    for expected in (None, Reason.PRES_NONCE_REPLAYED, Reason.PRES_NONCE_REPLAYED):
        report = released.town.world.verify(
            encode_qr_text(released.presentation).encode(),
            expect=Asked(released.request),
            seen=FileSeen(tmp_path / "seen.db"),
        )
        assert report.reason is expected


def test_p09a_p10_the_holders_signature_cut_off(released: Released) -> None:
    shown = parse_presentation(released.presentation).certificate
    cut = encode_certificate(shown.sign1, shown.disclosures, shown.multiproof, shown.proof)
    no(released.town.world.verify(cut, expect=STATIC), Reason.PRES_BINDING_MISSING)
    no(released.judge(cut), Reason.PRES_BINDING_MISSING)


def test_p11_signed_by_another_key(
    released: Released, town: Town, alice: Phone, bob: Phone, bank: Asker
) -> None:
    """The wallet takes no such signature; made without it, the verifier refuses."""
    number = alice.put()
    id_ = bank.leave()
    begun = alice.begin(id_, number)
    alice.key, honest = bob.key, alice.key
    refused(alice.complete(id_, alice.sign(begun)), Reason.PRES_BINDING_INVALID)
    alice.key = honest
    sign1 = parse_presentation(released.presentation).sign1
    forged = encode_sign1(sign1.protected_bytes, sign1.payload_bytes, bob.key.sign(sign1.to_be_signed))
    no(released.judge(forged), Reason.PRES_BINDING_INVALID)


def test_p12_for_another_organisation(released: Released, shop: Asker) -> None:
    no(released.judge(request=shop.request()), Reason.PRES_AUDIENCE_MISMATCH)


def test_p13_no_unbound_mode(released: Released) -> None:
    with pytest.raises(TypeError):
        released.town.world.verify(released.presentation, expect=b"x")  # type: ignore[arg-type]  # what P13 tries


def test_p14_from_the_future(town: Town, alice: Phone, bank: Asker) -> None:
    """A wallet whose clock is ten minutes ahead."""
    town.clock.now += 600
    number, request = alice.put(), bank.request()
    id_ = bank.leave(request)
    alice.answer(id_, number)
    no(Released(town, request, bank.fetch(id_)).judge(), Reason.TIME_ISSUED_IN_FUTURE)


@pytest.mark.parametrize("purpose", ["信贷审批", f"{PURPOSE} ", f"{PURPOSE[:2]} {PURPOSE[2:]}"])
def test_p16_another_purpose_than_agreed(released: Released, bank: Asker, purpose: str) -> None:
    """The wallet takes no request for a purpose that is not registered to the letter; an answer fits one request."""
    answer = bank.post("/requests", {"request": b64(bank.request(purpose=purpose))})
    assert answer.json()["reason"] in ("org.purpose_not_allowed", "schema.text_forbidden_char")
    world = released.town.world
    registration = world.registration(
        org=bank.number, request_key=bank.key.public_key, purposes=(PURPOSE, purpose.strip())
    )
    body = replace(parse_request(released.request).body, purpose=purpose.strip(), nonce=b"m" * 16)
    other = sign_request(bank.key, body, registration)
    no(released.judge(request=other), Reason.PRES_REQUEST_MISMATCH)


def test_p17_a_signature_over_other_fields(released: Released, alice: Phone, bank: Asker) -> None:
    number = alice.put()
    id_ = bank.leave()
    narrow = alice.sign(alice.begin(id_, number, (0,)))
    alice.begin(id_, number, (0, 1))
    refused(alice.complete(id_, narrow), Reason.PRES_BINDING_INVALID)
    other = parse_presentation(alice_answers(alice, bank, number))
    sign1 = parse_presentation(released.presentation).sign1
    moved = encode_sign1(other.sign1.protected_bytes, sign1.payload_bytes, sign1.signature)
    no(released.judge(moved), Reason.PRES_BINDING_INVALID)


def alice_answers(alice: Phone, bank: Asker, number: str) -> bytes:
    """A presentation of fewer claims."""
    id_ = bank.leave()
    alice.answer(id_, number, (1,))
    data = bank.fetch(id_)
    assert [shown.slot for shown in parse_presentation(data).certificate.disclosures] == list(SLOTS_24)
    return data


def test_g20_ten_thousand_ranges(alice: Phone) -> None:
    """The whole comes back, as if no range had been asked for."""
    number = alice.put()
    ranges = "bytes=" + ",".join(f"{at}-{at}" for at in range(10_000))
    answer = alice.get(f"/certificates/{number}", Range=ranges)
    assert answer.status_code == 200
    assert answer.content == alice.get(f"/certificates/{number}").content
