"""A bureau's home: one folder with its settings, keys, databases and trust bundle, and the doors to each of them.

tallystick.toml     settings (schema version, environment, authority, office, profile, log)
passphrase          test homes only, 0600; production asks
keys/               sealed private keys: office-1, status, status-mldsa, registrar, live, log, log-mldsa, seal (of the
                    register), and in a test home root-1...3
ledger/             the log's database (unless in PostgreSQL), who may append   anchor/  the last checkpoint, kept apart
witness-1...4/      four local witnesses: they protect against accidents, not against this bureau
register.db         what was minted                        snapshots/  imported records
profiles/           how this bureau's codes read           policies/  questions that organisations may ask
trust/              the bundle as verifiers get it         tuf/  the versions of its root (issuer.trust_root)

Where another organisation runs the log (`ledger` in the settings is its address), ledger/ holds the log's policy, the
credential, what waits to be logged and the last checkpoint seen; there is no log key, anchor or witness.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from certificate.directory import Directory, KeyRole
from certificate.keys import Ed25519CoseSigner
from certificate.numbers import Environment
from certificate.second_signature import mldsa_key_id
from issuer.bureau_ledger import BureauLedger, LogEntries
from issuer.claiming.offers import Offers
from issuer.profile import Profile, load_profile
from issuer.register import Register
from issuer.seal import derive_key
from issuer.secret_list import SecretList
from issuer.snapshot import Snapshot
from ledger.anchor import load_anchor
from ledger.append_credentials import AppendCredentials
from ledger.check import LedgerCheck, check_ledger
from ledger.errors import ConfigError, IntegrityError
from ledger.keyfile import load_key
from ledger.mldsa import MlDsa44Signer
from ledger.note import SignatureType, VerifierKey
from ledger.reasons import Reason
from ledger.sequencer import Sequencer
from ledger.store.base import Store
from ledger.store.opening import has_password, is_postgres, open_store
from ledger.trust_policy import TrustPolicy, parse_trust_policy
from ledger.witness import LocalWitness
from ledger.witness_protocol import Witness

if TYPE_CHECKING:
    from issuer.far.ledger import FarLedger

__all__ = [
    "CONFIG_NAME",
    "EMBEDDED",
    "LIVE_KEY",
    "MLDSA_LOG_KEY",
    "ROOT_KEYS",
    "SCHEMA_VERSION",
    "STATUS_MLDSA_KEY",
    "WITNESSES",
    "Home",
    "Settings",
]

CONFIG_NAME = "tallystick.toml"
SCHEMA_VERSION = 1
WITNESSES = 4
MLDSA_LOG_KEY = "log-mldsa"
STATUS_MLDSA_KEY = "status-mldsa"
EMBEDDED = "embedded"
LIVE_KEY = "live"
ROOT_KEYS = ("root-1", "root-2", "root-3")


@dataclass(frozen=True, slots=True)
class Settings:
    """What `tallystick.toml` says."""

    environment: Environment
    authority: int
    office: int
    profile: str
    log: int
    origin: str
    ledger: str = EMBEDDED  # or the address of a log that others run
    ledger_database: str | None = None  # of an embedded one: postgresql://…; None: the home's own file

    @property
    def is_far(self) -> bool:
        """Whether others run the log."""
        return self.ledger != EMBEDDED


class Home:
    """An opened home. Keys are unsealed when they are first needed."""

    def __init__(self, path: Path, *, passphrase: Callable[[], bytes] | None = None) -> None:
        """Open the home at `path`; `passphrase` is asked for in production, a test home keeps its own.

        Raises:
            ConfigError: `home.not_found`, `home.version`.
        """
        self.path = path
        self.settings = _load_settings(path / CONFIG_NAME)
        self._ask = passphrase
        self._passphrase: bytes | None = None
        self._secrets: dict[tuple[str, int], bytes] = {}

    # --- where things are -----------------------------------------------------------------------------------

    @property
    def trust_dir(self) -> Path:
        return self.path / "trust"

    @property
    def tuf_dir(self) -> Path:
        return self.path / "tuf"

    @property
    def has_root(self) -> bool:
        """Whether the bundle is under a root of several keys, as of all homes but the first ones."""
        return (self.tuf_dir / "1.root.json").exists()

    @property
    def policy_path(self) -> Path:
        return self.path / "ledger" / "policy.txt"

    @property
    def anchor_path(self) -> Path:
        return self.path / "anchor" / "last-checkpoint"

    @property
    def ledger_path(self) -> Path:
        return self.path / "ledger" / "ledger.db"

    @property
    def ledger_location(self) -> str | Path:
        """Where the ledger's database is: the file `ledger_path`, or the URL that the settings name."""
        return self.settings.ledger_database or self.ledger_path

    def key_path(self, name: str) -> Path:
        return self.path / "keys" / f"{name}.key"

    # --- doors ----------------------------------------------------------------------------------------------

    def passphrase(self) -> bytes:
        """The passphrase of this home's keys. Raises ConfigError `key.passphrase` when nobody can be asked."""
        if self._passphrase is None:
            kept = self.path / "passphrase"
            if self.settings.environment is Environment.TEST and kept.exists():
                self._passphrase = kept.read_bytes().rstrip(b"\n")
            elif self._ask is not None:
                self._passphrase = self._ask()
            else:
                raise ConfigError(Reason.KEY_PASSPHRASE, "no passphrase given", hint="use --passphrase-fd N")
        return self._passphrase

    def signer(self, name: str) -> Ed25519CoseSigner:
        """The signing key called `name` (office-1, status, registrar, live, root-1, log, witness-1...)."""
        return Ed25519CoseSigner(self.seed(name))

    def mldsa_signer(self) -> MlDsa44Signer | None:
        """The log's ML-DSA-44 key; None in a home made before there was one (`tally ledger add-mldsa-key` adds it)."""
        if not self.key_path(MLDSA_LOG_KEY).exists():
            return None
        key = self.mldsa_key()
        vkey = VerifierKey(self.settings.origin, SignatureType.ML_DSA_44, key.public_key)
        # Between the key's making and the policy's there is a moment: then it does not count yet.
        return key if vkey in self.trust_policy().log_keys(self.settings.origin) else None

    def status_mldsa_signer(self, directory: Directory) -> MlDsa44Signer | None:
        """The second key of status lists, once `directory` lists it; until then no verifier could check it."""
        if not self.key_path(STATUS_MLDSA_KEY).exists():
            return None
        signer = MlDsa44Signer(self.seed(STATUS_MLDSA_KEY))
        listed = directory.key(KeyRole.STATUS_MLDSA, mldsa_key_id(signer.public_key))
        return None if listed is None else signer

    def mldsa_key(self) -> MlDsa44Signer:
        """The same, whether the policy lists it or not. Raises ConfigError `cli.not_found`."""
        return MlDsa44Signer(self.seed(MLDSA_LOG_KEY))

    def seal_key(self) -> bytes:
        """The 32-byte key that seals seeds in the register."""
        return self.seed("seal")

    def snapshot_key(self) -> bytes:
        """The 32-byte key under which the files of snapshots keep their own keys."""
        return derive_key(self.seal_key(), b"tally snapshots")

    def register(self) -> Register:
        return Register(self.path / "register.db")

    def offers(self) -> Offers:
        """The claim offers of this home."""
        return Offers(self.path / "offers.db", secret=self.seal_key())

    def wallet_tokens(self) -> SecretList:
        """The tokens of wallet operators, who have the heads of their access logs logged here."""
        return SecretList(self.path / "wallet-tokens")

    def profile(self) -> Profile:
        """The bureau's profile. Raises ConfigError `cli.key_env_mismatch` when it is for the other environment."""
        profile = load_profile(self.path / "profiles" / f"{self.settings.profile}.toml")
        if profile.test is not (self.settings.environment is Environment.TEST):
            hint = "set `test` in the profile as the home is"
            raise ConfigError(Reason.CLI_KEY_ENV_MISMATCH, f"profile {profile.name}", hint=hint)
        return profile

    def snapshot(self, digest: bytes | None = None) -> Snapshot:
        """The snapshot with `digest`, or the newest. Raises ConfigError `home.not_found` before the first import."""
        register = self.register()
        try:
            if digest is None:
                digest = next((row.digest for row in register.snapshots()), None)
            file = None if digest is None else register.snapshot_file(digest)
        finally:
            register.close()
        if file is None:
            raise ConfigError(
                Reason.HOME_NOT_FOUND, "no records were imported", hint="run: tally issuer import DIR"
            )
        return Snapshot.open(self.path / "snapshots" / file, key=self.snapshot_key(), expected_digest=digest)

    def ledger(self) -> BureauLedger:
        """The ledger, to append to: that of this home, or the connection to the one that others run."""
        return self.far_ledger() if self.settings.is_far else self.sequencer()

    def far_ledger(self) -> FarLedger:
        """The log of another organisation; nothing is asked of it yet. Raises ConfigError `cli.not_found`."""
        from issuer.far.opening import open_far_ledger  # needs httpx, which an embedded set-up does without

        settings = self.settings
        return open_far_ledger(
            settings.ledger,
            self.path / "ledger",
            origin=settings.origin,
            log=settings.log,
            policy=self.trust_policy(),
        )

    def log_entries(self) -> LogEntries:
        """The ledger's entries for reading, without any private key: the database, or what a far log publishes."""
        if not self.settings.is_far:
            return self.open_store()
        from issuer.far.ledger import PublishedEntries

        return PublishedEntries(self.far_ledger())

    def append_credentials(self) -> AppendCredentials:
        """Which authorities may append to this home's log."""
        self._require_embedded()
        return AppendCredentials(self.path / "ledger" / "appenders")

    def sequencer(self, *, cosigning: bool = True) -> Sequencer:
        """This home's own ledger, for writing: right edge recomputed and compared with the last signed checkpoint.

        Args:
            cosigning: with its witnesses; without them it appends, and no checkpoint of it reaches the quorum.
        """
        self._require_embedded()
        settings = self.settings
        policy = self.trust_policy()
        return Sequencer.open(
            self.ledger_location,
            origin=settings.origin,
            log=settings.log,
            signer=self.signer("log"),
            mldsa_signer=self.mldsa_signer(),
            witnesses=self._witnesses(policy) if cosigning else (),
            policy=policy,
            anchor=self.anchor_path,
        )

    def _witnesses(self, policy: TrustPolicy) -> list[Witness]:
        """Those of the policy that have an address, and of the local ones those that it lists."""
        listed = {witness.key.public_key for witness in policy.witnesses if witness.url is None}
        local: list[Witness] = []
        for n in range(1, WITNESSES + 1):
            signer = self.signer(f"witness-{n}")
            if signer.public_key in listed:
                marker = self.anchor_path.with_name(f"witness-{n}")
                folder = self.path / f"witness-{n}"
                local.append(LocalWitness.open(folder, signer=signer, policy=policy, marker=marker))
        if all(witness.url is None for witness in policy.witnesses):
            return local
        from ledger.http.witness_client import (
            far_witnesses,
        )  # needs httpx, which an embedded set-up does without

        return [*local, *far_witnesses(policy)]

    def trust_policy(self) -> TrustPolicy:
        """The logs and witnesses of this home's policy file. Raises IntegrityError `store.corrupt` without one."""
        try:
            return parse_trust_policy(self.policy_path.read_bytes())
        except OSError as exc:
            hint = "restore the ledger's folder from a backup"
            raise IntegrityError(Reason.STORE_CORRUPT, self.policy_path.name, hint=hint) from exc

    def open_store(self) -> Store:
        """The ledger's database for reading, without any private key. Raises ConfigError `home.far_ledger`."""
        self._require_embedded()
        return open_store(self.ledger_location)

    def check_ledger(self) -> LedgerCheck:
        """Recompute the whole ledger from its entries, without any private key. Raises IntegrityError `store.…`."""
        key = self.trust_policy().log_keys(self.settings.origin)[0]
        store = self.open_store()
        try:
            return check_ledger(store, key=key, anchor=load_anchor(self.anchor_path, key=key))
        finally:
            store.close()

    def _require_embedded(self) -> None:
        if self.settings.is_far:
            hint = "ask its operator, or run: tally ledger monitor ADDRESS"
            raise ConfigError(Reason.HOME_FAR_LEDGER, "another organisation runs this home's log", hint=hint)

    def seed(self, name: str) -> bytes:
        """The secret bytes in a key file of this home."""
        path = self.key_path(name)
        made = (
            path.stat().st_mtime_ns if path.exists() else 0
        )  # another process may put a new key in its place
        if (name, made) not in self._secrets:  # unsealing takes a tenth of a second, a service signs all day
            self._secrets[name, made] = self._unsealed(name)
        return self._secrets[name, made]

    def _unsealed(self, name: str) -> bytes:
        stored = load_key(self.key_path(name), purpose=name, passphrase=self.passphrase())
        if stored.environment != self.settings.environment.name.lower():
            raise ConfigError(Reason.CLI_KEY_ENV_MISMATCH, f"key {name} is for {stored.environment}")
        return stored.seed


def _load_settings(path: Path) -> Settings:
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as exc:
        hint = "run tally init HOME first, or name the home with --home"
        raise ConfigError(Reason.HOME_NOT_FOUND, os.fspath(path.parent.name), hint=hint) from exc
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigError(Reason.HOME_VERSION, CONFIG_NAME) from exc
    if raw.get("schema_version") != SCHEMA_VERSION:
        raise ConfigError(
            Reason.HOME_VERSION, f"schema version {raw.get('schema_version')}", hint="update the program"
        )
    database = raw.get("ledger_database")
    if database is not None and not (isinstance(database, str) and is_postgres(database)):
        raise ConfigError(Reason.HOME_VERSION, "ledger_database is not postgresql://…")
    if database is not None and has_password(database) and path.stat().st_mode & 0o077:
        raise ConfigError(Reason.CLI_KEY_PERMISSIONS, CONFIG_NAME, hint=f"chmod 600 {CONFIG_NAME}")
    try:
        return Settings(
            environment=Environment[raw["environment"].upper()],
            authority=int(raw["authority"]),
            office=int(raw["office"]),
            profile=str(raw["profile"]),
            log=int(raw["log"]),
            origin=str(raw["origin"]),
            ledger=str(raw.get("ledger", EMBEDDED)),
            ledger_database=database,
        )
    except (KeyError, ValueError, AttributeError) as exc:
        raise ConfigError(Reason.HOME_VERSION, f"{CONFIG_NAME} lacks or misspells a setting") from exc
