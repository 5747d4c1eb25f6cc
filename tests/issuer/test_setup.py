"""Setting up a home: test and production do not mix, and production keeps nothing in the clear."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from certificate.numbers import Environment
from cli.init import example_bureau
from issuer.home import MLDSA_LOG_KEY, Home
from issuer.sample import write_sample
from issuer.service import import_records
from issuer.setup import OfficeDetails, add_mldsa_key, create_home
from ledger.checkpoint import parse_checkpoint_note
from ledger.errors import ConfigError, ProjectError
from ledger.reasons import Reason
from ledger.trust_policy import encode_trust_policy
from tests.attacks.marking import attack
from tests.world import SECONDS
from verifier.trust_dir import load_trust

PASSPHRASE = b"only the bureau knows"


def production(path: Path) -> Home:
    office = OfficeDetails("37100200", "某市社保局", "Some City Bureau", None, "3710")
    bureau = replace(
        example_bureau(),
        offices=(office,),
        environment=Environment.PRODUCTION,
        profile="some-city",
        authority=210,
    )
    return create_home(path, bureau, passphrase=PASSPHRASE, random=os.urandom, now=SECONDS)


def test_a_production_home_keeps_nothing_in_the_clear(tmp_path: Path) -> None:
    home = production(tmp_path / "home")
    assert not (home.path / "passphrase").exists()
    held = b"".join(path.read_bytes() for path in home.path.rglob("*") if path.is_file())
    assert PASSPHRASE not in held
    assert home.seal_key() not in held
    assert load_trust(home.trust_dir).environment is Environment.PRODUCTION
    assert home.profile().test is False


def test_a_production_home_asks_for_its_passphrase(tmp_path: Path) -> None:
    production(tmp_path / "home")
    for ask, reason in ((None, Reason.KEY_PASSPHRASE), (lambda: b"wrong", Reason.KEY_PASSPHRASE)):
        with pytest.raises(ConfigError) as refusal:
            Home(tmp_path / "home", passphrase=ask).signer("log")
        assert refusal.value.reason is reason
    assert Home(tmp_path / "home", passphrase=lambda: PASSPHRASE).signer("log").public_key


def test_test_records_do_not_enter_a_production_home(tmp_path: Path) -> None:
    home = production(tmp_path / "home")
    write_sample(tmp_path / "export", people=20, seed=1)
    with pytest.raises(ProjectError) as refusal:
        import_records(home, tmp_path / "export", now=SECONDS)
    assert refusal.value.reason in (Reason.RECORDS_MANIFEST, Reason.CLI_KEY_ENV_MISMATCH)
    assert list((home.path / "snapshots").iterdir()) == []


@attack("K03", Reason.CLI_KEY_ENV_MISMATCH)
@pytest.mark.parametrize("environment", [Environment.TEST, Environment.PRODUCTION])
def test_region_99_and_real_regions_have_homes_of_their_own(tmp_path: Path, environment: Environment) -> None:
    """K03: nothing is made when they are mixed."""
    real = OfficeDetails("37100200", "某市社保局", "Some City Bureau", None, "3710")
    offices = (real,) if environment is Environment.TEST else example_bureau().offices
    bureau = replace(example_bureau(), environment=environment, offices=offices)
    with pytest.raises(ConfigError) as refusal:
        create_home(tmp_path / "home", bureau, passphrase=PASSPHRASE, random=os.urandom, now=SECONDS)
    assert refusal.value.reason is Reason.CLI_KEY_ENV_MISMATCH
    assert not (tmp_path / "home").exists()


@attack("K03", Reason.CLI_KEY_ENV_MISMATCH)
def test_a_test_key_does_not_open_in_production_nor_a_test_profile(tmp_path: Path) -> None:
    """K03: a key file, and a profile, carried over from a test home."""
    test = create_home(
        tmp_path / "test", example_bureau(), passphrase=PASSPHRASE, random=os.urandom, now=SECONDS
    )
    real = production(tmp_path / "real")
    real.key_path("log").unlink()
    os.link(test.key_path("log"), real.key_path("log"))
    with pytest.raises(ConfigError) as refusal:
        Home(real.path, passphrase=lambda: PASSPHRASE).signer("log")
    assert refusal.value.reason is Reason.CLI_KEY_ENV_MISMATCH
    profile = (test.path / "profiles" / "example-city.toml").read_text("utf-8")
    (real.path / "profiles" / "some-city.toml").write_text(
        profile.replace("example-city", "some-city"), "utf-8"
    )
    with pytest.raises(ConfigError) as refused:
        real.profile()
    assert refused.value.reason is Reason.CLI_KEY_ENV_MISMATCH


def test_a_home_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    home = production(tmp_path / "home")
    config = home.path / "tallystick.toml"
    config.write_text(config.read_text("utf-8").replace("schema_version = 1", "schema_version = 2"), "utf-8")
    with pytest.raises(ConfigError) as refusal:
        Home(home.path)
    assert refusal.value.reason is Reason.HOME_VERSION


def test_the_log_signs_with_both_keys(tmp_path: Path) -> None:
    home = create_home(
        tmp_path / "home", example_bureau(), passphrase=PASSPHRASE, random=os.urandom, now=SECONDS
    )
    ledger = home.ledger()
    note = ledger.newest_checkpoint()
    ledger.close()
    assert note is not None
    lines = parse_checkpoint_note(note)[1]
    assert [len(line.blob) for line in lines if line.name == home.settings.origin] == [64, 2428]


def test_an_older_home_gets_its_second_key(tmp_path: Path) -> None:
    """Made before there were ML-DSA keys: no key file, one log line. It goes on without, and with after the command."""
    home = create_home(
        tmp_path / "home", example_bureau(), passphrase=PASSPHRASE, random=os.urandom, now=SECONDS
    )
    policy = home.trust_policy()
    home.key_path(MLDSA_LOG_KEY).unlink()
    older = replace(policy, logs=policy.logs[:1], pq_required=False)
    home.policy_path.write_text(encode_trust_policy(older))
    sizes = []
    for step in range(2):
        ledger = home.ledger()
        lines = parse_checkpoint_note(ledger.checkpoint(SECONDS + step))[1]
        sizes.append([len(line.blob) for line in lines if line.name == home.settings.origin])
        ledger.close()
        vkey = add_mldsa_key(home, random=os.urandom)
    assert sizes == [[64], [64, 2428]]
    assert add_mldsa_key(home, random=os.urandom) == vkey  # again: nothing changes
    assert len(home.trust_policy().logs) == 2
