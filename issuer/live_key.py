"""The online key of a trust root, and the one that takes its place when it was stolen or lost (docs/TRUST.md).

HOME/keys/live.key          signs status lists as a set, the bundle, snapshot and timestamp
HOME/keys/live-next.key     made for a draft of the next root; it becomes live.key when that root is published
"""

from __future__ import annotations

from collections.abc import Callable

from certificate.keys import Ed25519CoseSigner
from issuer.home import LIVE_KEY, Home
from ledger.durable import map_os_error, sync_folder
from ledger.errors import ConfigError
from ledger.keyfile import load_key, save_key
from ledger.reasons import Reason

__all__ = ["next_live_key", "require_live_key", "take_live_key"]

_NEXT = "live-next"


def next_live_key(home: Home, *, random: Callable[[int], bytes]) -> Ed25519CoseSigner:
    """The key that shall follow, made at the first call and not used before its root is published."""
    path = home.key_path(_NEXT)
    if not path.exists():
        save_key(
            path,
            random(32),
            purpose=LIVE_KEY,
            environment=home.settings.environment.name.lower(),
            passphrase=home.passphrase(),
        )
    return _next(home)


def require_live_key(home: Home, public_key: bytes) -> None:
    """Raise ConfigError `cli.not_found` unless the home holds this online key, in use or waiting."""
    for name, held in ((LIVE_KEY, home.signer), (_NEXT, lambda _: _next(home))):
        if home.key_path(name).exists() and held(name).public_key == public_key:
            return
    hint = "draft it again here: tally trust live replace"
    raise ConfigError(Reason.CLI_NOT_FOUND, "the online key that the root names", hint=hint)


def take_live_key(home: Home, public_key: bytes) -> None:
    """Put the waiting key in the place of the old one if it is this one. Done before, it does nothing."""
    path = home.key_path(_NEXT)
    if not path.exists() or _next(home).public_key != public_key:
        return
    try:
        path.replace(home.key_path(LIVE_KEY))
        sync_folder(path.parent)
    except OSError as exc:
        raise map_os_error(exc) from exc


def _next(home: Home) -> Ed25519CoseSigner:
    stored = load_key(home.key_path(_NEXT), purpose=LIVE_KEY, passphrase=home.passphrase())
    return Ed25519CoseSigner(stored.seed)
