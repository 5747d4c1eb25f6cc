"""The project's one error hierarchy: each error names a stable reason and what the person at the keyboard does next."""

from __future__ import annotations

from typing import Any

from ledger.reasons import Reason

__all__ = [
    "ConfigError",
    "ConflictError",
    "ConsentError",
    "FormatError",
    "IntegrityError",
    "ProjectError",
    "UndeterminedError",
    "VerificationError",
]


class ProjectError(Exception):
    """Root of all errors this project raises on purpose.

    Args:
        reason: the stable code.
        detail: sizes, indexes, key ids, hashes; never a name, a number of a person, a token or a request body.
        hint: what to do next, one sentence.
    """

    def __init__(self, reason: Reason, detail: str = "", *, hint: str = "") -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions are rebuilt from their message otherwise, which is not what our constructors take.
        return _remade, (type(self), self.args, self.__dict__)


def _remade(kind: type[ProjectError], args: tuple[object, ...], state: dict[str, object]) -> ProjectError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class FormatError(ProjectError):
    """The bytes do not parse as what they claim to be."""


class VerificationError(ProjectError):
    """It parses, but it is not true."""


class UndeterminedError(ProjectError):
    """It cannot be told with what is at hand: a key, a status list or a checkpoint is missing or stale."""


class ConsentError(ProjectError):
    """The holder did not agree to this."""


class ConflictError(ProjectError):
    """The state moved meanwhile, or another writer holds it: read again, then retry."""


class IntegrityError(ProjectError):
    """Stored state contradicts itself, or a write failed: stop, do not sign."""


class ConfigError(ProjectError):
    """The set-up, a file or an argument at the edge is unusable as it stands."""
