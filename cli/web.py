"""JSON over HTTP as a client of the services: bounded answers, no redirects, every failure one of our errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import httpx

from ledger.errors import (
    ConflictError,
    ConsentError,
    FormatError,
    ProjectError,
    UndeterminedError,
    VerificationError,
)
from ledger.reasons import Reason

__all__ = ["Answer", "Web", "open_web"]

_T = TypeVar("_T")
_MAX_ANSWER: Final = 8 * 2**20
_SECONDS: Final = 60
_CODES: Final = {reason.value: reason for reason in Reason}
_OAUTH: Final = {"invalid_grant": Reason.AUTH_INVALID, "invalid_nonce": Reason.PRES_NONCE_MISMATCH}


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON object that a service gave; members are taken with their type, or not at all."""

    status: int
    members: Mapping[str, Any]

    def text(self, name: str) -> str:
        return self._take(name, str)

    def number(self, name: str) -> int:
        return self._take(name, int)

    def rows(self, name: str) -> list[Any]:
        return self._take(name, list)

    def optional_text(self, name: str) -> str | None:
        return None if self.members.get(name) is None else self.text(name)

    def inner(self, name: str) -> Answer:
        return Answer(self.status, self._take(name, dict))

    def _take(self, name: str, kind: type[_T]) -> _T:
        value = self.members.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise FormatError(Reason.API_VALIDATION, f"the service's answer lacks {name}")
        return value


@dataclass(slots=True)
class Web:
    """One service. `token` is sent with every call once it is set."""

    http: httpx.Client
    token: str | None = field(default=None, repr=False)

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        """One exchange; an answer without a body has no members.

        Raises:
            UndeterminedError: `net.unreachable`, or what a busy service says.
            ProjectError: what the service refuses, with its reason.
            FormatError: `api.validation`, `api.body_too_large` for an answer that is none.
        """
        headers = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        try:
            with self.http.stream(method, path, json=body, data=form, headers=headers) as response:
                content = _read(response)
        except httpx.HTTPError as exc:
            hint = "check the address, then try again"
            raise UndeterminedError(Reason.NET_UNREACHABLE, type(exc).__name__, hint=hint) from exc
        answer = Answer(response.status_code, _members(content))
        if not response.is_success:
            raise _refusal(answer)
        return answer


def open_web(url: str) -> Web:
    """A service at `url`. Whoever makes it closes `http`."""
    return Web(httpx.Client(base_url=url, timeout=_SECONDS, follow_redirects=False))


def _read(response: httpx.Response) -> bytes:
    content = bytearray()
    for chunk in response.iter_bytes():
        content += chunk
        if len(content) > _MAX_ANSWER:
            raise FormatError(Reason.API_BODY_TOO_LARGE, f"an answer of more than {_MAX_ANSWER} bytes")
    return bytes(content)


def _members(content: bytes) -> Mapping[str, Any]:
    if not content:
        return {}
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as exc:
        raise FormatError(Reason.API_VALIDATION, "the answer is not JSON") from exc
    if not isinstance(value, dict):
        raise FormatError(Reason.API_VALIDATION, "the answer is no JSON object")
    return value


def _refusal(answer: Answer) -> ProjectError:
    """A refusal again as the error it was: RFC 9457 with our reason, or RFC 6749 section 5.2."""
    told = str(answer.members.get("reason") or answer.members.get("error_description") or "")
    reason = _OAUTH.get(str(answer.members.get("error")), Reason.API_VALIDATION)
    reason = _CODES.get(told, reason)
    detail = f"the service answered {answer.status}"
    if answer.status == 503:
        return UndeterminedError(reason, detail)
    if reason.value.startswith(("consent.", "authz.", "org.")):
        return ConsentError(reason, detail)
    kind = {409: ConflictError, 412: ConflictError, 429: ConflictError}.get(answer.status, VerificationError)
    return kind(reason, detail)
