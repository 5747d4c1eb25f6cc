"""Who may have certificates printed: a token of 256 random bits, kept as a hash, expiring, ended at any time.

A scope names everything: the pages, the purposes, the regions, and where it is an employer's own desk, the employers.
What is not named is not allowed, except that no employer named means any.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from certificate.display_text import check_display_text
from certificate.qr_text import encode_file_text
from certificate.schema import take_array
from issuer.claiming.own_file import OwnFile
from issuer.printing.pages import PAGES
from ledger.cbor import decode_cbor, encode_cbor
from ledger.errors import ConfigError, VerificationError
from ledger.reasons import Reason

__all__ = ["PrintClient", "PrintClients"]

_DAY = 86400
_SCHEMA = """
CREATE TABLE IF NOT EXISTS print_clients (
    name TEXT PRIMARY KEY, token_hash BLOB NOT NULL UNIQUE, scope BLOB NOT NULL, expires INTEGER NOT NULL,
    ended_at INTEGER
) STRICT, WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class PrintClient:
    """One client and its scope.

    Args:
        name: stands in the operator log.
        audience: for whom its pages are good; printed on each.
        pages: names of `issuer.printing.pages`.
        purposes: what they may be for; one is printed on each.
        regions: prefixes of the regions of the people.
        employers: credit codes (USCC) of the people's employers; empty for any.
    """

    name: str
    audience: str
    pages: tuple[str, ...]
    purposes: tuple[str, ...]
    regions: tuple[str, ...]
    employers: tuple[str, ...] = ()


class PrintClients:
    """The clients of one home."""

    def __init__(self, path: Path) -> None:
        self._file = OwnFile(path, _SCHEMA)

    def add(self, client: PrintClient, *, now: int, days: int, random: Callable[[int], bytes]) -> str:
        """Make a client and its token, good for `days`, and return it: nobody can read it later.

        Raises:
            ConfigError: `cli.duplicate_id`: the name was given before, be it to one that ended.
            ConfigError: `cli.template_unknown_field`: no such page. FormatError: `schema.text_…`.
        """
        for text in (client.name, client.audience, *client.purposes):
            check_display_text(text)
        if unknown := set(client.pages) - set(PAGES):
            raise ConfigError(Reason.CLI_TEMPLATE_UNKNOWN_FIELD, ", ".join(sorted(unknown)))
        token = encode_file_text(random(32))
        with self._file.writing() as connection:
            done = connection.execute(
                "INSERT OR IGNORE INTO print_clients VALUES (?, ?, ?, ?, NULL)",
                (client.name, _hash(token), _encode(client), now + days * _DAY),
            ).rowcount
        if done != 1:
            raise ConfigError(Reason.CLI_DUPLICATE_ID, "a client has or had this name")
        return token

    def end(self, name: str, *, now: int) -> None:
        """Take a client's token back. Raises ConfigError `cli.not_found`."""
        with self._file.writing() as connection:
            done = connection.execute(
                "UPDATE print_clients SET ended_at = ? WHERE name = ? AND ended_at IS NULL", (now, name)
            ).rowcount
        if done != 1:
            raise ConfigError(Reason.CLI_NOT_FOUND, "no such client, or it ended already")

    def client_of(self, token: str, *, now: int) -> PrintClient:
        """Whose token this is. Raises VerificationError `auth.invalid`: unknown, expired or taken back."""
        with self._file.reading() as connection:
            row = connection.execute(
                "SELECT name, scope FROM print_clients "
                "WHERE token_hash = ? AND ended_at IS NULL AND expires > ?",
                (_hash(token), now),
            ).fetchone()
        if row is None:
            raise VerificationError(Reason.AUTH_INVALID, "no client has this token")
        return _decode(*row)

    def all(self) -> list[tuple[PrintClient, int, int | None]]:
        """Each client with when its token expires and when it was ended, POSIX seconds."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT name, scope, expires, ended_at FROM print_clients ORDER BY name"
            ).fetchall()
        return [(_decode(name, scope), expires, ended) for name, scope, expires, ended in rows]


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()


def _encode(client: PrintClient) -> bytes:
    lists = (client.pages, client.purposes, client.regions, client.employers)
    return encode_cbor([client.audience, *(list(one) for one in lists)])


def _decode(name: str, scope: bytes) -> PrintClient:
    audience, *lists = take_array(decode_cbor(scope), 5)
    pages, purposes, regions, employers = (tuple(take_array(one)) for one in lists)
    return PrintClient(name, audience, pages, purposes, regions, employers)
