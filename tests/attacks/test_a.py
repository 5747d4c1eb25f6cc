"""Attacks on the certificate, A01 to A33: its bytes, headers, keys and times. The rest is in `test_a_texts`.

The office rightly signs and the log rightly holds what is forged here, unless the attack is about just that.
"""

from __future__ import annotations

import hmac
import json
import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from certificate.certificate import encode_certificate, parse_certificate
from certificate.cose import encode_sign1, sig_structure, sign_object
from certificate.directory import Directory, DirectoryKey, KeyRole
from certificate.holding import present
from certificate.keys import Ed25519CoseSigner, key_id
from certificate.numbers import HEADER_X, CertificateType, Environment, Typ
from certificate.slot_tree import ClaimsTree
from certificate.slots import REGISTRIES
from ledger.cbor import encode_cbor
from ledger.checkpoint import cosign, encode_checkpoint, sign_checkpoint
from ledger.note import Note, encode_note
from ledger.proof import FullProof
from ledger.reasons import Reason
from tests.attacks.forging import (
    embellished,
    forged_paper,
    headers_of,
    lenient_tree,
    paper,
    presented,
    reason_of,
    with_proof,
)
from tests.attacks.marking import attack
from tests.verifier.judging import P256Holder, assert_refused, assert_undetermined, failing_step
from tests.world import (
    DAY,
    NOW,
    REGISTRY,
    SECONDS,
    SLOTS_24,
    TODAY,
    World,
    claims_of_60_months,
    signer,
)
from verifier.expect import STATIC
from verifier.report import Outcome, Report
from verifier.seen import MemorySeen
from verifier.trust import BUNDLE_NAME, DIRECTORY_NAME, parse_bundle, sign_bundle

VECTORS = Path(__file__).parents[1] / "vectors"


def judged(data: bytes, world: World | None = None, **options: object) -> Report:
    """What a verifier who expects paper says."""
    return (world or World()).verify(data, expect=STATIC, **options)  # type: ignore[arg-type]  # options of verify


def in_bundle(world: World, directory: Directory) -> Reason | None:
    """Why a bundle with `directory` does not open."""
    files = world.bundle_files(directory=directory)
    return reason_of(lambda: parse_bundle(files, root_keys=[world.root.public_key]))


# --- A01 to A04: the bytes ------------------------------------------------------------------------------------------


@attack("A01")
def test_A01_each_bit_of_a_paper_certificate() -> None:
    """Each bit of a certificate flipped; no holder's signature stands around it."""
    world = World()
    data, trust = paper(world), world.bundle()
    accepted = []
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        if judged(bytes(changed), world, trust=trust).outcome is Outcome.VALID:
            accepted.append(bit)
    assert accepted == []
    assert judged(data, world, trust=trust).outcome is Outcome.VALID


@attack("A01", Reason.SIG_INVALID)
def test_A01_each_bit_of_what_the_office_signed() -> None:
    """Each bit of the payload flipped: what still parses and names a known office is a broken signature."""
    world = World()
    parsed, trust = parse_certificate(paper(world)), world.bundle()
    sign1, reasons = parsed.sign1, set()
    for bit in range(8 * len(sign1.payload_bytes)):
        changed = bytearray(sign1.payload_bytes)
        changed[bit // 8] ^= 1 << bit % 8
        data = encode_sign1(sign1.protected_bytes, bytes(changed), sign1.signature, sign1.unprotected)
        report = judged(data, world, trust=trust)
        step, reason = failing_step(report)
        assert step <= 4
        if step == 4:
            reasons.add(reason)
    assert reasons == {Reason.SIG_INVALID}


@attack("A02", Reason.SCHEMA_FIELD_UNKNOWN)
@pytest.mark.parametrize("outside", [{-70000: "测试乙"}, {33: {"name": "测试乙"}}, {0: 360}])
def test_A02_a_copy_to_read_beside_what_is_signed(outside: dict[int, object]) -> None:
    """A readable copy with other values beside the signed part."""
    assert_refused(judged(forged_paper(World(), outside=outside)), 2, Reason.SCHEMA_FIELD_UNKNOWN)


@attack("A02", Reason.SCHEMA_FIELD_UNKNOWN)
def test_A02_a_copy_among_the_disclosures() -> None:
    """A fourth part beside disclosures, hashes and proof."""
    parsed = parse_certificate(paper(World()))
    extras = [*parsed.sign1.unprotected[HEADER_X], {"name": "测试乙"}]
    sign1 = parsed.sign1
    data = encode_sign1(sign1.protected_bytes, sign1.payload_bytes, sign1.signature, {HEADER_X: extras})
    assert_refused(judged(data), 2, Reason.SCHEMA_FIELD_UNKNOWN)


@attack("A03", Reason.SCHEMA_FIELD_UNKNOWN)
def test_A03_an_unknown_signed_header() -> None:
    """A header unknown to the format, signed."""
    world = World()
    for label in (-1, 3, 5, 15, 17, 100):
        data = forged_paper(world, headers=headers_of(world) | {label: b"x"})
        assert_refused(judged(data, world), 2, Reason.SCHEMA_FIELD_UNKNOWN)


@attack("A03", Reason.SCHEMA_FIELD_UNKNOWN)
def test_A03_an_unknown_signed_field() -> None:
    """A fourteenth field of the payload; a third of the status place."""
    world = World()
    honest = world.body(paper=True).encode()
    for payload in ([*honest, "admin"], [*honest, None], [*honest[:9], [0, 1234, 0], *honest[10:]]):
        assert_refused(judged(forged_paper(world, payload=payload)), 2, Reason.SCHEMA_FIELD_UNKNOWN)


@attack("A04", Reason.SCHEMA_FIELD_TYPE)
def test_A04_a_parsed_object_instead_of_bytes() -> None:
    """A caller passes an object that differs from its bytes, or a text, or a number."""
    world = World()
    data = paper(world)
    parsed = parse_certificate(data)
    changed = replace(parsed, body=replace(parsed.body, expires=TODAY + 4000))
    things: list[object] = [changed, [changed], [data, changed], parsed.sign1, data.decode("latin-1")]
    things += [None, 10**12, {"data": data}, iter([data]), [10**12], ["TS1:"]]
    for thing in things:
        report = judged(thing, world)  # type: ignore[arg-type]  # the attack
        assert_refused(report, 1, Reason.SCHEMA_FIELD_TYPE)


# --- A05 to A12: algorithms and headers -----------------------------------------------------------------------------


@attack("A05", Reason.ALG_NOT_ALLOWED)
@pytest.mark.parametrize(
    "algorithm", [None, "none", "EdDSA", 0, -65535, -65540, -8, -7, -257, b"", True, [-19]]
)
def test_A05_algorithms_that_are_none_of_ours(algorithm: object) -> None:
    """Algorithm absent, `none`, 0, of private use, or polymorphic EdDSA."""
    world = World()
    headers = headers_of(world) | {1: algorithm}
    if algorithm is None:
        del headers[1]
    assert_refused(judged(forged_paper(world, headers=headers), world), 2, Reason.ALG_NOT_ALLOWED)


@attack("A06", Reason.ALG_KEY_MISMATCH)
@pytest.mark.parametrize("algorithm", [-9, -48])
def test_A06_an_algorithm_of_another_family_than_the_office_key(algorithm: int) -> None:
    """ESP256 or ML-DSA named over an Ed25519 signature of an office."""
    world = World()
    data = forged_paper(world, headers=headers_of(world) | {1: algorithm})
    assert_refused(judged(data, world), 2, Reason.ALG_KEY_MISMATCH)


@attack("A06", Reason.ALG_KEY_MISMATCH)
def test_A06_an_algorithm_of_another_family_than_the_holder_key() -> None:
    """A P-256 holder answered for with Ed25519, and the other way round."""
    for holder, thief in ((P256Holder(), signer("thief")), (signer("holder"), P256Holder())):
        world = World(holder=holder)
        data = present(thief, world.certificate(), world.request(), SLOTS_24, issued=SECONDS - 5)
        assert_refused(world.verify(data), 10, Reason.ALG_KEY_MISMATCH)


@attack("A06", Reason.ALG_KEY_MISMATCH)
def test_A06_an_algorithm_of_another_family_on_a_status_list() -> None:
    """The status key's own signature under the name of another algorithm."""

    class Mislabelled(Ed25519CoseSigner):
        algorithm = -48  # type: ignore[assignment]  # the attack

    world = World()
    key = Mislabelled(signer_seed("status"))
    trust = world.bundle(token=world.status_token(key=key))
    assert_refused(judged(paper(world), world, trust=trust), 8, Reason.ALG_KEY_MISMATCH)


def signer_seed(name: str) -> bytes:

    return sha256(b"test key " + name.encode()).digest()


@attack("A07", Reason.ALG_NOT_ALLOWED)
@pytest.mark.parametrize("form", ["bytes", "jwk"])
def test_A07_a_mac_made_with_the_public_key(form: str) -> None:
    """HMAC over the Sig_structure, keyed with the public key's bytes or its JWK text."""
    world = World()
    public = world.office.public_key
    jwk = json.dumps({"kty": "OKP", "crv": "Ed25519", "x": public.hex()}).encode()
    key = public if form == "bytes" else jwk
    for algorithm in (4, 5, 6, 7):
        headers = headers_of(world) | {1: algorithm}
        data = forged_paper(world, headers=headers, sign=lambda m: hmac.digest(key, m, "sha512"))
        assert_refused(judged(data, world), 2, Reason.ALG_NOT_ALLOWED)


@attack("A07", Reason.SIG_INVALID, Reason.ENC_PREFIX_UNKNOWN, Reason.ENC_CBOR_TAG_FORBIDDEN)
def test_A07_a_mac_in_the_place_of_a_signature() -> None:
    """The same MAC under the right algorithm; a COSE_Mac0."""
    world = World()
    data = forged_paper(world, sign=lambda m: hmac.digest(world.office.public_key, m, "sha512"))
    assert_refused(judged(data, world), 4, Reason.SIG_INVALID)
    assert_refused(judged(b"\xd1" + data[1:], world), 1, Reason.ENC_PREFIX_UNKNOWN)
    nested = world.presentation().replace(b"\xd2\x84", b"\xd1\x84").replace(b"\xd1", b"\xd2", 1)
    assert_refused(world.verify(nested), 2, Reason.ENC_CBOR_TAG_FORBIDDEN)


@attack("A08", Reason.SIG_HEADER_UNPROTECTED)
@pytest.mark.parametrize("label", [1, 2, 4, 13, 16])
def test_A08_a_header_that_must_be_signed_stands_outside(label: int) -> None:
    """Key id, algorithm, type or nested certificate only in the unprotected header."""
    world = World()
    headers = headers_of(world)
    moved = headers.pop(label, [label])
    data = forged_paper(world, headers=headers, outside={label: moved})
    assert_refused(judged(data, world), 2, Reason.SIG_HEADER_UNPROTECTED)


@attack("A09", Reason.SIG_HEADER_UNPROTECTED)
def test_A09_the_right_key_id_outside_and_a_wrong_one_inside() -> None:
    """The right key id unprotected, a wrong one protected: no header of ours may stand outside at all."""
    world = World()
    inside = headers_of(world) | {4: bytes(8)}
    outside = {4: key_id(world.office.public_key)}
    data = forged_paper(world, headers=inside, outside=outside)
    assert_refused(judged(data, world), 2, Reason.SIG_HEADER_UNPROTECTED)


@attack("A09", Reason.KEY_UNKNOWN)
def test_A09_a_wrong_key_id_inside() -> None:
    """The office's own signature under a key id that nobody has."""
    world = World()
    data = forged_paper(world, headers=headers_of(world) | {4: bytes(8)})
    assert_undetermined(judged(data, world), 3, Reason.KEY_UNKNOWN)


@attack("A10", Reason.KEY_KID_AMBIGUOUS)
@pytest.mark.parametrize("role", list(KeyRole))
def test_A10_two_trusted_keys_with_one_key_id(role: KeyRole) -> None:
    """A directory, rightly signed, that lists one key id twice; in the same or in another role."""
    world = World()
    payload = world.directory().encode()
    keys = payload[5]
    assert isinstance(keys, list)
    twin = list(keys[0])
    twin[0] = int(role)
    keys.append(twin)
    files = world.bundle_files()
    files[DIRECTORY_NAME] = sign_object(world.root, Typ.DIRECTORY, payload)
    files[BUNDLE_NAME] = sign_bundle(
        world.root,
        {name: content for name, content in files.items() if name != BUNDLE_NAME},
        environment=Environment.TEST,
        version=1,
        issued=SECONDS,
        expires=SECONDS + DAY,
    )
    assert (
        reason_of(lambda: parse_bundle(files, root_keys=[world.root.public_key])) is Reason.KEY_KID_AMBIGUOUS
    )


@attack("A11", Reason.SCHEMA_FIELD_UNKNOWN)
@pytest.mark.parametrize("place", ["inside", "outside"])
@pytest.mark.parametrize("label", [-1, 32, 33, 34, 35, 8])
def test_A11_a_key_comes_with_the_certificate(
    label: int, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key, an address of one, or a certificate chain in the header: no such header exists, and no socket opens."""

    def no_socket(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", no_socket)
    world, thief = World(), signer("thief")
    value: object = "https://keys.example.test/1" if label == 35 else thief.public_key
    headers = headers_of(world) | {4: key_id(thief.public_key)}
    inside = headers | {label: value} if place == "inside" else headers
    data = forged_paper(
        world, headers=inside, outside={label: value} if place == "outside" else None, sign=thief.sign
    )
    assert_refused(judged(data, world), 2, Reason.SCHEMA_FIELD_UNKNOWN)


@attack("A11", Reason.KEY_UNKNOWN)
def test_A11_a_thiefs_own_key_id() -> None:
    """Signed by a key of the thief's, rightly named."""
    world, thief = World(), signer("thief")
    headers = headers_of(world) | {4: key_id(thief.public_key)}
    data = forged_paper(world, headers=headers, sign=thief.sign)
    assert_undetermined(judged(data, world), 3, Reason.KEY_UNKNOWN)


@attack("A12", Reason.SIG_CRIT_UNKNOWN)
@pytest.mark.parametrize("critical", [[33], [1], [], "exp", [HEADER_X]])
def test_A12_a_header_marked_critical(critical: object) -> None:
    """`crit` with labels unknown, known or none."""
    world = World()
    data = forged_paper(world, headers=headers_of(world) | {2: critical})
    assert_refused(judged(data, world), 2, Reason.SIG_CRIT_UNKNOWN)


# --- A13 to A18: who issued it --------------------------------------------------------------------------------------


@attack("A13", Reason.KEY_UNKNOWN)
@pytest.mark.parametrize("field", ["authority", "office"])
@pytest.mark.parametrize("number", [2, 10, 11, 257, 65535])
def test_A13_an_issuer_number_that_begins_like_a_trusted_one(field: str, number: int) -> None:
    """Issuers are numbers: none that begins or ends like a trusted one is taken for it."""
    assert_undetermined(judged(paper(World(), **{field: number})), 3, Reason.KEY_UNKNOWN)


@attack("A14", Reason.KEY_UNKNOWN)
def test_A14_a_neighbours_certificate_signed_with_our_trusted_key() -> None:
    """Authority 2 and its office exist; the key is one of authority 1."""
    world = World()
    d = world.directory()
    neighbour = replace(d.offices[0], authority=2)
    trust = world.bundle(
        directory=replace(
            d,
            authorities=(*d.authorities, replace(d.authorities[0], number=2)),
            offices=(*d.offices, neighbour),
        )
    )
    assert_undetermined(judged(paper(world, authority=2), world, trust=trust), 3, Reason.KEY_UNKNOWN)


@attack("A15", Reason.KEY_REVOKED)
@pytest.mark.parametrize("start", [0, 1])
def test_A15_a_key_revoked_for_all_time(start: int) -> None:
    """A key that is void from its first position on."""
    world = World()
    data = paper(world)
    d = world.directory()
    revoked = replace(d.keys[0], from_index=start, void_from=start)
    trust = world.bundle(directory=replace(d, keys=(revoked, *d.keys[1:])))
    assert_refused(judged(data, world, trust=trust), 6, Reason.KEY_REVOKED)


@attack("A16", Reason.TRUST_ISSUER_NOT_AUTHORISED)
@pytest.mark.parametrize(
    "limits", [{"types": (CertificateType.EMPLOYER,)}, {"types": ()}, {"region_prefix": "9902"}]
)
def test_A16_a_trusted_issuer_outside_its_powers(limits: dict[str, object]) -> None:
    """A type or a region that the office may not certify."""
    world = World()
    d = world.directory()
    office = replace(d.offices[0], **limits)  # type: ignore[arg-type]  # fields of Office
    trust = world.bundle(directory=replace(d, offices=(office,)))
    report = judged(paper(world), world, trust=trust)
    assert_refused(report, 3, Reason.TRUST_ISSUER_NOT_AUTHORISED)


@attack("A17", Reason.ENC_NUMBER_RANGE, Reason.SCHEMA_FIELD_TYPE)
def test_A17_claims_of_another_type_under_ours() -> None:
    """An employer certificate's claims under the name of a contribution certificate."""
    world = World()
    employer = REGISTRIES[CertificateType.EMPLOYER]

    tree = ClaimsTree.from_seed(employer, b"s" * 32, {0: "样例制造有限公司(测试)", 1: "A" * 18, 16: 360})
    for slots, reason in (((16,), Reason.ENC_NUMBER_RANGE), ((1,), Reason.SCHEMA_FIELD_TYPE)):
        report = judged(forged_paper(world, tree=tree, slots=slots), world)
        assert_refused(report, 9, reason)


@attack("A17", Reason.SCHEMA_FIELD_UNKNOWN)
def test_A17_a_slot_that_only_another_type_has() -> None:
    """Slots that this type never assigned."""
    world = World()
    for slot in (7, 15, 447, 463, 528, 16000, -1):
        data = embellished(world, lambda shown, slot=slot: [*shown, replace(shown[0], slot=slot)])  # type: ignore[misc]
        assert_refused(world.verify(data), 9, Reason.SCHEMA_FIELD_UNKNOWN)


@attack("A17", Reason.SCHEMA_FIELD_UNKNOWN)
@pytest.mark.parametrize("number", [0, 3, 4, 5, 255])
def test_A17_a_type_without_a_registry(number: int) -> None:
    """A type number that no registry stands for."""
    world = World()
    payload = world.body(paper=True).encode()
    payload[1] = number
    assert_refused(judged(forged_paper(world, payload=payload), world), 2, Reason.SCHEMA_FIELD_UNKNOWN)


@attack("A18", Reason.KEY_ENV_TEST)
def test_A18_a_test_region_in_production() -> None:
    """Region 99 in a production bundle."""
    world = World()
    trust = world.bundle(directory=world.directory(environment=Environment.PRODUCTION))
    assert_refused(judged(paper(world), world, trust=trust), 3, Reason.KEY_ENV_TEST)


@attack("A18", Reason.KEY_ENV_TEST)
def test_A18_a_test_directory_in_a_production_bundle() -> None:
    """A directory of the test environment in a bundle that says production."""
    world = World()
    files = world.bundle_files()
    files[BUNDLE_NAME] = sign_bundle(
        world.root,
        {name: content for name, content in files.items() if name != BUNDLE_NAME},
        environment=Environment.PRODUCTION,
        version=1,
        issued=SECONDS,
        expires=SECONDS + DAY,
    )
    assert reason_of(lambda: parse_bundle(files, root_keys=[world.root.public_key])) is Reason.KEY_ENV_TEST


@attack("A18", Reason.KEY_UNKNOWN)
@pytest.mark.parametrize("name", ["eddsa-sig-01"])
def test_A18_a_key_whose_private_half_is_printed_in_the_vector_sets(name: str) -> None:
    """A private key that everybody can read in the vectors."""
    case = json.loads((VECTORS / "cose" / "eddsa-examples" / f"{name}.json").read_text("utf-8"))
    printed = Ed25519CoseSigner(bytes.fromhex(case["input"]["sign0"]["key"]["d_hex"]))
    world = World()
    data = forged_paper(world, headers=headers_of(world) | {4: key_id(printed.public_key)}, sign=printed.sign)
    assert_undetermined(judged(data, world), 3, Reason.KEY_UNKNOWN)


# --- A19 to A22: times ----------------------------------------------------------------------------------------------


@attack("A19", Reason.TIME_EXPIRED)
def test_A19_the_first_second_after_the_last_day() -> None:
    """The end equals now: valid to the last second of its last day, not at the next."""
    world = World()
    data = paper(world, expires=TODAY)
    last = NOW.replace(hour=23, minute=59, second=59)
    assert judged(data, world, now=last).outcome is Outcome.VALID
    assert_refused(judged(data, world, now=last + timedelta(seconds=1)), 7, Reason.TIME_EXPIRED)


@attack("A19", Reason.TIME_ISSUED_IN_FUTURE)
def test_A19_issued_301_seconds_ahead() -> None:
    """Issued tomorrow, looked at 300 and 301 seconds before midnight."""
    world = World()
    data = paper(world, issued=TODAY + 1)
    midnight = NOW.replace(hour=0, minute=0, second=0) + timedelta(days=1)
    assert judged(data, world, now=midnight - timedelta(seconds=300)).outcome is Outcome.VALID
    early = judged(data, world, now=midnight - timedelta(seconds=301))
    assert_refused(early, 7, Reason.TIME_ISSUED_IN_FUTURE)


@attack("A20", Reason.TIME_EXPIRED)
@pytest.mark.parametrize("days", [1, 30, 20000])
def test_A20_expired_but_otherwise_perfect(days: int) -> None:
    """Expired long ago, in all else perfect, through the one public call."""
    data = paper(World(), issued=max(0, TODAY - days - 90), expires=max(0, TODAY - days))
    assert_refused(judged(data), 7, Reason.TIME_EXPIRED)


@attack("A21", Reason.TIME_INCONSISTENT)
@pytest.mark.parametrize(("issued", "expires"), [(TODAY, TODAY - 1), (TODAY + 1, TODAY), (2**20, 0)])
def test_A21_the_end_before_the_start(issued: int, expires: int) -> None:
    """Expires before it was issued."""
    assert_refused(judged(paper(World(), issued=issued, expires=expires)), 7, Reason.TIME_INCONSISTENT)


A22 = [
    (SECONDS * 1000, Reason.ENC_NUMBER_RANGE),
    (-1, Reason.ENC_NUMBER_RANGE),
    (2**20 + 1, Reason.ENC_NUMBER_RANGE),
    (2**64 - 1, Reason.ENC_NUMBER_RANGE),
    (-(2**64), Reason.ENC_NUMBER_RANGE),
    (20781.0, Reason.ENC_NUMBER_RANGE),
    (1e300, Reason.ENC_NUMBER_RANGE),
    (float("nan"), Reason.ENC_NUMBER_RANGE),
    (True, Reason.SCHEMA_FIELD_TYPE),
    ("20781", Reason.SCHEMA_FIELD_TYPE),
    ("2" * 35, Reason.SCHEMA_FIELD_TYPE),
    (None, Reason.SCHEMA_FIELD_TYPE),
    ([20781], Reason.SCHEMA_FIELD_TYPE),
    (int("2" * 35), Reason.ENC_CBOR_TAG_FORBIDDEN),
]


@attack("A22", Reason.ENC_NUMBER_RANGE, Reason.SCHEMA_FIELD_TYPE, Reason.ENC_CBOR_TAG_FORBIDDEN)
@pytest.mark.parametrize("field", [6, 7, 8], ids=["cut_off", "issued", "expires"])
@pytest.mark.parametrize(("value", "reason"), A22, ids=[repr(value) for value, _ in A22])
def test_A22_times_of_another_shape(value: object, reason: Reason, field: int) -> None:
    """Times and months as milliseconds, float, true, text, 35 digits, -1."""
    world = World()
    payload = world.body(paper=True).encode()
    payload[field] = value
    assert_refused(judged(forged_paper(world, payload=payload), world), 2, reason)


@attack("A22", Reason.ENC_NUMBER_RANGE, Reason.SCHEMA_FIELD_TYPE)
@pytest.mark.parametrize(
    ("value", "reason"),
    [(2**31, Reason.ENC_NUMBER_RANGE), (-1, Reason.ENC_NUMBER_RANGE), (True, Reason.SCHEMA_FIELD_TYPE),
     ("24", Reason.SCHEMA_FIELD_TYPE)],
)  # fmt: skip
def test_A22_months_of_another_shape(value: object, reason: Reason) -> None:
    """A count of months as a huge number, -1, true, text."""
    world = World()
    slot = REGISTRY.slot_of("months.pension.emp")
    tree = lenient_tree({**claims_of_60_months(), slot: value})  # type: ignore[dict-item]  # the attack
    assert_refused(judged(forged_paper(world, tree=tree, slots=(slot,)), world), 9, reason)


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
@pytest.mark.parametrize("role", list(KeyRole))
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
