"""Operators of a bureau: people who open and approve cases, each with a key under a passphrase of their own.

The public key stands in the register. In a test home all keys share the home's passphrase, which is no dual control
but lets one person try it out. Whoever holds a production home's own passphrase can add operators, and then plays two
people; the report names every operator, and since when.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from certificate.keys import Ed25519CoseSigner
from issuer.casework.rows import Operator
from issuer.home import Home
from issuer.service import opened_register
from ledger.errors import ConfigError
from ledger.keyfile import load_key, save_key
from ledger.reasons import Reason

__all__ = ["add_operator", "known_operator", "operator_signer"]

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}", re.ASCII)  # it names a file


def add_operator(
    home: Home,
    name: str,
    *,
    passphrase: bytes,
    random: Callable[[int], bytes],
    now: int,
    salt: bytes | None = None,
) -> Operator:
    """Make an operator's key and note them.

    Args:
        passphrase: the operator's own.
        now: POSIX seconds.
        salt: shared with keys that have the same passphrase; None takes a fresh one.
    Raises:
        ConfigError: `cli.path_unsafe` (the name), `cli.exists`.
        IntegrityError: `cli.duplicate_id`.
    """
    if not _NAME.fullmatch(name):
        hint = "lower-case letters, digits, hyphens; at most 32"
        raise ConfigError(Reason.CLI_PATH_UNSAFE, "the operator's name", hint=hint)
    seed = random(32)
    save_key(
        home.key_path(_purpose(name)),
        seed,
        purpose=_purpose(name),
        environment=home.settings.environment.name.lower(),
        passphrase=passphrase,
        salt=salt,
    )
    operator = Operator(name, Ed25519CoseSigner(seed).public_key, now)
    with opened_register(home) as register:
        register.add_operator(operator)
    return operator


def known_operator(home: Home, name: str) -> Operator:
    """The operator called `name`, ended or not. Raises ConfigError `cli.not_found`."""
    with opened_register(home) as register:
        for operator in register.operators():
            if operator.name == name:
                return operator
    raise ConfigError(Reason.CLI_NOT_FOUND, "no such operator", hint="see: tally issuer operator list")


def operator_signer(home: Home, name: str, passphrase: bytes) -> Ed25519CoseSigner:
    """The key of an operator who may act.

    Raises:
        ConfigError: `cli.not_found`, `cli.key_retired` (they may act no longer), `cli.key_mismatch` (the file holds
            another key than the register names), and as `load_key`.
    """
    operator = known_operator(home, name)
    if operator.ended_at is not None:
        raise ConfigError(Reason.CLI_KEY_RETIRED, f"operator {name} may act no longer")
    stored = load_key(home.key_path(_purpose(name)), purpose=_purpose(name), passphrase=passphrase)
    if stored.environment != home.settings.environment.name.lower():
        raise ConfigError(Reason.CLI_KEY_ENV_MISMATCH, f"operator {name}")
    signer = Ed25519CoseSigner(stored.seed)
    if signer.public_key != operator.public_key:
        raise ConfigError(Reason.CLI_KEY_MISMATCH, f"operator {name} has another key in the register")
    return signer


def _purpose(name: str) -> str:
    return f"operator-{name}"
