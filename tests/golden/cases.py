"""Golden and broken cases from a seed: what is shown, and the verdict that it must get."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from certificate.certificate import encode_certificate, parse_certificate
from certificate.cose import encode_sign1
from certificate.presentation import PresentationBody, sign_presentation
from certificate.qr_text import encode_file_text, encode_qr_text
from certificate.request import parse_request
from certificate.slots import REGISTRIES
from ledger.cbor import encode_cbor
from ledger.held_log import smallest_proof
from ledger.proof import Proof
from ledger.reasons import Reason
from tests.golden.province import BUREAUS, LOG_SIZE, Issued, Province
from tests.world import DAY, signer
from verifier.report import Outcome

__all__ = ["KINDS", "Case", "cases"]

YES, NO, UNKNOWN = Outcome.VALID, Outcome.INVALID, Outcome.UNDETERMINED


@dataclass(frozen=True, slots=True)
class Case:
    """One thing shown. `answers` whether it answers the province's request; else it is shown as paper."""

    kind: str
    data: bytes
    answers: bool
    outcome: Outcome
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class Maker:
    """What a kind of case is made with."""

    province: Province
    chance: random.Random
    request: bytes
    number: int

    def paper(self) -> Issued:
        return self._one(lambda one: one.holder is None)

    def bound(self) -> Issued:
        return self._one(lambda one: one.holder is not None)

    def either(self) -> Issued:
        return self._one(lambda one: True)

    def _one(self, fits: Callable[[Issued], bool]) -> Issued:
        good = [one for one in self.province.issued[:-2] if fits(one)]
        return self.chance.choice(good)

    def fresh(self, *, region: int | None = None) -> Issued:
        """A certificate that nobody logged: steps before and beside the fifth see it first."""
        bureau = self.chance.choice(BUREAUS)
        number = 100_000 + self.number
        if region is None:
            return self.province.issue(bureau, number, bound=False)
        return self.province.issue(bureau, number, bound=False, region=region)

    def proof(self, issued: Issued) -> Proof:
        full = self.province.prove(issued)
        return smallest_proof(full, holds=self.chance.choice((0, 256, LOG_SIZE)))

    def answer(
        self, one: Issued, *, request: bytes | None = None, audience: int | None = None, later: int = 0
    ) -> bytes:
        """The holder's presentation of the whole certificate; no two cases give the same bytes."""
        asked = parse_request(request or self.request)
        made = self.province.now - 1 - self.number % 100 + later
        minutes = 10 + self.number // 100
        body = PresentationBody(audience or asked.body.org, asked.digest(), made, minutes)
        assert one.holder is not None
        return sign_presentation(one.holder, body, one.show(self.proof(one)))

    def bit(self, data: bytes) -> bytes:
        changed = bytearray(data)
        changed[self.chance.randrange(len(changed))] ^= 1 << self.chance.randrange(8)
        return bytes(changed)


Made = tuple[bytes, bool, Outcome, Reason | None]
Kind = Callable[[Maker], Made]


def paper_valid(m: Maker) -> Made:
    one = m.paper()
    return one.show(m.proof(one)), False, YES, None


def answer_valid(m: Maker) -> Made:
    """Of a certificate that answers only once: made for this case."""
    one = m.bound()
    return m.answer(one), True, YES, None


def value_changed(m: Maker) -> Made:
    one = m.paper()
    shown = parse_certificate(one.show(m.proof(one)))
    name = REGISTRIES[shown.body.type].slot_of("name")
    changed = [replace(d, value="测试假") if d.slot == name else d for d in shown.disclosures]
    return (
        encode_certificate(shown.sign1, changed, shown.multiproof, shown.proof),
        False,
        NO,
        Reason.DISC_DIGEST_MISMATCH,
    )


def claim_left_out(m: Maker) -> Made:
    one = m.paper()
    shown = parse_certificate(one.show(m.proof(one)))
    left = shown.disclosures[:-1]
    return (
        encode_certificate(shown.sign1, left, shown.multiproof, shown.proof),
        False,
        NO,
        Reason.DISC_MALFORMED,
    )


def hashes_changed(m: Maker) -> Made:
    one = m.paper()
    shown = parse_certificate(one.show(m.proof(one)))
    bent = m.bit(shown.multiproof)
    return (
        encode_certificate(shown.sign1, shown.disclosures, bent, shown.proof),
        False,
        NO,
        Reason.DISC_DIGEST_MISMATCH,
    )


def signature_changed(m: Maker) -> Made:
    one = m.paper()
    shown = parse_certificate(one.show(m.proof(one)))
    bent = replace(shown.sign1, signature=m.bit(shown.sign1.signature))
    return (
        encode_certificate(bent, shown.disclosures, shown.multiproof, shown.proof),
        False,
        NO,
        Reason.SIG_INVALID,
    )


def payload_changed(m: Maker) -> Made:
    """A later expiry under the old signature."""
    one = m.paper()
    sign1 = one.signed.sign1
    payload = list(sign1.payload)
    payload[8] += 1 + m.chance.randrange(100)
    forged = encode_sign1(sign1.protected_bytes, encode_cbor(payload), sign1.signature)
    shown = parse_certificate(one.show(m.proof(one)))
    bent = parse_certificate(forged).sign1
    return (
        encode_certificate(bent, shown.disclosures, shown.multiproof, shown.proof),
        False,
        NO,
        Reason.SIG_INVALID,
    )


def neighbours_key(m: Maker) -> Made:
    one = m.fresh()
    other = next(bureau for bureau in BUREAUS if bureau is not one.bureau)
    forged = m.province.issue(one.bureau, m.number, key=other.key, bound=False)
    return forged.show(m.proof(m.paper())), False, UNKNOWN, Reason.KEY_UNKNOWN


def nobodys_key(m: Maker) -> Made:
    forged = m.province.issue(
        m.chance.choice(BUREAUS), m.number, key=signer(f"nobody {m.number}"), bound=False
    )
    return forged.show(m.proof(m.paper())), False, UNKNOWN, Reason.KEY_UNKNOWN


def status_keys_certificate(m: Maker) -> Made:
    bureau = m.chance.choice(BUREAUS)
    forged = m.province.issue(bureau, m.number, key=bureau.status_key, bound=False)
    return forged.show(m.proof(m.paper())), False, NO, Reason.KEY_PURPOSE_MISMATCH


def other_region(m: Maker) -> Made:
    forged = m.fresh(region=880101)
    return forged.show(m.proof(m.paper())), False, NO, Reason.TRUST_ISSUER_NOT_AUTHORISED


def never_logged(m: Maker) -> Made:
    return m.fresh().show(m.province.prove(m.paper())), False, NO, Reason.LOG_INCLUSION_INVALID


def no_proof(m: Maker) -> Made:
    return m.paper().show(None), False, NO, Reason.LOG_INCLUSION_MISSING


def another_log(m: Maker) -> Made:
    one = m.paper()
    return one.show(replace(m.province.prove(one), log=7)), False, UNKNOWN, Reason.LOG_UNKNOWN_ORIGIN


def path_changed(m: Maker) -> Made:
    one = m.paper()
    proof = m.province.prove(one)
    at = m.chance.randrange(8)
    path = (*proof.path[:at], m.bit(proof.path[at]), *proof.path[at + 1 :])
    return one.show(replace(proof, path=path)), False, NO, Reason.LOG_INCLUSION_INVALID


def another_place(m: Maker) -> Made:
    one, other = m.paper(), m.either()
    while other.signed.entry() == one.signed.entry():
        other = m.either()
    return one.show(m.province.prove(other)), False, NO, Reason.LOG_INCLUSION_INVALID


def disowned(m: Maker) -> Made:
    one = m.province.issued[-2]
    assert one.holder is None
    return one.show(m.proof(one)), False, NO, Reason.KEY_VOID_ENTRY


def beyond_the_blocks(m: Maker) -> Made:
    """A short proof of a block that this bundle does not hold."""
    one = m.paper()
    full = m.province.prove(one)
    short = smallest_proof(full, holds=LOG_SIZE)
    return (
        one.show(replace(short, index=LOG_SIZE + m.chance.randrange(1000))),
        False,
        UNKNOWN,
        Reason.LOG_SUBTREE_UNKNOWN,
    )


def _special(name: str, reason: Reason, outcome: Outcome = NO) -> Kind:
    """A certificate that is signed and logged, with one thing wrong in it."""

    def make(m: Maker) -> Made:
        one = m.chance.choice(m.province.special[name])
        return one.show(m.proof(one)), False, outcome, reason

    make.__name__ = name
    return make


def other_version(m: Maker) -> Made:
    sign1 = m.paper().signed.sign1
    payload = encode_cbor([2, *sign1.payload[1:]])
    return (
        encode_sign1(sign1.protected_bytes, payload, sign1.signature),
        False,
        NO,
        Reason.ENC_VERSION_UNSUPPORTED,
    )


def one_field_more(m: Maker) -> Made:
    sign1 = m.paper().signed.sign1
    payload = encode_cbor([*sign1.payload, m.number])
    return (
        encode_sign1(sign1.protected_bytes, payload, sign1.signature),
        False,
        NO,
        Reason.SCHEMA_FIELD_UNKNOWN,
    )


def trailing(m: Maker) -> Made:
    one = m.paper()
    return (
        one.show(m.proof(one)) + m.chance.randbytes(1 + m.chance.randrange(8)),
        False,
        NO,
        Reason.ENC_TRAILING_DATA,
    )


def shown_as_paper(m: Maker) -> Made:
    """The certificate cut out of an answer."""
    one = m.bound()
    return one.show(m.proof(one)), False, NO, Reason.PRES_BINDING_MISSING


def answer_as_paper(m: Maker) -> Made:
    one = m.bound()
    return m.answer(one), False, NO, Reason.PRES_REQUEST_MISMATCH


def paper_as_answer(m: Maker) -> Made:
    one = m.paper()
    return one.show(m.proof(one)), True, NO, Reason.PRES_BINDING_MISSING


def other_holder(m: Maker) -> Made:
    one = m.bound()
    thief = replace(one, holder=signer(f"thief {m.number}"))
    return m.answer(thief), True, NO, Reason.PRES_BINDING_INVALID


def other_audience(m: Maker) -> Made:
    one = m.bound()
    return m.answer(one, audience=2), True, NO, Reason.PRES_AUDIENCE_MISMATCH


def other_request(m: Maker) -> Made:
    one = m.bound()
    other = m.province.request(nonce=m.chance.randbytes(16))
    return m.answer(one, request=other), True, NO, Reason.PRES_REQUEST_MISMATCH


def too_late(m: Maker) -> Made:
    one = m.bound()
    data = m.answer(one, later=-2 * DAY)
    return data, True, NO, Reason.PRES_EXPIRED


def from_the_future(m: Maker) -> Made:
    one = m.bound()
    data = m.answer(one, later=DAY)
    return data, True, NO, Reason.TIME_ISSUED_IN_FUTURE


KINDS: tuple[Kind, ...] = (
    paper_valid, answer_valid, value_changed, claim_left_out, hashes_changed, signature_changed, payload_changed,
    neighbours_key, nobodys_key, status_keys_certificate, other_region, never_logged, no_proof, another_log,
    path_changed, another_place, disowned, beyond_the_blocks, other_version, one_field_more, trailing, shown_as_paper,
    answer_as_paper, paper_as_answer, other_holder, other_audience, other_request, too_late, from_the_future,
    _special("expired", Reason.TIME_EXPIRED),
    _special("future", Reason.TIME_ISSUED_IN_FUTURE),
    _special("backwards", Reason.TIME_INCONSISTENT),
    _special("dated back", Reason.TIME_INCONSISTENT),
    _special("revoked", Reason.STATUS_REVOKED),
    _special("suspended", Reason.STATUS_SUSPENDED),
    _special("replaced", Reason.STATUS_REPLACED),
    _special("unlisted", Reason.STATUS_LIST_MISSING, UNKNOWN),
    _special("stolen", Reason.KEY_COMPROMISED_AFTER),
)  # fmt: skip


def cases(province: Province, request: bytes, count: int, *, seed: int) -> Iterator[Case]:
    """`count` cases, the kinds in turn, as QR text and as file text in turn."""
    chance = random.Random(seed)
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        data, answers, outcome, reason = kind(Maker(province, chance, request, number))
        text = encode_qr_text(data) if number // len(KINDS) % 2 else encode_file_text(data)
        yield Case(kind.__name__, text.encode("ascii"), answers, outcome, reason)
