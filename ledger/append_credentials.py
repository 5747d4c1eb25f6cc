"""Who may append to a log: a secret for each authority, of which the log keeps the hash alone.

The file has a line for each secret: the authority's number and SHA-256 in hex. A secret says nothing about the keys
that sign; whoever takes it can log entries under that one number, and is told from the rest by taking it back. An
authority may have several, so that one is replaced without a pause.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ledger.durable import map_os_error, replace_durably
from ledger.errors import ConfigError, FormatError, IntegrityError
from ledger.reasons import Reason

__all__ = ["AppendCredential", "AppendCredentials", "parse_secret"]

_SECRET_SIZE = 32
_LINE = re.compile(r"(0|[1-9][0-9]{0,18}) ([0-9a-f]{64})", re.ASCII)
_SECRET = re.compile(r"tsa-[A-Za-z0-9_-]{43}", re.ASCII)
_ID_SIZE = 12


@dataclass(frozen=True, slots=True)
class AppendCredential:
    """One line: the authority's number, and the SHA-256 of the secret in hex."""

    authority: int
    hashed: str

    @property
    def id(self) -> str:
        """What an operator calls it by."""
        return self.hashed[:_ID_SIZE]


class AppendCredentials:
    """The file at a path; one that is missing names nobody."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self) -> tuple[AppendCredential, ...]:
        """Every credential, in the order of the file.

        Raises:
            IntegrityError: `store.corrupt` for a file that is none, `store.…`.
        """
        try:
            lines = self._path.read_text("ascii").splitlines()
        except FileNotFoundError:
            return ()
        except OSError as exc:
            raise map_os_error(exc) from exc
        except UnicodeDecodeError:
            lines = [""]
        found = [_LINE.fullmatch(line) for line in lines]
        if None in found:
            hint = "Restore the file, or remove it and give every authority a new credential."
            raise IntegrityError(Reason.STORE_CORRUPT, self._path.name, hint=hint)
        return tuple(AppendCredential(int(match[1]), match[2]) for match in found if match is not None)

    def add(self, authority: int, random: Callable[[int], bytes]) -> str:
        """Make a secret for `authority`, note its hash and return it: nobody can read it later.

        Raises:
            FormatError: `enc.number_range`.
            IntegrityError: `store.…`.
        """
        if not 0 <= authority < 2**63:
            raise FormatError(Reason.ENC_NUMBER_RANGE, "authority out of range")
        secret = "tsa-" + urlsafe_b64encode(random(_SECRET_SIZE)).decode("ascii").rstrip("=")
        self._write((*self.all(), AppendCredential(authority, _hash(secret))))
        return secret

    def remove(self, authority: int, id_: str | None = None) -> int:
        """Take back one credential of `authority`, or all; returns how many there were.

        Raises:
            ConfigError: `cli.not_found` when there is none.
            IntegrityError: `store.…`.
        """
        known = self.all()
        kept = tuple(one for one in known if one.authority != authority or id_ not in (None, one.id))
        if kept == known:
            hint = "Run: tally ledger authority list"
            raise ConfigError(
                Reason.CLI_NOT_FOUND, f"authority {authority} has no such credential", hint=hint
            )
        self._write(kept)
        return len(known) - len(kept)

    def authority_of(self, secret: str) -> int | None:
        """The number under which the holder of `secret` may append. Every line is compared, found or not."""
        hashed = _hash(secret)
        found = [one.authority for one in self.all() if hmac.compare_digest(one.hashed, hashed)]
        return found[0] if found else None

    def _write(self, credentials: tuple[AppendCredential, ...]) -> None:
        text = "".join(f"{one.authority} {one.hashed}\n" for one in credentials)
        replace_durably(self._path, text.encode("ascii"))


def parse_secret(text: str) -> str:
    """The secret in a credential file. Raises FormatError `api.validation`."""
    secret = text.removesuffix("\n")
    if not _SECRET.fullmatch(secret):
        raise FormatError(
            Reason.API_VALIDATION, "no credential of a log", hint="Ask the log's operator again."
        )
    return secret


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
