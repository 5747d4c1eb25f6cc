"""A small OpenID Connect provider on a real server: discovery, keys, login without a form, token endpoint.

It checks what a provider checks (client secret, address, PKCE, one use of a code). `changes` and `key` let a test
make it lie about one thing.
"""

from __future__ import annotations

import json
import os
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import RedirectResponse
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

__all__ = ["CLIENT", "SECRET", "LoginProvider"]

CLIENT, SECRET = "bureau", "the bureau's secret"


class LoginProvider:
    """`person` is whose identity number the next login proves; None refuses the login."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self.clock = clock
        self.issuer = ""
        self.be_honest(None)
        self._codes: dict[str, dict[str, str]] = {}
        self.app = FastAPI()
        self.app.get("/.well-known/openid-configuration")(self.discovery)
        self.app.get("/keys")(self.keys)
        self.app.get("/login")(self.login)
        self.app.post("/token")(self.token)

    def be_honest(self, person: str | None) -> None:
        """Forget what a test changed; `person` logs in next."""
        self.person = person
        self.algorithm = "ES256"
        self.key: Any = ec.generate_private_key(ec.SECP256R1())
        self.published: Any = None
        self.changes: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}

    def use_rsa(self, bits: int = 2048) -> None:
        self.key, self.algorithm = rsa.generate_private_key(65537, bits), "RS256"

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/login",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            **self.metadata,
        }

    def keys(self) -> dict[str, Any]:
        public = (self.published or self.key).public_key()
        made = RSAAlgorithm.to_jwk(public) if self.algorithm == "RS256" else ECAlgorithm.to_jwk(public)
        return {"keys": [{**json.loads(made), "kid": "k1", "use": "sig", "alg": self.algorithm}]}

    def login(self, request: Request) -> RedirectResponse:
        asked = dict(request.query_params)
        if asked["client_id"] != CLIENT or asked["code_challenge_method"] != "S256":
            raise HTTPException(400)
        back = {"state": asked["state"], "iss": self.issuer}
        if self.person is None:
            back["error"] = "access_denied"
        else:
            back["code"] = os.urandom(16).hex()
            self._codes[back["code"]] = {**asked, "person": self.person}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(back)}", 302)

    async def token(self, request: Request) -> dict[str, Any]:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        asked = self._codes.pop(form["code"], None)
        basic = "Basic " + _standard_b64(f"{CLIENT}:{SECRET}")
        if (
            asked is None
            or request.headers.get("authorization") != basic
            or form["redirect_uri"] != asked["redirect_uri"]
            or _challenge(form["code_verifier"]) != asked["code_challenge"]
        ):
            raise HTTPException(400)
        now = self.clock()
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "4711",
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "id_no": asked["person"],
            **self.changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"kid": "k1", **self.header}
        algorithm = header.pop("alg", self.algorithm)
        made = jwt.encode(claims, "" if algorithm == "none" else self.key, algorithm, headers=header)
        return {"access_token": "unused", "token_type": "Bearer", "id_token": made}


def _challenge(verifier: str) -> str:
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _standard_b64(text: str) -> str:
    return b64encode(text.encode()).decode()
