"""What a bundle remembers: signatures once verified are not verified again, and nothing else is taken as known."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from nacl import bindings

from certificate.certificate import encode_certificate, parse_certificate
from certificate.qr_text import encode_qr_text
from ledger.proof import FullProof
from ledger.reasons import Reason
from ledger.remembered import Remembered
from ledger.trust_policy import COSIGNATURE_SKEW
from tests.world import NOW, SECONDS, World
from verifier.expect import STATIC, Asked
from verifier.report import Outcome
from verifier.seen import MemorySeen


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The public keys of all signatures that are checked, in order."""
    keys: list[bytes] = []
    original = bindings.crypto_sign_open

    def counting(signed: bytes, public_key: bytes) -> Any:
        keys.append(public_key)
        return original(signed, public_key)

    monkeypatch.setattr(bindings, "crypto_sign_open", counting)
    return keys


def test_checkpoint_list_and_request_are_verified_once_per_bundle(checked: list[bytes]) -> None:
    world = World()
    request = world.request()
    certificate = world.certificate()
    answers = [
        world.presentation(certificate=certificate, request=request, issued=SECONDS - at) for at in (30, 31)
    ]
    trust, memory = world.bundle(), MemorySeen()
    seen = []
    for answer in (*answers, answers[0]):
        checked.clear()
        world.verify(answer, trust=trust, expect=Asked(request), seen=MemorySeen())
        seen.append(len(checked))
    assert seen == [9, 2, 2]  # certificate and holder each time
    checked.clear()
    assert (
        world.verify(answers[1], trust=replace(trust), expect=Asked(request), seen=memory).outcome
        is Outcome.VALID
    )
    assert len(checked) == 9, "a bundle made from another one knows nothing of what that one verified"


def test_a_checkpoint_with_other_signatures_is_verified_whatever_is_known() -> None:
    """L: a forged signature over a known checkpoint, and a true one moved to another root."""
    world, trust = World(), None
    data = world.certificate(world.body(paper=True))
    trust = world.bundle()
    assert world.verify(data, trust=trust, expect=STATIC).outcome is Outcome.VALID
    parsed = parse_certificate(data)
    proof = parsed.proof
    assert isinstance(proof, FullProof)
    forged = proof.signatures[0][:-1] + bytes([proof.signatures[0][-1] ^ 1])
    for changed, reason in (
        (replace(proof, signatures=(forged, *proof.signatures[1:])), Reason.CKPT_SIG_INVALID),
        (replace(proof, signatures=proof.signatures[:3]), Reason.CKPT_QUORUM_UNMET),
        (replace(proof, path=(bytes(32), *proof.path[1:])), Reason.LOG_INCLUSION_INVALID),
    ):
        other = encode_certificate(parsed.sign1, parsed.disclosures, parsed.multiproof, changed)
        for _ in range(2):
            assert world.verify(other, trust=trust, expect=STATIC).step(5).reason is reason


def test_a_known_checkpoint_is_still_judged_by_the_clock() -> None:
    world = World()
    text = encode_qr_text(world.certificate(world.body(paper=True))).encode()
    trust = world.bundle()
    assert world.verify(text, trust=trust, expect=STATIC).step(5).reason is None
    early = NOW - timedelta(seconds=COSIGNATURE_SKEW + 1)
    assert (
        world.verify(text, trust=trust, expect=STATIC, now=early).step(5).reason is Reason.CKPT_COSIG_FUTURE
    )


def test_a_known_list_is_still_judged_by_its_age() -> None:
    world = World()
    text = encode_qr_text(world.certificate(world.body(paper=True))).encode()
    trust = replace(world.bundle(), expires=SECONDS + 100 * 86400)
    assert world.verify(text, trust=trust, expect=STATIC).step(8).reason is None
    later = NOW + timedelta(days=8)
    assert (
        world.verify(text, trust=trust, expect=STATIC, now=later).step(8).reason is Reason.STATUS_LIST_STALE
    )


def test_a_memory_is_bounded_and_keeps_no_failure() -> None:
    memory: Remembered[int, int] = Remembered(3)
    calls = []

    def make(value: int) -> int:
        calls.append(value)
        if value < 0:
            raise ValueError
        return value * 2

    assert [memory.once(key, lambda key=key: make(key)) for key in (1, 2, 3, 1, 4, 1)] == [2, 4, 6, 2, 8, 2]  # type: ignore[misc]  # a lambda's default
    assert calls == [1, 2, 3, 4, 1]  # the oldest went first, although it was used since
    assert len(memory) == 3
    for _ in range(2):
        with pytest.raises(ValueError):  # noqa: PT011 - our own, without a message
            memory.once(-1, lambda: make(-1))
    assert calls[-2:] == [-1, -1]
