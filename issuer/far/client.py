"""The requests that an issuer makes of a log (`ledger.append_protocol`), each failure one of our errors."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from typing import Final

import httpx

from ledger.append_protocol import APPEND_TYPE, encode_append, parse_indices
from ledger.errors import ConflictError, FormatError, ProjectError, UndeterminedError, VerificationError
from ledger.reasons import Reason

__all__ = ["AppendClient"]

_SECONDS: Final = 30.0  # a checkpoint waits fifteen for witnesses
_PATIENCE: Final = 20.0  # for a log that says "later"
_LONGEST_PAUSE: Final = 5
_MAX_ANSWER: Final = 65_536
_CODES: Final = {reason.value: reason for reason in Reason}
_SECONDS_TOLD: Final = re.compile(r"[0-9]{1,3}", re.ASCII)
_KEPT: Final = "What was to be logged is kept; run the same again when the log answers."


class AppendClient:
    """One log, as the holder of one credential."""

    def __init__(
        self,
        url: str,
        *,
        credential: str,
        sleep: Callable[[float], None] = time.sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Nothing is asked yet. `url` is the log's prefix, http:// or https://."""
        self._url = url.rstrip("/")
        self._sleep = sleep
        self._http = httpx.Client(
            timeout=_SECONDS,
            follow_redirects=False,
            headers={"Authorization": f"Bearer {credential}"},
            transport=transport,
        )

    def append(self, entries: Sequence[bytes]) -> list[int]:
        """Log 1 to 256 entries; their indices, once they are durable.

        Raises:
            UndeterminedError: `log.unreachable`: no answer, so it may be logged or not; ask again.
            ConflictError: `api.rate_limited`, `store.…`: the log is busy or stopped.
            VerificationError: `auth.missing`, `auth.invalid`, `authz.denied`.
            FormatError: `api.…` or another reason of the log; or an answer that is none.
        """
        answer = self._post("append", encode_append(entries), APPEND_TYPE)
        return parse_indices(answer, count=len(entries))

    def checkpoint(self) -> bytes:
        """Ask for a cosigned note over all that was acknowledged; not verified here.

        Raises:
            ConflictError: `ckpt.quorum_unmet` while the log awaits its witnesses; and as `append`.
        """
        return self._post("checkpoint", b"", APPEND_TYPE)

    def origin(self) -> str:
        """The name that the log gives itself. Raises UndeterminedError `log.unreachable`."""
        try:
            with self._http.stream("GET", f"{self._url}/status") as response:
                told = json.loads(_read(response))
            if response.status_code != 200 or not isinstance(told, dict):
                raise _unreachable(f"status {response.status_code}")
            return str(told.get("origin"))
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, ValueError) as exc:
            raise _unreachable(type(exc).__name__) from exc

    def close(self) -> None:
        self._http.close()

    def _post(self, path: str, body: bytes, kind: str) -> bytes:
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                with self._http.stream(
                    "POST", f"{self._url}/{path}", content=body, headers={"Content-Type": kind}
                ) as response:
                    answer = _read(response)
            except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as exc:
                raise _unreachable(type(exc).__name__) from exc
            if response.status_code == 200:
                return answer
            refusal = _refusal(response.status_code, answer)
            pause = _pause(response)
            # Missing witnesses took their time already; waiting for them is the caller's to decide.
            again = pause is not None and refusal.reason is not Reason.CKPT_QUORUM_UNMET
            if pause is None or not again or time.monotonic() + pause > until:
                raise refusal
            self._sleep(pause)


def _read(response: httpx.Response) -> bytes:
    deadline = time.monotonic() + _SECONDS  # the client's own limit is for each read, not for all of them
    parts, size = [], 0
    for part in response.iter_raw():
        parts.append(part)
        size += len(part)
        if size > _MAX_ANSWER or time.monotonic() > deadline:
            raise _unreachable("an answer that does not end")
    return b"".join(parts)


def _pause(response: httpx.Response) -> int | None:
    """How many seconds a busy log asks for; None if it is not merely busy."""
    if response.status_code not in (429, 503):
        return None
    told = response.headers.get("retry-after", "")
    return min(int(told), _LONGEST_PAUSE) if _SECONDS_TOLD.fullmatch(told) else 1


def _refusal(status: int, answer: bytes) -> ProjectError:
    """A refusal again as the error it was; what names no reason of ours is no answer of a log."""
    reason = _CODES.get(answer.decode("ascii", "replace").removesuffix("\n"))
    if reason is None:
        return _unreachable(f"status {status}")
    detail = f"the log answered {status}"
    if status in (429, 503):
        return ConflictError(reason, detail, hint=_KEPT)
    if status in (401, 403):
        hint = "Ask the log's operator for a credential of this authority."
        return VerificationError(reason, detail, hint=hint)
    return FormatError(reason, detail)


def _unreachable(detail: str) -> UndeterminedError:
    return UndeterminedError(Reason.LOG_UNREACHABLE, f"the log: {detail}", hint=_KEPT)
