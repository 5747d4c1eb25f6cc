"""Attacks on the certificate, A01 to A22: its bytes, headers, keys and times.

The office rightly signs and the log rightly holds what is forged here, unless the attack is about just that.
"""

from __future__ import annotations

import hmac
import json
import socket
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from certificate.certificate import parse_certificate
from certificate.cose import encode_sign1, sign_object
from certificate.directory import KeyRole
from certificate.holding import present
from certificate.keys import Ed25519CoseSigner, key_id
from certificate.numbers import HEADER_X, CertificateType, Environment, Typ
from certificate.slot_tree import ClaimsTree
from certificate.slots import REGISTRIES
from ledger.reasons import Reason
from tests.attacks.forging import (
    embellished,
    forged_paper,
    headers_of,
    judged,
    lenient_tree,
    paper,
    reason_of,
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
from verifier.report import Outcome
from verifier.trust import BUNDLE_NAME, DIRECTORY_NAME, parse_bundle, sign_bundle

VECTORS = Path(__file__).parents[1] / "vectors"


# --- A01 to A04: the bytes ------------------------------------------------------------------------------------------


@attack("A01")
def test_A01_each_bit_of_a_paper_certificate(full: bool) -> None:
    """Each bit of a certificate flipped (in `make test` one of each byte); no holder's signature stands around it."""
    world = World()
    data, trust = paper(world), world.bundle()
    accepted = []
    for bit in range(0, 8 * len(data), 1 if full else 9):
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


@attack("A02", Reason.SCHEMA_FIELD_UNKNOWN, Reason.SCHEMA_FIELD_TYPE)
def test_A02_a_copy_among_the_disclosures() -> None:
    """A part more beside disclosures, hashes and proof, in the place of the openings and behind it."""
    sign1 = parse_certificate(paper(World())).sign1
    honest, copy = sign1.unprotected[HEADER_X], {"name": "测试乙"}
    for extras, reason in (
        ([*honest, copy], Reason.SCHEMA_FIELD_TYPE),
        ([*honest, [], copy], Reason.SCHEMA_FIELD_UNKNOWN),
    ):
        data = encode_sign1(sign1.protected_bytes, sign1.payload_bytes, sign1.signature, {HEADER_X: extras})
        assert_refused(judged(data), 2, reason)


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
@pytest.mark.parametrize("role", [KeyRole.CERTIFICATE, KeyRole.STATUS, KeyRole.REGISTRAR])
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
    """Region 99 in a production bundle: refused at load; and in step 3, should the prefix be wider."""
    world = World()
    d = world.directory(environment=Environment.PRODUCTION)
    assert reason_of(lambda: world.bundle(directory=d)) is Reason.KEY_ENV_TEST
    trust = world.bundle(directory=replace(d, offices=(replace(d.offices[0], region_prefix="9"),)))
    assert_refused(judged(paper(world), world, trust=trust), 3, Reason.KEY_ENV_TEST)


@attack("A18")
def test_A18_a_real_region_in_production() -> None:
    """A certificate of a real region is valid in a production bundle: what is refused is the test."""
    world = World()
    d = world.directory(environment=Environment.PRODUCTION)
    trust = world.bundle(directory=replace(d, offices=(replace(d.offices[0], region_prefix="3710"),)))
    assert judged(paper(world, region=371002), world, trust=trust).outcome is Outcome.VALID


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
