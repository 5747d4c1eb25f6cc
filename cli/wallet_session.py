"""A citizen logged in at a wallet service: the client's side of the session, and the one place that signs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import httpx

from certificate.keys import CoseSigner
from certificate.login import login_to_be_signed, parse_login
from certificate.qr_text import decode_file_text, encode_file_text
from certificate.to_be_signed import parse_to_be_signed
from cli.web import Answer, Web, open_web
from ledger.errors import VerificationError
from ledger.reasons import Reason
from verifier.trust import TrustBundle

__all__ = ["CLOCK_SKEW", "WalletSession"]

CLOCK_SKEW: Final = 300  # seconds that the clocks of service and client may differ


class WalletSession:
    """One citizen at one wallet service."""

    def __init__(
        self,
        base_url: str,
        signer: CoseSigner,
        *,
        trust: TrustBundle,
        clock: Callable[[], int],
        audience: str | None = None,
        http: httpx.Client | None = None,
    ) -> None:
        """Connect to nothing yet.

        Args:
            clock: POSIX seconds.
            audience: the service's own name in logins; default: `base_url` without its scheme.
            http: reaches the service; default: a client of its own, which `close` closes.
        """
        self._web = open_web(base_url) if http is None else Web(http)
        self._owned = http is None
        self._audience = audience or base_url.rstrip("/").partition("://")[2]
        self._signer = signer
        self._trust = trust
        self._clock = clock

    def close(self) -> None:
        if self._owned:
            self._web.http.close()

    def login(self) -> None:
        """Prove the holder key; the session lasts a quarter of an hour.

        Raises:
            VerificationError: `pres.transcript_mismatch`: the service asks to sign something else than a login to it.
        """
        key = encode_file_text(self._signer.public_key)
        asked = self._web.call("POST", "/login/challenges", body={"holder_key": key})
        to_sign = decode_file_text(asked.text("to_be_signed"))
        body = parse_login(to_sign)
        fresh = abs(body.issued - self._clock()) <= CLOCK_SKEW and body.lifetime <= CLOCK_SKEW
        expected = login_to_be_signed(body, holder_key=self._signer.public_key)
        if body.audience != self._audience or not fresh or to_sign != expected:
            raise VerificationError(Reason.PRES_TRANSCRIPT_MISMATCH, "not a login at this service, now")
        answer = {"challenge_id": asked.text("challenge_id"), "signature": self._sign(to_sign)}
        self._web.token = self._web.call("POST", "/login/tokens", body=answer).text("token")

    def _sign(self, to_sign: bytes) -> str:
        """The signature over bytes whose kind a holder key may sign; every signature of this client is made here."""
        parse_to_be_signed(to_sign)
        return encode_file_text(self._signer.sign(to_sign))

    def _signed(self, begun: Answer) -> dict[str, str]:
        to_sign = begun.text("to_be_signed")
        return {"to_be_signed": to_sign, "signature": self._sign(decode_file_text(to_sign))}
