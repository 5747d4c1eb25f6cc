"""Proofs in other people's forms: tlog-proof text and COSE receipts of inclusion and of growth (issue 5)."""

from __future__ import annotations

from hashlib import sha256

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger.checkpoint import parse_checkpoint_note
from ledger.errors import ProjectError
from ledger.merkle import RootHash
from ledger.reasons import Reason
from ledger.receipt import (
    growth_receipt,
    inclusion_receipt,
    verify_growth_receipt,
    verify_inclusion_receipt,
)
from ledger.sequencer import Sequencer
from ledger.tlog_proof import encode_tlog_proof, parse_tlog_proof, verify_tlog_proof
from tests.ledger_http.conftest import Published

KID = b"kid of 8"


@pytest.fixture
def ledger(world: Published) -> Sequencer:
    world.grow(300)
    return world.open()


def text_of(ledger: Sequencer, index: int) -> bytes:
    proof, note = ledger.prove_with_note(index)
    return encode_tlog_proof(index, proof.path, note)


def receipt_of(world: Published, ledger: Sequencer, index: int) -> tuple[bytes, RootHash]:
    proof, note = ledger.prove_with_note(index)
    root = parse_checkpoint_note(note)[0].root_hash
    data = inclusion_receipt(
        world.signer, kid=KID, index=index, size=proof.size, path=proof.path, root_hash=root
    )
    return data, root


@pytest.mark.parametrize("index", [0, 255, 256, 299])
def test_a_text_proof_stands_on_its_own(world: Published, ledger: Sequencer, index: int) -> None:
    data = text_of(ledger, index)
    assert data.startswith(b"c2sp.org/tlog-proof@v1\nindex %d\n" % index)
    proof = parse_tlog_proof(data)
    assert encode_tlog_proof(proof.index, proof.path, proof.note) == data
    verified = verify_tlog_proof(proof, entry=world.entry(index), policy=world.policy, now=world.now)
    assert verified.checkpoint.size == 300
    with pytest.raises(ProjectError) as caught:
        verify_tlog_proof(proof, entry=world.entry(index + 1), policy=world.policy, now=world.now)
    assert caught.value.reason == Reason.LOG_INCLUSION_INVALID


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"proof@v1", b"proof@v2"), (b"index 7\n", b"index 07\n"), (b"index 7\n", b"index -7\n"),
        (b"index 7\n", b"index 7\nextra AAAA\n"), (b"index 7\n", b"index 7\r\n"), (b"index 7\n", b""),
        (b"index 7\n", "index ７\n".encode()), (b"=\n", b"\n"), (b"\n\n", b"\n"), (b"index 7\n", b"index 8\n"),
        (b"index 7\n", b"index 7\n" + b"AAAA\n" * 64), (b"\n300\n", b"\n301\n"),
    ],
)  # fmt: skip
def test_text_proofs_that_are_none(world: Published, ledger: Sequencer, old: bytes, new: bytes) -> None:
    data = text_of(ledger, 7)
    assert old in data

    def read() -> None:
        proof = parse_tlog_proof(data.replace(old, new, 1))
        verify_tlog_proof(proof, entry=world.entry(7), policy=world.policy, now=world.now)

    with pytest.raises(ProjectError):
        read()


@pytest.mark.parametrize("index", [0, 255, 299])
def test_a_receipt_of_inclusion(world: Published, ledger: Sequencer, index: int) -> None:
    data, root = receipt_of(world, ledger, index)
    key = world.signer.public_key
    assert verify_inclusion_receipt(data, entry=world.entry(index), public_key=key) == (index, 300, root)
    with pytest.raises(ProjectError):
        verify_inclusion_receipt(data, entry=world.entry(index + 1), public_key=key)


def test_a_receipt_reads_as_the_standard_says(world: Published, ledger: Sequencer) -> None:
    """RFC 9942 by hand, over cbor2 and cryptography alone."""
    data, root = receipt_of(world, ledger, 7)
    tag = cbor2.loads(data)
    protected, headers, payload, signature = tag.value
    assert (tag.tag, payload) == (18, None)
    assert cbor2.loads(protected) == {1: -19, 4: KID, 395: 1}
    size, index, path = cbor2.loads(headers[396][-1][0])
    node, last = sha256(b"\x00" + world.entry(index)).digest(), size - 1
    for sibling in path:  # RFC 9162, section 2.1.3.2
        if index & 1 or index == last:
            node = sha256(b"\x01" + sibling + node).digest()
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = sha256(b"\x01" + node + sibling).digest()
        index, last = index >> 1, last >> 1
    assert node == root
    signed = cbor2.dumps(["Signature1", protected, b"", root])
    Ed25519PublicKey.from_public_bytes(world.signer.public_key).verify(signature, signed)


def test_every_changed_bit_of_a_receipt_is_noticed(world: Published, ledger: Sequencer) -> None:
    data, _ = receipt_of(world, ledger, 299)
    accepted = []
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 1
        try:
            verify_inclusion_receipt(
                bytes(damaged), entry=world.entry(299), public_key=world.signer.public_key
            )
        except ProjectError:
            continue
        accepted.append(at)
    assert accepted == []


def test_a_receipt_of_growth(world: Published) -> None:
    world.grow(70)
    old = parse_checkpoint_note(world.open().newest_checkpoint() or b"")[0]
    world.grow(300)
    ledger = world.open()
    new = parse_checkpoint_note(ledger.newest_checkpoint() or b"")[0]
    path = ledger.prove_consistency(70, 300)
    data = growth_receipt(world.signer, kid=KID, old_size=70, size=300, path=path, root_hash=new.root_hash)
    key = world.signer.public_key
    found = verify_growth_receipt(data, old_root_hash=old.root_hash, root_hash=new.root_hash, public_key=key)
    assert found == (70, 300)
    with pytest.raises(ProjectError):
        verify_growth_receipt(data, old_root_hash=new.root_hash, root_hash=old.root_hash, public_key=key)
    with pytest.raises(ProjectError):  # one kind never counts for the other
        verify_inclusion_receipt(data, entry=world.entry(70), public_key=key)
