"""What issuer and log say to each other when entries are appended over HTTP. Pure.

    POST <prefix>/append       request: 1 to 256 entries, each behind its length in two bytes (a bundle of C2SP
                               tlog-tiles); answer: the index of each, eight bytes, big-endian, in the same order
    POST <prefix>/checkpoint   request: nothing; answer: the newest cosigned note, which covers what was acknowledged
                               before

Both in one binary form with one spelling: leftovers, a short answer and a longer one are refused.
"""

from __future__ import annotations

from collections.abc import Sequence

from ledger.cbor import encode_unsigned
from ledger.entry import MAX_ENTRY, require_entry
from ledger.errors import FormatError, VerificationError
from ledger.merkle import MAX_SIZE
from ledger.reasons import Reason

__all__ = [
    "APPEND_TYPE",
    "MAX_APPEND",
    "MAX_BODY",
    "encode_append",
    "encode_indices",
    "parse_append",
    "parse_indices",
    "require_own",
]

APPEND_TYPE = "application/octet-stream"
MAX_APPEND = 256
"""Entries a request."""
_LENGTH = 2
_INDEX = 8
MAX_BODY = MAX_APPEND * (_LENGTH + MAX_ENTRY)
"""Bytes of a request."""

_HEAD, _TAIL = 3, 34  # bytes before and behind the authority in an entry


def encode_append(entries: Sequence[bytes]) -> bytes:
    """The body that appends `entries`.

    Raises:
        FormatError: `api.body_too_large` for more than 256, and the reasons of `parse_entry`.
    """
    _require_count(len(entries))
    for entry in entries:
        require_entry(entry)
    return b"".join(len(entry).to_bytes(_LENGTH) + entry for entry in entries)


def parse_append(body: bytes) -> list[bytes]:
    """The entries of a body, each of them well formed.

    Raises:
        FormatError: `api.body_too_large`, `api.validation` (none, or cut short) or the reasons of `parse_entry`.
    """
    if len(body) > MAX_BODY:
        raise FormatError(Reason.API_BODY_TOO_LARGE, f"{len(body)} bytes, at most {MAX_BODY}")
    entries: list[bytes] = []
    at = 0
    while at < len(body):
        start = at + _LENGTH
        at = start + int.from_bytes(body[at:start])
        if at > len(body) or start > len(body):
            raise FormatError(Reason.API_VALIDATION, "an entry that is cut short")
        entries.append(body[start:at])
    _require_count(len(entries))
    for entry in entries:
        require_entry(entry)
    return entries


def require_own(entries: Sequence[bytes], authority: int) -> None:
    """Refuse entries under another authority than `authority`.

    Args:
        entries: well-formed ones.
    Raises:
        VerificationError: `authz.denied`.
    """
    own = encode_unsigned(authority)  # an entry has one form, so its authority stands in one place
    for entry in entries:
        if entry[_HEAD:-_TAIL] != own:
            raise VerificationError(Reason.AUTHZ_DENIED, "an entry under another authority")


def encode_indices(indices: Sequence[int]) -> bytes:
    """The answer to an append."""
    return b"".join(index.to_bytes(_INDEX) for index in indices)


def parse_indices(body: bytes, *, count: int) -> list[int]:
    """The indices of `count` entries.

    Raises:
        FormatError: `api.validation`.
    """
    if len(body) != count * _INDEX:
        raise FormatError(Reason.API_VALIDATION, f"{len(body)} bytes for the indices of {count} entries")
    indices = [int.from_bytes(body[at : at + _INDEX]) for at in range(0, len(body), _INDEX)]
    if max(indices) >= MAX_SIZE:
        raise FormatError(Reason.API_VALIDATION, "an index that no log has")
    return indices


def _require_count(count: int) -> None:
    if count > MAX_APPEND:
        raise FormatError(Reason.API_BODY_TOO_LARGE, f"{count} entries, at most {MAX_APPEND}")
    if not count:
        raise FormatError(Reason.API_VALIDATION, "no entry")
