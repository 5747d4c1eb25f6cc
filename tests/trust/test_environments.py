"""What a production bundle never holds: test regions, and keys that everybody can read in a vector set (A18, K03)."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle
from pathlib import Path

import pytest

from certificate.directory import Directory, DirectoryKey, KeyRole
from certificate.numbers import Environment
from ledger.ed25519 import check_public_key
from ledger.errors import FormatError, VerificationError
from ledger.note import SignatureType, VerifierKey
from ledger.reasons import Reason
from ledger.trust_policy import LogKey, TrustPolicy, WitnessKey, parse_trust_policy
from tests.attacks.marking import attack
from tests.documents.printed_keys import page, printed_keys
from tests.world import World
from verifier.environment import check_environment
from verifier.printed_keys import is_printed
from verifier.trust import TrustBundle


def is_sound(key: bytes) -> bool:
    """The rest, of another kind or degenerate, is refused in any bundle."""
    try:
        check_public_key(key)
    except FormatError:
        return False
    return True


KEYS = sorted(filter(is_sound, printed_keys()))


def production() -> tuple[Directory, TrustPolicy]:
    world = World()
    d = world.directory(environment=Environment.PRODUCTION)
    offices = (replace(d.offices[0], region_prefix="3710"),)
    return replace(d, offices=offices), parse_trust_policy(world.log.policy_text())


def refused(directory: Directory, policy: TrustPolicy, signers: tuple[bytes, ...] = ()) -> bool:
    try:
        check_environment(directory, policy, signers=signers)
    except VerificationError as exc:
        return exc.reason is Reason.KEY_ENV_TEST
    return False


def test_the_list_of_printed_keys_is_current() -> None:
    source = Path(__file__).parents[2] / "verifier" / "printed_keys.py"
    assert source.read_text("utf-8") == page()
    assert len(KEYS) > 100


@attack("A18", Reason.KEY_ENV_TEST)
def test_a18_no_key_of_the_vector_sets_stands_in_a_production_directory() -> None:
    """Each of them, as the key of an office, of status lists or of a registrar, and as root or online key."""
    directory, policy = production()
    assert not refused(directory, policy)
    roles = (KeyRole.CERTIFICATE, KeyRole.STATUS, KeyRole.REGISTRAR)
    for key, role in zip(KEYS, cycle(roles), strict=False):
        more = DirectoryKey(role, 1, 1, key, 1)
        assert refused(replace(directory, keys=(*directory.keys, more)), policy)
        assert refused(directory, policy, (key,))


@attack("A18", Reason.KEY_ENV_TEST)
def test_a18_nor_in_the_policy_of_its_logs() -> None:
    directory, policy = production()
    for key in KEYS:
        log = VerifierKey("log.example.test/1", SignatureType.ED25519, key)
        assert refused(directory, replace(policy, logs=(*policy.logs, LogKey(log))))
        witness = VerifierKey("witness.example.test", SignatureType.COSIGNATURE, key)
        other = WitnessKey("other", witness)
        assert refused(directory, replace(policy, witnesses=(*policy.witnesses, other)))


@attack("K03", Reason.KEY_ENV_TEST)
@pytest.mark.parametrize("prefix", ["99", "9901", "990102"])
def test_k03_a_test_region_in_a_production_bundle_is_refused_at_load(prefix: str) -> None:
    world = World()
    d = world.directory(environment=Environment.PRODUCTION)

    def build(region: str) -> TrustBundle:
        return world.bundle(directory=replace(d, offices=(replace(d.offices[0], region_prefix=region),)))

    assert build("3710").environment is Environment.PRODUCTION
    with pytest.raises(VerificationError) as refusal:
        build(prefix)
    assert refusal.value.reason is Reason.KEY_ENV_TEST


def test_a_test_bundle_may_hold_them_all() -> None:
    world = World()
    printed = next(key for key in KEYS if is_printed(key))
    d = world.directory()
    more = DirectoryKey(KeyRole.REGISTRAR, 1, 1, printed, 1)
    check_environment(
        replace(d, keys=(*d.keys, more)), parse_trust_policy(world.log.policy_text()), signers=()
    )
