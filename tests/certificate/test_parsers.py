"""Parsers: round trips, one spelling, and nothing but the project's own error for any input."""

from __future__ import annotations

import random
from collections.abc import Callable

import cbor2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from certificate.certificate import (
    certificate_number,
    encode_certificate,
    parse_certificate,
)
from certificate.cose import encode_sign1, parse_sign1, sign_object
from certificate.delegation import parse_delegation, parse_delegation_end
from certificate.device import DeviceBody, device_to_be_signed, parse_device
from certificate.directory import parse_directory
from certificate.journal import parse_journal_entry
from certificate.key_event import parse_key_event
from certificate.numbers import Typ
from certificate.presentation import parse_presentation
from certificate.qr_text import (
    decode_any,
    decode_any_request,
    encode_file_text,
    encode_qr_text,
    encode_request_text,
)
from certificate.request import parse_registration, parse_request
from certificate.status_list import parse_status_token
from certificate.succession import parse_succession
from ledger.cbor import decode_cbor, encode_cbor
from ledger.errors import FormatError, ProjectError
from ledger.proof import FullProof
from ledger.reasons import Reason
from tests.attacks.marking import attack
from tests.world import SECONDS, SLOTS_24, World, signer
from verifier.expect import STATIC, Asked
from verifier.report import Outcome

PARSERS: dict[str, Callable[[bytes], object]] = {
    "certificate": parse_certificate,
    "presentation": parse_presentation,
    "request": parse_request,
    "registration": parse_registration,
    "status": parse_status_token,
    "directory": parse_directory,
    "succession": parse_succession,
    "delegation": parse_delegation,
    "delegation end": parse_delegation_end,
    "device": parse_device,
    "journal": parse_journal_entry,
    "key event": parse_key_event,
    "cbor": decode_cbor,
    "any": decode_any,
    "any request": decode_any_request,
}


def honest(name: str) -> bytes:
    world = World()
    files = world.bundle_files()
    objects: dict[str, Callable[[], bytes]] = {
        "certificate": lambda: world.certificate(slots=SLOTS_24),
        "presentation": world.presentation,
        "request": world.request,
        "registration": world.registration,
        "status": world.status_token,
        "directory": lambda: files["directory.cose"],
        "succession": world.succession,
        "delegation": world.delegation,
        "delegation end": world.delegation_end,
        "device": lambda: device_to_be_signed(
            DeviceBody("a", world.holder.public_key, world.asker.public_key, SECONDS, 60),
            holder_key=world.holder.public_key,
        ),
        "journal": world.journal_entry,
        "key event": world.key_event,
        "cbor": lambda: encode_cbor([1, b"2", "3", None, True, [4, -5]]),
        "any": lambda: encode_qr_text(world.presentation()).encode(),
        "any request": lambda: encode_request_text(world.request()).encode(),
    }
    return objects[name]()


HONEST = {name: honest(name) for name in PARSERS}


@pytest.mark.parametrize("name", PARSERS)
def test_honest_objects_parse(name: str) -> None:
    PARSERS[name](HONEST[name])


@pytest.mark.parametrize("name", PARSERS)
def test_a_thousand_mutations_raise_only_our_error(name: str) -> None:
    rng = random.Random(name)
    refused = 0
    for _ in range(1000):
        try:
            PARSERS[name](mutate(HONEST[name], rng))
        except ProjectError:
            refused += 1
    assert refused > 300


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
@example(b"")
@example(b"\xd2\x84\x40\xa0\x40\x40")
@example(b"\xd2\x84\x41\xa0\xa0\x40\x41\x00")
def test_garbage_raises_only_our_error(data: bytes) -> None:
    for parse in PARSERS.values():
        try:
            parse(data)
        except ProjectError:
            continue


def items() -> st.SearchStrategy[object]:
    leaves = (
        st.none()
        | st.booleans()
        | st.integers(-(2**64), 2**64 - 1)
        | st.binary(max_size=40)
        | st.text(max_size=20)
    )
    return st.recursive(leaves, lambda inner: st.lists(inner, max_size=14), max_leaves=40)


@settings(max_examples=300, deadline=None)
@given(
    payload=items(),
    headers=st.dictionaries(st.integers(-24, 23), items(), max_size=4),
    typ=st.sampled_from(list(Typ)),
)
def test_well_formed_objects_with_any_content_raise_only_our_error(
    payload: object, headers: dict[int, object], typ: Typ
) -> None:
    """Structured garbage: real COSE_Sign1 wrapping around arbitrary payloads, as every kind of object."""
    wrapped = encode_sign1(
        encode_cbor({1: -19, 4: bytes(8), 16: int(typ), **headers}), encode_cbor(payload), bytes(64)
    )
    for name, parse in PARSERS.items():
        if not name.startswith("any"):
            try:
                parse(wrapped)
            except ProjectError:
                continue


def mutate(data: bytes, rng: random.Random) -> bytes:
    """One change of the kinds that break formats: flip, drop, insert, repeat, cut, splice."""
    at = rng.randrange(len(data))
    match rng.randrange(6):
        case 0:
            return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
        case 1:
            return data[:at] + data[at + 1 :]
        case 2:
            return data[:at] + bytes([rng.randrange(256)]) + data[at:]
        case 3:
            return data[:at] + data[at : at + rng.randrange(1, 40)] + data[at:]
        case 4:
            return data[:at]
        case _:
            other = rng.randrange(len(data))
            return data[:at] + data[other : other + 20] + data[at + 20 :]


ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


@attack("P29")
def test_ten_thousand_mutated_codes_neither_crash_nor_pass() -> None:
    """P29: changed letters of QR texts (5,000) and changed bytes under a rightly spelled text (5,000)."""
    world = World()
    data = world.presentation()
    paper = world.certificate(world.body(paper=True), slots=SLOTS_24)
    trust, asked = world.bundle(), Asked(world.request())
    rng = random.Random(10_000)
    accepted = []
    for number in range(10_000):
        source, expect = ((data, asked), (paper, STATIC))[number % 2]
        text = encode_qr_text(source)
        if number < 5_000:
            at = rng.randrange(4, len(text))
            letter = rng.choice(ALPHABET.replace(text[at], ""))
            shown = (text[:at] + letter + text[at + 1 :]).encode()
        else:
            changed = mutate(source, rng)
            if changed == source:
                continue
            shown = encode_qr_text(changed).encode()
        if world.verify(shown, trust=trust, expect=expect).outcome is Outcome.VALID:
            accepted.append(number)
    assert accepted == []


def test_round_trips_give_the_same_bytes() -> None:
    certificate = parse_certificate(HONEST["certificate"])
    assert isinstance(certificate.proof, FullProof)
    again = encode_certificate(
        certificate.sign1, certificate.disclosures, certificate.multiproof, certificate.proof
    )
    assert again == HONEST["certificate"]
    assert decode_any(encode_file_text(again).encode()) == again


@pytest.mark.parametrize(
    ("headers", "unprotected", "reason"),
    [
        ({4: bytes(8), 16: 65101}, {}, Reason.ALG_NOT_ALLOWED),
        ({1: 0, 4: bytes(8), 16: 65101}, {}, Reason.ALG_NOT_ALLOWED),
        ({1: "none", 4: bytes(8), 16: 65101}, {}, Reason.ALG_NOT_ALLOWED),
        ({1: -65535, 4: bytes(8), 16: 65101}, {}, Reason.ALG_NOT_ALLOWED),
        ({1: 5, 4: bytes(8), 16: 65101}, {}, Reason.ALG_NOT_ALLOWED),
        ({1: -8, 4: bytes(8), 16: 65101}, {}, Reason.ALG_NOT_ALLOWED),
        ({1: -9, 4: bytes(8), 16: 65101}, {}, Reason.ALG_KEY_MISMATCH),
        ({1: -19, 16: 65101}, {4: bytes(8)}, Reason.SIG_HEADER_UNPROTECTED),
        ({1: -19, 4: bytes(8), 16: 65101}, {4: bytes(8)}, Reason.SIG_HEADER_UNPROTECTED),
        ({1: -19, 4: bytes(8), 16: 65101}, {1: -19}, Reason.SIG_HEADER_UNPROTECTED),
        ({1: -19, 4: bytes(8), 16: 65101, 2: [33]}, {}, Reason.SIG_CRIT_UNKNOWN),
        ({1: -19, 4: bytes(8), 16: 65101, -1: bytes(32)}, {}, Reason.SCHEMA_FIELD_UNKNOWN),
        ({1: -19, 4: bytes(8), 16: 65101}, {33: b"x5chain"}, Reason.SCHEMA_FIELD_UNKNOWN),
        ({1: -19, 4: bytes(4), 16: 65101}, {}, Reason.SCHEMA_FIELD_TYPE),
        ({1: -19, 4: bytes(8), 16: 65104}, {}, Reason.KEY_PURPOSE_MISMATCH),
        ({1: -19, 4: bytes(8)}, {}, Reason.KEY_PURPOSE_MISMATCH),
    ],
)  # fmt: skip
def test_headers_are_judged(
    headers: dict[int, object], unprotected: dict[int, object], reason: Reason
) -> None:
    """A05 to A08, A11, A12: algorithms, headers outside the signature, embedded keys, critical headers."""
    payload = encode_cbor(World().body().encode())
    data = encode_sign1(encode_cbor(headers), payload, bytes(64), unprotected)
    with pytest.raises(FormatError) as refusal:
        parse_certificate(data)
    assert refusal.value.reason is reason


@pytest.mark.parametrize(
    ("at", "value", "reason"),
    [
        (0, 2, Reason.ENC_VERSION_UNSUPPORTED),
        (0, 0, Reason.ENC_VERSION_UNSUPPORTED),
        (0, True, Reason.SCHEMA_FIELD_TYPE),
        (1, 3, Reason.SCHEMA_FIELD_UNKNOWN),
        (2, 0, Reason.ENC_NUMBER_RANGE),
        (6, 202613, Reason.ENC_NUMBER_RANGE),
        (6, "202610", Reason.SCHEMA_FIELD_TYPE),
        (7, -1, Reason.ENC_NUMBER_RANGE),
        (7, 1_795_000_000_000, Reason.ENC_NUMBER_RANGE),
        (8, True, Reason.SCHEMA_FIELD_TYPE),
        (9, [0], Reason.SCHEMA_FIELD_MISSING),
        (9, [0, 1, 2], Reason.SCHEMA_FIELD_UNKNOWN),
        (10, bytes(31), Reason.SCHEMA_FIELD_TYPE),
        (11, bytes(32), Reason.KEY_WEAK),
        (11, b"\x02" + b"\xff" * 32, Reason.KEY_MALFORMED),
        (11, bytes(31), Reason.SCHEMA_FIELD_TYPE),
        (12, 3, Reason.ENC_NUMBER_RANGE),
    ],
)  # fmt: skip
def test_payload_fields_are_judged(at: int, value: object, reason: Reason) -> None:
    """A03, A22, A26, A38: each field of another type, out of range, or of another version, rightly signed."""
    payload = World().body().encode()
    payload[at] = value
    with pytest.raises(FormatError) as refusal:
        parse_certificate(sign_object(signer("office"), Typ.CERTIFICATE, payload))
    assert refusal.value.reason is reason


@pytest.mark.parametrize(
    ("extra", "reason"), [(1, Reason.SCHEMA_FIELD_UNKNOWN), (-1, Reason.SCHEMA_FIELD_MISSING)]
)
def test_a_payload_of_another_length_is_refused(extra: int, reason: Reason) -> None:
    payload = World().body().encode()
    payload = [*payload, 0] if extra > 0 else payload[:-1]
    with pytest.raises(FormatError) as refusal:
        parse_certificate(sign_object(signer("office"), Typ.CERTIFICATE, payload))
    assert refusal.value.reason is reason


def test_hostile_cbor_is_cheap() -> None:
    """A32: deep nesting and huge lengths stop early; the limits are in the parser, not in its caller."""
    deep = b"\x81" * 60_000 + b"\x00"
    huge = b"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff"
    for data, reason in ((deep, Reason.ENC_DEPTH_LIMIT), (huge, Reason.ENC_CBOR_MALFORMED)):
        with pytest.raises(FormatError) as refusal:
            decode_cbor(data)
        assert refusal.value.reason is reason


@attack("A32", Reason.ENC_CBOR_TAG_FORBIDDEN)
def test_every_tag_but_eighteen_is_forbidden() -> None:
    """cbor2 has decoders of its own for many tags; none of them may run."""
    tags = [*range(70_000), 2**32, 2**63]
    reasons = {tag: reason_of(decode_cbor, cbor2.dumps(cbor2.CBORTag(tag, [1]))) for tag in tags}
    assert [tag for tag, reason in reasons.items() if reason is None] == [18]
    assert set(reasons.values()) == {None, Reason.ENC_CBOR_TAG_FORBIDDEN}


def reason_of(parse: Callable[[bytes], object], data: bytes) -> Reason | None:
    """Why `parse` refuses `data`; None if it does not."""
    try:
        parse(data)
    except ProjectError as refusal:
        return refusal.reason
    return None


def test_a_certificate_number_is_thirteen_letters_of_the_root() -> None:
    """First 8 bytes of the claims root in base32 (RFC 4648), without padding."""
    root = bytes(range(32))
    number = certificate_number(root)
    assert number == "AAAQEAYEAUDAO"
    assert certificate_number(bytes([1]) + root[1:]) != number


def test_an_empty_signature_is_a_missing_one() -> None:
    sign1 = parse_sign1(HONEST["certificate"], Typ.CERTIFICATE, with_x=True)
    with pytest.raises(FormatError) as refusal:
        parse_certificate(encode_sign1(sign1.protected_bytes, sign1.payload_bytes, b""))
    assert refusal.value.reason is Reason.SIG_MISSING
