"""Signed notes (C2SP signed-note): a text, and lines that say who signed it. One note has one spelling.

Stricter than the specification where it leaves room: no C1 controls, no line or paragraph separators, no
signature line twice. Which signatures count is decided where the trust is: `verify_note_signature`,
`ledger.trust_policy`.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import sha256

from ledger.ed25519 import Signer, check_public_key, verify_ed25519
from ledger.errors import FormatError, VerificationError
from ledger.mldsa import check_mldsa_public_key
from ledger.reasons import Reason

__all__ = [
    "KEY_ID_SIZE",
    "MAX_NOTE",
    "MAX_SIGNATURES",
    "Note",
    "NoteSignature",
    "SignatureType",
    "VerifierKey",
    "decode_base64",
    "encode_base64",
    "encode_note",
    "encode_signature_line",
    "encode_vkey",
    "key_id_of",
    "parse_note",
    "parse_signature_lines",
    "parse_vkey",
    "sign_note",
    "verify_note_signature",
]

MAX_NOTE = 1_000_000
MAX_SIGNATURES = 100
KEY_ID_SIZE = 4
_MAX_NAME = 255
_MAX_VKEY = 4096
_DASH = "— "
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", re.ASCII)
_KEY_ID_HEX = re.compile(r"[0-9a-f]{8}", re.ASCII)


class SignatureType(IntEnum):
    """The byte that tells how a key signs."""

    ED25519 = 0x01
    COSIGNATURE = 0x04  # Ed25519 over a checkpoint with the time at which a witness saw it
    ML_DSA_44 = 0x06  # over a tree with the signer's name and a time; logs and witnesses both


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with the name it signs under.

    Args:
        name: not empty, without Unicode spaces and without plus.
        algorithm: how it signs.
        public_key: 32 bytes, not a weak point; of ML-DSA-44 1,312 bytes.
    Raises:
        FormatError: `ckpt.malformed` (name), `alg.not_allowed`, `key.malformed` or `key.weak`.
    """

    name: str
    algorithm: SignatureType
    public_key: bytes
    key_id: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _require_name(self.name)
        if self.algorithm not in tuple(SignatureType):
            raise FormatError(Reason.ALG_NOT_ALLOWED, f"signature type {self.algorithm:#04x}")
        if self.algorithm == SignatureType.ML_DSA_44:
            check_mldsa_public_key(self.public_key)
        else:
            check_public_key(self.public_key)
        object.__setattr__(self, "key_id", key_id_of(self.name, self.algorithm, self.public_key))


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line. Nothing about it has been verified.

    Args:
        name: of the key that is said to have signed.
        key_id: 4 bytes.
        blob: the signature in the form its algorithm gives it, at least one byte.
    Raises:
        FormatError: `ckpt.malformed`.
    """

    name: str
    key_id: bytes
    blob: bytes

    def __post_init__(self) -> None:
        _require_name(self.name)
        if len(self.key_id) != KEY_ID_SIZE or not self.blob:
            raise FormatError(Reason.CKPT_MALFORMED, "a signature without key id or without content")

    @property
    def keyed_blob(self) -> bytes:
        """Key id ‖ blob: the form a proof carries."""
        return self.key_id + self.blob

    def is_by(self, key: VerifierKey) -> bool:
        """Whether the line names `key`, by name and key id both."""
        return self.name == key.name and self.key_id == key.key_id


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends in a newline, and who is said to have signed it."""

    text: str
    signatures: tuple[NoteSignature, ...]


def key_id_of(name: str, algorithm: int, public_key: bytes) -> bytes:
    """SHA-256(name ‖ 0x0A ‖ signature type ‖ public key), first four bytes: a label, not a strong hash."""
    return sha256(name.encode() + b"\n" + bytes((algorithm,)) + public_key).digest()[:KEY_ID_SIZE]


def parse_vkey(text: str) -> VerifierKey:
    """Read `<name>+<key id in hex>+<base64 of type and public key>`.

    Raises:
        FormatError: `ckpt.malformed`, `enc.base64_noncanonical`, `enc.too_large`, `alg.not_allowed`,
            `key.malformed` or `key.weak`.
    """
    if len(text) > _MAX_VKEY:
        raise FormatError(Reason.ENC_TOO_LARGE, f"a key of {len(text)} characters")
    parts = text.split("+", 2)
    if len(parts) != 3 or not _KEY_ID_HEX.fullmatch(parts[1]):
        raise FormatError(Reason.CKPT_MALFORMED, "not name, key id and key")
    name, key_id, encoded = parts
    data = decode_base64(encoded)
    if not data or data[0] not in tuple(SignatureType):
        raise FormatError(
            Reason.ALG_NOT_ALLOWED, f"key {key_id}", hint="Use a key of type 0x01, 0x04 or 0x06."
        )
    key = VerifierKey(name, SignatureType(data[0]), data[1:])
    if key.key_id.hex() != key_id:
        raise FormatError(Reason.KEY_MALFORMED, f"key id {key_id} is not of this name and key")
    return key


def encode_vkey(key: VerifierKey) -> str:
    """The key as text, the inverse of `parse_vkey`."""
    return f"{key.name}+{key.key_id.hex()}+{encode_base64(bytes((key.algorithm,)) + key.public_key)}"


def parse_note(data: bytes) -> Note:
    """Read a signed note.

    Raises:
        FormatError: `enc.too_large` beyond 1 MB or 100 signatures, `enc.utf8_invalid`,
            `enc.base64_noncanonical` or `ckpt.malformed`.
    """
    if len(data) > MAX_NOTE:
        raise FormatError(Reason.ENC_TOO_LARGE, f"a note of {len(data)} bytes")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise FormatError(Reason.ENC_UTF8_INVALID, "a note that is not UTF-8") from exc
    text, separator, lines = whole.rpartition("\n\n")
    if not separator:
        raise FormatError(Reason.CKPT_MALFORMED, "no blank line before the signatures")
    _require_text(text + "\n")
    return Note(text + "\n", parse_signature_lines(lines))


def encode_note(note: Note) -> bytes:
    """The note as bytes, the inverse of `parse_note`.

    Raises:
        FormatError: `ckpt.malformed` or `enc.too_large` for what `parse_note` would refuse.
    """
    _require_text(note.text)
    _require_signatures(note.signatures)
    lines = "".join(encode_signature_line(signature) for signature in note.signatures)
    data = f"{note.text}\n{lines}".encode()
    if len(data) > MAX_NOTE:
        raise FormatError(Reason.ENC_TOO_LARGE, f"a note of {len(data)} bytes")
    return data


def parse_signature_lines(lines: str) -> tuple[NoteSignature, ...]:
    """Read one or more signature lines, each ending in a newline.

    Raises:
        FormatError: `ckpt.malformed`, `enc.base64_noncanonical` or `enc.too_large`.
    """
    if not lines.endswith("\n"):
        raise FormatError(Reason.CKPT_MALFORMED, "no signature line, or one cut short")
    if lines.count("\n") > MAX_SIGNATURES:  # before any line is looked at
        raise FormatError(Reason.ENC_TOO_LARGE, "too many signature lines")
    signatures = tuple(_parse_signature_line(line) for line in lines[:-1].split("\n"))
    _require_signatures(signatures)
    return signatures


def encode_signature_line(signature: NoteSignature) -> str:
    return f"{_DASH}{signature.name} {encode_base64(signature.keyed_blob)}\n"


def sign_note(text: str, signer: Signer, *, name: str) -> NoteSignature:
    """Sign `text` with a plain Ed25519 key (type 0x01) under `name`.

    Raises:
        FormatError: `ckpt.malformed` for a text or name that no note may have.
    """
    _require_text(text)
    key = VerifierKey(name, SignatureType.ED25519, signer.public_key)
    return NoteSignature(name, key.key_id, signer.sign(text.encode()))


def verify_note_signature(note: Note, *, key: VerifierKey) -> None:
    """Check that `key`, a plain Ed25519 key, signed the text of `note`. Every line naming it has to verify.

    Raises:
        VerificationError: `ckpt.sig_missing` or `ckpt.sig_invalid`, `key.purpose_mismatch` for a cosigning
            key.
    """
    if key.algorithm != SignatureType.ED25519:
        raise VerificationError(Reason.KEY_PURPOSE_MISMATCH, f"key {key.key_id.hex()} signs no plain notes")
    blobs = [signature.blob for signature in note.signatures if signature.is_by(key)]
    if not blobs:
        raise VerificationError(Reason.CKPT_SIG_MISSING, f"no signature by key {key.key_id.hex()}")
    for blob in blobs:
        try:
            verify_ed25519(public_key=key.public_key, message=note.text.encode(), signature=blob)
        except (FormatError, VerificationError) as exc:
            raise VerificationError(Reason.CKPT_SIG_INVALID, f"key {key.key_id.hex()}") from exc


def encode_base64(data: bytes) -> str:
    """Standard base64 with padding (RFC 4648, section 4)."""
    return base64.b64encode(data).decode("ascii")


def decode_base64(text: str) -> bytes:
    """The bytes that `text` is the one spelling of.

    Raises:
        FormatError: `enc.base64_noncanonical`.
    """
    if _BASE64.fullmatch(text):
        try:
            data = base64.b64decode(text, validate=True)
        except binascii.Error as exc:
            raise FormatError(Reason.ENC_BASE64_NONCANONICAL, "not base64") from exc
        if encode_base64(data) == text:  # unused bits of the last character
            return data
    raise FormatError(Reason.ENC_BASE64_NONCANONICAL, "not the one spelling")


def _parse_signature_line(line: str) -> NoteSignature:
    if not line.startswith(_DASH):
        raise FormatError(Reason.CKPT_MALFORMED, "a line that is no signature")
    name, _, encoded = line[len(_DASH) :].partition(" ")
    _require_name(name)
    if not encoded or " " in encoded:
        raise FormatError(Reason.CKPT_MALFORMED, "not name and signature")
    data = decode_base64(encoded)
    return NoteSignature(name, data[:KEY_ID_SIZE], data[KEY_ID_SIZE:])


def _require_text(text: str) -> None:
    if not text.endswith("\n") or text == "\n":
        raise FormatError(Reason.CKPT_MALFORMED, "an empty text, or one without its last newline")
    if any(_is_forbidden(character) for character in set(text) - {"\n"}):
        raise FormatError(Reason.CKPT_MALFORMED, "a control character")


def _require_name(name: str) -> None:
    if not name or len(name) > _MAX_NAME or "+" in name:
        raise FormatError(Reason.CKPT_MALFORMED, "an empty or overlong key name, or one with a plus")
    if any(character.isspace() or _is_forbidden(character) for character in name):
        raise FormatError(Reason.CKPT_MALFORMED, "a space or control character in a key name")


def _require_signatures(signatures: tuple[NoteSignature, ...]) -> None:
    if not signatures:
        raise FormatError(Reason.CKPT_MALFORMED, "no signature")
    if len(signatures) > MAX_SIGNATURES:
        raise FormatError(Reason.ENC_TOO_LARGE, f"{len(signatures)} signatures")
    if len(set(signatures)) != len(signatures):
        raise FormatError(Reason.CKPT_MALFORMED, "the same signature line twice")


def _is_forbidden(character: str) -> bool:
    """Controls, surrogates (not encodable), and two separators that some readers take for a line's end."""
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
