"""A23: the post-quantum signature taken off a checkpoint where the bundle demands both."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from ledger.checkpoint import cosign_mldsa
from ledger.mldsa import MlDsa44Signer
from ledger.note import SignatureType, VerifierKey, encode_note, encode_vkey, parse_note
from ledger.reasons import Reason
from ledger.trust_policy import parse_trust_policy, verify_checkpoint
from tests.attacks.commands import City, ok, tally
from tests.attacks.forging import reason_of
from tests.attacks.marking import attack
from tests.world import ORIGIN, SECONDS, Log, World, other_entries
from verifier.held import checkpoint_file_name
from verifier.trust import POLICY_NAME, TrustBundle

MLDSA = MlDsa44Signer(sha256(b"post-quantum log").digest())


def world_and_files(*, demanded: bool) -> tuple[World, dict[str, bytes]]:
    """A world whose bundle lists the log's second key, and the checkpoint's file signed by both."""
    world = World()
    world.log = Log(other_entries(300))
    key = VerifierKey(ORIGIN, SignatureType.ML_DSA_44, MLDSA.public_key)
    policy = f"log {encode_vkey(key)}\n{world.log.policy_text()}" + "#tallystick pq require\n" * demanded
    line = cosign_mldsa(world.log.checkpoint(), MLDSA, name=ORIGIN, time=SECONDS - 7200)
    files = world.log.held_files()
    note = parse_note(files[checkpoint_file_name(1)])
    both = encode_note(type(note)(note.text, (*note.signatures, line)))
    return world, {**files, checkpoint_file_name(1): both, POLICY_NAME: policy.encode()}


def loaded(world: World, files: Mapping[str, bytes]) -> TrustBundle:
    return world.bundle(others=files)


def without_mldsa(note: bytes) -> bytes:
    parsed = parse_note(note)
    kept = tuple(line for line in parsed.signatures if len(line.blob) < 1000)
    assert len(kept) == len(parsed.signatures) - 1
    return encode_note(type(parsed)(parsed.text, kept))


@attack("A23", Reason.ALG_DOWNGRADE)
def test_A23_the_checkpoint_of_a_bundle() -> None:
    """Both signatures load; without the second the bundle is refused, unless it does not demand it"""
    for demanded in (True, False):
        world, files = world_and_files(demanded=demanded)
        assert loaded(world, files).policy.pq_required is demanded
        files[checkpoint_file_name(1)] = without_mldsa(files[checkpoint_file_name(1)])
        assert reason_of(lambda w=world, f=files: loaded(w, f)) is (  # type: ignore[misc]
            Reason.ALG_DOWNGRADE if demanded else None
        )


@attack("A23", Reason.ALG_DOWNGRADE, Reason.CKPT_SIG_INVALID)
def test_A23_a_signature_that_is_only_there() -> None:
    """A stranger's ML-DSA line is none of the log's; one under the log's key id has to verify"""
    world, files = world_and_files(demanded=True)
    policy = parse_trust_policy(files[POLICY_NAME])
    parsed = parse_note(without_mldsa(files[checkpoint_file_name(1)]))
    stranger = MlDsa44Signer(sha256(b"stranger").digest())
    line = cosign_mldsa(world.log.checkpoint(), stranger, name=ORIGIN, time=SECONDS)
    note = encode_note(type(parsed)(parsed.text, (*parsed.signatures, line)))
    assert reason_of(lambda: verify_checkpoint(note, policy=policy, now=SECONDS)) is Reason.ALG_DOWNGRADE
    true = parse_note(files[checkpoint_file_name(1)]).signatures[-1]
    forged = type(true)(true.name, true.key_id, true.blob[:-1] + bytes([true.blob[-1] ^ 1]))
    note = encode_note(type(parsed)(parsed.text, (*parsed.signatures, forged)))
    assert reason_of(lambda: verify_checkpoint(note, policy=policy, now=SECONDS)) is Reason.CKPT_SIG_INVALID


@attack("A23", Reason.ALG_DOWNGRADE)
def test_A23_what_a_new_home_publishes_and_a_monitor_reads(own_city: City, tmp_path: Path) -> None:
    """A new home demands both by itself: its own export is followed, a copy without the second is not"""
    ok("issuer", "mint", "--person", own_city.person, "--home", own_city.home)
    out, policy = tmp_path / "out", own_city.home / "trust" / POLICY_NAME
    ok("ledger", "export", "--out", out, "--home", own_city.home)
    ok("ledger", "monitor", out, "--policy", policy, "--state", tmp_path / "seen")
    (out / "checkpoint").write_bytes(without_mldsa((out / "checkpoint").read_bytes()))
    refused = tally("ledger", "monitor", out, "--policy", policy, "--state", tmp_path / "seen", "--json")
    assert refused.code == 3
    assert refused.reason == Reason.ALG_DOWNGRADE
