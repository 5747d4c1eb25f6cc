"""Logging in with a holder key, and tokens: 256 random bits, of which only the hash is stored.

A key that nobody has used here gets the same answers as any other: whoever proves a key has a safe for it.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256

from certificate.keys import check_key
from certificate.login import LOGIN_NONCE_SIZE, LoginBody, login_to_be_signed, verify_login
from ledger.errors import FormatError, VerificationError
from ledger.reasons import Reason
from wallet_api.sealing import KEY_SIZE
from wallet_api.service import ID_SIZE, Bureau, Citizen, Organisation, Principal, Service
from wallet_api.store.rows import ChallengeRow, SafeRow
from wallet_api.store.sql import Store

__all__ = [
    "CHALLENGE_LIFETIME",
    "SESSION_LIFETIME",
    "Challenge",
    "Session",
    "authenticate",
    "begin_login",
    "complete_login",
    "end_bureau_tokens",
    "end_org_tokens",
    "log_out",
    "make_bureau_token",
    "make_org_token",
]

CHALLENGE_LIFETIME = 120  # seconds
SESSION_LIFETIME = 15 * 60
_CITIZEN, _ORG, _BUREAU = "tsc_", "tso_", "tsb_"
_TOKEN_SIZE = 32


@dataclass(frozen=True, slots=True)
class Challenge:
    """What to sign, until when (POSIX seconds)."""

    id: bytes
    to_be_signed: bytes
    expires: int


@dataclass(frozen=True, slots=True)
class Session:
    """A bearer token and its end (POSIX seconds)."""

    token: str
    expires: int


def begin_login(service: Service, holder_key: bytes, *, address: str) -> Challenge:
    """A challenge for `holder_key` (raw, 32 or 33 bytes).

    Raises:
        FormatError: `key.malformed`, `key.weak`.
        RateLimitedError: `api.rate_limited`.
    """
    now = service.clock()
    service.limits.login_address.take(address, now=now)
    check_key(holder_key)
    service.limits.login_key.take(holder_key.hex(), now=now)
    body = LoginBody(service.audience, service.random(LOGIN_NONCE_SIZE), now, CHALLENGE_LIFETIME)
    row = ChallengeRow(service.random(ID_SIZE), holder_key, body.nonce, now, body.expires)
    with service.store.write() as tx:
        tx.purge(now=now)
        tx.add_challenge(row)
    return Challenge(row.id, login_to_be_signed(body, holder_key=holder_key), body.expires)


def complete_login(service: Service, challenge_id: bytes, signature: bytes, *, address: str) -> Session:
    """A session for whoever signed the challenge; the challenge is used up either way.

    Raises:
        VerificationError: `auth.invalid`, whatever was wrong.
        RateLimitedError: `api.rate_limited`.
    """
    now = service.clock()
    service.limits.login_address.take(address, now=now)
    with service.store.write() as tx:
        row = tx.take_challenge(challenge_id)
    if row is None:
        raise VerificationError(Reason.AUTH_INVALID, "the login")
    body = LoginBody(service.audience, row.nonce, row.issued, row.expires - row.issued)
    verify_login(body, signature, holder_key=row.holder_key, now=now)
    token = _CITIZEN + _encode(service.random(_TOKEN_SIZE))
    expires = now + SESSION_LIFETIME
    with service.store.write() as tx:
        key = tx.key(row.holder_key)
        if key is not None and key.ended is not None:  # lost, stolen or removed: it opens nothing any more
            raise VerificationError(Reason.AUTH_INVALID, "the login")
        safe = tx.safe_of_key(row.holder_key)
        if safe is None:
            safe = _new_safe(service, row.holder_key, now)
            tx.add_safe(safe)
        tx.add_session(_hash(token), safe.id, holder_key=row.holder_key, expires=expires)
    return Session(token, expires)


def authenticate(service: Service, token: str | None, *, address: str) -> Principal:
    """Who calls with this bearer token.

    Raises:
        VerificationError: `auth.missing`, `auth.invalid`.
        RateLimitedError: `api.rate_limited` after many bad tokens from one address.
    """
    if token is None:
        raise VerificationError(Reason.AUTH_MISSING, hint="send Authorization: Bearer …")
    now = service.clock()
    if _is_token(token):
        with service.store.read() as tx:
            if token.startswith(_CITIZEN):
                safe = tx.safe_of_session(_hash(token), now=now)
                if safe is not None:
                    return Citizen(safe.id, safe.holder_key, service.data_key(safe))
            org = tx.org_of_token(_hash(token))
            if org is not None:
                return Organisation(org)
            if tx.has_bureau_token(_hash(token)):
                return Bureau()
    service.limits.bad_token.take(address, now=now)
    raise VerificationError(Reason.AUTH_INVALID, hint="log in again")


def log_out(service: Service, token: str) -> None:
    """End this session."""
    with service.store.write() as tx:
        tx.end_session(_hash(token))


def make_org_token(store: Store, org: int, *, secret: bytes, now: int) -> str:
    """A token for organisation `org` from 32 random bytes; shown once, stored as a hash."""
    if len(secret) != _TOKEN_SIZE or not 1 <= org <= 2**31:
        raise FormatError(Reason.KEY_MALFORMED, "32 random bytes and a number of an organisation are due")
    token = _ORG + _encode(secret)
    with store.write() as tx:
        tx.add_org_token(org, _hash(token), created=now)
    return token


def end_org_tokens(store: Store, org: int) -> None:
    """End every token of organisation `org`."""
    with store.write() as tx:
        tx.end_org_tokens(org)


def make_bureau_token(store: Store, *, secret: bytes, now: int) -> str:
    """A token for the bureau from 32 random bytes; shown once, stored as a hash."""
    if len(secret) != _TOKEN_SIZE:
        raise FormatError(Reason.KEY_MALFORMED, "32 random bytes are due")
    token = _BUREAU + _encode(secret)
    with store.write() as tx:
        tx.add_bureau_token(_hash(token), created=now)
    return token


def end_bureau_tokens(store: Store) -> None:
    """End every token of the bureau."""
    with store.write() as tx:
        tx.end_bureau_tokens()


def _new_safe(service: Service, holder_key: bytes, now: int) -> SafeRow:
    id_ = service.random(ID_SIZE)
    wrapped = service.keyring.wrap(service.random(KEY_SIZE), safe=id_, random=service.random)
    return SafeRow(id_, holder_key, wrapped, 0, bytes(32), now)


def _hash(token: str) -> bytes:
    # The look-up goes by the hash of 256 random bits: its timing says nothing about any stored token.
    return sha256(token.encode("ascii")).digest()


def _is_token(token: str) -> bool:
    prefix, rest = token[: len(_CITIZEN)], token[len(_CITIZEN) :]
    if prefix not in (_CITIZEN, _ORG, _BUREAU) or not rest.isascii():
        return False
    try:
        raw = urlsafe_b64decode(rest + "=")
    except ValueError:
        return False
    return len(raw) == _TOKEN_SIZE and _encode(raw) == rest


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
