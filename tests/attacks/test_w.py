"""Attacks on checkpoints and witnesses, W01 to W07: notes, sizes, signatures, and who counts as a witness."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from certificate.keys import Ed25519CoseSigner
from ledger.checkpoint import (
    Checkpoint,
    cosign,
    encode_checkpoint,
    parse_checkpoint_note,
    sign_checkpoint,
)
from ledger.errors import ConfigError
from ledger.note import Note, NoteSignature, SignatureType, VerifierKey, encode_note, encode_vkey
from ledger.proof import FullProof
from ledger.reasons import Reason
from ledger.trust_policy import TrustPolicy, parse_trust_policy, verify_checkpoint
from ledger.witness import LocalWitness
from tests.attacks.forging import paper, reason_of, with_proof
from tests.attacks.marking import attack
from tests.verifier.judging import assert_refused
from tests.world import DAY, ORIGIN, SECONDS, Log, World, other_entries, signer
from verifier.expect import STATIC
from verifier.report import Outcome, Report

LOG = Log(other_entries(30))
POLICY_TEXT = LOG.policy_text()
POLICY = parse_trust_policy(POLICY_TEXT)


def lines(count: int = 3, *, time: int = SECONDS) -> tuple[NoteSignature, ...]:
    """The log's line and `count` witnesses'."""
    checkpoint = LOG.checkpoint()
    by_witnesses = (
        cosign(checkpoint, key, name=f"witness-{n}.test", time=time)
        for n, key in enumerate(LOG.witnesses[:count], start=1)
    )
    return (sign_checkpoint(checkpoint, LOG.signer), *by_witnesses)


def note_of(*signatures: NoteSignature, checkpoint: Checkpoint | None = None) -> bytes:
    return encode_note(Note(encode_checkpoint(checkpoint or LOG.checkpoint()), signatures))


NOTE = note_of(*lines()).decode()


def judged(note: bytes, *, policy: TrustPolicy = POLICY, now: int = SECONDS) -> Reason | None:
    return reason_of(lambda: verify_checkpoint(note, policy=policy, now=now))


def judged_proof(change: Callable[[FullProof], FullProof]) -> Report:
    """What `verify` says to an honest paper with other signatures under its proof."""
    world = World()
    return world.verify(with_proof(paper(world), change), expect=STATIC)


@attack(
    "W01",
    Reason.CKPT_MALFORMED,
    Reason.ENC_UTF8_INVALID,
    Reason.ENC_BASE64_NONCANONICAL,
    Reason.ENC_TOO_LARGE,
)
def test_W01_hostile_notes_as_checkpoints() -> None:
    """Defects of a whole signed checkpoint, one each, where an honest one counts."""
    assert judged(NOTE.encode()) is None
    dash, first = "\u2014 ", NOTE.split("\n")[4]
    hostile = {
        "nothing": "",
        "no signature": NOTE.split(dash)[0],
        "no blank line": NOTE.replace("\n\n", "\n"),
        "two blank lines": NOTE.replace("\n\n", "\n\n\n"),
        "CRLF": NOTE.replace("\n", "\r\n"),
        "hyphen": NOTE.replace(dash, "- "),
        "text behind": NOTE + "text\n",
        "no last newline": NOTE[:-1],
        "line twice": NOTE + first + "\n",
        "escape": NOTE.replace("\n30\n", "\n30\x1b[1A\n"),
        "NUL": NOTE.replace("\n30\n", "\n30\x00\n"),
        "origin empty": NOTE.replace(ORIGIN + "\n", "\n", 1),
        "origin alone": ORIGIN + "\n\n" + NOTE.split("\n\n")[1],
        "size missing": NOTE.replace("\n30\n", "\n"),
        "root missing": NOTE.split("\n30\n")[0] + "\n30\n\n" + NOTE.split("\n\n")[1],
        "plus in a name": NOTE.replace("witness-1.test", "witness+1.test"),
        "space in a name": NOTE.replace("witness-1.test", "witness 1.test"),
        "tab after a name": NOTE.replace("witness-1.test ", "witness-1.test\t"),
    }
    for what, text in hostile.items():
        assert judged(text.encode()) is Reason.CKPT_MALFORMED, what
    assert judged(NOTE.encode("utf-16")) is Reason.ENC_UTF8_INVALID
    assert judged(NOTE.replace("=\n", "\n", 1).encode()) is Reason.ENC_BASE64_NONCANONICAL
    assert judged(NOTE.encode() + b"x" * 1_000_000) is Reason.ENC_TOO_LARGE
    assert judged((NOTE + (first + "\n") * 2000).encode()) is Reason.ENC_TOO_LARGE


SIZES = [
    "033",
    "-33",
    "\uff13\uff13",
    "3_3",
    "0x21",
    "1" * 24,
    "+33",
    "33.0",
    " 33",
    "33 ",
    "",
    "\u0663\u0663",
    "1e3",
]


@attack("W02", Reason.CKPT_MALFORMED)
@pytest.mark.parametrize("size", SIZES)
def test_W02_a_size_of_another_spelling(size: str) -> None:
    """A size with a zero in front, a sign, full-width digits, an underscore, hexadecimal, 24 digits; signed as such."""
    head = LOG.checkpoint()
    text = encode_checkpoint(head).replace("\n30\n", f"\n{size}\n")
    key = VerifierKey(ORIGIN, SignatureType.ED25519, LOG.signer.public_key)
    line = NoteSignature(ORIGIN, key.key_id, LOG.signer.sign(text.encode()))
    note = encode_note(Note(text, (line,)))
    assert reason_of(lambda: parse_checkpoint_note(note)) is Reason.CKPT_MALFORMED
    assert judged(note) is Reason.CKPT_MALFORMED


@attack("W03", Reason.CKPT_MALFORMED)
@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.replace("\n", "\r\n"),
        lambda t: t.replace("\n", "\r"),
        lambda t: t.replace("\n\n", "\n"),
        lambda t: t.replace("\u2014", "-"),
        lambda t: t.replace("\u2014", "\u2013"),
        lambda t: t.replace("\u2014", "\u2015"),
        lambda t: t.replace("\u2014", "--"),
        lambda t: t + "\nmore\n",
        lambda t: t + " ",
        lambda t: t.replace("\u2014 ", " \u2014 "),
    ],
    ids=[
        "CRLF",
        "CR",
        "no-blank",
        "hyphen",
        "en-dash",
        "bar",
        "hyphens",
        "text-after",
        "space-after",
        "space-before",
    ],
)
def test_W03_lines_of_another_shape(change: Callable[[str], str]) -> None:
    """CRLF, no blank line, a hyphen for the dash, text after the signatures."""
    assert judged(change(NOTE).encode()) is Reason.CKPT_MALFORMED


@attack("W03", Reason.CKPT_EXTENSION_FORBIDDEN)
def test_W03_an_extension_line() -> None:
    """Lines below the root, signed by log and witnesses."""
    text = encode_checkpoint(LOG.checkpoint()) + "extension\n"
    key = VerifierKey(ORIGIN, SignatureType.ED25519, LOG.signer.public_key)
    line = NoteSignature(ORIGIN, key.key_id, LOG.signer.sign(text.encode()))
    assert judged(encode_note(Note(text, (line,)))) is Reason.CKPT_EXTENSION_FORBIDDEN


@attack("W04", Reason.CKPT_SIG_INVALID)
def test_W04_an_unknown_key_under_the_logs_key_id() -> None:
    """A stranger's signature under the log's name and key id, alone and beside the true one."""
    log, *witnesses = lines()
    stranger = signer("stranger").sign(encode_checkpoint(LOG.checkpoint()).encode())
    forged = NoteSignature(ORIGIN, log.key_id, stranger)
    assert judged(note_of(forged, *witnesses)) is Reason.CKPT_SIG_INVALID
    assert judged(note_of(log, forged, *witnesses)) is Reason.CKPT_SIG_INVALID
    assert judged(note_of(forged, log, *witnesses)) is Reason.CKPT_SIG_INVALID


@attack("W04", Reason.CKPT_COSIG_INVALID)
def test_W04_an_unknown_key_under_a_witness_key_id() -> None:
    """A stranger's cosignature under a trusted witness's name and key id; as a fourth one too."""
    log, *witnesses = lines()
    checkpoint = LOG.checkpoint()
    by_stranger = cosign(checkpoint, signer("stranger"), name="witness-1.test", time=SECONDS).blob
    forged = replace(witnesses[0], blob=by_stranger)
    assert judged(note_of(log, forged, *witnesses[1:])) is Reason.CKPT_COSIG_INVALID
    assert judged(note_of(log, *witnesses, forged)) is Reason.CKPT_COSIG_INVALID


@attack("W04", Reason.CKPT_QUORUM_UNMET)
@pytest.mark.parametrize("name", ["witness-1.test.", "Witness-1.test", "witness-2.test", ORIGIN])
def test_W04_a_trusted_key_under_another_name(name: str) -> None:
    """A witness's own key under a name that the policy does not list for it."""
    log, first, *rest = lines()
    renamed = replace(first, name=name)
    assert judged(note_of(log, renamed, *rest)) is Reason.CKPT_QUORUM_UNMET
    own_id = cosign(LOG.checkpoint(), LOG.witnesses[0], name=name, time=SECONDS)
    assert judged(note_of(log, own_id, *rest)) is Reason.CKPT_QUORUM_UNMET


@attack("W05", Reason.CKPT_QUORUM_UNMET)
def test_W05_one_witness_twice() -> None:
    """Two cosignatures of one witness at two times; three; through `verify` as well."""
    log, first, second = lines(2)
    again = [
        cosign(LOG.checkpoint(), LOG.witnesses[0], name="witness-1.test", time=SECONDS - n) for n in (1, 2)
    ]
    assert judged(note_of(log, first, second, *again)) is Reason.CKPT_QUORUM_UNMET
    report = judged_proof(
        lambda p: replace(p, signatures=(*p.signatures[:3], p.signatures[2], p.signatures[1]))
    )
    assert_refused(report, 5, Reason.CKPT_QUORUM_UNMET)


@attack("W05", Reason.CKPT_QUORUM_UNMET)
@pytest.mark.parametrize(
    "rules", ["group q 3 w1 w2 twin\nquorum q\n", "group q all w1 w2 w3 twin\nquorum q\n"]
)
def test_W05_two_names_for_one_key(rules: str) -> None:
    """A policy lists one witness key under two names: it counts once."""
    twin = encode_vkey(VerifierKey("twin.test", SignatureType.COSIGNATURE, LOG.witnesses[0].public_key))
    head = LOG.policy_text().split("group")[0]
    policy = parse_trust_policy(f"{head}witness twin {twin}\n{rules}")
    double = cosign(LOG.checkpoint(), LOG.witnesses[0], name="twin.test", time=SECONDS)
    assert judged(note_of(*lines(3), double), policy=policy) is Reason.CKPT_QUORUM_UNMET


@attack("W06", Reason.CKPT_COSIG_INVALID)
@pytest.mark.parametrize("shift", [-DAY, -1, 1, 3600, 2**40])
def test_W06_the_time_of_a_cosignature_edited(shift: int) -> None:
    """The eight bytes of time changed under an honest signature."""
    log, first, *rest = lines()
    edited = replace(first, blob=(SECONDS + shift).to_bytes(8) + first.blob[8:])
    assert judged(note_of(log, edited, *rest)) is Reason.CKPT_COSIG_INVALID


@attack("W06", Reason.CKPT_COSIG_INVALID)
@pytest.mark.parametrize("blob", [b"\x80" + bytes(7), b"\xff" * 8], ids=["2^63", "2^64-1"])
def test_W06_a_time_beyond_all_clocks(blob: bytes) -> None:
    """A time of 2^63 seconds and more, signed by the witness as such."""
    log, first, *rest = lines()
    time = int.from_bytes(blob)
    message = f"cosignature/v1\ntime {time}\n{encode_checkpoint(LOG.checkpoint())}".encode()
    line = replace(first, blob=blob + LOG.witnesses[0].sign(message))
    assert judged(note_of(log, line, *rest)) is Reason.CKPT_COSIG_INVALID


@attack("W06", Reason.CKPT_COSIG_FUTURE)
def test_W06_two_hours_ahead() -> None:
    """Cosigned two hours ahead, and 301 seconds; 300 are a clock's error. Through `verify` as well."""
    assert judged(note_of(*lines(time=SECONDS + 300))) is None
    for ahead in (301, 7200):
        assert judged(note_of(*lines(time=SECONDS + ahead))) is Reason.CKPT_COSIG_FUTURE
    world = World()
    data = paper(world)
    future = world.log.signatures(time=SECONDS + 7200)
    report = world.verify(with_proof(data, lambda p: replace(p, signatures=future)), expect=STATIC)
    assert_refused(report, 5, Reason.CKPT_COSIG_FUTURE)


@attack("W06")
def test_W06_an_old_proof_of_ones_own_is_no_fault() -> None:
    """Cosigned forty days ago: a certificate's own old proof still counts."""
    world = World()
    data = paper(world, issued=0)
    old = world.log.signatures(time=SECONDS - 40 * DAY)
    report = world.verify(with_proof(data, lambda p: replace(p, signatures=old)), expect=STATIC)
    assert report.outcome is Outcome.VALID


@attack("W07", Reason.KEY_PURPOSE_MISMATCH)
@pytest.mark.parametrize("where", ["policy", "witness", "type"])
def test_W07_the_logs_own_key_as_a_witness(where: str, tmp_path: Path) -> None:
    """A policy that lists the log's key as a witness; a witness run with the log's key; a key of the other type."""
    log_key = VerifierKey(ORIGIN, SignatureType.ED25519, LOG.signer.public_key)
    if where == "witness":
        with pytest.raises(ConfigError) as refusal:
            LocalWitness(tmp_path / "w", signer=LOG.signer, name="w", log_keys=[log_key])
        assert refusal.value.reason is Reason.KEY_PURPOSE_MISMATCH
        return
    if where == "policy":
        own = VerifierKey("own.test", SignatureType.COSIGNATURE, LOG.signer.public_key)
        line = f"witness own {encode_vkey(own)}\n"
    else:
        line = f"witness own {encode_vkey(VerifierKey('own.test', SignatureType.ED25519, signer('x').public_key))}\n"
    text = LOG.policy_text().replace("group", f"{line}group", 1)
    assert reason_of(lambda: parse_trust_policy(text)) is Reason.KEY_PURPOSE_MISMATCH


@attack("W04", Reason.KEY_WEAK)
@pytest.mark.parametrize("kind", ["log", "witness"])
def test_W04_a_weak_key_in_the_policy(kind: str) -> None:
    """A log or witness key for which everybody can sign."""
    from ledger.note import encode_base64, key_id_of

    weak = b"\x01" + bytes(31)
    algorithm = SignatureType.ED25519 if kind == "log" else SignatureType.COSIGNATURE
    name = "weak.test"
    vkey = f"{name}+{key_id_of(name, algorithm, weak).hex()}+{encode_base64(bytes((algorithm,)) + weak)}"
    line = f"log {vkey}\n" if kind == "log" else f"witness weak {vkey}\n"
    assert reason_of(lambda: parse_trust_policy(line + LOG.policy_text())) is Reason.KEY_WEAK


@attack("W05", Reason.CKPT_QUORUM_UNMET)
def test_W05_witnesses_that_nobody_lists() -> None:
    """A hundred strangers' cosignatures do not add up to one trusted one."""
    log, *_ = lines(0)
    strangers = [
        cosign(LOG.checkpoint(), Ed25519CoseSigner(bytes([n]) * 32), name=f"s{n}.test", time=SECONDS)
        for n in range(1, 60)
    ]
    assert judged(note_of(log, *strangers)) is Reason.CKPT_QUORUM_UNMET


def rotated(until: int) -> TrustPolicy:
    """Witness 1 has a new key since `until`; old and new are one witness, and three of four have to cosign."""
    text = POLICY_TEXT.replace("w1 w2 w3 w4", "first w2 w3 w4").replace("group all4", "GROUPall4")
    new = VerifierKey("witness-1.test", SignatureType.COSIGNATURE, signer("witness 1 anew").public_key)
    text = text.replace(
        "GROUPall4", f"witness w1-new {encode_vkey(new)}\ngroup first any w1 w1-new\ngroup all4"
    )
    return parse_trust_policy(f"{text}#tallystick retired w1 {until}\n")


@attack("W15", Reason.CKPT_QUORUM_UNMET)
def test_W15_a_witness_key_that_was_rotated() -> None:
    """Up to the second of its retirement the old key counts, a second later not, and never beside the new one"""
    assert judged(NOTE.encode(), policy=rotated(SECONDS)) is None
    assert judged(NOTE.encode(), policy=rotated(SECONDS - 1)) is Reason.CKPT_QUORUM_UNMET
    checkpoint = LOG.checkpoint()
    anew = cosign(checkpoint, signer("witness 1 anew"), name="witness-1.test", time=SECONDS)
    log, first, second, third = lines()
    assert judged(note_of(log, anew, second, third), policy=rotated(SECONDS - 1)) is None
    assert judged(note_of(log, anew, first, second), policy=rotated(SECONDS)) is Reason.CKPT_QUORUM_UNMET


@attack("W15", Reason.CKPT_QUORUM_UNMET)
def test_W15_an_old_proof_after_the_rotation() -> None:
    """Through `verify`: a paper whose proof the retired key cosigned in its time is valid, else not"""
    world = World()
    for until, reason in ((SECONDS, None), (SECONDS - 10 * DAY, Reason.CKPT_QUORUM_UNMET)):
        trust = replace(world.bundle(), policy=rotated(until))
        report = world.verify(paper(world), expect=STATIC, trust=trust)
        assert report.reason is reason


@attack("W15", Reason.TRUST_MALFORMED)
def test_W15_lines_that_say_nothing() -> None:
    """Nobody retired, somebody twice, no time, an unknown word: the policy is refused, not read more loosely"""
    for line in (
        "retired w9 5",
        "retired w1 5 6",
        "retired w1 05",
        "retired w1 -1",
        "retired w1",
        "pq",
        "x",
        "",
    ):
        assert reason_of(lambda text=line: parse_trust_policy(f"{POLICY_TEXT}#tallystick {text}\n")) is (  # type: ignore[misc]
            Reason.TRUST_MALFORMED
        )
    twice = "#tallystick retired w1 5\n" * 2
    assert reason_of(lambda: parse_trust_policy(POLICY_TEXT + twice)) is Reason.TRUST_MALFORMED
