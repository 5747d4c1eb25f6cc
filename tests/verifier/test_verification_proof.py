"""The signed word of a verification: what it holds, and judging again from the filed bytes as of its day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from certificate.numbers import CertificateType
from certificate.qr_text import encode_file_text, encode_qr_text
from certificate.request import SlotsItem, parse_request
from certificate.slots import ClaimValue
from certificate.verification_proof import (
    ProvenOutcome,
    VerificationBody,
    parse_verification_proof,
    sign_verification_proof,
)
from ledger.errors import FormatError, ProjectError, UndeterminedError, VerificationError
from ledger.reasons import Reason, Verdict, verdict_of
from tests.world import NOW, REGISTRY, SECONDS, SLOTS_24, World, signer
from verifier.expect import Asked, Subject
from verifier.proof_of_verification import prove_verification, rejudge
from verifier.report import Outcome
from verifier.seen import MemorySeen

NAME_SLOTS = (0, 1)
ITEMS = (SlotsItem(CertificateType.CONTRIBUTION, (*NAME_SLOTS, *SLOTS_24)),)


class Case:
    """One answer in a world, and the proof of its verification."""

    def __init__(self, *, subject: Subject | None = None, seen_before: bool = False) -> None:
        self.world = World()
        self.request = self.world.request(items=ITEMS)
        self.shown = [
            self.world.presentation(request=self.request, slots=(*NAME_SLOTS, *SLOTS_24)),
        ]
        self.trust = self.world.bundle()
        seen = MemorySeen()
        if seen_before:
            self.world.verify(self.shown, expect=Asked(self.request), seen=seen, trust=self.trust)
        self.report = self.world.verify(
            self.shown, expect=Asked(self.request, subject), seen=seen, trust=self.trust
        )
        self.proof = prove_verification(
            self.report, self.shown, request=self.request, trust=self.trust, now=NOW, key=self.world.asker
        )

    @property
    def body(self) -> VerificationBody:
        return parse_verification_proof(self.proof).body

    def signed(self, **changes: object) -> bytes:
        body = replace(self.body, **changes)  # type: ignore[arg-type]  # fields of VerificationBody
        return sign_verification_proof(self.world.asker, body)

    def refused(self, kind: type[ProjectError], reason: Reason, proof: bytes | None = None) -> None:
        with pytest.raises(kind) as caught:
            rejudge(proof or self.proof, self.shown, request=self.request, trust=self.trust)
        assert caught.value.reason is reason


def test_a_proof_stands_years_later() -> None:
    case = Case()
    again = rejudge(case.proof, case.shown, request=case.request, trust=case.trust)
    assert again.report.outcome is Outcome.VALID
    assert again.body == case.body
    assert (again.body.time, again.body.outcome, again.body.reason) == (SECONDS, ProvenOutcome.VALID, None)
    assert again.body.request == parse_request(case.request).digest()
    (row,) = again.body.shown
    assert row.checkpoint is not None
    assert row.status_list == case.report.evidence.status_list_digest is not None


def test_a_proof_holds_nothing_of_a_person() -> None:
    """No disclosed value stands in it, and no two proofs of one person share a digest of that person."""
    case = Case()
    for text in ("测试甲", "0017", "990000199001010017"):
        assert text.encode() not in case.proof
    assert len(case.proof) < 350
    assert case.world.holder.public_key not in case.proof


@pytest.mark.parametrize("form", [encode_qr_text, encode_file_text])
def test_the_form_in_which_it_was_shown_does_not_count(form: object) -> None:
    case = Case()
    assert callable(form)
    again = rejudge(case.proof, [form(case.shown[0]).encode()], request=case.request, trust=case.trust)
    assert again.report.outcome is Outcome.VALID


def test_several_presentations_in_any_order() -> None:
    world = World()
    items = tuple(SlotsItem(CertificateType.CONTRIBUTION, slots) for slots in (NAME_SLOTS, SLOTS_24))
    request, trust = world.request(items=items), world.bundle()
    shown = [world.presentation(request=request, slots=slots) for slots in (NAME_SLOTS, SLOTS_24)]
    report = world.verify(shown, expect=Asked(request), trust=trust)
    assert report.outcome is Outcome.VALID
    proof = prove_verification(report, shown, request=request, trust=trust, now=NOW, key=world.asker)
    for order in (shown, shown[::-1]):
        assert rejudge(proof, order, request=request, trust=trust).report.outcome is Outcome.VALID
    with pytest.raises(VerificationError) as caught:
        rejudge(proof, shown[:1], request=request, trust=trust)
    assert caught.value.reason is Reason.PROOF_DIGEST_MISMATCH


def test_other_files_than_were_verified() -> None:
    case, world = Case(), World()
    case.shown = [world.presentation(request=case.request, slots=(*NAME_SLOTS, *SLOTS_24), lifetime=9)]
    case.refused(VerificationError, Reason.PROOF_DIGEST_MISMATCH)
    case = Case()
    case.request = world.request(items=ITEMS, nonce=b"m" * 16)
    case.refused(VerificationError, Reason.PROOF_DIGEST_MISMATCH)
    case = Case()
    case.trust = world.bundle(version=2)
    case.refused(UndeterminedError, Reason.PROOF_BUNDLE_MISMATCH)


def test_a_proof_that_says_otherwise_than_the_files() -> None:
    case = Case()
    lie = case.signed(outcome=ProvenOutcome.INVALID, reason=Reason.STATUS_REVOKED)
    case.refused(VerificationError, Reason.PROOF_OUTCOME_DIFFERS, lie)
    late = case.signed(time=SECONDS + 7 * 86400)  # the answer was over by then
    case.refused(VerificationError, Reason.PROOF_OUTCOME_DIFFERS, late)
    row = replace(case.body.shown[0], checkpoint=bytes(32))
    case.refused(VerificationError, Reason.PROOF_DIGEST_MISMATCH, case.signed(shown=(row,)))


def test_a_refusal_is_proven_as_well() -> None:
    world = World()
    request = world.request()
    shown = [world.presentation(request=request)]
    trust = world.bundle(token=world.status_token(statuses={1234: 1}))
    report = world.verify(shown, expect=Asked(request), trust=trust)
    proof = prove_verification(report, shown, request=request, trust=trust, now=NOW, key=world.asker)
    again = rejudge(proof, shown, request=request, trust=trust)
    assert (again.body.outcome, again.body.reason) == (ProvenOutcome.INVALID, Reason.STATUS_REVOKED)
    assert again.report.reason is Reason.STATUS_REVOKED


def test_what_only_the_verifier_remembered_is_not_repeated() -> None:
    case = Case(seen_before=True)
    assert case.body.reason is Reason.PRES_NONCE_REPLAYED
    case.refused(UndeterminedError, Reason.PROOF_NOT_REPEATABLE)
    case = Case(subject=Subject("测试乙", "0025"))
    assert case.body.reason is Reason.PRES_SUBJECT_MISMATCH
    case.refused(UndeterminedError, Reason.PROOF_NOT_REPEATABLE)
    again = rejudge(
        case.proof, case.shown, request=case.request, trust=case.trust, subject=Subject("测试乙", "0025")
    )
    assert again.report.reason is Reason.PRES_SUBJECT_MISMATCH


def test_only_the_asker_signs_a_proof() -> None:
    case = Case()
    with pytest.raises(VerificationError) as caught:
        prove_verification(
            case.report, case.shown, request=case.request, trust=case.trust, now=NOW, key=signer("x")
        )
    assert caught.value.reason is Reason.CLI_KEY_MISMATCH
    case.refused(
        VerificationError, Reason.SIG_INVALID, sign_verification_proof(signer("another bank"), case.body)
    )
    case.refused(VerificationError, Reason.SIG_INVALID, case.proof[:-1] + bytes([case.proof[-1] ^ 1]))


def test_every_flipped_bit_is_refused() -> None:
    case = Case()
    for at in range(8 * len(case.proof)):
        flipped = bytearray(case.proof)
        flipped[at // 8] ^= 1 << at % 8
        with pytest.raises((FormatError, VerificationError)):
            rejudge(bytes(flipped), case.shown, request=case.request, trust=case.trust)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"shown": ()}, Reason.SCHEMA_FIELD_MISSING),
        ({"reason": Reason.STATUS_REVOKED}, Reason.SCHEMA_FIELD_TYPE),
        ({"outcome": ProvenOutcome.INVALID}, Reason.SCHEMA_FIELD_TYPE),
        ({"org": 0}, Reason.ENC_NUMBER_RANGE),
        ({"time": -1}, Reason.ENC_NUMBER_RANGE),
        ({"bundle": b"short"}, Reason.SCHEMA_FIELD_TYPE),
    ],
)
def test_a_body_that_cannot_be(changes: dict[str, object], reason: Reason) -> None:
    with pytest.raises(FormatError) as caught:
        Case().signed(**changes)
    assert caught.value.reason is reason


def test_what_cannot_be_told_is_not_a_no() -> None:
    for reason in (Reason.PROOF_BUNDLE_MISMATCH, Reason.PROOF_NOT_REPEATABLE):
        assert verdict_of(reason) is Verdict.CANNOT_TELL


def verify_for(shown: Sequence[int], subject: Subject) -> tuple[Outcome, Reason | None]:
    world = World()
    request = world.request(items=(SlotsItem(CertificateType.CONTRIBUTION, tuple(shown)),))
    report = world.verify(
        world.presentation(request=request, slots=shown), expect=Asked(request, subject), seen=MemorySeen()
    )
    return report.outcome, report.reason


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        (Subject("测试甲", "0017"), None),
        (Subject(" 测试甲 ", None), None),
        (Subject(None, "0017"), None),
        (Subject("测试乙", "0017"), Reason.PRES_SUBJECT_MISMATCH),
        (Subject("测试甲", "0025"), Reason.PRES_SUBJECT_MISMATCH),
        (Subject("测试", None), Reason.PRES_SUBJECT_MISMATCH),
    ],
)
def test_the_person_who_was_asked(subject: Subject, reason: Reason | None) -> None:
    outcome, said = verify_for((*NAME_SLOTS, *SLOTS_24), subject)
    assert said is reason
    assert (outcome is Outcome.VALID) is (reason is None)


def test_who_shows_no_name_cannot_be_compared() -> None:
    assert verify_for(SLOTS_24, Subject("测试甲", None)) == (Outcome.INVALID, Reason.DISC_REQUIRED_MISSING)


def test_another_person_does_not_use_up_the_answer() -> None:
    world, seen = World(), MemorySeen()
    items = (SlotsItem(CertificateType.CONTRIBUTION, (*NAME_SLOTS, *SLOTS_24)),)
    request = world.request(items=items)
    data = world.presentation(request=request, slots=(*NAME_SLOTS, *SLOTS_24))
    other = world.verify(data, expect=Asked(request, Subject("测试乙", None)), seen=seen)
    assert other.reason is Reason.PRES_SUBJECT_MISMATCH
    right = world.verify(
        data, expect=Asked(request, Subject("测试甲", None)), seen=seen, now=NOW + timedelta(seconds=1)
    )
    assert right.outcome is Outcome.VALID


def test_names_are_compared_as_people_write_them() -> None:
    world = World()
    claims: dict[int, ClaimValue] = {0: "阿依·古丽", 1: "002X", SLOTS_24[0]: 202610}
    tree = world.tree(claims)
    certificate = world.certificate(world.body(claims_root=tree.root()), tree=tree)
    request = world.request(items=(SlotsItem(CertificateType.CONTRIBUTION, NAME_SLOTS),))
    data = world.presentation(certificate=certificate, request=request, slots=NAME_SLOTS)
    for name in ("阿依·古丽", "阿依•古丽", "阿依 ・ 古丽"):
        report = world.verify(data, expect=Asked(request, Subject(name, "002x")))
        assert report.outcome is Outcome.VALID, name
    assert REGISTRY.claim_at(0).name == "name"
