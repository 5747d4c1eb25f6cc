"""A citizen's safe in one file under a passphrase: to move it, or to keep a copy that no service can read.

    file    = ["tallystick-safe", 1, [operations, memory], salt, nonce, check, box, SHA-256 of the fields before]
    derived = Argon2id(passphrase, salt, operations, memory in bytes), 48 bytes: key (32) || check (16)
    box     = XChaCha20-Poly1305 under the key, bound to the fields before it, of
              [holder seed (32) | null, [certificate, ...]]                   certificates as tagged bytes

The digest tells damage from a wrong passphrase, for which `check` stands. Costs are a closed list, so that a file can
ask for neither a gigantic memory nor a cheap guess.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from nacl import bindings, pwhash
from nacl.exceptions import CryptoError

from certificate.certificate import parse_certificate
from certificate.schema import take_array, take_bytes, take_int, take_version
from ledger.cbor import decode_cbor, encode_cbor
from ledger.errors import FormatError, IntegrityError, VerificationError
from ledger.reasons import Reason

__all__ = ["MODERATE", "SENSITIVE", "Cost", "SafeContent", "encode_safe_file", "open_safe_file"]

_MAGIC: Final = "tallystick-safe"
_VERSION: Final = 1
_SALT_SIZE: Final = pwhash.argon2id.SALTBYTES
_NONCE_SIZE: Final = bindings.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
_KEY_SIZE: Final = 32
_CHECK_SIZE: Final = 16
_SEED_SIZE: Final = 32
_MAX_BYTES: Final = 16 * 2**20
_MAX_CERTIFICATES: Final = 1000
Cost = tuple[int, int]  # operations, memory in bytes
MODERATE: Final[Cost] = (pwhash.argon2id.OPSLIMIT_MODERATE, pwhash.argon2id.MEMLIMIT_MODERATE)  # 256 MiB
SENSITIVE: Final[Cost] = (pwhash.argon2id.OPSLIMIT_SENSITIVE, pwhash.argon2id.MEMLIMIT_SENSITIVE)  # 1 GiB


@dataclass(frozen=True, slots=True)
class SafeContent:
    """What a safe holds: certificates as tagged bytes, and the Ed25519 seed of the holder key where it is known."""

    certificates: tuple[bytes, ...]
    seed: bytes | None = field(default=None, repr=False)


def encode_safe_file(
    content: SafeContent, *, passphrase: bytes, salt: bytes, nonce: bytes, cost: Cost = MODERATE
) -> bytes:
    """The file.

    Args:
        salt, nonce: 16 and 24 fresh random bytes.
    Raises:
        FormatError: `key.passphrase` (an empty one), `schema.…`, `enc.too_large`.
    """
    take_bytes(salt, _SALT_SIZE)
    take_bytes(nonce, _NONCE_SIZE)
    if len(content.certificates) > _MAX_CERTIFICATES:
        raise FormatError(Reason.ENC_TOO_LARGE, f"{len(content.certificates)} certificates")
    key, check = _derive(passphrase, salt, cost)
    head: list[object] = [_MAGIC, _VERSION, list(cost), salt, nonce, check]
    plain = encode_cbor([content.seed, list(content.certificates)])
    box = bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, encode_cbor(head), nonce, key)
    return encode_cbor([*head, box, _digest([*head, box])])


def open_safe_file(data: bytes, *, passphrase: bytes) -> SafeContent:
    """What is in the file.

    Raises:
        FormatError: `enc.…`, `schema.…`; `enc.prefix_unknown` (something else), `enc.version_unsupported`,
            `enc.too_large` (a cost that no file of ours has).
        IntegrityError: `store.hash_mismatch` (damaged on the way), `store.corrupt` (changed on purpose).
        VerificationError: `key.passphrase`.
    """
    if len(data) > _MAX_BYTES:
        raise FormatError(Reason.ENC_TOO_LARGE, f"{len(data)} bytes")
    fields = take_array(decode_cbor(data))
    if not fields or fields[0] != _MAGIC:
        raise FormatError(Reason.ENC_PREFIX_UNKNOWN, "not the file of a safe")
    take_version(fields[1] if len(fields) > 1 else None, _VERSION)
    _, _, limits, salt, nonce, check, box, digest = take_array(fields, 8)
    operations, memory = take_array(limits, 2)
    cost = (take_int(operations, 0, 2**32), take_int(memory, 0, 2**53))
    head: list[object] = [
        _MAGIC,
        _VERSION,
        list(cost),
        take_bytes(salt, _SALT_SIZE),
        take_bytes(nonce, _NONCE_SIZE),
        take_bytes(check, _CHECK_SIZE),
    ]
    if _digest([*head, take_bytes(box)]) != take_bytes(digest, 32):
        raise IntegrityError(Reason.STORE_HASH_MISMATCH, "the file is damaged")
    key, expected = _derive(passphrase, salt, cost)
    if not hmac.compare_digest(expected, check):
        raise VerificationError(Reason.KEY_PASSPHRASE, "not the passphrase of this file")
    try:
        plain = bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(box, encode_cbor(head), nonce, key)
    except (CryptoError, ValueError) as exc:
        raise IntegrityError(Reason.STORE_CORRUPT, "the box does not open") from exc
    return _content(plain)


def _content(plain: bytes) -> SafeContent:
    seed, certificates = take_array(decode_cbor(plain), 2)
    held: Sequence[bytes] = [
        take_bytes(certificate) for certificate in take_array(certificates, at_most=_MAX_CERTIFICATES)
    ]
    for certificate in held:
        parse_certificate(certificate)
    return SafeContent(tuple(held), None if seed is None else take_bytes(seed, _SEED_SIZE))


def _derive(passphrase: bytes, salt: bytes, cost: Cost) -> tuple[bytes, bytes]:
    if cost not in (MODERATE, SENSITIVE):
        raise FormatError(Reason.ENC_TOO_LARGE, f"{cost[0]} operations in {cost[1]} bytes")
    if not passphrase:
        raise FormatError(Reason.KEY_PASSPHRASE, "an empty passphrase")
    operations, memory = cost
    derived = pwhash.argon2id.kdf(
        _KEY_SIZE + _CHECK_SIZE, passphrase, salt, opslimit=operations, memlimit=memory
    )
    return derived[:_KEY_SIZE], derived[_KEY_SIZE:]


def _digest(fields: list[object]) -> bytes:
    return sha256(encode_cbor(fields)).digest()
