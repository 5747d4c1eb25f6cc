"""What the ledger logs: `[1, entry_type, authority, digest]` (DESIGN section 3.3), nothing about a person."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

from ledger.cbor import decode_cbor, encode_unsigned
from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = [
    "DIGEST_SIZE",
    "ENTRY_VERSION",
    "MAX_ENTRY",
    "Entry",
    "EntryType",
    "encode_entry",
    "parse_entry",
    "require_entry",
]

ENTRY_VERSION = 1
DIGEST_SIZE = 32
MAX_ENTRY = 46
"""Longest entry in bytes: three for array, version and type, nine for the authority, 34 for the digest."""

# Every entry and nothing else: array head, version, type, shortest head of the authority, digest. A test
# compares with `parse_entry`; a mass minting cannot afford a CBOR decoder for each of a million entries.
_ENTRY = re.compile(
    rb"\x84\x01[\x00-\x05]"
    rb"(?:[\x00-\x17]|\x18[\x18-\xff]|\x19(?!\x00).{2}|\x1a(?!\x00\x00).{4}|\x1b(?!\x00{4})[\x00-\x7f].{7})"
    rb"\x58\x20.{32}",
    re.DOTALL,
)


class EntryType(IntEnum):
    """What the digest of an entry is the digest of."""

    PADDING = 0  # nothing: a random digest
    CERTIFICATE = 1
    STATUS_LIST = 2
    TRUST_FILE = 3  # the bytes of a directory or of another file of the trust bundle
    ACCESS_LOG_HEAD = 4  # the text of a signed note
    KEY_EVENT = 5


@dataclass(frozen=True, slots=True)
class Entry:
    """One parsed entry.

    Args:
        authority: the directory's number of the authority, 0 <= authority < 2**63.
        digest: 32 bytes.
    """

    entry_type: EntryType
    authority: int
    digest: bytes


def encode_entry(entry_type: EntryType, authority: int, digest: bytes) -> bytes:
    """The logged bytes: deterministic CBOR, written by hand because a mass minting makes a million of them.

    Raises:
        FormatError: `log.entry_type`, `enc.number_range` (authority) or `schema.field_type` (digest).
    """
    if not 0 <= entry_type <= 5:
        raise FormatError(Reason.LOG_ENTRY_TYPE, "no such entry type")
    if len(digest) != DIGEST_SIZE:
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, f"a digest of {len(digest)} bytes")
    if not 0 <= authority < 2**63:
        raise FormatError(Reason.ENC_NUMBER_RANGE, "authority out of range")
    return b"\x84\x01" + bytes((entry_type,)) + encode_unsigned(authority) + b"\x58\x20" + digest


def parse_entry(data: bytes) -> Entry:
    """The entry that `data` is the one encoding of.

    Raises:
        FormatError: `enc.too_large`, the codes of `decode_cbor`, `schema.field_type`, `schema.field_missing`,
            `schema.field_unknown`, `enc.version_unsupported`, `enc.number_range` or `log.entry_type`.
    """
    if len(data) > MAX_ENTRY:
        raise FormatError(Reason.ENC_TOO_LARGE, f"an entry of {len(data)} bytes")
    match decode_cbor(data):
        case [int() as version, int() as entry_type, int() as authority, bytes() as digest]:
            pass
        case [*fields] if len(fields) != 4:
            short = len(fields) < 4
            raise FormatError(
                Reason.SCHEMA_FIELD_MISSING if short else Reason.SCHEMA_FIELD_UNKNOWN, f"{len(fields)} fields"
            )
        case _:
            raise FormatError(Reason.SCHEMA_FIELD_TYPE, "not an entry")
    if version != ENTRY_VERSION:
        raise FormatError(Reason.ENC_VERSION_UNSUPPORTED, f"entry version {version}")
    if not 0 <= entry_type <= 5:
        raise FormatError(Reason.LOG_ENTRY_TYPE, f"entry type {entry_type}")
    # True and 1 are equal in Python but not in CBOR: only the bytes tell them apart.
    if encode_entry(EntryType(entry_type), authority, digest) != data:
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "a boolean where a number is due")
    return Entry(EntryType(entry_type), authority, digest)


def require_entry(data: bytes) -> None:
    """Refuse what `parse_entry` refuses, with the same reasons; much faster when there is nothing to refuse."""
    if not _ENTRY.fullmatch(data):
        parse_entry(data)
        raise FormatError(Reason.SCHEMA_FIELD_TYPE, "not an entry")
