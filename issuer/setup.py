"""`tally init`: an embedded set-up that works at once: keys, ledger, register, four local witnesses, directory, bundle.

In a test home a demo organisation is registered and everything stands in region 99. Production asks for the bureau's
own names and codes, a passphrase, and keeps nothing in the clear.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path

import tomlkit

from certificate.directory import Authority, Directory, DirectoryKey, KeyRole, LogRecord, Office
from certificate.keys import Ed25519CoseSigner
from certificate.numbers import CertificateType, Environment
from certificate.template.shipped import shipped_templates
from issuer.casework.operators import add_operator
from issuer.far.client import AppendClient
from issuer.far.opening import save_credential
from issuer.home import CONFIG_NAME, EMBEDDED, MLDSA_LOG_KEY, SCHEMA_VERSION, WITNESSES, Home
from issuer.organisations import DEFAULT_PURPOSE, register_organisation
from issuer.policies import write_shipped_policies
from issuer.publish import cut_bundle
from issuer.register import Register
from issuer.status_key import new_status_key
from issuer.templates import write_shipped_templates
from issuer.trust_root import add_root
from ledger.append_credentials import parse_secret
from ledger.durable import replace_durably
from ledger.errors import ConfigError, VerificationError
from ledger.keyfile import KeyAlgorithm, save_key
from ledger.note import SignatureType, VerifierKey, encode_vkey
from ledger.reasons import Reason
from ledger.sequencer import Sequencer
from ledger.trust_policy import LogKey, encode_trust_policy

__all__ = [
    "DEMO_ORG",
    "TEST_OPERATORS",
    "Bureau",
    "FarLog",
    "OfficeDetails",
    "add_mldsa_key",
    "create_home",
    "create_log_home",
]

DEMO_ORG = 1
_DEMO_TEMPLATES = ("housing.24", "loan.24")  # what a bank asks; each asks the policy of its own name
TEST_OPERATORS = ("first", "second")
_OFFICE = 1
_LOG = 1
_QUORUM = 3
_PROFILE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII)  # it names a file
_BUREAU_KEYS = ("office-1", "status", "registrar")
_WITNESS_NAMES = tuple(f"witness-{n}" for n in range(1, WITNESSES + 1))
_LOG_KEYS = ("log", *_WITNESS_NAMES)


@dataclass(frozen=True, slots=True)
class OfficeDetails:
    """One office of the new directory: the bureau's code, names, and the code of its parent or None."""

    code: str
    name_zh: str
    name_en: str
    parent: str | None
    region_prefix: str


@dataclass(frozen=True, slots=True)
class Bureau:
    """Who sets up: authority number and names, its offices (the first one mints), profile and log origin."""

    authority: int
    name_zh: str
    name_en: str
    offices: tuple[OfficeDetails, ...]
    profile: str
    origin: str
    environment: Environment


@dataclass(frozen=True, slots=True)
class FarLog:
    """A log that others run: its address, its number in the directory, its tlog-policy, and a secret to append with."""

    url: str
    log: int
    policy: bytes
    credential: str = field(repr=False)


def create_home(
    path: Path,
    bureau: Bureau,
    *,
    passphrase: bytes,
    random: Callable[[int], bytes],
    now: int,
    far: FarLog | None = None,
) -> Home:
    """Make a home at `path`, which must not exist or be empty; returns it opened.

    Args:
        passphrase: seals all keys. A test home also keeps it in a file, readable by its owner only.
        random: source of key seeds, `os.urandom` outside tests.
        now: POSIX seconds.
        far: the log to write to; without one the home has its own.
    Raises:
        ConfigError: `cli.exists`, `cli.path_unsafe` (the profile's name), `cli.key_env_mismatch` (test regions in
            production).
        ProjectError: what a far log refuses, as `issuer.far.ledger.FarLedger`; if it cannot be reached nothing is made.
    """
    _check(path, bureau)
    if far is not None:
        _require_reachable(far, bureau.origin)
    own = () if far is not None else ("anchor", *_WITNESS_NAMES)
    _make_folders(path, "keys", "ledger", "snapshots", "policies", "templates", "profiles", "trust", *own)
    salt = random(16)  # shared by the home's keys, so that one passphrase is stretched once a process
    names = (*_BUREAU_KEYS, "seal", *(() if far is not None else _LOG_KEYS))
    signers = _make_keys(path, names, bureau.environment, passphrase, random, salt)
    _keep_test_passphrase(path, bureau.environment, passphrase)
    _write_settings(path, bureau, far)
    write_shipped_policies(path / "policies")
    write_shipped_templates(path / "templates")
    _write_profile(path / "profiles" / f"{bureau.profile}.toml", bureau)
    Register(path / "register.db", create=True).close()
    home = Home(path, passphrase=lambda: passphrase)
    if far is None:
        _begin_log(home, signers, random, salt)
    else:
        replace_durably(home.policy_path, far.policy)
        save_credential(home.policy_path.parent, far.credential)
    add_root(home, random=random, now=now, salt=salt)
    directory = _directory(bureau, signers, home.settings.log)
    second = new_status_key(home, random=random, salt=salt)
    ledger = home.ledger()
    try:
        cut_bundle(home, ledger, now=now, directory=replace(directory, keys=(*directory.keys, second)))
    finally:
        ledger.close()
    if bureau.environment is Environment.TEST:
        _register_demo_organisation(home, passphrase, random, now)
        for name in TEST_OPERATORS:
            add_operator(home, name, passphrase=passphrase, random=random, now=now, salt=salt)
    return home


def create_log_home(
    path: Path,
    origin: str,
    environment: Environment,
    *,
    passphrase: bytes,
    random: Callable[[int], bytes],
    now: int,
) -> Home:
    """Make the home of a log that takes entries of other organisations' issuers and mints nothing itself.

    The first checkpoint, over no entry, is signed and cosigned at once. Arguments and errors as `create_home`.
    """
    _require_unused(path)
    _make_folders(path, "keys", "ledger", "anchor", *_WITNESS_NAMES)
    salt = random(16)
    signers = _make_keys(path, _LOG_KEYS, environment, passphrase, random, salt)
    _keep_test_passphrase(path, environment, passphrase)
    nobody = Bureau(0, "", "", (), "", origin, environment)
    _write_settings(path, nobody, None)
    home = Home(path, passphrase=lambda: passphrase)
    _begin_log(home, signers, random, salt)
    ledger = home.sequencer()
    try:
        ledger.checkpoint(now)
    finally:
        ledger.close()
    return home


def _begin_log(
    home: Home, signers: dict[str, Ed25519CoseSigner], random: Callable[[int], bytes], salt: bytes
) -> None:
    home.policy_path.write_text(_policy_text(home.settings.origin, signers), "utf-8")
    add_mldsa_key(home, random=random, salt=salt)
    Sequencer.create(home.ledger_path, origin=home.settings.origin)


def _require_reachable(far: FarLog, origin: str) -> None:
    """Ask the log for its name before anything is made. Raises as `AppendClient.origin`, or `log.unknown_origin`."""
    client = AppendClient(far.url, credential=parse_secret(far.credential))
    try:
        if client.origin() != origin:
            raise VerificationError(
                Reason.LOG_UNKNOWN_ORIGIN,
                "the address is that of another log",
                hint="compare it with the policy",
            )
    finally:
        client.close()


def _make_folders(path: Path, *folders: str) -> None:
    for folder in ("", *folders):
        (path / folder).mkdir(mode=0o700, parents=True, exist_ok=True)


def _keep_test_passphrase(path: Path, environment: Environment, passphrase: bytes) -> None:
    if environment is Environment.TEST:
        kept = path / "passphrase"
        kept.touch(mode=0o600)
        kept.write_bytes(passphrase + b"\n")


def add_mldsa_key(home: Home, *, random: Callable[[int], bytes], salt: bytes | None = None) -> str:
    """Give the log its ML-DSA-44 key and list it in the policy file; returns the key as text.

    Stopped halfway, it goes on where it was. Every checkpoint from then on carries both signatures; verifiers and
    witnesses learn of the key with the next bundle and policy, and until then ignore the line.
    """
    if not home.key_path(MLDSA_LOG_KEY).exists():
        save_key(
            home.key_path(MLDSA_LOG_KEY),
            random(32),
            purpose=MLDSA_LOG_KEY,
            environment=home.settings.environment.name.lower(),
            passphrase=home.passphrase(),
            salt=salt,
            algorithm=KeyAlgorithm.ML_DSA_44,
        )
    key = VerifierKey(home.settings.origin, SignatureType.ML_DSA_44, home.mldsa_key().public_key)
    policy = home.trust_policy()
    if key not in policy.log_keys(key.name):
        changed = replace(policy, logs=(*policy.logs, LogKey(key)))
        replace_durably(home.policy_path, encode_trust_policy(changed).encode())
    return encode_vkey(key)


def _check(path: Path, bureau: Bureau) -> None:
    if not _PROFILE.fullmatch(bureau.profile):
        raise ConfigError(Reason.CLI_PATH_UNSAFE, "a profile's name is lower-case letters, digits, hyphens")
    _require_unused(path)
    test_region = any(office.region_prefix.startswith("99") for office in bureau.offices)
    if test_region is (bureau.environment is Environment.PRODUCTION):
        raise ConfigError(
            Reason.CLI_KEY_ENV_MISMATCH, "region 99 is for test homes, and test homes are in region 99"
        )


def _require_unused(path: Path) -> None:
    if path.is_symlink() or (path.exists() and any(path.iterdir())):
        raise ConfigError(Reason.CLI_EXISTS, path.name, hint="name a folder that does not exist yet")


def _make_keys(
    path: Path,
    names: Iterable[str],
    environment: Environment,
    passphrase: bytes,
    random: Callable[[int], bytes],
    salt: bytes,
) -> dict[str, Ed25519CoseSigner]:
    signers = {}
    for name in names:
        seed = random(32)
        signers[name] = Ed25519CoseSigner(seed)
        save_key(
            path / "keys" / f"{name}.key",
            seed,
            purpose=name,
            environment=environment.name.lower(),
            passphrase=passphrase,
            salt=salt,
        )
    return signers


def _write_settings(path: Path, bureau: Bureau, far: FarLog | None) -> None:
    document = tomlkit.document()
    document.add(
        tomlkit.comment("Settings of this bureau's home. The keys, databases and the bundle stand beside.")
    )
    document["schema_version"] = SCHEMA_VERSION
    document["environment"] = bureau.environment.name.lower()
    document["authority"] = bureau.authority
    document["office"] = _OFFICE
    document["profile"] = bureau.profile
    document["ledger"] = EMBEDDED if far is None else far.url
    document["log"] = _LOG if far is None else far.log
    document["origin"] = bureau.origin
    (path / CONFIG_NAME).write_text(tomlkit.dumps(document), "utf-8")


def _write_profile(path: Path, bureau: Bureau) -> None:
    """The shipped profile under the bureau's name, to be adapted; a production home's is not for test records."""
    shipped = files("issuer") / "profiles" / "example-city.toml"
    document = tomlkit.parse(shipped.read_text("utf-8"))
    document["name"] = bureau.profile
    document["test"] = bureau.environment is Environment.TEST
    path.write_text(tomlkit.dumps(document), "utf-8")


def _policy_text(origin: str, signers: dict[str, Ed25519CoseSigner]) -> str:
    """The tlog-policy of the embedded set-up: this log, four local witnesses, three of them must have cosigned.

    The log has its ML-DSA-44 key before its first checkpoint, so that verifiers may insist on both signatures.
    """
    names = _WITNESS_NAMES
    lines = [f"log {encode_vkey(VerifierKey(origin, SignatureType.ED25519, signers['log'].public_key))}"]
    for name in names:
        vkey = encode_vkey(
            VerifierKey(f"{origin}/{name}", SignatureType.COSIGNATURE, signers[name].public_key)
        )
        lines.append(f"witness {name} {vkey}")
    lines += [f"group local {_QUORUM} {' '.join(names)}", "quorum local", "#tallystick pq require"]
    return "\n".join(lines) + "\n"


def _directory(bureau: Bureau, signers: dict[str, Ed25519CoseSigner], log: int) -> Directory:
    number_of = {office.code: number for number, office in enumerate(bureau.offices, start=1)}
    offices = tuple(
        Office(
            authority=bureau.authority,
            number=number_of[office.code],
            code=office.code,
            name_zh=office.name_zh,
            name_en=office.name_en,
            parent=None if office.parent is None else number_of[office.parent],
            region_prefix=office.region_prefix,
            types=(CertificateType.CONTRIBUTION,),
        )
        for office in bureau.offices
    )
    roles = ((KeyRole.CERTIFICATE, "office-1"), (KeyRole.STATUS, "status"), (KeyRole.REGISTRAR, "registrar"))
    return Directory(
        environment=bureau.environment,
        version=1,
        authorities=(Authority(bureau.authority, bureau.name_zh, bureau.name_en),),
        offices=offices,
        keys=tuple(
            DirectoryKey(role, bureau.authority, _OFFICE, signers[name].public_key, log)
            for role, name in roles
        ),
        logs=(LogRecord(log, bureau.origin),),
    )


def _register_demo_organisation(
    home: Home, passphrase: bytes, random: Callable[[int], bytes], now: int
) -> None:
    """Organisation 1, the bank of DOMAIN section 8, with its request key in the home."""
    seed = random(32)
    name = f"org-{DEMO_ORG}"
    environment = home.settings.environment.name.lower()
    save_key(home.key_path(name), seed, purpose=name, environment=environment, passphrase=passphrase)
    register_organisation(
        home,
        org=DEMO_ORG,
        name_zh="示例银行(测试)",
        name_en="Example Bank (test)",
        contact="示例路1号",
        request_key=Ed25519CoseSigner(seed).public_key,
        now=now,
        purposes=(DEFAULT_PURPOSE, *(shipped_templates()[name].purpose for name in _DEMO_TEMPLATES)),
        policies=_DEMO_TEMPLATES,
    )
