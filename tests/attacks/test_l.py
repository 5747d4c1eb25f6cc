"""Attacks on the ledger proof, L02 to L15, through `verify`, the log's own files and its witnesses."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from certificate.certificate import encode_certificate, parse_certificate
from certificate.cose import encode_sign1
from certificate.numbers import HEADER_X
from ledger.checkpoint import cosign, sign_checkpoint
from ledger.entry import EntryType, encode_entry, parse_entry
from ledger.errors import IntegrityError, VerificationError
from ledger.merkle import (
    EMPTY_ROOT,
    RootHash,
    leaf_hash,
    node_hash,
    prove_consistency,
    prove_inclusion,
    root_from_leaf_hashes,
    verify_consistency,
)
from ledger.note import SignatureType, VerifierKey, encode_vkey
from ledger.proof import FullProof, Proof, RecentProof, ShortProof, encode_proof
from ledger.reasons import Reason
from ledger.trust_policy import parse_trust_policy
from ledger.witness_protocol import WitnessConflictError
from tests.attacks.forging import logged, paper, reason_of, with_proof
from tests.attacks.marking import attack
from tests.ledger.conftest import World as LedgerWorld
from tests.ledger.tampering import copy_database
from tests.verifier.judging import assert_refused, assert_undetermined
from tests.world import ORIGIN, SECONDS, Log, World, other_entries, signer
from verifier.expect import STATIC
from verifier.report import Outcome, Report


def judged(world: World, change: Callable[[FullProof], Proof | None]) -> Report:
    """What is said to an honest paper with a changed proof."""
    return world.verify(with_proof(paper(world), change), expect=STATIC)


def with_proof_item(world: World, item: object) -> bytes:
    """An honest paper in which `item` stands for the proof."""
    parsed = parse_certificate(paper(world))
    shown = list(parsed.sign1.unprotected[HEADER_X])
    sign1 = parsed.sign1
    outside = {HEADER_X: [shown[0], shown[1], item]}
    return encode_sign1(sign1.protected_bytes, sign1.payload_bytes, sign1.signature, outside)


def proof_item(world: World) -> list[object]:
    paper(world)
    proof = parse_certificate(paper(world)).proof
    assert isinstance(proof, FullProof)
    return encode_proof(proof)


@attack("L01", Reason.LOG_INCLUSION_INVALID)
def test_L01_each_bit_of_the_path() -> None:
    """A bit of each byte of an honest proof's path flipped."""
    world = World()
    data, trust = paper(world), world.bundle()

    def flipped(proof: FullProof, bit: int) -> FullProof:
        path = bytearray(b"".join(proof.path))
        path[bit // 8] ^= 1 << bit % 8
        return replace(proof, path=tuple(bytes(path[at : at + 32]) for at in range(0, len(path), 32)))

    bits = 8 * 32 * len(parse_certificate(data).proof.path)  # type: ignore[union-attr]  # it has one
    for bit in range(0, bits, 7):  # each byte, and each place in a byte
        changed = with_proof(data, lambda proof, bit=bit: flipped(proof, bit))  # type: ignore[misc]
        report = world.verify(changed, expect=STATIC, trust=trust)
        assert_refused(report, 5, Reason.LOG_INCLUSION_INVALID)


@attack("L02", Reason.LOG_INDEX_RANGE)
@pytest.mark.parametrize(
    ("index", "size"),
    [
        (-1, 301),
        (301, 301),
        (302, 301),
        (2**63, 301),
        (2**63, 2**63 + 1),
        (0, 0),
        (0, -1),
        (0, 2**63),
        (5, 2**64 - 1),
    ],
)
def test_L02_an_index_out_of_range(index: int, size: int) -> None:
    """Index -1, equal to the size, 2^63; size 0."""
    world = World()
    item = proof_item(world)
    report = world.verify(with_proof_item(world, [item[0], index, size, *item[3:]]), expect=STATIC)
    assert_refused(report, 2, Reason.LOG_INDEX_RANGE)


@attack("L03", Reason.LOG_PROOF_MALFORMED)
@pytest.mark.parametrize("size", [31, 33, 9 * 32 - 1, 9 * 32 + 1, 64 * 32, 70 * 32, 60_000])
def test_L03_nodes_of_another_length(size: int) -> None:
    """Nodes of 31 and 33 bytes, 70 nodes."""
    world = World()
    item = proof_item(world)
    report = world.verify(with_proof_item(world, [*item[:3], bytes(size), item[4]]), expect=STATIC)
    assert_refused(report, 2, Reason.LOG_PROOF_MALFORMED)


@attack("L03", Reason.LOG_PROOF_MALFORMED)
@pytest.mark.parametrize("count", [0, 1, 8, 10, 63])
def test_L03_more_or_fewer_nodes_than_the_tree_is_high(count: int) -> None:
    """A node too few, too many, none."""
    world = World()
    item = proof_item(world)
    assert len(item[3]) == 32 * 9  # type: ignore[arg-type]  # bytes
    report = world.verify(with_proof_item(world, [*item[:3], bytes(32 * count), item[4]]), expect=STATIC)
    assert_refused(report, 5, Reason.LOG_PROOF_MALFORMED)


@attack("L03", Reason.SCHEMA_FIELD_TYPE, Reason.SCHEMA_FIELD_MISSING, Reason.SCHEMA_FIELD_UNKNOWN)
def test_L03_proofs_of_another_shape() -> None:
    """No array, too short, too long, numbers for texts; a root carried along."""
    world = World()
    item = proof_item(world)
    for shape, reason in (
        (b"", Reason.SCHEMA_FIELD_TYPE),
        ("proof", Reason.SCHEMA_FIELD_TYPE),
        ([], Reason.SCHEMA_FIELD_MISSING),
        (item[:4], Reason.SCHEMA_FIELD_MISSING),
        ([*item, 0, bytes(32)], Reason.SCHEMA_FIELD_UNKNOWN),
        ([*item, bytes(32)], Reason.SCHEMA_FIELD_TYPE),
        ([item[0], True, *item[2:]], Reason.SCHEMA_FIELD_TYPE),
        ([item[0], "5", *item[2:]], Reason.SCHEMA_FIELD_TYPE),
        ([*item[:3], [bytes(32)] * 9, item[4]], Reason.SCHEMA_FIELD_TYPE),
        ([*item[:4], b"".join(item[4])], Reason.SCHEMA_FIELD_TYPE),  # type: ignore[arg-type]  # byte strings
    ):
        assert_refused(world.verify(with_proof_item(world, shape), expect=STATIC), 2, reason)


@attack("L04", Reason.LOG_INCLUSION_INVALID)
def test_L04_the_true_proof_of_another_certificate() -> None:
    """Two certificates of one office in one log, their proofs exchanged: no leaf hash is carried that could match."""
    world = World()
    one, two = (parse_certificate(paper(world, status_index=n)) for n in (1, 2))
    world.log = Log(sorted([*other_entries(300), one.entry(), two.entry()]))
    proofs = [world.log.prove(certificate.entry()) for certificate in (one, two)]
    for certificate, proof in ((one, proofs[1]), (two, proofs[0])):
        data = encode_certificate(certificate.sign1, certificate.disclosures, certificate.multiproof, proof)
        assert_refused(world.verify(data, expect=STATIC), 5, Reason.LOG_INCLUSION_INVALID)
    own = encode_certificate(one.sign1, one.disclosures, one.multiproof, proofs[0])
    assert world.verify(own, expect=STATIC).outcome is Outcome.VALID


@attack("L05", Reason.LOG_INCLUSION_MISSING)
def test_L05_no_proof() -> None:
    """No proof; nothing beside the signed part at all."""
    world = World()
    assert_refused(judged(world, lambda _: None), 5, Reason.LOG_INCLUSION_MISSING)
    signed = parse_certificate(paper(world)).sign1
    bare = encode_sign1(signed.protected_bytes, signed.payload_bytes, signed.signature)
    report = world.verify(bare, expect=STATIC)
    assert report.step(5).reason is Reason.LOG_INCLUSION_MISSING
    assert report.outcome is Outcome.INVALID


@attack("L05", Reason.LOG_SUBTREE_UNKNOWN)
def test_L05_a_proof_that_this_bundle_cannot_complete() -> None:
    """A short or recent proof where the bundle holds no block: cannot tell, never yes."""
    world = World()
    report = judged(world, lambda p: ShortProof(p.log, p.index, p.path[:8]))
    assert_undetermined(report, 5, Reason.LOG_SUBTREE_UNKNOWN)
    report = judged(world, lambda p: RecentProof(p.log, p.index, p.size, p.path, p.signatures, 256))
    assert_undetermined(report, 5, Reason.LOG_SUBTREE_UNKNOWN)


@attack("L06", Reason.LOG_INCLUSION_INVALID, Reason.LOG_PROOF_MALFORMED)
def test_L06_an_inner_node_as_leaf_data() -> None:
    """Positions of inner nodes claimed for the entry, under the true size and under half of it."""
    world = World()
    for change in (
        lambda p: replace(p, index=p.index >> 1, path=p.path[1:]),
        lambda p: replace(p, index=p.index >> 1, size=(p.size + 1) >> 1, path=p.path[1:]),
        lambda p: replace(p, index=p.index * 2, size=p.size * 2, path=(bytes(32), *p.path)),
    ):
        report = judged(world, change)
        assert report.reason in (Reason.LOG_INCLUSION_INVALID, Reason.LOG_PROOF_MALFORMED)
        assert report.outcome is Outcome.INVALID
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    inner = node_hash(left, right)
    assert inner not in {leaf_hash(left + right), leaf_hash(b"\x01" + left + right), leaf_hash(inner)}


@attack("L07", Reason.LOG_INCLUSION_INVALID)
def test_L07_a_proof_for_a_leaf_hash_of_somebodys_choice() -> None:
    """The verifier hashes the entry itself: the certificate's digest or leaf hash, logged as an entry, is no help."""
    world = World()
    certificate = parse_certificate(paper(world))
    entry = certificate.entry()
    for planted in (leaf_hash(entry), certificate.digest(), b"\x00" + entry, entry + b"\x00"):
        log = Log([*other_entries(300), planted])
        proof = log.prove(planted)
        data = encode_certificate(certificate.sign1, certificate.disclosures, certificate.multiproof, proof)
        assert_refused(world.verify(data, expect=STATIC), 5, Reason.LOG_INCLUSION_INVALID)


@attack("L08")
def test_L08_a_doubled_last_leaf_changes_the_root() -> None:
    """[a, b, c] against [a, b, c, c], and every other doubling of the end."""
    leaves = [leaf_hash(b"%d" % n) for n in range(40)]
    for size in range(1, 40):
        for more in range(1, 4):
            doubled = [*leaves[:size], *leaves[size - more : size]]
            if len(doubled) > size:
                assert root_from_leaf_hashes(doubled) != root_from_leaf_hashes(leaves[:size])


@attack("L09")
def test_L09_fields_do_not_run_into_each_other() -> None:
    """No two different entries have one encoding, nor one leaf hash: each field has a length of its own."""
    digests = [bytes(32), b"\x01" + bytes(31), sha256(b"x").digest()]
    entries = {
        encode_entry(kind, authority, digest)
        for kind in EntryType
        for authority in (1, 2, 23, 24, 255, 256, 65535)
        for digest in digests
    }
    assert len(entries) == len({leaf_hash(entry) for entry in entries}) == len(EntryType) * 7 * 3
    for entry in entries:
        parsed = parse_entry(entry)
        assert encode_entry(parsed.entry_type, parsed.authority, parsed.digest) == entry


@attack("L10", Reason.LOG_INCLUSION_INVALID)
@pytest.mark.parametrize("kind", [kind for kind in EntryType if kind is not EntryType.CERTIFICATE])
def test_L10_an_entry_of_another_kind(kind: EntryType) -> None:
    """The certificate's own digest, logged as something else: the entry that is looked for is one of a certificate."""
    world = World()
    certificate = parse_certificate(paper(world))
    proof = logged(world, encode_entry(kind, 1, certificate.digest()))
    data = encode_certificate(certificate.sign1, certificate.disclosures, certificate.multiproof, proof)
    assert_refused(world.verify(data, expect=STATIC), 5, Reason.LOG_INCLUSION_INVALID)


@attack("L10", Reason.LOG_INCLUSION_INVALID)
def test_L10_an_entry_of_another_authority() -> None:
    """The certificate's own digest, logged under the name of another authority."""
    world = World()
    certificate = parse_certificate(paper(world))
    proof = logged(world, encode_entry(EntryType.CERTIFICATE, 2, certificate.digest()))
    data = encode_certificate(certificate.sign1, certificate.disclosures, certificate.multiproof, proof)
    assert_refused(world.verify(data, expect=STATIC), 5, Reason.LOG_INCLUSION_INVALID)


def consistency(old_size: int, new_size: int, old: bytes, new: bytes, path: list[bytes]) -> Reason | None:
    return reason_of(
        lambda: verify_consistency(
            old_size=old_size,
            new_size=new_size,
            old_root_hash=RootHash(old),
            new_root_hash=RootHash(new),
            path=path,
        )
    )


@attack("L11", Reason.LOG_ROLLBACK_DETECTED, Reason.LOG_CONSISTENCY_INVALID, Reason.LOG_PROOF_MALFORMED)
def test_L11_consistency_proofs_turned_around() -> None:
    """Sizes or roots exchanged, empty, from nothing, equal sizes with nodes."""
    log = Log(other_entries(300))
    roots = {size: Log(other_entries(size)).checkpoint().root_hash for size in (100, 300)}
    path = prove_consistency(100, 300, log.node)
    old, new = roots[100], roots[300]
    assert consistency(100, 300, old, new, path) is None
    assert consistency(300, 100, new, old, path) is Reason.LOG_ROLLBACK_DETECTED
    assert consistency(100, 300, new, old, path) is Reason.LOG_CONSISTENCY_INVALID
    assert consistency(100, 300, old, old, path) is Reason.LOG_CONSISTENCY_INVALID
    assert consistency(100, 300, old, new, []) is Reason.LOG_PROOF_MALFORMED
    assert consistency(0, 300, EMPTY_ROOT, new, path) is Reason.LOG_PROOF_MALFORMED
    assert consistency(0, 300, EMPTY_ROOT, new, []) is Reason.LOG_PROOF_MALFORMED
    assert consistency(300, 300, new, new, [new]) is Reason.LOG_PROOF_MALFORMED
    assert consistency(99, 300, old, new, path) in (
        Reason.LOG_CONSISTENCY_INVALID,
        Reason.LOG_PROOF_MALFORMED,
    )


@attack("L12", Reason.LOG_FORK_DETECTED)
def test_L12_two_roots_of_one_size() -> None:
    """Two checkpoints of one size with different roots."""
    one = Log(other_entries(300)).checkpoint()
    two = Log([*other_entries(299), b"another"]).checkpoint()
    assert consistency(300, 300, one.root_hash, two.root_hash, []) is Reason.LOG_FORK_DETECTED


@attack("L12", Reason.STORE_FORK_DETECTED)
def test_L12_a_witness_is_shown_both(tmp_path: Path) -> None:
    """A cloned log signs another root of the same size: the witnesses refuse, and name the size they keep."""
    world = LedgerWorld(tmp_path)
    try:
        ledger = world.open()
        ledger.append(world.entries(1, 2))
        ledger.checkpoint(world.now)
        copy_database(world.path, tmp_path / "clone.db")
        shutil.copy(world.anchor, tmp_path / "clone-anchor")
        twin = world.open(path=tmp_path / "clone.db", anchor=tmp_path / "clone-anchor")
        ledger.append(world.entries(3))
        kept = ledger.checkpoint(world.now + 1)
        twin.append(world.entries(4))
        with pytest.raises(IntegrityError) as caught:
            twin.checkpoint(world.now + 1)
        assert caught.value.reason is Reason.STORE_FORK_DETECTED
        assert isinstance(caught.value.__cause__, WitnessConflictError)
        assert caught.value.__cause__.size == 3
        with closing(world.witness(0)) as witness:
            assert witness.witnessed_size(world.origin) == 3
        assert kept
    finally:
        world.close()


@attack("L13", Reason.CKPT_SIG_MISSING)
def test_L13_signatures_of_another_trusted_log() -> None:
    """Log 2 is trusted too, and signed the very same root: not for log 1."""
    world = World()
    other = signer("log 2")
    name = "other.example.test/1"
    data = paper(world)
    checkpoint = replace(world.log.checkpoint(), origin=name)
    blobs = [sign_checkpoint(checkpoint, other).keyed_blob]
    blobs += [
        cosign(checkpoint, key, name=f"witness-{n}.test", time=SECONDS).keyed_blob
        for n, key in enumerate(world.log.witnesses[:3], start=1)
    ]
    vkey = encode_vkey(VerifierKey(name, SignatureType.ED25519, other.public_key))
    policy = f"log {vkey}\n" + world.log.policy_text()
    trust = replace(world.bundle(), policy=parse_trust_policy(policy))
    report = world.verify(
        with_proof(data, lambda p: replace(p, signatures=tuple(blobs))), expect=STATIC, trust=trust
    )
    assert_refused(report, 5, Reason.CKPT_SIG_MISSING)


@attack("L13", Reason.LOG_UNKNOWN_ORIGIN)
@pytest.mark.parametrize("number", [0, 2, 65535, 2**32 - 1])
def test_L13_a_log_number_that_the_directory_does_not_know(number: int) -> None:
    """A proof from a log that no directory lists."""
    report = judged(World(), lambda p: replace(p, log=number))
    assert_undetermined(report, 5, Reason.LOG_UNKNOWN_ORIGIN)


@attack("L13", Reason.LOG_UNKNOWN_ORIGIN)
def test_L13_an_origin_that_the_policy_does_not_know() -> None:
    """The directory lists the log under an origin for which no key is trusted; also one that differs in case."""
    world = World()
    data, d = paper(world), world.directory()
    for origin in ("other.example.test/1", ORIGIN.upper(), ORIGIN + "/", ORIGIN[:-1]):
        trust = world.bundle(directory=replace(d, logs=(replace(d.logs[0], origin=origin),)))
        report = world.verify(data, expect=STATIC, trust=trust)
        assert_undetermined(report, 5, Reason.LOG_UNKNOWN_ORIGIN)


@attack("L14", Reason.LOG_INCLUSION_INVALID)
@pytest.mark.parametrize("more", [1, 2, 100])
def test_L14_a_proof_of_one_size_with_signatures_of_another(more: int) -> None:
    """A path valid at size n, the signatures of the checkpoint at n + 1; either size stated."""
    world = World()
    data = paper(world)
    grown = Log([*world.log.entries, *other_entries(700)[500 : 500 + more]])
    for size in (len(world.log.entries), len(grown.entries)):
        report = world.verify(
            with_proof(data, lambda p, size=size: replace(p, size=size, signatures=grown.signatures())),  # type: ignore[misc]
            expect=STATIC,
        )
        assert report.outcome is Outcome.INVALID
        assert report.reason in (Reason.LOG_INCLUSION_INVALID, Reason.LOG_PROOF_MALFORMED)
    honest = grown.prove(parse_certificate(data).entry())
    assert world.verify(with_proof(data, lambda _: honest), expect=STATIC).outcome is Outcome.VALID


@attack("L15", Reason.STORE_FORK_DETECTED)
def test_L15_an_entry_removed_and_the_tree_built_anew(tmp_path: Path) -> None:
    """A rebuilt database, honestly signed: the log's own anchor gives it away, and so do witnesses without it."""
    world = LedgerWorld(tmp_path / "a")
    (tmp_path / "a").mkdir()
    try:
        ledger = world.open()
        ledger.append(world.entries(1, 2, 3))
        ledger.checkpoint(world.now)
        world.close()
        shutil.move(world.path, tmp_path / "old.db")
        for name in ("ledger.db-wal", "ledger.db-shm"):
            (tmp_path / "a" / name).unlink(missing_ok=True)
        shutil.move(world.anchor, tmp_path / "old-anchor")
        rebuilt = world.open()
        rebuilt.append(world.entries(1, 3))
        rebuilt.append(world.entries(4))
        reason = reason_of(lambda: rebuilt.checkpoint(world.now + 1))
        assert reason in (Reason.STORE_FORK_DETECTED, Reason.STORE_ROLLBACK_DETECTED)
        assert reason_of(lambda: rebuilt.append(world.entries(5))) is not None
    finally:
        world.close()


@attack("L15", Reason.LOG_FORK_DETECTED, Reason.LOG_CONSISTENCY_INVALID)
def test_L15_against_anybody_with_an_older_checkpoint() -> None:
    """Nobody can lead from the old root to the rebuilt one: same size, or larger."""
    honest = Log(other_entries(200))
    old = honest.checkpoint()
    rebuilt = Log([*other_entries(200)[1:], b"new", *other_entries(300)[200:]])
    same = Log(rebuilt.entries[:200]).checkpoint()
    assert consistency(200, 200, old.root_hash, same.root_hash, []) is Reason.LOG_FORK_DETECTED
    path = prove_consistency(200, len(rebuilt.entries), rebuilt.node)
    reason = consistency(200, len(rebuilt.entries), old.root_hash, rebuilt.checkpoint().root_hash, path)
    assert reason is Reason.LOG_CONSISTENCY_INVALID


@attack("L02", Reason.LOG_INDEX_RANGE)
def test_L02_proving_what_is_not_there() -> None:
    """The log itself is asked for an index it does not hold."""
    log = Log(other_entries(5))
    for index in (-1, 5, 2**63):
        with pytest.raises(VerificationError) as refusal:
            prove_inclusion(index, 5, log.node)
        assert refusal.value.reason is Reason.LOG_INDEX_RANGE


@attack("L14", Reason.CKPT_SIG_INVALID, Reason.CKPT_COSIG_INVALID)
def test_L14_one_signature_of_another_size() -> None:
    """Log and two witnesses signed this root, one line is of another size: a signature that is there has to hold."""
    world = World()
    data = paper(world)
    honest = world.log.signatures()
    other = Log(other_entries(10)).signatures()
    mixed = with_proof(data, lambda p: replace(p, signatures=(other[0], *honest[1:])))
    assert_refused(world.verify(mixed, expect=STATIC), 5, Reason.CKPT_SIG_INVALID)
    mixed = with_proof(data, lambda p: replace(p, signatures=(*honest[:3], other[3])))
    assert_refused(world.verify(mixed, expect=STATIC), 5, Reason.CKPT_COSIG_INVALID)
