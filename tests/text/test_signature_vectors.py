"""Ed25519 and ECDSA P-256 against Wycheproof and CCTV, every row, through the functions that judge certificates."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certificate.keys import check_key, verify_signature
from ledger.ed25519 import check_public_key
from ledger.errors import FormatError, ProjectError
from ledger.reasons import Reason
from tests.attacks.marking import attack

VECTORS = Path(__file__).parents[1] / "vectors"


def load(path: str) -> Any:
    return json.loads((VECTORS / path).read_text("utf-8"))


def compressed(uncompressed: bytes) -> bytes:
    key = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), uncompressed)
    return key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


def refusal_of(public_key: bytes, message: bytes, signature: bytes) -> Reason | None:
    """Why a signature is refused; None if it is accepted."""
    try:
        verify_signature(public_key=public_key, message=message, signature=signature)
    except ProjectError as refusal:
        return refusal.reason
    return None


@attack("A27", Reason.SIG_INVALID)
@attack("A28", Reason.SIG_MALFORMED, Reason.SIG_INVALID)
@pytest.mark.parametrize(
    ("file", "key_of", "rows", "valid"),
    [
        ("ed25519_test.json", lambda group: bytes.fromhex(group["publicKey"]["pk"]), 151, 88),
        (
            "ecdsa_secp256r1_sha256_p1363_test.json",
            lambda group: compressed(bytes.fromhex(group["publicKey"]["uncompressed"])),
            262,
            173,
        ),
    ],
    ids=["ed25519", "p256"],
)
def test_wycheproof(file: str, key_of: Callable[[Any], bytes], rows: int, valid: int) -> None:
    """A27, A28. A high s is as good as a low one."""
    vectors = load(f"wycheproof/{file}")
    refusals = {}
    expected = {}
    for group in vectors["testGroups"]:
        key = check_key(key_of(group))
        for case in group["tests"]:
            expected[case["tcId"]] = case["result"]
            refusals[case["tcId"]] = refusal_of(key, bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
    assert len(refusals) == vectors["numberOfTests"] == rows
    judged = {number: "invalid" if reason else "valid" for number, reason in refusals.items()}
    assert judged == expected
    assert list(judged.values()).count("valid") == valid
    assert set(refusals.values()) == {None, Reason.SIG_MALFORMED, Reason.SIG_INVALID}


@attack("A27", Reason.SIG_INVALID)
def test_cctv_edge_points() -> None:
    """A27. Exactly the 43 that a strict verifier accepts; 208 pass where small orders are not looked at."""
    vectors = load("cctv/ed25519vectors.json")
    policy = load("cctv/ed25519-policy.json")
    refusals = [
        refusal_of(bytes.fromhex(case["key"]), case["msg"].encode(), bytes.fromhex(case["sig"]))
        for case in vectors
    ]
    assert [case["number"] for case in vectors] == list(range(policy["total"]))
    accepted = [number for number, reason in enumerate(refusals) if reason is None]
    assert accepted == policy["strict_accept"]
    assert (len(accepted), len(refusals)) == (43, 914)
    assert set(refusals) == {None, Reason.SIG_INVALID}


@attack("A26", Reason.KEY_WEAK)
def test_weak_keys_never_become_trusted_ones() -> None:
    """A26: the keys of small order in CCTV are refused when a key is registered; no accepted row has such a key."""
    vectors = load("cctv/ed25519vectors.json")
    accepted = load("cctv/ed25519-policy.json")["strict_accept"]
    weak = {bytes.fromhex(case["key"]) for case in vectors if "low_order_A" in (case["flags"] or ())}
    for key in weak:
        with pytest.raises(FormatError) as refusal:
            check_public_key(key)
        assert refusal.value.reason is Reason.KEY_WEAK
    assert len(weak) == 14
    for number in accepted:
        check_public_key(bytes.fromhex(vectors[number]["key"]))


@attack("A26", Reason.KEY_WEAK)
@pytest.mark.parametrize("y", range(2, 19))
def test_keys_of_another_spelling_never_become_trusted_ones(y: int) -> None:
    """A26: y + p names the same point as y; no vector set has such a key that is not also of small order."""
    for sign in (0, 1):
        with pytest.raises(FormatError) as refusal:
            check_public_key((2**255 - 19 + y | sign << 255).to_bytes(32, "little"))
        assert refusal.value.reason is Reason.KEY_WEAK
