"""A witness's folder on another department's machine: keys, name, the logs it serves, its memory.

keys/      witness.key (Ed25519), witness-mldsa.key (ML-DSA-44)
name       under which it cosigns
logs.txt   the keys of the logs it serves, one vkey a line; a key's name is its log's origin
state/     what it last cosigned, and the notes for monitors      marker/   how often it signed, kept apart
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ledger.durable import create_durably, map_os_error, replace_durably
from ledger.ed25519 import Ed25519Signer
from ledger.errors import ConfigError
from ledger.keyfile import KeyAlgorithm, load_key, save_key
from ledger.mldsa import MlDsa44Signer
from ledger.note import SignatureType, VerifierKey, encode_vkey, parse_vkey
from ledger.reasons import Reason
from ledger.witness import LocalWitness

__all__ = ["WitnessHome"]

_ED25519, _MLDSA = "witness", "witness-mldsa"


class WitnessHome:
    """An opened folder."""

    def __init__(self, path: Path) -> None:
        """Raises ConfigError `home.not_found`."""
        self.path = path
        try:
            self.name = (path / "name").read_text("utf-8").strip()
        except OSError as exc:
            raise ConfigError(
                Reason.HOME_NOT_FOUND, path.name, hint="Run: tally witness init FOLDER --name NAME"
            ) from exc

    @classmethod
    def create(
        cls, path: Path, *, name: str, passphrase: bytes | None, test: bool, random: Callable[[int], bytes]
    ) -> WitnessHome:
        """Make a witness with fresh keys; `passphrase` None leaves them unsealed.

        Raises:
            ConfigError: `cli.exists`.
            FormatError: `ckpt.malformed` for a name that no key may have.
        """
        if path.exists() and any(path.iterdir()):
            raise ConfigError(Reason.CLI_EXISTS, path.name, hint="Name a folder that does not exist yet.")
        VerifierKey(name, SignatureType.ML_DSA_44, bytes(1312))  # refuses a name before anything is made
        for folder in ("", "keys", "state", "marker"):
            (path / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        salt = random(16)
        for purpose, algorithm in ((_ED25519, KeyAlgorithm.ED25519), (_MLDSA, KeyAlgorithm.ML_DSA_44)):
            save_key(
                path / "keys" / f"{purpose}.key",
                random(32),
                purpose=purpose,
                environment="test" if test else "production",
                passphrase=passphrase,
                salt=salt,
                algorithm=algorithm,
            )
        create_durably(path / "logs.txt", b"")
        create_durably(path / "name", f"{name}\n".encode())
        return cls(path)

    def vkeys(self, passphrase: bytes | None) -> tuple[VerifierKey, VerifierKey]:
        """Its Ed25519 and its ML-DSA-44 key, as log and verifiers need them."""
        ed25519, mldsa = self._signers(passphrase)
        return (
            VerifierKey(self.name, SignatureType.COSIGNATURE, ed25519.public_key),
            VerifierKey(self.name, SignatureType.ML_DSA_44, mldsa.public_key),
        )

    def log_keys(self) -> tuple[VerifierKey, ...]:
        """The keys of the logs it serves. Raises FormatError as `parse_vkey`."""
        try:
            lines = (self.path / "logs.txt").read_text("utf-8").split()
        except OSError as exc:
            raise map_os_error(exc) from exc
        return tuple(parse_vkey(line) for line in lines)

    def add_log(self, keys: Sequence[VerifierKey]) -> int:
        """Serve the logs of these keys too; what cosigns under other names is left out. Returns how many keys it knows.

        Raises:
            ConfigError: `cli.usage` if none of them is a log's Ed25519 key.
        """
        origins = {key.name for key in keys if key.algorithm == SignatureType.ED25519}
        if not origins:
            raise ConfigError(
                Reason.CLI_USAGE, "no key of a log", hint="Give what tally ledger vkeys prints."
            )
        known = dict.fromkeys([*self.log_keys(), *(key for key in keys if key.name in origins)])
        replace_durably(self.path / "logs.txt", "".join(f"{encode_vkey(key)}\n" for key in known).encode())
        return len(known)

    def open(self, passphrase: bytes | None) -> LocalWitness:
        """The witness itself. Raises as `LocalWitness`, and ConfigError `cli.not_found` while it knows no log."""
        log_keys = self.log_keys()
        if not log_keys:
            raise ConfigError(
                Reason.CLI_NOT_FOUND, "no log yet", hint="Run: tally witness add-log FOLDER VKEY..."
            )
        ed25519, mldsa = self._signers(passphrase)
        return LocalWitness(
            self.path / "state",
            signer=ed25519,
            mldsa_signer=mldsa,
            name=self.name,
            log_keys=log_keys,
            marker=self.path / "marker" / "signed-through",
            keep_notes=True,
        )

    def _signers(self, passphrase: bytes | None) -> tuple[Ed25519Signer, MlDsa44Signer]:
        seeds = [
            load_key(self.path / "keys" / f"{purpose}.key", purpose=purpose, passphrase=passphrase).seed
            for purpose in (_ED25519, _MLDSA)
        ]
        return Ed25519Signer(seeds[0]), MlDsa44Signer(seeds[1])
