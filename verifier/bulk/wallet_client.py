"""An organisation's side of the wallet service, over HTTP: leave, look, remind, fetch, acknowledge.

Needs the extra `client`. No redirect is followed and no proxy or certificate is taken from the environment; the
bearer token goes to the one URL it was made for.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx

from certificate.presentation import encode_answer
from ledger.errors import (
    ConfigError,
    ConflictError,
    ConsentError,
    FormatError,
    ProjectError,
    UndeterminedError,
    VerificationError,
)
from ledger.reasons import Reason

__all__ = ["OrganisationClient", "wallet_url"]

_ID = re.compile(r"[0-9a-f]{32}")
_LINK = re.compile(r"https?://[!-~]{1,500}")
_TIMEOUT = httpx.Timeout(20.0, connect=10.0)
_TRIES = 5
_MAX_WAIT = 30.0
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def wallet_url(url: str) -> str:
    """The wallet's URL without a slash at its end. Raises ConfigError `cli.usage`: no https, a user, a query."""
    parts = urlsplit(url)
    plain = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if (
        not (plain or parts.scheme == "https")
        or not parts.hostname
        or parts.username
        or parts.query
        or parts.fragment
    ):
        hint = "give the wallet as https://…; plain http is for 127.0.0.1"
        raise ConfigError(Reason.CLI_USAGE, "the wallet's URL", hint=hint)
    return url.rstrip("/")


class OrganisationClient:
    """One wallet, one token. Every method raises ProjectError with the reason that the wallet gave."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        pause: Callable[[float], None],
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`pause` waits that many seconds; `transport` reaches the service otherwise than over the network."""
        self._pause = pause
        self._http = httpx.Client(
            base_url=wallet_url(url),
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            timeout=_TIMEOUT,
            follow_redirects=False,
            trust_env=False,
            transport=transport,
        )

    def leave(self, request: bytes, *, key: str) -> tuple[str, str]:
        """Leave a request under an idempotency key; its id and the link for the citizen."""
        body = {"request": _b64(request)}
        answer = self._call("POST", "/requests", body, {"Idempotency-Key": key})
        id_, link = answer.get("id"), answer.get("link")
        if (
            not isinstance(id_, str)
            or not _ID.fullmatch(id_)
            or not isinstance(link, str)
            or not _LINK.fullmatch(link)
        ):
            raise _unreadable()
        return id_, link

    def state(self, id_: str) -> str:
        """waiting, answered, refused, expired or withdrawn."""
        return _text(self._call("GET", f"/requests/{id_}"), "state")

    def remind(self, id_: str) -> None:
        """Remind whoever has the request; the second time is refused with `org.reminded`."""
        self._call("POST", f"/requests/{id_}/reminder")

    def fetch(self, id_: str) -> bytes:
        """The answer, as `parse_answer` reads it; the same again until acknowledged."""
        told = self._call("POST", f"/requests/{id_}/fetch")
        texts = [_text(told, "presentation"), *_texts(told, "also")]
        try:
            return encode_answer([urlsafe_b64decode(text + "=" * (-len(text) % 4)) for text in texts])
        except ValueError as exc:
            raise _unreadable() from exc

    def acknowledge(self, id_: str) -> None:
        """The result is safe here: the service deletes the presentation."""
        self._call("POST", f"/requests/{id_}/acknowledge")

    def confirm_deletion(self, id_: str) -> None:
        """What was shown is deleted here."""
        self._call("POST", f"/requests/{id_}/deletion-confirmed")

    def roll_key_over(self, rollover: bytes, registration: bytes) -> str:
        """Change the request key; the new one, as the service noted it."""
        body = {"rollover": _b64(rollover), "registration": _b64(registration)}
        return _text(self._call("POST", "/organisation/key-rollovers", body), "request_key")

    def close(self) -> None:
        self._http.close()

    def _call(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        for left in range(_TRIES - 1, -1, -1):
            try:
                response = self._http.request(method, path, json=body, headers=headers)
            except httpx.HTTPError as exc:
                if not left:
                    hint = "look whether the wallet is reachable, then run the command again"
                    raise UndeterminedError(Reason.NET_UNREACHABLE, type(exc).__name__, hint=hint) from exc
                self._pause(2.0 ** (_TRIES - 1 - left) / 4)
                continue
            if response.status_code in (429, 503) and left:
                self._pause(min(_MAX_WAIT, _retry_after(response)))
                continue
            return _content(response)
        raise AssertionError("the last try returns or raises")


def _b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _content(response: httpx.Response) -> dict[str, Any]:
    content: object = None
    if response.content:
        try:
            content = response.json()
        except ValueError as exc:
            raise _unreadable() from exc
    if response.is_success:
        return content if isinstance(content, dict) else {}
    raise _refusal(response.status_code, content)


def _refusal(status: int, content: object) -> ProjectError:
    try:
        reason = Reason(str(content["reason"]) if isinstance(content, dict) else "")
    except (KeyError, ValueError):
        return UndeterminedError(Reason.NET_UNREACHABLE, f"the wallet answered {status}")
    kind: type[ProjectError] = {
        401: VerificationError,
        409: ConsentError,
        410: ConsentError,
        422: FormatError,
    }.get(status, ConflictError if status in (429, 503) else ConsentError)
    return kind(reason, f"said by the wallet ({status})")


def _retry_after(response: httpx.Response) -> float:
    value = response.headers.get("retry-after", "1")
    return float(value) if value.isascii() and value.isdigit() else 1.0


def _text(answer: dict[str, Any], member: str) -> str:
    value = answer.get(member)
    if not isinstance(value, str):
        raise _unreadable()
    return value


def _texts(answer: dict[str, Any], member: str) -> list[str]:
    """A list of texts; a service that is older than the member has none."""
    values = answer.get(member, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise _unreadable()
    return values


def _unreadable() -> ProjectError:
    return FormatError(Reason.ENC_JSON_MALFORMED, "the wallet's answer", hint="is this the wallet's URL?")
