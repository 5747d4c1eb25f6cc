"""Real-name logins: the authorization code flow of OpenID4VCI 1.0 (section 5), with the login itself at a provider.

    wallet --/authorize--> here --> provider --/login/callback--> here --code--> wallet --/token--> here

Both legs carry PKCE (S256) and a state; the leg to the provider also a nonce, and a cookie that ties it to one
browser. A code is good once, for a minute, for the client, address and verifier it was asked with. Everything lives
in memory: a restart ends logins under way.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from certificate.qr_text import encode_file_text
from issuer.claiming.id_index import IdIndex
from issuer.claiming.identity import OWN, Identity, Proven, Terms, Way
from issuer.claiming.provider import Provider
from ledger.errors import FormatError, VerificationError
from ledger.reasons import Reason

__all__ = ["CODE_LIFETIME", "LOGIN_LIFETIME", "LOST_KEY_SCOPE", "Asked", "Logins"]

CODE_LIFETIME: Final = 60  # seconds
LOGIN_LIFETIME: Final = 600
LOST_KEY_SCOPE: Final = "lost_key"
_MOST: Final = 10_000  # logins and codes at once; the oldest go first
_NOBODY: Final = "this login does not lead to a certificate here; ask at the counter"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a wallet asked at `/authorize`, its client and address known to be right."""

    client_id: str
    redirect_uri: str
    state: str
    challenge: str
    lost_key: bool = False


@dataclass(frozen=True, slots=True)
class _Login:
    asked: Asked
    nonce: str
    verifier: str
    browser: bytes
    expires: int


@dataclass(frozen=True, slots=True)
class _Code:
    asked: Asked
    identity: Identity
    expires: int


class Logins:
    """Logins under way and the codes they end in; a `WayIn`."""

    def __init__(
        self,
        provider: Provider,
        people: IdIndex,
        *,
        wallets: Mapping[str, tuple[str, ...]],
        url: str,
        random: Callable[[int], bytes],
    ) -> None:
        """`wallets` maps client ids to redirect URIs; `url` is this service's own address."""
        self.provider = provider
        self._people = people
        self._wallets = wallets
        self._url = url
        self._random = random
        self._logins: dict[bytes, _Login] = {}
        self._codes: dict[bytes, _Code] = {}
        self._lock = Lock()

    def knows(self, client_id: str, redirect_uri: str) -> bool:
        """Whether this very address is one of this client's."""
        return redirect_uri in self._wallets.get(client_id, ())

    async def begin(self, asked: Asked, *, now: int) -> tuple[str, str]:
        """Where to send the browser, and the cookie to give it.

        Raises:
            VerificationError: `auth.invalid`: the provider cannot be used now.
        """
        state, nonce, verifier, browser = (encode_file_text(self._random(32)) for _ in range(4))
        address = await self.provider.login_url(
            state=state, nonce=nonce, challenge=challenge_of(verifier), now=now
        )
        with self._lock:
            _make_room(self._logins)
            self._logins[_hash(state)] = _Login(asked, nonce, verifier, _hash(browser), now + LOGIN_LIFETIME)
        return address, browser

    async def complete(
        self, form: Mapping[str, str], *, browser: str, now: int, in_thread: Callable[..., Any]
    ) -> str:
        """Where the browser goes next: back to the wallet, with a code or with a refusal that tells nothing.

        Args:
            form: what the provider sent along; `browser`: the cookie.
            in_thread: awaits a function that touches disk (`asyncio.to_thread`).
        Raises:
            VerificationError: `auth.invalid`: no such login, or another browser's.
        """
        with self._lock:
            login = self._logins.pop(_hash(form.get("state", "")), None)
        if login is None or now >= login.expires or not hmac.compare_digest(_hash(browser), login.browser):
            raise VerificationError(Reason.AUTH_INVALID, "no such login under way")
        try:
            number = await self.provider.identity_number(
                form.get("code", ""), verifier=login.verifier, nonce=login.nonce, now=now
            )
        except VerificationError:
            number = ""
        person_no = await in_thread(self._people.find, number)
        if person_no is None:
            return self.refusal(login.asked, "access_denied", _NOBODY)
        identity = Identity(person_no, Way.LOGIN, now, self.provider.settings.issuer)
        code = encode_file_text(self._random(32))
        with self._lock:
            _make_room(self._codes)
            self._codes[_hash(code)] = _Code(login.asked, identity, now + CODE_LIFETIME)
        return self._back(login.asked, {"code": code})

    def refusal(self, asked: Asked, error: str, description: str = "") -> str:
        """The wallet's address with an error of RFC 6749, section 4.1.2.1."""
        told = {"error": error} | ({"error_description": description} if description else {})
        return self._back(asked, told)

    def prove(self, form: Mapping[str, str], *, now: int) -> Proven:
        """As `WayIn`: the members are `code`, `client_id`, `redirect_uri` and `code_verifier`."""
        code, verifier = form.get("code", ""), form.get("code_verifier", "")
        if not (code and verifier):
            raise FormatError(Reason.API_VALIDATION, "a code and its verifier are due")
        with self._lock:
            found = self._codes.pop(_hash(code), None)  # whoever has it wrong has used it up
        if found is None or now >= found.expires:
            raise VerificationError(Reason.AUTH_INVALID, "the code")
        asked = found.asked
        mine = (form.get("client_id"), form.get("redirect_uri")) == (asked.client_id, asked.redirect_uri)
        if not mine or not hmac.compare_digest(challenge_of(verifier), asked.challenge):
            raise VerificationError(Reason.AUTH_INVALID, "the code is another client's")
        return Proven(found.identity, Terms(lost_key=True) if asked.lost_key else OWN, code)

    def bind(self, proven: Proven, holder: bytes) -> None:
        """As `WayIn`: a code gives one token, and a token one key; nothing is left to be tied."""

    def _back(self, asked: Asked, told: Mapping[str, str]) -> str:
        query = urlencode({**told, "state": asked.state, "iss": self._url})
        joint = "&" if urlsplit(asked.redirect_uri).query else "?"
        return f"{asked.redirect_uri}{joint}{query}"


def challenge_of(verifier: str) -> str:
    """RFC 7636 section 4.2, S256."""
    digest = sha256(verifier.encode("ascii", "replace")).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def _hash(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "replace")).digest()


def _make_room(kept: dict[bytes, Any]) -> None:
    while len(kept) >= _MOST:
        kept.pop(next(iter(kept)))
