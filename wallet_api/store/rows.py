"""The rows of the wallet's tables. Ids are random bytes, times POSIX seconds; `sealed` opens with a safe's key."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "AnswerRow",
    "CertificateRow",
    "CertificateState",
    "ChallengeRow",
    "DelegationRow",
    "DeviceOfferRow",
    "DraftRow",
    "HeadRow",
    "JournalRow",
    "KeyRow",
    "LogRow",
    "RequestRow",
    "RequestState",
    "SafeRow",
    "SuccessionRow",
]


class RequestState(StrEnum):
    """Where a request stands. Only `waiting` can change into anything but `withdrawn`."""

    WAITING = "waiting"
    ANSWERED = "answered"
    REFUSED = "refused"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class CertificateState(StrEnum):
    """What its owner can do with a stored certificate: only a `current` one answers a request."""

    CURRENT = "current"
    REPLACED = "replaced"  # a newer one of its kind and key lies beside it
    SUSPENDED = "suspended"  # its key ended


@dataclass(frozen=True, slots=True)
class SafeRow:
    """A citizen's safe: a holder key, the wrapped data key, and the end of its chain of access rows.

    `holder_key` is the key that it was asked for by, or else the one it was made with; `safe_keys` has them all.
    """

    id: bytes
    holder_key: bytes
    wrapped_key: bytes
    log_counter: int
    log_last: bytes
    created: int


@dataclass(frozen=True, slots=True)
class CertificateRow:
    """A stored certificate file. `digest` is SHA-256 of the file, for its ETag."""

    safe: bytes
    number: str
    digest: bytes
    sealed: bytes
    added: int
    state: CertificateState = CertificateState.CURRENT


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A holder key of a safe; `ended` is None while it opens the safe."""

    holder_key: bytes
    safe: bytes
    added: int
    ended: int | None = None


@dataclass(frozen=True, slots=True)
class DeviceOfferRow:
    """What a second key has to accept: the first key's signature over both, and how long it waits."""

    second_key: bytes
    safe: bytes
    first_key: bytes
    issued: int
    expires: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class SuccessionRow:
    """A succession that was carried out, by the digest of the office's statement."""

    digest: bytes
    safe: bytes
    old_key: bytes
    new_key: bytes
    time: int


@dataclass(frozen=True, slots=True)
class JournalRow:
    """An entry of a holder key's own journal that was taken in."""

    holder_key: bytes
    counter: int
    safe: bytes
    digest: bytes
    time: int


@dataclass(frozen=True, slots=True)
class HeadRow:
    """A signed head of the access log; `proof` is None until the bureau logged it."""

    size: int
    made: int
    note: bytes
    proof: bytes | None = None


@dataclass(frozen=True, slots=True)
class DelegationRow:
    """A delegation of the safe's citizen; `ended` is None while it was not ended before its time."""

    digest: bytes
    safe: bytes
    proxy_key: bytes
    statement: bytes
    added: int
    ended: int | None = None
    end_statement: bytes | None = None


@dataclass(frozen=True, slots=True)
class ChallengeRow:
    """A login challenge, good once."""

    id: bytes
    holder_key: bytes
    nonce: bytes
    issued: int
    expires: int


@dataclass(frozen=True, slots=True)
class RequestRow:
    """An organisation's request; `safe` is the safe that answered or refused it."""

    id: bytes
    org: int
    digest: bytes
    request: bytes
    state: RequestState
    safe: bytes | None
    expires: int
    created: int

    def state_at(self, now: int) -> RequestState:
        """The state, with waiting turned into expired where its time is over."""
        over = self.state is RequestState.WAITING and now >= self.expires
        return RequestState.EXPIRED if over else self.state


@dataclass(frozen=True, slots=True)
class DraftRow:
    """What a citizen was given to sign and has not signed yet: `sealed` holds the exact bytes."""

    request: bytes
    safe: bytes
    sealed: bytes
    expires: int


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """A consent: the sealed presentation (None once withdrawn or erased) and what became of it.

    `principal` is the safe of the person for whom a proxy answered.
    """

    request: bytes
    safe: bytes
    sealed: bytes | None
    answered: int
    issued: int
    expires: int
    fetched: int | None = None
    acknowledged: int | None = None
    withdrawn: int | None = None
    deletion_confirmed: int | None = None
    principal: bytes | None = None


@dataclass(frozen=True, slots=True)
class LogRow:
    """One row of the access log. `entry` is the salted commitment (32 bytes); `sealed` holds salt and row."""

    position: int
    safe: bytes | None
    counter: int
    entry: bytes
    sealed: bytes | None
