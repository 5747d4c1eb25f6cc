"""The provider of real-name logins, as its client: OpenID Connect Core 1.0, authorization code flow with PKCE.

An ID token counts when the provider's published key signed it with RS256 or ES256, for us, for this login, now.
Whatever is wrong with it or with the provider is one refusal; the person is told to go to the counter instead.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from issuer.service_settings import LoginSettings, trusted_tls
from ledger.errors import VerificationError
from ledger.reasons import Reason

__all__ = ["LOGIN_ALGORITHMS", "Provider"]

LOGIN_ALGORITHMS: Final = ("RS256", "ES256")
_SECONDS: Final = 10.0
_SKEW: Final = 60
_LONGEST_AGE: Final = 600
_REFRESH: Final = 3600
_AGAIN: Final = 60  # seconds between two fetches of keys for an unknown key id
_MAX_ANSWER: Final = 256 * 1024
_MIN_RSA_BITS: Final = 2048


class Provider:
    """One provider. Its metadata and keys are fetched when needed and kept for an hour."""

    def __init__(self, settings: LoginSettings, *, redirect_uri: str) -> None:
        """`redirect_uri` is where this service takes its answers."""
        self.settings = settings
        self._redirect_uri = redirect_uri
        self._metadata: Mapping[str, Any] = {}
        self._keys: tuple[jwt.PyJWK, ...] = ()
        self._fetched = 0
        tls = trusted_tls(settings.ca_file)
        self._http = httpx.AsyncClient(verify=tls, timeout=_SECONDS, follow_redirects=False, trust_env=False)

    async def login_url(self, *, state: str, nonce: str, challenge: str, now: int) -> str:
        """Where the person's browser logs in. Raises VerificationError `auth.invalid`: the provider cannot be used."""
        await self._refresh(now, older_than=_REFRESH)
        query = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": "openid",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self._endpoint('authorization_endpoint')}?{urlencode(query)}"

    async def identity_number(self, code: str, *, verifier: str, nonce: str, now: int) -> str:
        """The identity number of the person who logged in.

        Args:
            code: what the provider sent with the browser; `verifier`, `nonce`: of this very login.
        Raises:
            VerificationError: `auth.invalid`, whatever is wrong.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "client_id": self.settings.client_id,
            "code_verifier": verifier,
        }
        secret = self.settings.client_secret
        auth = None if secret is None else httpx.BasicAuth(self.settings.client_id, secret)
        answer = await self._ask("POST", self._endpoint("token_endpoint"), form=form, auth=auth)
        claims = await self._verified(str(answer.get("id_token", "")), now=now)
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise _refused("the nonce of the ID token")
        number = claims.get(self.settings.id_claim)
        if type(number) is not str or not 0 < len(number) <= 32:
            raise _refused("the ID token names nobody")
        return number

    async def close(self) -> None:
        await self._http.aclose()

    async def _verified(self, token: str, *, now: int) -> Mapping[str, Any]:
        """The claims of an ID token. OpenID Connect Core 1.0, section 3.1.3.7."""
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError as exc:
            raise _refused("no ID token") from exc
        algorithm = header.get("alg")
        if algorithm not in LOGIN_ALGORITHMS:
            raise _refused("the algorithm of the ID token")
        key = await self._key(header.get("kid"), algorithm, now)
        # Times are judged against the service's clock, so the library's own clock is not asked.
        options: Any = {
            "require": ["iss", "aud", "exp", "iat", "sub"],
            "verify_exp": False,
            "verify_iat": False,
            "verify_nbf": False,
        }
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self.settings.client_id,
                issuer=self.settings.issuer,
                options=options,
            )
        except jwt.PyJWTError as exc:
            raise _refused("the ID token") from exc
        _require_fresh(claims, now)
        if isinstance(claims["aud"], list) and claims["aud"] != [self.settings.client_id]:
            raise _refused("an ID token for others too")
        return claims

    async def _key(self, kid: object, algorithm: str, now: int) -> jwt.PyJWK:
        for older_than in (_REFRESH, _AGAIN):
            await self._refresh(now, older_than=older_than)
            for key in self._keys:
                if key.key_id == kid and _fits(key, algorithm):
                    return key
        raise _refused("no published key signed the ID token")

    async def _refresh(self, now: int, *, older_than: int) -> None:
        if self._metadata and now - self._fetched < older_than:
            return
        issuer = self.settings.issuer
        metadata = await self._ask("GET", f"{issuer}/.well-known/openid-configuration")
        if metadata.get("issuer") != issuer:
            raise _refused("the provider says it is another")
        self._metadata = metadata
        rows = (await self._ask("GET", self._endpoint("jwks_uri"))).get("keys")
        self._keys = tuple(key for row in rows if (key := _parsed(row))) if isinstance(rows, list) else ()
        self._fetched = now

    def _endpoint(self, name: str) -> str:
        address = str(self._metadata.get(name, ""))
        scheme = urlsplit(address).scheme
        if scheme != "https" and scheme != urlsplit(self.settings.issuer).scheme:
            raise _refused(f"the provider's {name}")
        return address

    async def _ask(
        self,
        method: str,
        url: str,
        *,
        form: Mapping[str, str] | None = None,
        auth: httpx.Auth | None = None,
    ) -> dict[str, Any]:
        body = bytearray()
        try:
            async with self._http.stream(method, url, data=form, auth=auth) as answer:
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > _MAX_ANSWER:
                        raise _refused("an answer too large")
            value = httpx.Response(answer.status_code, content=bytes(body)).json()
        except (httpx.HTTPError, ValueError, RecursionError) as exc:
            raise _refused("the provider cannot be asked") from exc
        if answer.status_code != 200 or not isinstance(value, dict):
            raise _refused("the provider refused")
        return value


def _require_fresh(claims: Mapping[str, Any], now: int) -> None:
    expires, issued = claims["exp"], claims["iat"]
    if not all(type(time) in (int, float) for time in (expires, issued)):
        raise _refused("the times of the ID token")
    if now >= expires + _SKEW or not now - _LONGEST_AGE <= issued <= now + _SKEW:
        raise _refused("the ID token is not of now")


def _parsed(row: object) -> jwt.PyJWK | None:
    """A key of the provider that may sign ID tokens; others are passed over."""
    if not isinstance(row, dict) or row.get("use", "sig") != "sig":
        return None
    algorithm = row.get("alg") or {"RSA": "RS256", "EC": "ES256"}.get(str(row.get("kty")))
    if algorithm not in LOGIN_ALGORITHMS:
        return None
    try:
        return jwt.PyJWK.from_dict(row, algorithm=algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None


def _fits(key: jwt.PyJWK, algorithm: str) -> bool:
    strong = not isinstance(key.key, RSAPublicKey) or key.key.key_size >= _MIN_RSA_BITS
    return key.algorithm_name == algorithm and strong


def _refused(detail: str) -> VerificationError:
    return VerificationError(Reason.AUTH_INVALID, detail, hint="ask at the counter")
