"""The outside vectors of `tlog/`: another implementation's tree, checkpoints and cosignatures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.checkpoint import encode_checkpoint, parse_checkpoint_note, verify_cosignature
from ledger.ed25519 import Ed25519Signer
from ledger.errors import VerificationError
from ledger.merkle import LeafHash, root_from_leaf_hashes
from ledger.note import (
    NoteSignature,
    SignatureType,
    VerifierKey,
    decode_base64,
    encode_note,
    encode_signature_line,
    encode_vkey,
    parse_note,
    parse_vkey,
)
from ledger.reasons import Reason
from ledger.trust_policy import LogKey, TrustPolicy, WitnessKey, verify_checkpoint, verify_signatures

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "tlog" / "interop.json").read_text("utf-8")
)
CASES: list[dict[str, Any]] = VECTORS["checkpoints"]
NOW = 1_800_000_000


def test_counts() -> None:
    assert [case["expect"] for case in CASES] == ["ok"] * 3 + ["ckpt.quorum_unmet", "ckpt.cosig_invalid"]


def test_root_of_the_tree() -> None:
    tree = VECTORS["tree"]
    leaves = [LeafHash(bytes.fromhex(leaf)) for leaf in tree["leaf_hashes_hex"]]
    assert len(leaves) == tree["size"] == 300
    root = root_from_leaf_hashes(leaves)
    assert root == decode_base64(tree["root_b64"])
    checkpoint, _ = parse_checkpoint_note(CASES[0]["note"].encode())
    assert (checkpoint.size, checkpoint.root_hash) == (300, root)


def policy_for(origin: str, witness: VerifierKey, log: Ed25519Signer) -> TrustPolicy:
    log_key = VerifierKey(origin, SignatureType.ED25519, log.public_key)
    return TrustPolicy((LogKey(log_key),), (WitnessKey("w", witness),), (), "w")


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_checkpoint(case: dict[str, Any]) -> None:
    """Their log keys are of a type we do not know, so a log signature of our own stands beside theirs."""
    data = case["note"].encode()
    checkpoint, signatures = parse_checkpoint_note(data)
    assert encode_note(parse_note(data)) == data
    assert case["note"].startswith(encode_checkpoint(checkpoint) + "\n")
    key = parse_vkey(case["vkey"])
    assert encode_vkey(key) == case["vkey"]

    log = Ed25519Signer(bytes(32))
    policy = policy_for(checkpoint.origin, key, log)
    log_key = policy.logs[0].key
    ours = NoteSignature(checkpoint.origin, log_key.key_id, log.sign(encode_checkpoint(checkpoint).encode()))
    note = data + encode_signature_line(ours).encode()
    blobs = [signature.keyed_blob for signature in (*signatures, ours)]
    if case["expect"] == "ok":
        times = (("w", case["cosignature_time"]),)
        assert verify_checkpoint(note, policy=policy, now=NOW).cosignature_times == times
        assert verify_signatures(checkpoint, blobs, policy=policy, now=NOW).cosignature_times == times
        [blob] = [signature.blob for signature in signatures if signature.is_by(key)]
        assert verify_cosignature(checkpoint, blob, key=key) == case["cosignature_time"]
        return
    with pytest.raises(VerificationError) as caught:
        verify_checkpoint(note, policy=policy, now=NOW)
    assert caught.value.reason == Reason(case["expect"])
    with pytest.raises(VerificationError) as caught:
        verify_signatures(checkpoint, blobs, policy=policy, now=NOW)
    assert caught.value.reason == Reason(case["expect"])
