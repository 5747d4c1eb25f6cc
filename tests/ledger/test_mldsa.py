"""ML-DSA-44: Wycheproof's rows, checkpoints signed with both kinds of keys, and what a proof carries of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.anchor import load_anchor
from ledger.checkpoint import (
    Checkpoint,
    cosign_mldsa,
    parse_checkpoint_note,
    verify_cosignature,
    verify_log_signature,
)
from ledger.errors import FormatError, ProjectError, VerificationError
from ledger.merkle import RootHash
from ledger.mldsa import MlDsa44Signer, verify_mldsa
from ledger.note import Note, SignatureType, VerifierKey, encode_note, encode_vkey, parse_note
from ledger.proof import verify_full_proof
from ledger.reasons import Reason
from ledger.trust_policy import (
    Group,
    LogKey,
    TrustPolicy,
    encode_trust_policy,
    parse_trust_policy,
    verify_checkpoint,
)
from tests.ledger.conftest import NOW, World
from tests.ledger.tampering import check, reason_of

VECTORS = Path(__file__).parents[1] / "vectors/wycheproof/mldsa_44_verify_test.json"
SIGNER = MlDsa44Signer(bytes(range(32)))
CHECKPOINT = Checkpoint("log.test", 300, RootHash(bytes(range(32))))
KEY = VerifierKey("log.test", SignatureType.ML_DSA_44, SIGNER.public_key)


class PostQuantumWorld(World):
    post_quantum = True


@pytest.fixture
def pq_world(tmp_path: Path) -> PostQuantumWorld:
    return PostQuantumWorld(tmp_path)


def test_wycheproof() -> None:
    vectors = json.loads(VECTORS.read_text("utf-8"))
    judged, expected, reasons = {}, {}, set()
    for group in vectors["testGroups"]:
        for case in group["tests"]:
            expected[case["tcId"]] = case["result"]
            try:
                verify_mldsa(
                    public_key=bytes.fromhex(group["publicKey"]),
                    message=bytes.fromhex(case["msg"]),
                    signature=bytes.fromhex(case["sig"]),
                    context=bytes.fromhex(case.get("ctx", "")),
                )
                judged[case["tcId"]] = "valid"
            except ProjectError as refusal:
                judged[case["tcId"]] = "invalid"
                reasons.add(refusal.reason)
    assert judged == expected
    assert reasons == {Reason.SIG_INVALID, Reason.SIG_MALFORMED, Reason.KEY_MALFORMED}
    assert (len(judged), list(judged.values()).count("valid")) == (180, 77)


@pytest.mark.parametrize(
    "changed",
    [
        replace(CHECKPOINT, size=301),
        replace(CHECKPOINT, origin="other.test"),
        replace(CHECKPOINT, root_hash=RootHash(bytes(32))),
    ],
    ids=["size", "origin", "root"],
)
def test_a_signature_is_for_one_checkpoint(changed: Checkpoint) -> None:
    line = cosign_mldsa(CHECKPOINT, SIGNER, name="log.test", time=NOW)
    verify_log_signature(CHECKPOINT, line.blob, key=KEY)
    assert verify_cosignature(CHECKPOINT, line.blob, key=KEY) == NOW
    reason = reason_of(lambda: verify_log_signature(changed, line.blob, key=KEY), VerificationError)
    assert reason == Reason.CKPT_SIG_INVALID
    reason = reason_of(lambda: verify_cosignature(changed, line.blob, key=KEY), VerificationError)
    assert reason == Reason.CKPT_COSIG_INVALID


def test_a_signature_is_for_one_name_and_time() -> None:
    line = cosign_mldsa(CHECKPOINT, SIGNER, name="log.test", time=NOW)
    other = VerifierKey("witness.test", SignatureType.ML_DSA_44, SIGNER.public_key)
    later = (NOW + 1).to_bytes(8) + line.blob[8:]
    for key, blob in (
        (other, line.blob),
        (KEY, later),
        (KEY, bytes(8) + line.blob[8:]),
        (KEY, line.blob[:-1]),
    ):
        with pytest.raises(VerificationError):
            verify_cosignature(CHECKPOINT, blob, key=key)


@pytest.mark.parametrize(("name", "time"), [("n" * 256, NOW), ("log.test", 0), ("log.test", 2**63)])
def test_what_no_signature_may_say(name: str, time: int) -> None:
    with pytest.raises(FormatError):
        cosign_mldsa(CHECKPOINT, SIGNER, name=name, time=time)


def test_every_checkpoint_carries_both(pq_world: PostQuantumWorld) -> None:
    ledger = pq_world.open()
    ledger.append(pq_world.entries(1, 2))
    note = ledger.checkpoint(NOW)
    _, lines = parse_checkpoint_note(note)
    assert [(line.name.rsplit("/")[-1], len(line.blob)) for line in lines] == [
        ("log1", 64), ("log1", 2428), ("w0", 72), ("w0", 2428), ("w1", 72), ("w1", 2428), ("w2", 72), ("w2", 2428),
    ]  # fmt: skip
    verified = verify_checkpoint(note, policy=pq_world.policy, now=NOW)
    assert [name for name, _ in verified.cosignature_times] == [
        "w0",
        "w1",
        "w2",
        "w0-mldsa",
        "w1-mldsa",
        "w2-mldsa",
    ]
    anchor = load_anchor(pq_world.anchor, key=pq_world.key)
    assert anchor is not None
    assert len(anchor.also) == 1
    assert check(pq_world) == 2
    pq_world.close()


def test_a_proof_carries_what_it_needs(pq_world: PostQuantumWorld) -> None:
    """The QR code has no room for 2.4 KB a signature: the full proof is as long as before."""
    ledger = pq_world.open()
    ledger.append(pq_world.entries(1, 2))
    ledger.checkpoint(NOW)
    proof = ledger.prove(0)
    assert [len(blob) for blob in proof.signatures] == [68, 76, 76, 76]
    entry, policy = pq_world.entry(1), pq_world.policy
    verify_full_proof(proof, entry=entry, origin=pq_world.origin, policy=policy, now=NOW)
    pq_world.close()


def test_a_quorum_of_mldsa_alone_is_carried(pq_world: PostQuantumWorld) -> None:
    names = tuple(witness.name for witness in pq_world.policy.witnesses[4:])
    pq_world.policy = replace(pq_world.policy, groups=(Group("g", 3, names),))
    ledger = pq_world.open()
    ledger.append(pq_world.entries(1))
    ledger.checkpoint(NOW)
    proof = ledger.prove(0)
    assert sum(len(blob) == 2432 for blob in proof.signatures) == 3
    entry, policy = pq_world.entry(1), pq_world.policy
    verify_full_proof(proof, entry=entry, origin=pq_world.origin, policy=policy, now=NOW)
    pq_world.close()


def test_policy_lists_both_kinds(pq_world: PostQuantumWorld) -> None:
    policy = pq_world.policy
    assert parse_trust_policy(encode_trust_policy(policy)) == policy
    key = VerifierKey(pq_world.origin, SignatureType.ML_DSA_44, policy.witnesses[4].key.public_key)
    reason = reason_of(lambda: replace(policy, logs=(LogKey(key),)), FormatError)
    assert reason == Reason.KEY_PURPOSE_MISMATCH  # W07: one key in both roles


def test_a_bad_mldsa_line_spoils_the_note(pq_world: PostQuantumWorld) -> None:
    """A23, A24 for checkpoints: a known key's line has to verify, also if the other signature alone would do."""
    ledger = pq_world.open()
    ledger.append(pq_world.entries(1))
    note = parse_note(ledger.checkpoint(NOW))
    for at, reason in ((1, Reason.CKPT_SIG_INVALID), (3, Reason.CKPT_COSIG_INVALID)):
        lines = list(note.signatures)
        blob = bytearray(lines[at].blob)
        blob[1000] ^= 1
        lines[at] = replace(lines[at], blob=bytes(blob))
        damaged = encode_note(Note(note.text, tuple(lines)))
        found = reason_of(
            lambda note=damaged: verify_checkpoint(note, policy=pq_world.policy, now=NOW),  # type: ignore[misc]
            VerificationError,
        )
        assert found == reason
    pq_world.close()


def test_without_ed25519_it_counts_where_the_policy_says_so(pq_world: PostQuantumWorld) -> None:
    ledger = pq_world.open()
    ledger.append(pq_world.entries(1))
    note = parse_note(ledger.checkpoint(NOW))
    only = tuple(line for line in note.signatures if len(line.blob) == 2428)
    names = tuple(witness.name for witness in pq_world.policy.witnesses[4:])
    strict = TrustPolicy(
        pq_world.policy.logs[1:], pq_world.policy.witnesses[4:], (Group("g", 3, names),), "g"
    )
    verify_checkpoint(encode_note(Note(note.text, only)), policy=strict, now=NOW)
    without = encode_note(Note(note.text, tuple(line for line in note.signatures if line not in only)))
    reason = reason_of(lambda: verify_checkpoint(without, policy=strict, now=NOW), VerificationError)
    assert reason == Reason.CKPT_SIG_MISSING
    assert encode_vkey(strict.logs[0].key).startswith(f"{pq_world.origin}+")
    pq_world.close()
