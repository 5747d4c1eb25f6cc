"""The access log of one citizen in one file, with all that proves it; anyone can check it offline.

    file      = [1, audience, wallet key, statement, [row, ...], head]                       as base64url of CBOR
    row       = [salt, CBOR row, position, [hash, ...]]                             the path under the stated root
    statement = signed note: "<audience>/access-log/export", size, root, number of rows, last entry, time; a line each
    head      = null | [signed note, ledger proof, [hash, ...]]         how the tree of the head grew to the stated one

The wallet's signature over number and last entry shows what was cut off; the head, logged in the bureau's ledger under
its witnesses, shows that the wallet did not begin another log since.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

from certificate.directory import Directory
from certificate.qr_text import decode_file_text, encode_file_text
from certificate.schema import take_array, take_bytes, take_int, take_text, take_version
from ledger.cbor import decode_cbor, encode_cbor
from ledger.checkpoint import Checkpoint, parse_checkpoint_note
from ledger.ed25519 import Ed25519Signer, check_public_key
from ledger.entry import EntryType, encode_entry
from ledger.errors import FormatError, UndeterminedError, VerificationError
from ledger.merkle import RootHash, verify_consistency
from ledger.note import (
    Note,
    SignatureType,
    VerifierKey,
    decode_base64,
    encode_base64,
    encode_note,
    parse_note,
    sign_note,
    verify_note_signature,
)
from ledger.proof import FullProof, LoggedEntry, Proof, encode_proof, parse_proof, verify_full_proof
from ledger.reasons import Reason
from ledger.trust_policy import TrustPolicy
from wallet_api.access_rows import (
    FIRST_ENTRY,
    SALT_SIZE,
    AccessPage,
    AccessRow,
    check_page,
    encode_row,
    parse_row,
)

__all__ = [
    "CheckedExport",
    "LogExport",
    "LoggedHead",
    "check_log_export",
    "encode_log_export",
    "export_origin",
    "log_origin",
    "verify_head",
]

_MAX_ROWS = 100_000
_MAX_BYTES = 64 * 2**20
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class LoggedHead:
    """A head that the bureau logged, and how its tree grew to the export's."""

    note: bytes
    proof: Proof
    growth: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class LogExport:
    """All rows of one citizen under one head of the whole log. `time` is POSIX seconds."""

    audience: str
    page: AccessPage
    time: int
    head: LoggedHead | None


@dataclass(frozen=True, slots=True)
class CheckedExport:
    """What was found in order: all rows, and how many of them lie under the logged head."""

    audience: str
    wallet_key: bytes
    rows: tuple[AccessRow, ...]
    size: int
    time: int
    logged_rows: int
    logged_size: int


@dataclass(frozen=True, slots=True)
class _Statement:
    size: int
    root_hash: bytes
    count: int
    last: bytes
    time: int


def log_origin(audience: str) -> str:
    """The origin, and key name, of the heads of the log at the service called `audience`."""
    return f"{audience}/access-log"


def export_origin(audience: str) -> str:
    """The first line, and key name, of a signed export: no head is ever taken for one."""
    return f"{audience}/access-log/export"


def encode_log_export(export: LogExport, signer: Ed25519Signer) -> str:
    """The file, signed by the wallet's key of the access log."""
    page = export.page
    last = page.rows[-1].entry if page.rows else FIRST_ENTRY
    statement = _Statement(page.size, page.root_hash, len(page.rows), last, export.time)
    name = export_origin(export.audience)
    text = _statement_text(name, statement)
    rows = [
        [row.salt, encode_row(row.counter, row.previous, row.time, row.access), row.position, list(row.path)]
        for row in page.rows
    ]
    head = export.head
    told = None if head is None else [head.note, encode_proof(head.proof), list(head.growth)]
    note = encode_note(Note(text, (sign_note(text, signer, name=name),)))
    return encode_file_text(encode_cbor([1, export.audience, signer.public_key, note, rows, told]))


def check_log_export(
    data: bytes, *, directory: Directory, policy: TrustPolicy, now: int, wallet_key: bytes | None = None
) -> CheckedExport:
    """Check every row, the chain, the tree, the wallet's signature, and the head in the bureau's ledger.

    Args:
        directory, policy: of the reader's trust bundle.
        now: POSIX seconds.
        wallet_key: the wallet's raw public key where the reader knows it; else the logged head vouches for it.
    Raises:
        FormatError: it is not such a file.
        VerificationError: `store.hash_mismatch` (a row changed, left out, cut off, moved), `log.…`, `ckpt.…`,
            `cli.key_mismatch` (another wallet's).
        UndeterminedError: `log.inclusion_missing`: no head was logged yet, and the key is not known otherwise.
    """
    audience, stated_key, note, rows, head = _parse(data)
    if wallet_key is not None and stated_key != wallet_key:
        raise VerificationError(Reason.CLI_KEY_MISMATCH, "signed by another wallet")
    statement = _check_statement(note, audience, stated_key)
    page = AccessPage(rows, statement.size, statement.root_hash)
    check_page(page)
    last = rows[-1].entry if rows else FIRST_ENTRY
    if (len(rows), last) != (statement.count, statement.last):
        raise VerificationError(Reason.STORE_HASH_MISMATCH, f"{statement.count} rows were signed for")
    if head is None and wallet_key is None:
        hint = "name the wallet's key, or export again after the next head was logged"
        raise UndeterminedError(Reason.LOG_INCLUSION_MISSING, "no head of this log was logged yet", hint=hint)
    logged = 0
    if head is not None:
        checkpoint = _check_head(
            head, audience=audience, key=stated_key, directory=directory, policy=policy, now=now
        )
        verify_consistency(
            old_size=checkpoint.size,
            new_size=statement.size,
            path=head.growth,
            old_root_hash=checkpoint.root_hash,
            new_root_hash=RootHash(statement.root_hash),
        )
        logged = checkpoint.size
    under = sum(row.position < logged for row in rows)
    return CheckedExport(audience, stated_key, rows, statement.size, statement.time, under, logged)


def verify_head(
    note: bytes, proof: Proof, *, directory: Directory, policy: TrustPolicy, now: int
) -> LoggedEntry:
    """Check that an authority of the directory logged this note as the head of an access log.

    Raises:
        VerificationError, UndeterminedError: as `verify_full_proof`; `log.unknown_origin`, `log.subtree_unknown`.
    """
    log = directory.log(proof.log)
    if log is None:
        raise UndeterminedError(Reason.LOG_UNKNOWN_ORIGIN, f"log {proof.log}")
    if not isinstance(proof, FullProof):
        raise UndeterminedError(Reason.LOG_SUBTREE_UNKNOWN, "a head carries its full proof")
    digest = sha256(note).digest()
    refusal: VerificationError | None = None
    for authority in directory.authorities:  # an entry names its authority, a note does not
        entry = encode_entry(EntryType.ACCESS_LOG_HEAD, authority.number, digest)
        try:
            return verify_full_proof(proof, entry=entry, origin=log.origin, policy=policy, now=now)
        except VerificationError as exc:
            refusal = refusal or exc
    raise refusal or VerificationError(Reason.LOG_INCLUSION_INVALID, "no authority logged it")


def _check_head(
    head: LoggedHead, *, audience: str, key: bytes, directory: Directory, policy: TrustPolicy, now: int
) -> Checkpoint:
    origin = log_origin(audience)
    verify_note_signature(parse_note(head.note), key=VerifierKey(origin, SignatureType.ED25519, key))
    checkpoint, _ = parse_checkpoint_note(head.note)
    if checkpoint.origin != origin:
        raise VerificationError(Reason.LOG_UNKNOWN_ORIGIN, "the head of another log")
    verify_head(head.note, head.proof, directory=directory, policy=policy, now=now)
    return checkpoint


def _check_statement(note: bytes, audience: str, key: bytes) -> _Statement:
    name = export_origin(audience)
    parsed = parse_note(note)
    verify_note_signature(parsed, key=VerifierKey(name, SignatureType.ED25519, key))
    lines = parsed.text.split("\n")
    if len(lines) != 7 or lines[0] != name or lines[-1]:
        raise FormatError(Reason.CKPT_MALFORMED, "six lines of an export's statement")
    size, count, time = (_decimal(lines[at]) for at in (1, 3, 5))
    statement = _Statement(size, decode_base64(lines[2]), count, decode_base64(lines[4]), time)
    if _statement_text(name, statement) != parsed.text:
        raise FormatError(Reason.CKPT_MALFORMED, "the statement of an export")
    return statement


def _statement_text(name: str, said: _Statement) -> str:
    root, last = encode_base64(said.root_hash), encode_base64(said.last)
    return f"{name}\n{said.size}\n{root}\n{said.count}\n{last}\n{said.time}\n"


def _decimal(text: str) -> int:
    if not _DECIMAL.fullmatch(text):
        raise FormatError(Reason.CKPT_MALFORMED, "not a plain decimal number")
    return int(text)


def _parse(data: bytes) -> tuple[str, bytes, bytes, tuple[AccessRow, ...], LoggedHead | None]:
    if len(data) > _MAX_BYTES:
        raise FormatError(Reason.ENC_TOO_LARGE, f"{len(data)} bytes")
    content = decode_file_text(data.decode("latin-1").removesuffix("\n"))
    version, audience, key, note, rows, head = take_array(decode_cbor(content), 6)
    take_version(version)
    if head is not None:
        head_note, proof, growth = take_array(head, 3)
        hashes = tuple(take_bytes(node, 32) for node in take_array(growth, at_most=64))
        head = LoggedHead(take_bytes(head_note), parse_proof(proof), hashes)
    return (
        take_text(audience),
        check_public_key(take_bytes(key, 32)),
        take_bytes(note),
        tuple(_row(row) for row in take_array(rows, at_most=_MAX_ROWS)),
        head,
    )


def _row(item: object) -> AccessRow:
    salt, encoded, position, path = take_array(item, 4)
    row = parse_row(
        take_bytes(encoded), salt=take_bytes(salt, SALT_SIZE), position=take_int(position, 0, 2**53)
    )
    if encode_row(row.counter, row.previous, row.time, row.access) != encoded:
        raise FormatError(Reason.ENC_CBOR_NONCANONICAL, "a row of the access log")
    hashes = tuple(take_bytes(node, 32) for node in take_array(path, at_most=64))
    return AccessRow(
        row.counter, row.previous, row.time, row.access, row.salt, row.entry, row.position, hashes
    )
