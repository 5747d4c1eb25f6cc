"""A million mutations (`make torture`; three thousand in `make test`): no crash, no accept, nothing slow.

What is accepted all the same must mean the same: to an honest ledger proof or note anybody may add signatures of
keys that no policy lists, and they count for nothing.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import pytest

from certificate.certificate import parse_certificate
from certificate.presentation import parse_presentation
from certificate.qr_text import (
    decode_any,
    decode_any_request,
    encode_file_text,
    encode_qr_text,
    encode_request_text,
)
from certificate.request import parse_request, verify_request
from ledger.cbor import decode_cbor, encode_cbor
from ledger.checkpoint import Checkpoint, cosign, encode_checkpoint, sign_checkpoint
from ledger.errors import ProjectError
from ledger.held_log import verify_proof
from ledger.note import Note, encode_note
from ledger.proof import FullProof, encode_proof, parse_proof
from ledger.trust_policy import verify_checkpoint
from tests.attacks.forging import paper
from tests.attacks.marking import attack
from tests.torture.mutating import mutate_bytes, mutate_structure, mutate_text
from tests.verifier.judging import P256Holder
from tests.world import ORIGIN, SECONDS, TODAY, World, signer
from verifier.expect import STATIC, Asked
from verifier.report import Outcome
from verifier.trust import parse_bundle

SHARDS = 50
COUNT, FULL_COUNT = 3_000, 1_000_000
MAX_SECONDS = 1.0

Judge = Callable[[bytes], object]


@dataclass(frozen=True)
class Target:
    """Honest bytes, others of the same kind to take pieces from, and a judge.

    The judge returns what an accepted object means, or None for a refusal.
    """

    honest: bytes
    others: tuple[bytes, ...]
    judge: Judge
    is_text: bool = False
    is_cbor: bool = False


@cache
def targets() -> dict[str, Target]:
    made = {
        **shown_targets(),
        **request_targets(),
        **bundle_targets(),
        **ledger_targets(),
    }
    for name, target in made.items():
        assert target.judge(target.honest) is not None, name
    return made


def shown_targets() -> dict[str, Target]:
    """Presentations of both kinds of holder key and paper, as bytes, QR text and file text."""
    world, p256 = World(), World(holder=P256Holder())
    other = World(holder=signer("other holder"))
    presentations = (world.presentation(), p256.presentation(), other.presentation())
    papers = tuple(paper(world, status_index=index) for index in (1, 2, 3))
    targets = {}
    trust, asked = world.bundle(), Asked(world.request())

    def judge_shown(data: bytes) -> object:
        report = world.verify(data, trust=trust, expect=asked)
        if report.outcome is not Outcome.VALID:
            return None
        parsed = parse_presentation(decode_any(data))
        return parsed.replay_key(), report.disclosed, report.certificate

    def judge_paper(data: bytes) -> object:
        report = world.verify(data, trust=trust, expect=STATIC)
        if report.outcome is not Outcome.VALID:
            return None
        parsed = parse_certificate(decode_any(data))
        assert isinstance(parsed.proof, FullProof)
        place = parsed.proof.log, parsed.proof.index, parsed.proof.size, parsed.proof.path
        return parsed.digest(), report.disclosed, parsed.multiproof, place

    for name, objects, judge in (
        ("presentation", presentations, judge_shown),
        ("presentation of a P-256 holder", (presentations[1], presentations[0]), judge_shown),
        ("paper", papers, judge_paper),
    ):
        targets[name] = Target(objects[0], objects[1:], judge, is_cbor=True)
        texts = [encode_qr_text(data).encode() for data in objects]
        targets[f"{name}, QR text"] = Target(texts[0], tuple(texts[1:]), judge, is_text=True)
        files = [encode_file_text(data).encode() for data in objects]
        targets[f"{name}, file text"] = Target(files[0], tuple(files[1:]), judge, is_text=True)
    return targets


def request_targets() -> dict[str, Target]:
    world = World()
    directory = world.directory()
    requests = (
        world.request(),
        world.request(nonce=None, desk="东门支行3号窗口"),
        world.request(registration=world.registration(org=2), org=2),
    )

    def judge(data: bytes) -> object:
        request = parse_request(decode_any_request(data))
        return verify_request(request, directory=directory, today=TODAY), request.digest()

    texts = [encode_request_text(data).encode() for data in requests]
    return {
        "request": Target(requests[0], requests[1:], refusing(judge), is_cbor=True),
        "request, QR text": Target(texts[0], tuple(texts[1:]), refusing(judge), is_text=True),
    }


def bundle_targets() -> dict[str, Target]:
    """Each file of a bundle in turn, beside the honest other ones."""
    world = World()
    files = world.bundle_files()
    newer = world.bundle_files(version=2, quorum=4, token=world.status_token(statuses={7: 1}))
    made = {}
    for name, content in files.items():

        def judge(data: bytes, name: str = name) -> object:
            return parse_bundle(files | {name: data}, root_keys=[world.root.public_key])

        is_text = name.endswith(".txt")
        made[f"bundle: {name}"] = Target(
            content, (newer[name],), refusing(judge), is_text=is_text, is_cbor=not is_text
        )
    return made


def ledger_targets() -> dict[str, Target]:
    """Full proofs as CBOR, and signed checkpoints as notes."""
    world = World()
    certificates = [parse_certificate(paper(world, status_index=index)) for index in (1, 2)]
    policy = world.bundle().policy
    proofs = [encode_cbor(encode_proof(c.proof)) for c in certificates if c.proof is not None]
    entry = certificates[0].entry()

    def judge_proof(data: bytes) -> object:
        # A full proof may be mutated into a short or a recent one.
        proof = parse_proof(decode_cbor(data))
        logged, _ = verify_proof(proof, entry=entry, origin=ORIGIN, policy=policy, now=SECONDS, held=None)
        return logged.index, logged.size, logged.root_hash

    def judge_note(data: bytes) -> object:
        return verify_checkpoint(data, policy=policy, now=SECONDS).checkpoint

    notes = [signed_note(world, checkpoint) for checkpoint in checkpoints(world)]
    return {
        "proof": Target(proofs[0], tuple(proofs[1:]), refusing(judge_proof), is_cbor=True),
        "checkpoint": Target(notes[0], tuple(notes[1:]), refusing(judge_note), is_text=True),
    }


def checkpoints(world: World) -> list[Checkpoint]:
    head = world.log.checkpoint()
    return [
        head,
        Checkpoint(ORIGIN, head.size + 1, head.root_hash),
        Checkpoint("other.test", 5, head.root_hash),
    ]


def signed_note(world: World, checkpoint: Checkpoint) -> bytes:
    lines = [sign_checkpoint(checkpoint, world.log.signer)]
    lines += [
        cosign(checkpoint, key, name=f"witness-{n}.test", time=SECONDS)
        for n, key in enumerate(world.log.witnesses[:3], start=1)
    ]
    return encode_note(Note(encode_checkpoint(checkpoint), tuple(lines)))


def refusing(judge: Judge) -> Judge:
    """The judge, whose project errors are refusals. Any other exception is a crash."""

    def judged(data: bytes) -> object:
        try:
            return judge(data)
        except ProjectError:
            return None

    return judged


def mutated(target: Target, chance: random.Random) -> bytes:
    """Bytes that are no honest object."""
    while (data := one_mutation(target, chance)) == target.honest or data in target.others:
        pass
    return data


def one_mutation(target: Target, chance: random.Random) -> bytes:
    if target.is_cbor and chance.random() < 0.6:
        return mutate_structure(target.honest, target.others, chance)
    if target.is_text and chance.random() < 0.7:
        others = [other.decode() for other in target.others]
        return mutate_text(target.honest.decode(), others, chance).encode()
    return mutate_bytes(target.honest, target.others, chance)


@attack("P29")
@pytest.mark.parametrize("shard", range(SHARDS))
def test_mutations_neither_crash_nor_pass(shard: int, full: bool) -> None:
    """Bits, bytes, letters, lines and CBOR nodes changed, moved, and exchanged between honest objects of one kind.

    A presentation, paper, a request, each file of a bundle, a ledger proof, a checkpoint: 1,000,000 in `make torture`.
    """
    chance = random.Random(shard)
    count = (FULL_COUNT if full else COUNT) // SHARDS
    names = list(targets())
    meaning = {name: target.judge(target.honest) for name, target in targets().items()}
    outcomes: Counter[str] = Counter()
    for number in range(count):
        name = names[(number + shard) % len(names)]
        target = targets()[name]
        data = mutated(target, chance)
        started = time.process_time()
        accepted = target.judge(data)
        assert time.process_time() - started < MAX_SECONDS, (name, data.hex())
        if accepted is not None:
            assert accepted == meaning[name], (name, data.hex())
            assert not name.startswith(("presentation", "request", "bundle")), (name, data.hex())
            outcomes["same meaning"] += 1
        else:
            outcomes["refused"] += 1
    assert outcomes["refused"] + outcomes["same meaning"] == count
    assert outcomes["refused"] > 0.95 * count
