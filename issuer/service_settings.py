"""What `tallystick.toml` says about the HTTP service: the real-name login, the wallets that use it, where look-ups go.

    [login]
    issuer = "https://id.example.test"
    client_id = "bureau"
    client_secret_file = "login-secret"       # not for a public client
    id_claim = "id_no"
    ca_file = "id-ca.pem"                     # trusted instead of the public authorities

    [[wallets]]
    client_id = "wallet"
    redirect_uris = ["https://wallet.example.test/claimed"]

    [lookups]
    url = "https://wallet.example.test"
    token_file = "lookup-token"
    ca_file = "wallet-ca.pem"

All three are optional. Files are named relative to the home and hold one line.
"""

from __future__ import annotations

import ssl
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ledger.errors import ConfigError
from ledger.reasons import Reason

__all__ = ["LoginSettings", "LookUpSettings", "ServiceSettings", "load_service_settings", "trusted_tls"]

_LOCAL = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class LoginSettings:
    """The OpenID Connect provider of real-name logins, and which of its claims is the identity number."""

    issuer: str
    client_id: str
    client_secret: str | None
    id_claim: str
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class LookUpSettings:
    """The wallet service that is told of look-ups, and the token that it knows this bureau by."""

    url: str
    token: str
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """`wallets` maps a client id to the redirect URIs that it may name, each compared as a whole."""

    login: LoginSettings | None = None
    wallets: dict[str, tuple[str, ...]] | None = None
    lookups: LookUpSettings | None = None


def load_service_settings(path: Path) -> ServiceSettings:
    """Read the file at `path`, a home's `tallystick.toml`.

    Raises:
        ConfigError: `home.version`: a setting is missing, misspelt, or an address that is neither https nor local.
    """
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
        return ServiceSettings(
            login=_login(raw["login"], path.parent) if "login" in raw else None,
            wallets={
                _text(row, "client_id"): tuple(_address(uri) for uri in row["redirect_uris"])
                for row in raw.get("wallets", [])
            },
            lookups=_lookups(raw["lookups"], path.parent) if "lookups" in raw else None,
        )
    except (KeyError, TypeError, ValueError, OSError, AttributeError) as exc:
        hint = "see the head of issuer/service_settings.py"
        raise ConfigError(Reason.HOME_VERSION, f"{path.name}: settings of the service", hint=hint) from exc


def trusted_tls(ca_file: Path | None) -> ssl.SSLContext:
    """TLS that trusts the authorities in `ca_file`, or the system's where none is named.

    Raises:
        ConfigError: `cli.not_found`: the file cannot be read.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as exc:  # ssl.SSLError is one
        raise ConfigError(Reason.CLI_NOT_FOUND, "" if ca_file is None else ca_file.name) from exc


def _login(raw: dict[str, Any], home: Path) -> LoginSettings:
    secret = raw.get("client_secret_file")
    return LoginSettings(
        issuer=_address(raw["issuer"]).rstrip("/"),
        client_id=_text(raw, "client_id"),
        client_secret=None if secret is None else _line(home / secret),
        id_claim=_text(raw, "id_claim") if "id_claim" in raw else "id_no",
        ca_file=_ca_file(raw, home),
    )


def _lookups(raw: dict[str, Any], home: Path) -> LookUpSettings:
    token = _line(home / _text(raw, "token_file"))
    return LookUpSettings(_address(raw["url"]).rstrip("/"), token, _ca_file(raw, home))


def _ca_file(raw: dict[str, Any], home: Path) -> Path | None:
    return home / _text(raw, "ca_file") if "ca_file" in raw else None


def _text(raw: dict[str, Any], name: str) -> str:
    value = raw[name]
    if type(value) is not str or not value:
        raise ValueError(name)
    return value


def _address(value: Any) -> str:
    parts = urlsplit(value)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOCAL):
        raise ValueError("neither https nor this machine")
    if parts.username or parts.fragment or not parts.netloc:
        raise ValueError("an address without user and fragment is due")
    return str(value)


def _line(path: Path) -> str:
    text = path.read_text("ascii").strip()
    if not text:
        raise ValueError("an empty file")
    return text
