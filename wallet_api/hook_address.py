"""Where a webhook may go: an https address that is reachable from outside, and never the operator's own network.

The name is resolved each time, every address it has must be allowed, and the connection goes to that very address: a
name that is harmless when it is checked and something else when it is used (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from certificate.numbers import Environment
from ledger.errors import ConfigError
from ledger.reasons import Reason

__all__ = ["Address", "HookTarget", "Network", "Resolve", "allowed_address", "parse_hook_url", "resolve_host"]

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Sequence[str]]

_MAX_URL = 512
_TRANSLATED = IPv6Network("64:ff9b::/96")  # an IPv4 address behind NAT64


@dataclass(frozen=True, slots=True)
class HookTarget:
    """A URL in its parts: what is connected to, and what is asked for there."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"https": 443, "http": 80}[self.scheme]
        return host if self.port == usual else f"{host}:{self.port}"


def parse_hook_url(url: str, *, environment: Environment) -> HookTarget:
    """Read an address; https, or in a test environment http to 127.0.0.1.

    Raises:
        ConfigError: `hook.address`: another scheme, a user, a fragment, spaces, not ASCII, too long.
    """
    if len(url) > _MAX_URL or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise _refused("not a plain URL")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as exc:
        raise _refused("not a plain URL") from exc
    if not host or parts.username is not None or parts.password is not None or parts.fragment:
        raise _refused("a user or a fragment in it")
    local_test = parts.scheme == "http" and host == "127.0.0.1" and environment is Environment.TEST
    if parts.scheme != "https" and not local_test:
        raise _refused("not https")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return HookTarget(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), path)


def allowed_address(target: HookTarget, *, resolve: Resolve, allowed: Sequence[Network]) -> Address:
    """The address to connect to.

    Args:
        resolve: the addresses of a host name.
        allowed: networks that the operator lets through although they are not public.
    Raises:
        ConfigError: `hook.address`: the name has no address, or one that is not allowed.
    """
    try:
        found = [ip_address(text.partition("%")[0]) for text in resolve(target.host, target.port)]
    except (OSError, ValueError, UnicodeError) as exc:
        raise _refused("the name cannot be resolved") from exc
    if not found or not all(_is_allowed(address, allowed) for address in found):
        raise _refused("it leads into a private network")
    return found[0]


def resolve_host(host: str, port: int) -> list[str]:
    """The system's answer. Raises OSError."""
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _is_allowed(address: Address, allowed: Sequence[Network]) -> bool:
    inner = _inner(address)
    for one in (address, *inner):
        if any(one.version == network.version and one in network for network in allowed):
            continue
        if not one.is_global or one.is_multicast:
            return False
    return True


def _inner(address: Address) -> list[IPv4Address]:
    """IPv4 addresses that an IPv6 address stands for."""
    if isinstance(address, IPv4Address):
        return []
    found = [one for one in (address.ipv4_mapped, address.sixtofour) if one is not None]
    if address in _TRANSLATED:
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return found if address.teredo is None else [*found, *address.teredo]


def _refused(detail: str) -> ConfigError:
    hint = "give an https address that is reachable from outside"
    return ConfigError(Reason.HOOK_ADDRESS, detail, hint=hint)
