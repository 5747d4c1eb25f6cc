"""The three proof forms, and what a full proof does not let through (ATTACKS L)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.cbor import decode_cbor, encode_cbor
from ledger.checkpoint import Checkpoint, cosign, sign_checkpoint
from ledger.ed25519 import Ed25519Signer
from ledger.entry import EntryType, encode_entry
from ledger.errors import FormatError, ProjectError
from ledger.merkle import leaf_hash, node_hash, prove_inclusion, root_from_leaf_hashes
from ledger.note import SignatureType, VerifierKey
from ledger.proof import (
    FullProof,
    Proof,
    RecentProof,
    ShortProof,
    encode_proof,
    parse_proof,
    verify_full_proof,
)
from ledger.reasons import Reason
from ledger.trust_policy import Group, LogKey, TrustPolicy, WitnessKey

ORIGIN, OTHER = "test.example/log", "other.example/log"
NOW = 1_790_000_000
LOG, OTHER_LOG = Ed25519Signer(bytes(range(32))), Ed25519Signer(bytes(range(1, 33)))
WITNESSES = [Ed25519Signer(bytes([number]) * 32) for number in range(1, 5)]
POLICY = TrustPolicy(
    tuple(
        LogKey(VerifierKey(name, SignatureType.ED25519, signer.public_key))
        for name, signer in ((ORIGIN, LOG), (OTHER, OTHER_LOG))
    ),
    tuple(
        WitnessKey(f"w{number}", VerifierKey(f"w{number}", SignatureType.COSIGNATURE, signer.public_key))
        for number, signer in enumerate(WITNESSES)
    ),
    (Group("g", 3, ("w0", "w1", "w2", "w3")),),
    "g",
)
LOG_ONLY = TrustPolicy(POLICY.logs, (), (), "none")
SIZE = 300
ENTRIES = [encode_entry(EntryType.CERTIFICATE, 1, number.to_bytes(32)) for number in range(SIZE)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


def read_node(level: int, index: int) -> bytes:
    if level == 0:
        return LEAVES[index]
    return node_hash(read_node(level - 1, 2 * index), read_node(level - 1, 2 * index + 1))


def signatures_of(
    size: int, *, origin: str = ORIGIN, log: Ed25519Signer = LOG, witnesses: int = 3
) -> tuple[bytes, ...]:
    checkpoint = Checkpoint(origin, size, root_from_leaf_hashes(LEAVES[:size]))
    lines = [sign_checkpoint(checkpoint, log)]
    lines += [cosign(checkpoint, WITNESSES[n], name=f"w{n}", time=NOW) for n in range(witnesses)]
    return tuple(line.keyed_blob for line in lines)


SIGNATURES = signatures_of(SIZE)


def proof_of(index: int) -> FullProof:
    return FullProof(7, index, SIZE, tuple(prove_inclusion(index, SIZE, read_node)), SIGNATURES)


PROOF = proof_of(123)


def outcome(
    proof: FullProof, entry: bytes = ENTRIES[123], *, origin: str = ORIGIN, policy: TrustPolicy = POLICY
) -> Reason | None:
    try:
        verify_full_proof(proof, entry=entry, origin=origin, policy=policy, now=NOW)
    except ProjectError as exc:
        return exc.reason
    return None


def test_a_true_proof() -> None:
    for index in (0, 1, 255, 256, 298, 299):
        proof = proof_of(index)
        logged = verify_full_proof(proof, entry=ENTRIES[index], origin=ORIGIN, policy=POLICY, now=NOW)
        assert (logged.log, logged.index, logged.size) == (7, index, SIZE)
        assert logged.root_hash == root_from_leaf_hashes(LEAVES)
        assert logged.leaf_hash == LEAVES[index]
        assert logged.checkpoint.checkpoint == Checkpoint(ORIGIN, SIZE, logged.root_hash)
        assert [name for name, _ in logged.checkpoint.cosignature_times] == ["w0", "w1", "w2"]


NOT_INCLUDED = Reason.LOG_INCLUSION_INVALID


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda p: replace(p, index=124), NOT_INCLUDED),
        (lambda p: replace(p, index=122), NOT_INCLUDED),
        (lambda p: replace(p, size=SIZE + 1), NOT_INCLUDED),  # L14
        (lambda p: replace(p, size=SIZE - 1), NOT_INCLUDED),
        (lambda p: replace(p, size=SIZE * 2), Reason.LOG_PROOF_MALFORMED),
        (lambda p: replace(p, size=SIZE // 2), Reason.LOG_PROOF_MALFORMED),
        (lambda p: replace(p, path=p.path[1:]), Reason.LOG_PROOF_MALFORMED),
        (lambda p: replace(p, path=(*p.path, p.path[0])), Reason.LOG_PROOF_MALFORMED),
        (lambda p: replace(p, path=(bytes(32), *p.path[1:])), NOT_INCLUDED),
        (lambda p: replace(p, path=(p.path[1], p.path[0], *p.path[2:])), NOT_INCLUDED),
        (lambda p: replace(p, path=()), Reason.LOG_PROOF_MALFORMED),
        (lambda p: replace(p, signatures=()), Reason.CKPT_SIG_MISSING),
        (lambda p: replace(p, signatures=p.signatures[1:]), Reason.CKPT_SIG_MISSING),
        (lambda p: replace(p, signatures=p.signatures[:3]), Reason.CKPT_QUORUM_UNMET),
        (lambda p: replace(p, signatures=p.signatures[:1]), Reason.CKPT_QUORUM_UNMET),
        (lambda p: replace(p, signatures=(*p.signatures[:3], p.signatures[2])), Reason.CKPT_QUORUM_UNMET),
        (lambda p: replace(p, signatures=signatures_of(SIZE - 1)), NOT_INCLUDED),  # L14
        (lambda p: replace(p, signatures=(p.signatures[0][:-1], *p.signatures[1:])), Reason.CKPT_SIG_INVALID),
        (
            lambda p: replace(p, signatures=(*p.signatures[:3], p.signatures[3][:-1])),
            Reason.CKPT_COSIG_INVALID,
        ),
        (
            lambda p: replace(p, signatures=signatures_of(SIZE, origin=OTHER, log=OTHER_LOG)),
            Reason.CKPT_SIG_MISSING,  # L13
        ),
    ],
)
def test_changed_proofs(change: Callable[[FullProof], FullProof], reason: Reason) -> None:
    assert outcome(change(PROOF)) == reason


def test_other_entries() -> None:  # L04, L06, L07
    assert outcome(PROOF, ENTRIES[124]) == NOT_INCLUDED
    assert outcome(PROOF, encode_entry(EntryType.STATUS_LIST, 1, (123).to_bytes(32))) == NOT_INCLUDED  # L10
    assert outcome(PROOF, encode_entry(EntryType.CERTIFICATE, 2, (123).to_bytes(32))) == NOT_INCLUDED
    assert outcome(PROOF, LEAVES[123]) == NOT_INCLUDED
    inner = LEAVES[122] + LEAVES[123]
    for entry in (inner, b"\x01" + inner, node_hash(LEAVES[122], LEAVES[123])):
        cut = replace(PROOF, index=61, size=150, path=PROOF.path[1:])
        assert outcome(cut, entry) in (NOT_INCLUDED, Reason.LOG_PROOF_MALFORMED)


def test_other_logs() -> None:  # L13
    assert outcome(PROOF, origin=OTHER) == Reason.CKPT_SIG_MISSING
    assert outcome(PROOF, origin="unknown.example") == Reason.LOG_UNKNOWN_ORIGIN
    assert outcome(PROOF, policy=TrustPolicy((), (), (), "none")) == Reason.LOG_UNKNOWN_ORIGIN


def test_without_witnesses_a_damaged_proof_is_not_included() -> None:
    assert outcome(PROOF, policy=LOG_ONLY) is None
    assert outcome(PROOF, ENTRIES[0], policy=LOG_ONLY) == NOT_INCLUDED


SHORT_PROOF = ShortProof(7, 123, PROOF.path[:8])
RECENT_PROOF = RecentProof(7, 123, SIZE, PROOF.path, SIGNATURES, 256)
FORMS: list[Proof] = [
    PROOF,
    FullProof(0, 0, 1, (), ()),
    ShortProof(7, 2**40, PROOF.path[:8]),
    RecentProof(7, 123, SIZE, PROOF.path, SIGNATURES, 256),
]


@pytest.mark.parametrize("proof", FORMS, ids=lambda proof: type(proof).__name__)
def test_round_trip(proof: Proof) -> None:
    value = encode_proof(proof)
    assert value[:2] == [proof.log, proof.index]
    assert parse_proof(decode_cbor(encode_cbor(value))) == proof


FULL, SHORT, RECENT = (encode_proof(FORMS[at]) for at in (0, 2, 3))


def with_field(value: list[object], at: int, field: object) -> list[object]:
    return [*value[:at], field, *value[at + 1 :]]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, Reason.SCHEMA_FIELD_TYPE),
        (b"", Reason.SCHEMA_FIELD_TYPE),
        ({}, Reason.SCHEMA_FIELD_TYPE),
        ([], Reason.SCHEMA_FIELD_MISSING),
        (FULL[:2], Reason.SCHEMA_FIELD_MISSING),
        (FULL[:4], Reason.SCHEMA_FIELD_MISSING),
        ([*RECENT, 1], Reason.SCHEMA_FIELD_UNKNOWN),
        (with_field(FULL, 0, -1), Reason.ENC_NUMBER_RANGE),
        (with_field(FULL, 0, 2**32), Reason.ENC_NUMBER_RANGE),
        (with_field(FULL, 0, True), Reason.SCHEMA_FIELD_TYPE),
        (with_field(FULL, 0, None), Reason.SCHEMA_FIELD_TYPE),
        (with_field(FULL, 1, -1), Reason.LOG_INDEX_RANGE),  # L02
        (with_field(FULL, 1, SIZE), Reason.LOG_INDEX_RANGE),
        (with_field(FULL, 1, "1"), Reason.SCHEMA_FIELD_TYPE),
        (with_field(FULL, 2, 0), Reason.LOG_INDEX_RANGE),
        (with_field(FULL, 2, 2**63), Reason.LOG_INDEX_RANGE),
        (with_field(FULL, 3, list(PROOF.path)), Reason.SCHEMA_FIELD_TYPE),
        (with_field(FULL, 3, bytes(31)), Reason.LOG_PROOF_MALFORMED),  # L03
        (with_field(FULL, 3, bytes(33)), Reason.LOG_PROOF_MALFORMED),
        (with_field(FULL, 3, bytes(32 * 64)), Reason.LOG_PROOF_MALFORMED),
        (with_field(FULL, 4, b"".join(SIGNATURES)), Reason.SCHEMA_FIELD_TYPE),
        (with_field(FULL, 4, ["text"]), Reason.SCHEMA_FIELD_TYPE),
        (with_field(FULL, 4, [b"abcd"]), Reason.SIG_MALFORMED),
        (with_field(FULL, 4, [b"abcde"] * 33), Reason.ENC_TOO_LARGE),
        (with_field(FULL, 4, [bytes(5000)]), Reason.ENC_TOO_LARGE),
        (with_field(SHORT, 2, bytes(32 * 7)), Reason.LOG_PROOF_MALFORMED),
        (with_field(SHORT, 2, bytes(32 * 9)), Reason.LOG_PROOF_MALFORMED),
        (with_field(SHORT, 1, 2**63), Reason.LOG_INDEX_RANGE),
        (with_field(RECENT, 5, SIZE + 1), Reason.LOG_INDEX_RANGE),
        (with_field(RECENT, 5, -1), Reason.LOG_INDEX_RANGE),
        (with_field(RECENT, 5, False), Reason.SCHEMA_FIELD_TYPE),
    ],
)
def test_hostile_values(value: object, reason: Reason) -> None:
    with pytest.raises(FormatError) as caught:
        parse_proof(value)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"path": (bytes(31),)}, Reason.LOG_PROOF_MALFORMED),
        ({"path": (bytes(32),) * 64}, Reason.LOG_PROOF_MALFORMED),
        ({"index": -1}, Reason.LOG_INDEX_RANGE),
    ],
)
def test_construction_guards(change: dict[str, Any], reason: Reason) -> None:
    for proof in (PROOF, RECENT_PROOF, SHORT_PROOF):
        with pytest.raises(FormatError) as caught:
            replace(proof, **change)
        assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"log": 2**32}, Reason.ENC_NUMBER_RANGE),
        ({"size": 123}, Reason.LOG_INDEX_RANGE),
        ({"signatures": (b"abcde",) * 33}, Reason.ENC_TOO_LARGE),
        ({"signatures": (b"x" * 4097,)}, Reason.ENC_TOO_LARGE),
        ({"signatures": (b"abcd",)}, Reason.SIG_MALFORMED),
        ({"known": -1}, Reason.LOG_INDEX_RANGE),
        ({"known": SIZE + 1}, Reason.LOG_INDEX_RANGE),
    ],
)
def test_construction_guards_of_a_recent_proof(change: dict[str, Any], reason: Reason) -> None:
    with pytest.raises(FormatError) as caught:
        replace(RECENT_PROOF, **change)
    assert caught.value.reason == reason


def test_the_last_values_that_pass() -> None:
    for known in (0, SIZE):
        assert replace(RECENT_PROOF, known=known).known == known
    assert replace(PROOF, log=2**32 - 1, signatures=(b"abcde",) * 32).log == 2**32 - 1
    assert replace(PROOF, path=(bytes(32),) * 63, signatures=(b"x" * 4096,)).path


FIELDS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.binary(max_size=70)
    | st.lists(st.binary(max_size=9), max_size=3)
)


@given(st.lists(FIELDS, max_size=7) | FIELDS)
def test_garbage_raises_format_error_only(value: object) -> None:
    try:
        proof = parse_proof(value)
    except FormatError:
        return
    assert encode_proof(proof) == value


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_flipped_bit_is_noticed(data: st.DataObject) -> None:  # L01
    encoded = bytearray(encode_cbor(encode_proof(PROOF)))
    bit = data.draw(
        st.integers(16, len(encoded) * 8 - 1)
    )  # behind the log number, which the directory judges
    encoded[bit // 8] ^= 1 << bit % 8
    try:
        proof = parse_proof(decode_cbor(bytes(encoded)))
    except FormatError:
        return
    assert isinstance(proof, FullProof)
    assert outcome(proof) is not None
