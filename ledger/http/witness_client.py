"""A witness far away, as the log's side asks it (C2SP tlog-witness)."""

from __future__ import annotations

import re
import time

import httpx

from ledger.errors import ConfigError, ConflictError, FormatError, ProjectError, VerificationError
from ledger.note import VerifierKey
from ledger.reasons import Reason
from ledger.trust_policy import TrustPolicy
from ledger.witness_protocol import SIZE_TYPE, WitnessConflictError

__all__ = ["WITNESS_SECONDS", "HttpWitness", "far_witnesses"]

WITNESS_SECONDS = 5.0
"""How long one request to a witness may take, from the first byte to the last."""

_MAX_ANSWER = 65_536
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n")


def far_witnesses(policy: TrustPolicy) -> list[HttpWitness]:
    """The witnesses of a policy that have an address. Two keys at one address are one witness, asked once."""
    keys: dict[str, list[VerifierKey]] = {}
    for witness in policy.witnesses:
        if witness.url is not None:
            keys.setdefault(witness.url.rstrip("/"), []).append(witness.key)
    return [HttpWitness(url, key=min(found, key=lambda key: key.algorithm)) for url, found in keys.items()]


class HttpWitness:
    """Several threads may ask it at once."""

    is_far = True

    def __init__(self, url: str, *, key: VerifierKey, seconds: float = WITNESS_SECONDS) -> None:
        """Nothing is asked yet.

        Args:
            url: its submission prefix.
            key: one that it cosigns with.
            seconds: time limit of a request.
        Raises:
            ConfigError: `cli.usage` for what is no address.
        """
        if not re.match(r"https?://[^/]", url):
            raise ConfigError(
                Reason.CLI_USAGE,
                "the address of a witness",
                hint="Use http:// or https:// in the policy file.",
            )
        self.key = key
        self._url = url.rstrip("/")
        self._seconds = seconds

    def add_checkpoint(self, body: bytes, *, now: int) -> bytes:
        """As `ledger.witness_protocol.Witness`; the witness has its own clock.

        Raises:
            ConflictError: `wit.unreachable` for no answer in time, or one that the protocol does not know.
            FormatError, VerificationError, WitnessConflictError: what it refused, `wit.…`.
        """
        try:
            status, kind, answer = self._post(body)
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as exc:
            raise self._unreachable(type(exc).__name__) from exc
        if status == 200:
            return answer
        raise self._refusal(status, kind, answer)

    def _post(self, body: bytes) -> tuple[int, str, bytes]:
        deadline = time.monotonic() + self._seconds
        parts, size = [], 0
        # A connection a request: checkpoints are seconds apart, and nobody has to remember to close anything.
        with (
            httpx.Client(timeout=self._seconds, follow_redirects=False) as client,
            client.stream("POST", f"{self._url}/add-checkpoint", content=body) as response,
        ):
            for part in response.iter_raw():  # the client's own limit is for each read, not for all of them
                parts.append(part)
                size += len(part)
                if size > _MAX_ANSWER or time.monotonic() > deadline:
                    raise self._unreachable("an answer that does not end")
            return response.status_code, response.headers.get("content-type", ""), b"".join(parts)

    def _refusal(self, status: int, kind: str, answer: bytes) -> ProjectError:
        name = f"witness {self.key.key_id.hex()}"
        match status:
            case 400:
                return FormatError(Reason.WIT_BAD_REQUEST, name)
            case 403:
                return VerificationError(Reason.WIT_UNAUTHORISED, name)
            case 404:
                return VerificationError(
                    Reason.WIT_UNKNOWN_LOG, name, hint="Give the witness this log's key."
                )
            case 409 if kind.split(";")[0].strip() == SIZE_TYPE and (size := _SIZE.fullmatch(answer)):
                return WitnessConflictError(int(size[1]))
            case 422:
                return VerificationError(Reason.WIT_PROOF_INVALID, name)
        return self._unreachable(f"status {status}")

    def _unreachable(self, detail: str) -> ConflictError:
        return ConflictError(Reason.WIT_UNREACHABLE, f"witness {self.key.key_id.hex()}: {detail}")
