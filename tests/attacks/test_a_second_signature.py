"""A23, A24: the post-quantum signature of a status list taken off, spoilt, or lent from elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from certificate.cose import encode_sign1, parse_sign1
from certificate.directory import DirectoryKey, KeyRole
from certificate.numbers import HEADER_X, Typ
from certificate.second_signature import add_second_signature, mldsa_key_id, parse_second_signature
from certificate.status_list import parse_status_token
from issuer.home import Home
from issuer.publish import cut_bundle, load_directory
from ledger.cbor import decode_cbor, encode_cbor
from ledger.errors import FormatError
from ledger.mldsa import MlDsa44Signer
from ledger.note import SignatureType, VerifierKey, encode_vkey
from ledger.reasons import Reason
from tests.attacks.commands import City, ok, tally
from tests.attacks.forging import reason_of
from tests.attacks.marking import attack
from tests.trust.thief import Served
from tests.world import ORIGIN, World
from verifier.expect import STATIC
from verifier.report import StepOutcome
from verifier.trust import POLICY_NAME, TrustBundle, parse_bundle
from verifier.trust_dir import load_trust

TYP = "application/statuslist+cwt"
LIST = "status-1-0.cwt"
SECOND = MlDsa44Signer(sha256(b"status, post-quantum").digest())
STRANGER = MlDsa44Signer(sha256(b"stranger").digest())


def trust(world: World, token: bytes, *, listed: bool = True, demanded: bool = True) -> TrustBundle:
    """The bundle of `files_with`."""
    files = files_with(world, token, listed=listed, demanded=demanded)
    return parse_bundle(files, root_keys=[world.root.public_key])


def files_with(world: World, token: bytes, *, listed: bool = True, demanded: bool = True) -> dict[str, bytes]:
    """A bundle with that list; the directory lists the second key, and the policy demands both, or not."""
    directory = world.directory()
    if listed:
        key = DirectoryKey(KeyRole.STATUS_MLDSA, 1, 1, SECOND.public_key, 1)
        directory = replace(directory, keys=(*directory.keys, key))
    log = VerifierKey(ORIGIN, SignatureType.ML_DSA_44, SECOND.public_key)
    text = f"log {encode_vkey(log)}\n{world.log.policy_text()}" + "#tallystick pq require\n" * demanded
    return world.bundle_files(directory=directory, token=token, others={POLICY_NAME: text.encode()})


def both(world: World) -> bytes:
    return add_second_signature(world.status_token(), TYP, SECOND)


def with_extra(token: bytes, protected: bytes, signature: bytes) -> bytes:
    """The list with another thing where the second signature stands."""
    sign1 = parse_sign1(token, TYP, with_x=True)
    extra = {HEADER_X: [protected, signature]}
    return encode_sign1(sign1.protected_bytes, sign1.payload_bytes, sign1.signature, extra)


def second_of(token: bytes) -> tuple[bytes, bytes]:
    protected, signature = parse_sign1(token, TYP, with_x=True).unprotected[HEADER_X]
    return protected, signature


def judged(world: World, bundle: TrustBundle) -> tuple[StepOutcome, Reason | None]:
    paper = world.certificate(world.body(paper=True))
    step = world.verify(paper, expect=STATIC, trust=bundle).step(8)
    return step.outcome, step.reason


@pytest.fixture(scope="module")
def world() -> World:
    made = World()
    made.certificate(made.body(paper=True))  # its log is what the bundles speak of
    return made


@attack("A23", Reason.ALG_DOWNGRADE)
def test_A23_a_list_without_its_second_signature(world: World) -> None:
    """Refused where the bundle demands both; taken where it does not, or lists no such key of the authority"""
    stripped = world.status_token()
    assert judged(world, trust(world, both(world))) == (StepOutcome.OK, None)
    assert judged(world, trust(world, stripped)) == (StepOutcome.NO, Reason.ALG_DOWNGRADE)
    assert judged(world, trust(world, stripped, demanded=False)) == (StepOutcome.OK, None)
    assert judged(world, trust(world, stripped, listed=False)) == (StepOutcome.OK, None)


def flipped(world: World) -> bytes:
    protected, signature = second_of(both(world))
    return with_extra(world.status_token(), protected, signature[:-1] + bytes([signature[-1] ^ 1]))


def of_another_list(world: World) -> bytes:
    other = add_second_signature(world.status_token(statuses={7: 1}), TYP, SECOND)
    return with_extra(world.status_token(), *second_of(other))


def of_one_signer_alone(world: World) -> bytes:
    """The key signed, but what a sole signer signs."""
    sign1 = parse_sign1(world.status_token(), TYP)
    protected, _ = second_of(both(world))
    return with_extra(world.status_token(), protected, SECOND.sign(sign1.to_be_signed))


def by_a_stranger(world: World) -> bytes:
    return add_second_signature(world.status_token(), TYP, STRANGER)


def by_a_stranger_under_the_key_id(world: World) -> bytes:
    protected, _ = second_of(both(world))
    return with_extra(world.status_token(), protected, second_of(by_a_stranger(world))[1])


@attack("A24", Reason.STATUS_LIST_SIG_INVALID, Reason.STATUS_LIST_WRONG_ISSUER)
@pytest.mark.parametrize("demanded", [True, False])
@pytest.mark.parametrize(
    ("forge", "reason"),
    [
        (flipped, Reason.STATUS_LIST_SIG_INVALID),
        (of_another_list, Reason.STATUS_LIST_SIG_INVALID),
        (of_one_signer_alone, Reason.STATUS_LIST_SIG_INVALID),
        (by_a_stranger, Reason.STATUS_LIST_WRONG_ISSUER),
        (by_a_stranger_under_the_key_id, Reason.STATUS_LIST_SIG_INVALID),
    ],
)
def test_A24_one_of_two_signatures_is_bad(
    world: World, forge: Callable[[World], bytes], reason: Reason, demanded: bool
) -> None:
    """Demanded or not: what is there has to be good"""
    bundle = trust(world, forge(world), demanded=demanded)
    assert judged(world, bundle) == (StepOutcome.NO, reason)


@attack("A24", Reason.STATUS_LIST_SIG_INVALID)
def test_A24_the_first_is_bad_and_the_second_good(world: World) -> None:
    """The second signature signs what the first does, and does not stand for it"""
    sign1 = parse_sign1(both(world), TYP, with_x=True)
    bad = sign1.signature[:-1] + bytes([sign1.signature[-1] ^ 1])
    token = encode_sign1(sign1.protected_bytes, sign1.payload_bytes, bad, sign1.unprotected)
    assert judged(world, trust(world, token)) == (StepOutcome.NO, Reason.STATUS_LIST_SIG_INVALID)


def test_other_shapes_are_no_second_signature(world: World) -> None:
    protected, signature = second_of(both(world))
    headers = dict(decode_cbor(protected))
    for changed, reason in (
        ({**headers, 1: -19}, Reason.ALG_NOT_ALLOWED),
        ({**headers, 16: int(Typ.BUNDLE)}, Reason.KEY_PURPOSE_MISMATCH),
        ({**headers, 4: b"short"}, Reason.SCHEMA_FIELD_TYPE),
        ({1: -48, 16: TYP}, Reason.SCHEMA_FIELD_UNKNOWN),
        ({**headers, 2: [1]}, Reason.SCHEMA_FIELD_UNKNOWN),
    ):
        token = with_extra(world.status_token(), encode_cbor(changed), signature)
        with pytest.raises(FormatError) as refusal:
            parse_status_token(token)
        assert refusal.value.reason is reason
    for short in (b"", signature[:-1], signature + b"\0"):
        token = with_extra(world.status_token(), protected, short)
        assert reason_of(lambda t=token: parse_status_token(t)) is Reason.SCHEMA_FIELD_TYPE  # type: ignore[misc]
    bundle = parse_sign1(world.bundle_files()["bundle.cose"], Typ.BUNDLE)
    assert parse_second_signature(bundle, Typ.BUNDLE) is None


@attack("A23", Reason.ALG_DOWNGRADE)
def test_A23_what_a_new_home_publishes(own_city: City, tmp_path: Path) -> None:
    """A new home signs its lists by both; the thief of the online key takes one off, and every certificate falls"""
    minted = ok("issuer", "mint", "--person", own_city.person, "--home", own_city.home, "--json").json
    number = minted["certificates"][0]["number"]
    paper = tmp_path / "paper"
    ok("issuer", "export", number, "--as", "text", "--out", paper, "--home", own_city.home)
    served = Served.of(Home(own_city.home))
    words = ("verify", paper, "--trust", own_city.trust, "--static", "--json")
    assert ok(*words).json["outcome"] == "valid"
    listed = parse_status_token((own_city.trust / LIST).read_bytes())
    directory = load_trust(own_city.trust).directory
    assert listed.second is not None
    assert directory.key(KeyRole.STATUS_MLDSA, listed.second.kid) is not None
    sign1 = listed.sign1
    stripped = encode_sign1(sign1.protected_bytes, sign1.payload_bytes, sign1.signature)
    for name, data in served.with_files({LIST: stripped}).files.items():
        (own_city.trust / name).write_bytes(data)
    assert tally(*words).reason == Reason.ALG_DOWNGRADE.value


def test_an_older_home_gets_its_second_key(own_city: City) -> None:
    """Without the key lists go out as before, and verify; one command later both sign."""
    home = Home(own_city.home)
    directory = load_directory(home)
    kept = tuple(key for key in directory.keys if key.role is not KeyRole.STATUS_MLDSA)
    home.key_path("status-mldsa").unlink()
    ledger = home.ledger()
    cut_bundle(home, ledger, now=int(time.time()), directory=replace(directory, version=2, keys=kept))
    ledger.close()
    assert parse_status_token((own_city.trust / LIST).read_bytes()).second is None
    done = ok("issuer", "key", "add-mldsa", "--home", own_city.home, "--json")
    again = tally("issuer", "key", "add-mldsa", "--home", own_city.home, "--json")
    assert again.reason == Reason.CLI_EXISTS.value
    second = parse_status_token((own_city.trust / LIST).read_bytes()).second
    assert second is not None
    assert second.kid.hex() == done.json["key"]
    [key] = [key for key in load_directory(home).keys if key.role is KeyRole.STATUS_MLDSA]
    assert mldsa_key_id(key.public_key) == second.kid
