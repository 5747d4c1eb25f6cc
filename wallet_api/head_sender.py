"""Sends the head of the access log to the bureau on a schedule, in a thread of the service."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Final

import httpx

from certificate.qr_text import decode_file_text
from ledger.errors import ConflictError, FormatError, ProjectError, UndeterminedError
from ledger.reasons import Reason
from wallet_api.log_head import due_head, keep_proof
from wallet_api.service import Service

__all__ = ["HeadSender"]

_LOG = logging.getLogger("tallystick.wallet")
_FIRST_RETRY: Final = 5.0  # seconds; doubled at each failure
_LAST_RETRY: Final = 300.0
_MAX_ANSWER: Final = 65_536
_SECONDS: Final = 30


@dataclass
class HeadSender:
    """Every `every` seconds, if rows were added: sign a head, have the bureau log it, keep its proof.

    What fails is tried again, sooner; a head that was sent and whose answer was lost has the same place in the ledger
    when it is sent again. Several processes on one store send one head between them.

    Attributes:
        bureau: the bureau's address.
        token: made by `tally issuer wallet-token`.
    """

    service: Service
    bureau: str
    token: str = field(repr=False)
    every: int = 3600
    transport: httpx.BaseTransport | None = None
    _stop: Event = field(default_factory=Event, init=False)
    _thread: Thread | None = field(default=None, init=False)

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread = Thread(target=self._run, name="access-log heads", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after what is under way."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def send_due(self) -> bool:
        """Send the head that is due; whether there was one.

        Raises:
            UndeterminedError: `net.unreachable`.
            ConflictError: `store.locked`, or the bureau is busy.
            ProjectError: as `keep_proof`, or what the bureau refuses.
        """
        head = due_head(self.service, every=self.every)
        if head is None:
            return False
        keep_proof(self.service, head, self._post(head.note))
        return True

    def _post(self, note: bytes) -> bytes:
        headers = {"Authorization": f"Bearer {self.token}"}
        body = {"note": note.decode("utf-8")}
        try:
            with httpx.Client(
                base_url=self.bureau, timeout=_SECONDS, follow_redirects=False, transport=self.transport
            ) as http:
                response = http.post("/access-log-heads", json=body, headers=headers)
        except httpx.HTTPError as exc:
            raise UndeterminedError(Reason.NET_UNREACHABLE, type(exc).__name__) from exc
        if not response.is_success:
            raise ConflictError(Reason.API_VALIDATION, f"the bureau answered {response.status_code}")
        try:
            if len(response.content) > _MAX_ANSWER:
                raise ValueError("too long")
            return decode_file_text(json.loads(response.content)["proof"])
        except (ValueError, KeyError, TypeError) as exc:
            raise FormatError(Reason.API_VALIDATION, "the bureau's answer") from exc

    def _run(self) -> None:
        wait, retry = 0.0, _FIRST_RETRY
        while not self._stop.wait(wait):
            try:
                self.send_due()
                wait, retry = min(float(self.every), _LAST_RETRY), _FIRST_RETRY
            except ProjectError as exc:
                _LOG.warning("%s", json.dumps({"task": "access-log head", "reason": exc.reason.value}))
                wait, retry = retry, min(2 * retry, _LAST_RETRY)
