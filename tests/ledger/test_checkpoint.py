"""Checkpoints and cosignatures (ATTACKS W02, W06)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ledger.checkpoint import (
    Checkpoint,
    cosign,
    encode_checkpoint,
    parse_checkpoint,
    parse_checkpoint_note,
    sign_checkpoint,
    verify_cosignature,
    verify_log_signature,
)
from ledger.ed25519 import Ed25519Signer
from ledger.errors import FormatError, ProjectError, VerificationError
from ledger.merkle import EMPTY_ROOT, RootHash
from ledger.note import Note, SignatureType, VerifierKey, encode_note
from ledger.reasons import Reason
from tests.attacks.marking import attack

ROOT = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
ORIGIN = "test.example/log"
CHECKPOINT = Checkpoint(ORIGIN, 33, EMPTY_ROOT)
LOG = Ed25519Signer(bytes(range(32)))
WITNESS = Ed25519Signer(bytes(32))
LOG_KEY = VerifierKey(ORIGIN, SignatureType.ED25519, LOG.public_key)
WITNESS_KEY = VerifierKey("w", SignatureType.COSIGNATURE, WITNESS.public_key)
NOW = 1_790_000_000

MALFORMED = Reason.CKPT_MALFORMED
BASE64 = Reason.ENC_BASE64_NONCANONICAL


def reason_of(call: Callable[[], object], kind: type[ProjectError] = FormatError) -> Reason:
    with pytest.raises(kind) as caught:
        call()
    return caught.value.reason


def test_round_trip() -> None:
    text = encode_checkpoint(CHECKPOINT)
    assert text == f"{ORIGIN}\n33\n{ROOT}\n"
    assert parse_checkpoint(text) == CHECKPOINT
    for size in (0, 1, 2**63 - 1):
        checkpoint = Checkpoint("an origin with spaces + plus", size, EMPTY_ROOT)
        assert parse_checkpoint(encode_checkpoint(checkpoint)) == checkpoint


@attack("W02", Reason.CKPT_MALFORMED)
@pytest.mark.parametrize(
    "size",
    [
        *(
            "033",
            "-33",
            "+33",
            "３３",
            "٣٣",
            "3_3",
            "0x21",
            "33.0",
            "3e1",
            " 33",
            "33 ",
            "",
            "00",
            "-0",
            "³³",
        ),
        *("33\t", "1" * 24, str(2**63), "9" * 19),
    ],
)
def test_sizes(size: str) -> None:  # W02
    assert reason_of(lambda: parse_checkpoint(f"{ORIGIN}\n{size}\n{ROOT}\n")) == MALFORMED


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", MALFORMED),
        ("\n\n\n", MALFORMED),
        (f"\n33\n{ROOT}\n", MALFORMED),
        (f"{ORIGIN}\n33\n{ROOT}", MALFORMED),
        (f"{ORIGIN}\n33\n{ROOT}\nx", MALFORMED),
        (f"{ORIGIN}\n33\n", MALFORMED),
        (f"{ORIGIN}\n{ROOT}\n33\n", MALFORMED),
        (f"{ORIGIN}\n\n33\n{ROOT}\n", MALFORMED),
        (f"{ORIGIN}\n33\n{ROOT}\n\n", MALFORMED),
        (f"{ORIGIN}\n33\n{ROOT}\n\nextension\n", MALFORMED),
        (f"{ORIGIN}\n33\n{ROOT}\nextension\n", Reason.CKPT_EXTENSION_FORBIDDEN),
        (f"{ORIGIN}\n33\n{ROOT}\n1\n2\n", Reason.CKPT_EXTENSION_FORBIDDEN),
        (f"{ORIGIN}\n33\n{ROOT[:-1]}\n", BASE64),
        (f"{ORIGIN}\n33\n{ROOT[:-2]}V=\n", BASE64),
        (f"{ORIGIN}\n33\n{ROOT.replace('+', '-')}\n", BASE64),
        (f"{ORIGIN}\n33\n {ROOT}\n", BASE64),
        (f"{ORIGIN}\n33\n{EMPTY_ROOT.hex()}\n", MALFORMED),
        (f"{ORIGIN}\n33\n{ROOT[:40]}\n", MALFORMED),
        (f"{ORIGIN}\n33\n\n", MALFORMED),
    ],
)
def test_hostile_texts(text: str, reason: Reason) -> None:
    assert reason_of(lambda: parse_checkpoint(text)) == reason


def test_construction_guards() -> None:
    for build in (
        lambda: Checkpoint("", 1, EMPTY_ROOT),
        lambda: Checkpoint("a\nb", 1, EMPTY_ROOT),
        lambda: Checkpoint("a", -1, EMPTY_ROOT),
        lambda: Checkpoint("a", 2**63, EMPTY_ROOT),
        lambda: Checkpoint("a", 1, RootHash(bytes(31))),
    ):
        assert reason_of(build) == MALFORMED


def test_signatures() -> None:
    signature = sign_checkpoint(CHECKPOINT, LOG)
    assert signature.is_by(LOG_KEY)
    verify_log_signature(CHECKPOINT, signature.blob, key=LOG_KEY)
    data = encode_note(Note(encode_checkpoint(CHECKPOINT), (signature,)))
    assert parse_checkpoint_note(data) == (CHECKPOINT, (signature,))
    for other in (
        Checkpoint(ORIGIN, 34, EMPTY_ROOT),
        Checkpoint(ORIGIN + "x", 33, EMPTY_ROOT),
        Checkpoint(ORIGIN, 33, RootHash(bytes(32))),
    ):
        assert (
            reason_of(
                lambda other=other: verify_log_signature(other, signature.blob, key=LOG_KEY),  # type: ignore[misc]
                VerificationError,
            )
            == Reason.CKPT_SIG_INVALID
        )
    assert reason_of(lambda: sign_checkpoint(Checkpoint("a b", 1, EMPTY_ROOT), LOG)) == MALFORMED


def test_cosignatures() -> None:
    cosignature = cosign(CHECKPOINT, WITNESS, name="w", time=NOW)
    assert cosignature.is_by(WITNESS_KEY)
    assert cosignature.blob[:8] == NOW.to_bytes(8)
    assert verify_cosignature(CHECKPOINT, cosignature.blob, key=WITNESS_KEY) == NOW
    for blob in (
        (NOW + 1).to_bytes(8) + cosignature.blob[8:],
        b"\xff" + cosignature.blob[1:],
        cosignature.blob[8:],
        cosignature.blob + b"\0",
        cosignature.blob[:-1],
        b"",
        NOW.to_bytes(8) + WITNESS.sign(encode_checkpoint(CHECKPOINT).encode()),
        (2**63).to_bytes(8)
        + WITNESS.sign(f"cosignature/v1\ntime {2**63}\n{encode_checkpoint(CHECKPOINT)}".encode()),
    ):
        assert (
            reason_of(
                lambda blob=blob: verify_cosignature(CHECKPOINT, blob, key=WITNESS_KEY),  # type: ignore[misc]
                VerificationError,
            )
            == Reason.CKPT_COSIG_INVALID
        )
    for time in (0, 2**63 - 1):
        blob = cosign(CHECKPOINT, WITNESS, name="w", time=time).blob
        assert verify_cosignature(CHECKPOINT, blob, key=WITNESS_KEY) == time
    for time in (-1, 2**63):
        assert reason_of(lambda time=time: cosign(CHECKPOINT, WITNESS, name="w", time=time)) == MALFORMED  # type: ignore[misc]


def test_the_cosigned_message_is_that_of_the_specification() -> None:
    cosignature = cosign(CHECKPOINT, WITNESS, name="w", time=1679315147)
    message = f"cosignature/v1\ntime 1679315147\n{ORIGIN}\n33\n{ROOT}\n".encode()
    assert cosignature.blob == (1679315147).to_bytes(8) + WITNESS.sign(message)
