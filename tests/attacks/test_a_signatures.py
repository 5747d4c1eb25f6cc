"""Attacks on the certificate, A24 to A33: signatures, weak keys, kinds of objects, encodings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from certificate.certificate import encode_certificate, parse_certificate
from certificate.cose import encode_sign1, sig_structure
from certificate.directory import Directory, DirectoryKey, KeyRole
from certificate.numbers import Typ
from ledger.cbor import encode_cbor
from ledger.checkpoint import cosign, encode_checkpoint, sign_checkpoint
from ledger.note import Note, encode_note
from ledger.proof import FullProof
from ledger.reasons import Reason
from tests.attacks.forging import (
    forged_paper,
    headers_of,
    judged,
    paper,
    presented,
    reason_of,
    with_proof,
)
from tests.attacks.marking import attack
from tests.verifier.judging import assert_refused, failing_step
from tests.world import (
    World,
)
from verifier.report import Outcome
from verifier.seen import MemorySeen
from verifier.trust import parse_bundle


def in_bundle(world: World, directory: Directory) -> Reason | None:
    """Why a bundle with `directory` does not open."""
    files = world.bundle_files(directory=directory)
    return reason_of(lambda: parse_bundle(files, root_keys=[world.root.public_key]))


# --- A24 to A33: signatures and encodings ---------------------------------------------------------------------------


@attack("A24", Reason.CKPT_SIG_INVALID)
@pytest.mark.parametrize("first", [True, False])
def test_A24_one_of_two_signatures_by_the_log_is_bad(first: bool) -> None:
    """Two signatures of one log key beside a proof, one of them bad, in either order."""

    world = World()
    data = paper(world)

    def change(proof: FullProof) -> FullProof:
        good = proof.signatures[0]
        bad = good[:-1] + bytes([good[-1] ^ 1])
        pair = (bad, good) if first else (good, bad)
        return replace(proof, signatures=(*pair, *proof.signatures[1:]))

    assert_refused(judged(with_proof(data, change), world), 5, Reason.CKPT_SIG_INVALID)


@attack("A24", Reason.SIG_INVALID, Reason.PRES_BINDING_INVALID)
def test_A24_one_of_office_and_holder_signed_badly() -> None:
    """The office's signature bad under a good one of the holder; and the other way round."""
    world = World()
    parsed = parse_certificate(world.shown())
    bad = parsed.sign1.signature[:-1] + bytes([parsed.sign1.signature[-1] ^ 1])
    forged = encode_certificate(
        replace(parsed.sign1, signature=bad), parsed.disclosures, parsed.multiproof, parsed.proof
    )
    assert_refused(world.verify(presented(world, forged)), 4, Reason.SIG_INVALID)
    data = world.presentation()
    assert_refused(world.verify(data[:-1] + bytes([data[-1] ^ 1])), 10, Reason.PRES_BINDING_INVALID)


@attack("A25", Reason.SIG_INVALID)
def test_A25_the_signature_of_another_certificate() -> None:
    """Two certificates of one office, their signatures exchanged."""
    world = World()
    one, two = (parse_certificate(paper(world, status_index=index)).sign1 for index in (1, 2))
    data = forged_paper(world, payload=one.payload_bytes, sign=lambda _: two.signature)
    assert_refused(judged(data, world), 4, Reason.SIG_INVALID)


WEAK = [
    bytes(32),
    b"\x01" + bytes(31),
    b"\xec" + b"\xff" * 30 + b"\x7f",
    b"\xed" + b"\xff" * 30 + b"\x7f",
    b"\xee" + b"\xff" * 30 + b"\x7f",
    b"\xff" * 32,
]


@attack("A26", Reason.KEY_WEAK)
@pytest.mark.parametrize("role", [KeyRole.CERTIFICATE, KeyRole.STATUS, KeyRole.REGISTRAR])
@pytest.mark.parametrize("key", WEAK, ids=[key[:2].hex() + key[-1:].hex() for key in WEAK])
def test_A26_a_weak_key_never_becomes_trusted(key: bytes, role: KeyRole) -> None:
    """Small-order and non-reduced keys, in every role of the directory."""
    world = World()
    d = world.directory()
    weak = DirectoryKey(role, 1, 1, key, 1)
    assert in_bundle(world, replace(d, keys=(*d.keys, weak))) is Reason.KEY_WEAK


@attack("A26", Reason.KEY_WEAK)
@pytest.mark.parametrize("key", WEAK, ids=[key[:2].hex() + key[-1:].hex() for key in WEAK])
def test_A26_a_certificate_for_a_weak_holder_key(key: bytes) -> None:
    """A certificate bound to a key for which anybody can sign."""
    world = World()
    payload = world.body().encode()
    payload[11] = key
    assert_refused(judged(forged_paper(world, payload=payload), world), 2, Reason.KEY_WEAK)


@attack("A29", Reason.KEY_PURPOSE_MISMATCH)
@pytest.mark.parametrize(
    "typ", [*(t for t in Typ if t is not Typ.CERTIFICATE), "application/statuslist+cwt", 0]
)
def test_A29_an_object_of_another_kind_signed_with_the_same_key(typ: Typ | str | int) -> None:
    """A certificate's content, signed by the office as something else."""
    world = World()
    value = typ if isinstance(typ, str) else int(typ)
    data = forged_paper(world, headers=headers_of(world) | {16: value})
    report = judged(data, world)
    assert report.outcome is Outcome.INVALID
    if (
        typ is Typ.PRESENTATION
    ):  # then it is read as one, and is none: it has a key id, and no certificate inside
        assert failing_step(report)[0] == 2
    else:
        assert_refused(report, 2, Reason.KEY_PURPOSE_MISMATCH)


@attack("A29", Reason.ENC_PREFIX_UNKNOWN, Reason.SIG_INVALID)
def test_A29_a_signed_checkpoint_offered_as_a_certificate() -> None:
    """The bytes of a checkpoint that the office's key signed; the office's signature over one, moved over."""
    world = World()
    data = paper(world)
    checkpoint = world.log.checkpoint()
    line = sign_checkpoint(checkpoint, world.office)

    note = encode_note(Note(encode_checkpoint(checkpoint), (line,)))
    assert_refused(judged(note, world), 1, Reason.ENC_PREFIX_UNKNOWN)
    for blob in (line.blob, cosign(checkpoint, world.office, name="w", time=1).blob[8:]):
        sign1 = parse_certificate(data).sign1
        moved = encode_sign1(sign1.protected_bytes, sign1.payload_bytes, blob, sign1.unprotected)
        assert_refused(judged(moved, world), 4, Reason.SIG_INVALID)


def noncanonical() -> dict[str, tuple[Callable[[bytes], bytes], Reason]]:
    """Other spellings of the protected header {1: -19, 4: kid, 16: typ}, each of them signed."""
    return {
        "doubled": (lambda h: b"\xa4\x01\x32" + h[1:], Reason.ENC_CBOR_DUPLICATE_KEY),
        "disordered": (lambda h: b"\xa3" + h[3:] + h[1:3], Reason.ENC_CBOR_NONCANONICAL),
        "long key": (lambda h: b"\xa3\x18\x01" + h[2:], Reason.ENC_CBOR_NONCANONICAL),
        "long value": (lambda h: b"\xa3\x01\x38\x12" + h[3:], Reason.ENC_CBOR_NONCANONICAL),
        "long map": (lambda h: b"\xb8\x03" + h[1:], Reason.ENC_CBOR_NONCANONICAL),
        "open map": (lambda h: b"\xbf" + h[1:] + b"\xff", Reason.ENC_CBOR_NONCANONICAL),
        "long string": (lambda h: h.replace(b"\x48", b"\x58\x08", 1), Reason.ENC_CBOR_NONCANONICAL),
    }


@attack("A30", Reason.ENC_CBOR_DUPLICATE_KEY, Reason.ENC_CBOR_NONCANONICAL)
@pytest.mark.parametrize("spelling", list(noncanonical()))
def test_A30_other_spellings_of_a_header(spelling: str) -> None:
    """Duplicate keys, disorder, long integers, indefinite lengths, rightly signed."""
    world = World()
    change, reason = noncanonical()[spelling]
    assert encode_cbor(headers_of(world))[:3] == b"\xa3\x01\x32"
    data = forged_paper(world, headers=change(encode_cbor(headers_of(world))))
    assert_refused(judged(data, world), 2, reason)


@attack("A30", Reason.ENC_CBOR_NONCANONICAL)
def test_A30_other_spellings_around_it() -> None:
    """Long heads and indefinite arrays outside of what is signed."""
    world = World()
    data = paper(world)
    payload = world.body(paper=True).encode()
    for changed in (b"\xd8\x12" + data[1:], b"\xd2\x98\x04" + data[2:], b"\xd2\x9f" + data[2:] + b"\xff"):
        report = judged(changed, world)
        assert report.outcome is Outcome.INVALID
        assert report.reason in (Reason.ENC_CBOR_NONCANONICAL, Reason.ENC_PREFIX_UNKNOWN)
    for content in (b"\x98\x0d" + encode_cbor(payload)[1:], b"\x9f" + encode_cbor(payload)[1:] + b"\xff"):
        assert_refused(judged(forged_paper(world, payload=content), world), 2, Reason.ENC_CBOR_NONCANONICAL)


@attack("A31", Reason.ENC_TRAILING_DATA)
@pytest.mark.parametrize("extra", [b"\x00", b"\xf6", b"\xff", b"\n", b"\xd2"])
def test_A31_bytes_after_the_certificate(extra: bytes) -> None:
    """One byte after the certificate, and inside it after header and payload; two certificates in a row."""
    world = World()
    data = paper(world)
    assert judged(data + extra, world).outcome is Outcome.INVALID
    assert_refused(judged(data + data, world), 2, Reason.ENC_TRAILING_DATA)
    headers, payload = encode_cbor(headers_of(world)), encode_cbor(world.body(paper=True).encode())
    if extra in (b"\x00", b"\xf6", b"\n"):
        assert_refused(judged(data + extra, world), 2, Reason.ENC_TRAILING_DATA)
        inside = (forged_paper(world, headers=headers + extra), forged_paper(world, payload=payload + extra))
        for forged in inside:
            assert_refused(judged(forged, world), 2, Reason.ENC_TRAILING_DATA)


def nested(depth: int) -> bytes:
    return b"\x81" * depth + b"\x00"


A32 = {
    "depth 17": (nested(17), Reason.ENC_DEPTH_LIMIT),
    "depth 1,000": (nested(1000), Reason.ENC_DEPTH_LIMIT),
    "depth 60,000": (nested(60_000), Reason.ENC_DEPTH_LIMIT),
    "maps of depth 20,000": (b"\xa1\x00" * 20_000 + b"\x00", Reason.ENC_DEPTH_LIMIT),
    "tags of depth 60,000": (b"\xd2" * 60_000 + b"\x00", Reason.ENC_DEPTH_LIMIT),
    "tag 28": (b"\xd8\x1c\x81\xd8\x1d\x00", Reason.ENC_CBOR_TAG_FORBIDDEN),
    "tag 29": (b"\xd8\x1d\x00", Reason.ENC_CBOR_TAG_FORBIDDEN),
    "tag 35, a regular expression": (b"\xd8\x23\x66(a+)+$", Reason.ENC_CBOR_TAG_FORBIDDEN),
    "tag 4, a decimal": (b"\xc4\x82\x1b" + b"\x7f" + b"\xff" * 7 + b"\x01", Reason.ENC_CBOR_TAG_FORBIDDEN),
    "tag 2, a bignum": (b"\xc2\x59\xfd\xe8" + b"\xff" * 65_000, Reason.ENC_CBOR_TAG_FORBIDDEN),
    "2^63 items": (b"\x9b\x7f" + b"\xff" * 7, Reason.ENC_CBOR_MALFORMED),
    "2^64 - 1 pairs": (b"\xbb" + b"\xff" * 8, Reason.ENC_CBOR_MALFORMED),
    "a string of 2^63 bytes": (b"\x5b\x7f" + b"\xff" * 7, Reason.ENC_CBOR_MALFORMED),
    "a string of 4 GB": (b"\x5a\xff\xff\xff\xff", Reason.ENC_CBOR_MALFORMED),
}


@attack("A32", Reason.ENC_DEPTH_LIMIT, Reason.ENC_CBOR_TAG_FORBIDDEN, Reason.ENC_CBOR_MALFORMED)
@pytest.mark.parametrize("shape", list(A32))
@pytest.mark.parametrize("place", ["payload", "header", "whole"])
def test_A32_hostile_cbor(shape: str, place: str) -> None:
    """Depth 17 to 60,000, forbidden tags, 2^63 items: as payload, as header and as the whole, signed or not.

    What it costs is measured in `tests/torture/test_costs.py`.
    """
    world = World()
    content, reason = A32[shape]
    if place == "whole":
        data = b"\xd2\x84" + content
        report = judged(data, world)
        assert report.outcome is Outcome.INVALID
        assert failing_step(report)[0] <= 2
        return
    if len(content) > 60_000:  # 65,536 bytes is all that is read
        content = (
            content[:200] if shape.startswith(("depth", "tags")) else b"\xc2\x59\x03\xe8" + b"\xff" * 1000
        )
    data = (
        forged_paper(world, payload=content) if place == "payload" else forged_paper(world, headers=content)
    )
    assert_refused(judged(data, world), 2, reason)


@attack("A33")
def test_A33_an_honest_certificate_after_hostile_ones() -> None:
    """The same trust, memory and request serve hostile messages first and an honest one then."""

    world = World()
    seen, trust = MemorySeen(), world.bundle()
    honest = paper(world)
    hostile = [b"", b"TS1:", nested(60_000), *(content for content, _ in A32.values())]
    hostile += [forged_paper(world, payload=world.body(paper=True, expires=0).encode())]
    hostile += [honest[:-1], honest + b"\x00", world.presentation()]
    for data in hostile:
        assert judged(data, world, seen=seen, trust=trust).outcome is not Outcome.VALID
    after = judged(honest, world, seen=seen, trust=trust)
    assert after == judged(honest, world)


@attack("A29", Reason.SIG_INVALID)
def test_A29_a_signature_over_the_payload_alone() -> None:
    """The office's signature over other bytes than the Sig_structure: payload, or another context."""
    world = World()
    payload = encode_cbor(world.body(paper=True).encode())
    protected = encode_cbor(headers_of(world))
    others = [payload, protected + payload, sig_structure(protected, payload)[:-1]]
    others.append(encode_cbor(["Signature", protected, b"", payload]))
    others.append(encode_cbor(["Signature1", protected, b"x", payload]))
    others.append(encode_cbor(["CounterSignature", protected, b"", payload]))
    for message in others:
        signature = world.office.sign(message)
        data = forged_paper(world, payload=payload, sign=lambda _, signature=signature: signature)  # type: ignore[misc]
        assert_refused(judged(data, world), 4, Reason.SIG_INVALID)
