"""The ML-DSA-44 key with which a bureau signs its status lists beside the Ed25519 one (ADR 0019)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from certificate.directory import DirectoryKey, KeyRole
from issuer.bureau_ledger import BureauLedger
from issuer.home import STATUS_MLDSA_KEY, Home
from issuer.offices.events import changing, resume_events
from issuer.publish import cut_bundle, load_directory
from ledger.errors import ConfigError
from ledger.keyfile import KeyAlgorithm, save_key
from ledger.mldsa import MlDsa44Signer
from ledger.reasons import Reason

__all__ = ["add_status_key", "missing_status_key", "new_status_key"]


def new_status_key(home: Home, *, random: Callable[[int], bytes], salt: bytes | None = None) -> DirectoryKey:
    """Make the key, if the home has none yet; returns its row of the directory."""
    if not home.key_path(STATUS_MLDSA_KEY).exists():
        save_key(
            home.key_path(STATUS_MLDSA_KEY),
            random(32),
            purpose=STATUS_MLDSA_KEY,
            environment=home.settings.environment.name.lower(),
            passphrase=home.passphrase(),
            salt=salt,
            algorithm=KeyAlgorithm.ML_DSA_44,
        )
    settings = home.settings
    signer = MlDsa44Signer(home.seed(STATUS_MLDSA_KEY))
    return DirectoryKey(
        KeyRole.STATUS_MLDSA, settings.authority, settings.office, signer.public_key, settings.log
    )


def missing_status_key(home: Home) -> list[str]:
    """What to do where the policy asks for post-quantum signatures and the status lists have none; else nothing."""
    listed = load_directory(home).has_key(KeyRole.STATUS_MLDSA, home.settings.authority)
    if listed or not home.trust_policy().pq_required:
        return []
    return ["status lists: no post-quantum signature yet; tally issuer key add-mldsa"]


def add_status_key(home: Home, ledger: BureauLedger, *, random: Callable[[int], bytes], now: int) -> bytes:
    """Give an older home the key, and publish the directory that lists it; returns the key's id.

    Lists are signed by both from the moment that directory is out.

    Raises:
        ConfigError: `cli.exists` (the directory lists one), `trust.threshold` (it waits for the holders of the root).
    """
    with changing(home):
        directory = resume_events(home, ledger, now=now)
        if directory.has_key(KeyRole.STATUS_MLDSA, home.settings.authority):
            raise ConfigError(Reason.CLI_EXISTS, "status lists have their second key")
        made = new_status_key(home, random=random)
        changed = replace(directory, version=directory.version + 1, keys=(*directory.keys, made))
        cut_bundle(home, ledger, now=now, directory=changed)
        return made.kid
