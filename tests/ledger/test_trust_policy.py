"""Trust policies: the file, the groups, and which signatures make a checkpoint count (ATTACKS W04–W07, L13)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.checkpoint import Checkpoint, cosign, encode_checkpoint, sign_checkpoint
from ledger.ed25519 import Ed25519Signer
from ledger.errors import FormatError, ProjectError, UndeterminedError, VerificationError
from ledger.merkle import EMPTY_ROOT, RootHash
from ledger.note import (
    Note,
    NoteSignature,
    SignatureType,
    VerifierKey,
    encode_base64,
    encode_note,
    encode_vkey,
)
from ledger.reasons import Reason
from ledger.trust_policy import (
    COSIGNATURE_SKEW,
    Group,
    LogKey,
    TrustPolicy,
    WitnessKey,
    encode_trust_policy,
    parse_trust_policy,
    verify_checkpoint,
    verify_signatures,
)

ORIGIN = "test.example/log"
NOW = 1_790_000_000
CHECKPOINT = Checkpoint(ORIGIN, 5, RootHash(sha256(b"root").digest()))


def signer(name: str) -> Ed25519Signer:
    return Ed25519Signer(sha256(name.encode()).digest())


def log_vkey(name: str = ORIGIN, seed: str = "log") -> str:
    return encode_vkey(VerifierKey(name, SignatureType.ED25519, signer(seed).public_key))


def witness_vkey(seed: str, name: str | None = None) -> str:
    return encode_vkey(VerifierKey(name or seed, SignatureType.COSIGNATURE, signer(seed).public_key))


WITNESSES = "".join(f"witness {name} {witness_vkey(name)}\n" for name in ("a", "b", "c", "d"))
BASE = f"log {log_vkey()}\n{WITNESSES}"
LOG_LINE = sign_checkpoint(CHECKPOINT, signer("log"))


def cosignature(seed: str, *, name: str | None = None, time: int = NOW) -> NoteSignature:
    return cosign(CHECKPOINT, signer(seed), name=name or seed, time=time)


def outcome(policy: TrustPolicy, signatures: Sequence[NoteSignature], *, now: int = NOW) -> Reason | None:
    """What both forms say, which has to be the same."""
    note = encode_note(Note(encode_checkpoint(CHECKPOINT), tuple(signatures)))
    blobs = [signature.keyed_blob for signature in signatures]
    by_note = reason_or_none(lambda: verify_checkpoint(note, policy=policy, now=now))
    by_blobs = reason_or_none(lambda: verify_signatures(CHECKPOINT, blobs, policy=policy, now=now))
    assert by_note == by_blobs
    return by_note


def reason_or_none(call: Callable[[], object]) -> Reason | None:
    try:
        call()
    except ProjectError as exc:
        return exc.reason
    return None


def test_verified_checkpoint() -> None:
    policy = parse_trust_policy(BASE + "group g 2 a b c d\nquorum g\n")
    signatures = [LOG_LINE, cosignature("b", time=NOW - 9), cosignature("a", time=NOW + 3)]
    blobs = [signature.keyed_blob for signature in signatures]
    verified = verify_signatures(CHECKPOINT, blobs, policy=policy, now=NOW)
    assert verified.checkpoint == CHECKPOINT
    assert verified.log_key == policy.logs[0].key
    assert verified.cosignature_times == (("a", NOW + 3), ("b", NOW - 9))


@pytest.mark.parametrize(
    ("rules", "enough", "too_few"),
    [
        ("quorum none", ["", "a"], []),
        ("quorum a", ["a", "ab"], ["", "b", "bcd"]),
        ("group g any a b\nquorum g", ["a", "b", "ab"], ["", "cd"]),
        ("group g all a b\nquorum g", ["ab", "abc"], ["a", "b", "cd"]),
        ("group g 3 a b c d\nquorum g", ["abc", "bcd", "abcd"], ["", "ab", "cd"]),
        (
            "group x 1 a b\ngroup y all c d\ngroup z 2 x y\nquorum z",
            ["acd", "bcd", "abcd"],
            ["cd", "ab", "abc", "ac"],
        ),
        ("group x all a b\ngroup z any x c\nquorum z", ["ab", "c"], ["a", "d", "ad"]),
        ("group unused all a b c d\nquorum a", ["a"], ["bcd"]),
    ],
)
def test_groups(rules: str, enough: list[str], too_few: list[str]) -> None:
    policy = parse_trust_policy(f"{BASE}{rules}\n")
    assert parse_trust_policy(encode_trust_policy(policy)) == policy
    for names in enough:
        assert outcome(policy, [LOG_LINE, *(cosignature(name) for name in names)]) is None
    for names in too_few:
        assert outcome(policy, [LOG_LINE, *(cosignature(name) for name in names)]) == Reason.CKPT_QUORUM_UNMET


TWO_OF_FOUR = parse_trust_policy(BASE + "group g 2 a b c d\nquorum g\n")


def test_the_logs_signature() -> None:
    both = [cosignature("a"), cosignature("b")]
    assert outcome(TWO_OF_FOUR, both) == Reason.CKPT_SIG_MISSING
    forged = NoteSignature(
        ORIGIN, LOG_LINE.key_id, signer("other").sign(encode_checkpoint(CHECKPOINT).encode())
    )
    assert outcome(TWO_OF_FOUR, [forged, *both]) == Reason.CKPT_SIG_INVALID  # W04
    assert outcome(TWO_OF_FOUR, [LOG_LINE, forged, *both]) == Reason.CKPT_SIG_INVALID
    short = NoteSignature(ORIGIN, LOG_LINE.key_id, LOG_LINE.blob[:-1])
    assert outcome(TWO_OF_FOUR, [short, *both]) == Reason.CKPT_SIG_INVALID
    unknown = sign_checkpoint(CHECKPOINT, signer("other"))
    assert outcome(TWO_OF_FOUR, [LOG_LINE, unknown, *both]) is None


def test_names_count_in_notes() -> None:  # W04: trusted key, other name
    policy = TWO_OF_FOUR
    renamed = NoteSignature("other", cosignature("b").key_id, cosignature("b").blob)
    note = encode_note(Note(encode_checkpoint(CHECKPOINT), (LOG_LINE, cosignature("a"), renamed)))
    assert reason_or_none(lambda: verify_checkpoint(note, policy=policy, now=NOW)) == Reason.CKPT_QUORUM_UNMET
    own_name = cosign(CHECKPOINT, signer("b"), name="other", time=NOW)
    assert outcome(policy, [LOG_LINE, cosignature("a"), own_name]) == Reason.CKPT_QUORUM_UNMET


def test_a_witness_counts_once() -> None:  # W05
    assert outcome(TWO_OF_FOUR, [LOG_LINE, cosignature("a"), cosignature("a", time=NOW - 1)]) == (
        Reason.CKPT_QUORUM_UNMET
    )
    blobs = [LOG_LINE.keyed_blob, *[cosignature("a").keyed_blob] * 3]
    assert (
        reason_or_none(lambda: verify_signatures(CHECKPOINT, blobs, policy=TWO_OF_FOUR, now=NOW))
        == Reason.CKPT_QUORUM_UNMET
    )


@pytest.mark.parametrize(
    "rules", ["group g all a twin\nquorum g", "group x any a\ngroup y any twin\ngroup g 2 x y\nquorum g"]
)
def test_two_names_for_one_key_count_once(rules: str) -> None:  # W05
    policy = parse_trust_policy(f"{BASE}witness twin {witness_vkey('a', 'twin')}\n{rules}\n")
    both = [LOG_LINE, cosignature("a"), cosignature("a", name="twin")]
    assert outcome(policy, both) == Reason.CKPT_QUORUM_UNMET


def test_cosignature_times() -> None:  # W06
    late = NOW + COSIGNATURE_SKEW
    assert outcome(TWO_OF_FOUR, [LOG_LINE, cosignature("a", time=late), cosignature("b")]) is None
    signatures = [LOG_LINE, cosignature("a"), cosignature("b"), cosignature("c", time=late + 1)]
    assert outcome(TWO_OF_FOUR, signatures) == Reason.CKPT_COSIG_FUTURE
    assert outcome(TWO_OF_FOUR, signatures, now=NOW + 1) is None
    assert outcome(TWO_OF_FOUR, [LOG_LINE, cosignature("a", time=0), cosignature("b", time=0)]) is None
    edited = NoteSignature("b", cosignature("b").key_id, (NOW + 1).to_bytes(8) + cosignature("b").blob[8:])
    assert outcome(TWO_OF_FOUR, [LOG_LINE, cosignature("a"), edited]) == Reason.CKPT_COSIG_INVALID


def test_origins() -> None:  # L13
    other = parse_trust_policy(f"log {log_vkey('other.example/log')}\nquorum none\n")
    with pytest.raises(UndeterminedError) as caught:
        verify_signatures(CHECKPOINT, [LOG_LINE.keyed_blob], policy=other, now=NOW)
    assert caught.value.reason == Reason.LOG_UNKNOWN_ORIGIN
    # The key of log X does not speak for log Y, though both are trusted.
    two = parse_trust_policy(f"log {log_vkey()}\nlog {log_vkey('y.example', 'y')}\nquorum none\n")
    foreign = NoteSignature(ORIGIN, b"\0" * 4, signer("y").sign(encode_checkpoint(CHECKPOINT).encode()))
    assert outcome(two, [foreign]) == Reason.CKPT_SIG_MISSING
    y_line = NoteSignature("y.example", two.logs[1].key.key_id, foreign.blob)
    assert outcome(two, [y_line]) == Reason.CKPT_SIG_MISSING


def test_an_empty_policy_trusts_nothing() -> None:
    nothing = TrustPolicy((), (), (), "none")
    assert outcome(nothing, [LOG_LINE]) == Reason.LOG_UNKNOWN_ORIGIN
    for text in ("", "\n", "# nothing\n", WITNESSES, BASE):
        with pytest.raises(FormatError) as caught:
            parse_trust_policy(text)
        assert caught.value.reason == Reason.TRUST_MALFORMED


def test_two_keys_of_one_log() -> None:
    policy = parse_trust_policy(f"log {log_vkey()}\nlog {log_vkey(seed='next')}\nquorum none\n")
    assert outcome(policy, [LOG_LINE]) is None
    assert outcome(policy, [sign_checkpoint(CHECKPOINT, signer("next"))]) is None
    assert outcome(policy, [sign_checkpoint(CHECKPOINT, signer("third"))]) == Reason.CKPT_SIG_MISSING


def test_too_many_blobs() -> None:
    blobs = [b"%04d blob" % number for number in range(101)]
    assert (
        reason_or_none(lambda: verify_signatures(CHECKPOINT, blobs, policy=TWO_OF_FOUR, now=NOW))
        == Reason.ENC_TOO_LARGE
    )


def test_comments_urls_and_white_space() -> None:
    text = (
        f"# a comment\n \t # another\n\n\tlog\t{log_vkey()}  https://log.example/ \n"
        f"witness w+ð  {witness_vkey('a')} https://w.example\ngroup  测试 any w+ð\nquorum 测试\n"
    )
    for form in (text, text.encode()):
        policy = parse_trust_policy(form)
        assert policy.logs[0].url == "https://log.example/"
        assert policy.witnesses[0] == WitnessKey(
            "w+ð",
            VerifierKey("a", SignatureType.COSIGNATURE, signer("a").public_key),
            "https://w.example",
        )
        assert policy.groups == (Group("测试", 1, ("w+ð",)),)
        assert parse_trust_policy(encode_trust_policy(policy)) == policy


WEAK = f"weak+00000000+{encode_base64(bytes([4, 1]) + bytes(31))}"
BAD_ID = log_vkey().replace("+", "+0", 1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (BASE + "quorum a", Reason.TRUST_MALFORMED),
        (BASE.replace("\n", "\r\n") + "quorum a\n", Reason.TRUST_MALFORMED),
        (BASE + "quorum a\x00\n", Reason.TRUST_MALFORMED),
        (BASE + "quorum a\x7f\n", Reason.TRUST_MALFORMED),
        (BASE + "quorum a\nquorum a\n", Reason.TRUST_MALFORMED),
        (BASE + "quorum a b\n", Reason.TRUST_MALFORMED),
        (BASE + "quorum\n", Reason.TRUST_MALFORMED),
        (BASE + "quorum e\n", Reason.TRUST_MALFORMED),
        (BASE + "Quorum a\n", Reason.TRUST_MALFORMED),
        (BASE + "threshold 3\nquorum a\n", Reason.TRUST_MALFORMED),
        ("quorum a\n" + BASE, Reason.TRUST_MALFORMED),
        (BASE + "group g 1 e\nquorum g\n", Reason.TRUST_MALFORMED),
        (BASE + f"group g 1 e\nwitness e {witness_vkey('e')}\nquorum g\n", Reason.TRUST_MALFORMED),
        (BASE + "quorum g\ngroup g 1 a\n", Reason.TRUST_MALFORMED),
        (BASE + "group g 1 g\nquorum g\n", Reason.TRUST_MALFORMED),
        (BASE + "group g 1 h\ngroup h 1 g\nquorum g\n", Reason.TRUST_MALFORMED),
        (BASE + "group g 0 a b\nquorum g\n", Reason.TRUST_MALFORMED),
        (BASE + "group g 3 a b\nquorum g\n", Reason.TRUST_MALFORMED),
        (BASE + "group g -1 a b\nquorum g\n", Reason.TRUST_MALFORMED),
        (BASE + "group g 01 a b\nquorum g\n", Reason.TRUST_MALFORMED),
        (BASE + "group g ٢ a b\nquorum g\n", Reason.TRUST_MALFORMED),
        (BASE + "group g some a b\nquorum g\n", Reason.TRUST_MALFORMED),
        (BASE + "group g any\nquorum g\n", Reason.TRUST_MALFORMED),
        (BASE + "group g 2 a a\nquorum g\n", Reason.TRUST_MALFORMED),
        (BASE + "group g 1 a\ngroup h 1 a\nquorum g\n", Reason.TRUST_MALFORMED),
        (BASE + "group a 1 b\nquorum a\n", Reason.TRUST_MALFORMED),
        (BASE + "group g 1 none\nquorum g\n", Reason.TRUST_MALFORMED),
        (BASE + "group none 1 a\nquorum a\n", Reason.TRUST_MALFORMED),
        (BASE + f"witness none {witness_vkey('e')}\nquorum a\n", Reason.TRUST_MALFORMED),
        (BASE + f"witness a {witness_vkey('e')}\nquorum a\n", Reason.TRUST_MALFORMED),
        (BASE + f"witness e {witness_vkey('a')}\nquorum a\n", Reason.TRUST_MALFORMED),
        (BASE + f"witness e {witness_vkey('e')} url url\nquorum a\n", Reason.TRUST_MALFORMED),
        (BASE + f"log {log_vkey('x.example')}\nquorum a\n", Reason.TRUST_MALFORMED),
        (BASE + f"log {BAD_ID}\nquorum a\n", Reason.TRUST_MALFORMED),
        (BASE + "log\nquorum a\n", Reason.TRUST_MALFORMED),
        (BASE + "witness e\nquorum a\n", Reason.TRUST_MALFORMED),
        (BASE + f"witness e {log_vkey('e', 'e')}\nquorum a\n", Reason.KEY_PURPOSE_MISMATCH),
        (BASE + f"log {witness_vkey('e')}\nquorum a\n", Reason.KEY_PURPOSE_MISMATCH),
        (BASE + f"witness e {witness_vkey('log')}\nquorum a\n", Reason.KEY_PURPOSE_MISMATCH),  # W07
        (BASE + f"witness e {WEAK}\nquorum a\n", Reason.KEY_WEAK),
        (BASE + f"log {log_vkey().replace(ORIGIN, 'x')}\nquorum a\n", Reason.KEY_MALFORMED),
        (b"\xff" + BASE.encode() + b"quorum a\n", Reason.ENC_UTF8_INVALID),
        ("#" * 1_000_001, Reason.ENC_TOO_LARGE),
        (
            "".join(f"witness w{n} {witness_vkey(f'w{n}')}\n" for n in range(300)) + "quorum none\n",
            Reason.ENC_TOO_LARGE,
        ),
    ],
)
def test_hostile_policies(text: str | bytes, reason: Reason) -> None:
    with pytest.raises(FormatError) as caught:
        parse_trust_policy(text)
    assert caught.value.reason == reason


def test_construction_guards() -> None:
    key = VerifierKey(ORIGIN, SignatureType.ED25519, signer("log").public_key)
    for build, reason in (
        (lambda: TrustPolicy((LogKey(key),), (), (), "nobody"), Reason.TRUST_MALFORMED),
        (lambda: TrustPolicy((LogKey(key),), (), (Group("g", 1, ()),), "g"), Reason.TRUST_MALFORMED),
        (lambda: TrustPolicy((LogKey(key), LogKey(key)), (), (), "none"), Reason.TRUST_MALFORMED),
        (lambda: TrustPolicy((), (WitnessKey("w", key),), (), "none"), Reason.KEY_PURPOSE_MISMATCH),
    ):
        assert reason_or_none(build) == reason


def test_names_that_only_code_could_give() -> None:
    witness = WitnessKey("a", VerifierKey("a", SignatureType.COSIGNATURE, signer("a").public_key))
    log = LogKey(VerifierKey(ORIGIN, SignatureType.ED25519, signer("log").public_key))
    for name in ("", "a b", "a\tb", "a\nb", "a\x1bb", "none"):
        with pytest.raises(FormatError) as caught:
            TrustPolicy((log,), (WitnessKey(name, witness.key),), (), "none")
        assert caught.value.reason == Reason.TRUST_MALFORMED
    for members in (("b",), ("a", "b"), ("g",), ("none",)):
        with pytest.raises(FormatError) as caught:
            TrustPolicy((log,), (witness,), (Group("g", 1, members),), "g")
        assert caught.value.reason == Reason.TRUST_MALFORMED


def test_the_last_sizes_that_pass() -> None:
    fill = BASE + "quorum none\n"
    assert parse_trust_policy("#" * (1_000_000 - len(fill) - 1) + "\n" + fill).quorum == "none"
    with pytest.raises(FormatError) as caught:
        parse_trust_policy("#" * (1_000_000 - len(fill)) + "\n" + fill)
    assert caught.value.reason == Reason.ENC_TOO_LARGE
    blobs = [LOG_LINE.keyed_blob, *(cosignature("x", time=NOW + n).keyed_blob for n in range(99))]
    policy = parse_trust_policy(BASE + "quorum none\n")
    assert verify_signatures(CHECKPOINT, blobs, policy=policy, now=NOW).checkpoint == CHECKPOINT
    groups = "".join(f"group g{n} 1 {'abcd'[n] if n < 4 else f'g{n - 4}'}\n" for n in range(251))
    assert len(parse_trust_policy(BASE + groups + "quorum none\n").groups) == 251
    with pytest.raises(FormatError) as caught:
        parse_trust_policy(BASE + groups + "group g251 1 g247\nquorum none\n")
    assert caught.value.reason == Reason.ENC_TOO_LARGE


@given(st.text(max_size=120), st.integers(0, len(BASE)))
def test_garbage_raises_format_error_only(noise: str, at: int) -> None:
    for text in (noise, BASE[:at] + noise + BASE[at:] + "quorum a\n"):
        try:
            policy = parse_trust_policy(text)
        except FormatError:
            continue
        assert parse_trust_policy(encode_trust_policy(policy)) == policy


def test_verification_error_for_wrong_roots() -> None:
    blobs = [signature.keyed_blob for signature in (LOG_LINE, cosignature("a"), cosignature("b"))]
    with pytest.raises(VerificationError) as caught:
        verify_signatures(Checkpoint(ORIGIN, 5, EMPTY_ROOT), blobs, policy=TWO_OF_FOUR, now=NOW)
    assert caught.value.reason == Reason.CKPT_SIG_INVALID
