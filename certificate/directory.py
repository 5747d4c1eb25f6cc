"""The directory: which authorities, offices, keys, logs and registrars exist (DESIGN 3.6), flattened, and signed.

    payload  = [1, environment, version, authorities, offices, keys, logs, voids]
    authority = [number, zh, en]
    office    = [authority, number, code, zh, en, parent, region_prefix, types]
    key       = [role, authority, office, public_key, log, from, to, void_from]
    log       = [number, origin]
    void      = [authority, log, from, to]                       entries disowned whoever signed them

A public key is Ed25519, 32 bytes; that of role 4, which signs status lists beside role 2, is ML-DSA-44, 1,312 bytes.
Numbers of authorities and logs are never reused. Index ranges are half open; `to` and `void_from` may be null.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeVar

from certificate.cose import Sign1, parse_sign1, sign_object
from certificate.keys import CoseSigner, check_key, key_id
from certificate.numbers import CertificateType, Environment, Typ
from certificate.offices import Office, check_offices
from certificate.schema import take_array, take_bytes, take_int, take_optional_int, take_text, take_version
from certificate.second_signature import mldsa_key_id
from ledger.errors import FormatError, VerificationError
from ledger.mldsa import MLDSA_PUBLIC_KEY_SIZE, check_mldsa_public_key
from ledger.reasons import Reason

__all__ = [
    "Authority",
    "Directory",
    "DirectoryKey",
    "KeyRole",
    "LogRecord",
    "Office",
    "UnverifiedDirectory",
    "VoidRange",
    "check_position",
    "parse_directory",
    "sign_directory",
]

_K = TypeVar("_K")
_V = TypeVar("_V")

_MAX_INDEX = 2**62


class KeyRole(IntEnum):
    """What a key in the directory may sign, and nothing else."""

    CERTIFICATE = 1
    STATUS = 2
    REGISTRAR = 3
    STATUS_MLDSA = 4  # ML-DSA-44, beside the authority's status key


@dataclass(frozen=True, slots=True)
class Authority:
    number: int
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class DirectoryKey:
    """One key. Certificates count if their entry in `log` has an index in [from_index, to_index) below `void_from`."""

    role: KeyRole
    authority: int
    office: int
    public_key: bytes
    log: int
    from_index: int = 0
    to_index: int | None = None
    void_from: int | None = None

    @property
    def kid(self) -> bytes:
        if self.role is KeyRole.STATUS_MLDSA:
            return mldsa_key_id(self.public_key)
        return key_id(self.public_key)


@dataclass(frozen=True, slots=True)
class LogRecord:
    number: int
    origin: str


@dataclass(frozen=True, slots=True)
class VoidRange:
    """Ledger positions [from_index, to_index) that the authority disowned, whoever signed them."""

    authority: int
    log: int
    from_index: int
    to_index: int


@dataclass(frozen=True, slots=True)
class Directory:
    """The whole directory, with the look-ups a verifier needs."""

    environment: Environment
    version: int
    authorities: tuple[Authority, ...]
    offices: tuple[Office, ...]
    keys: tuple[DirectoryKey, ...]
    logs: tuple[LogRecord, ...]
    voids: tuple[VoidRange, ...] = ()
    _authority: dict[int, Authority] = field(init=False, repr=False, compare=False)
    _office: dict[tuple[int, int], Office] = field(init=False, repr=False, compare=False)
    _key: dict[tuple[KeyRole, bytes], DirectoryKey] = field(init=False, repr=False, compare=False)
    _log: dict[int, LogRecord] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        set_ = object.__setattr__  # frozen: the indexes are set once, here
        set_(self, "_authority", _index(((a.number, a) for a in self.authorities), "authority"))
        set_(self, "_office", _index((((o.authority, o.number), o) for o in self.offices), "office"))
        set_(self, "_log", _index(((log.number, log) for log in self.logs), "log"))
        _index(((key.kid, key) for key in self.keys), "key id")  # two keys with one kid: refused at load
        set_(self, "_key", {(key.role, key.kid): key for key in self.keys})

    def authority(self, number: int) -> Authority | None:
        return self._authority.get(number)

    def office(self, authority: int, number: int) -> Office | None:
        return self._office.get((authority, number))

    def key(self, role: KeyRole, kid: bytes) -> DirectoryKey | None:
        return self._key.get((role, kid))

    def has_key(self, role: KeyRole, authority: int) -> bool:
        return any(key.role is role and key.authority == authority for key in self.keys)

    def log(self, number: int) -> LogRecord | None:
        return self._log.get(number)

    def is_void(self, *, authority: int, log: int, index: int) -> bool:
        return any(
            v.authority == authority and v.log == log and v.from_index <= index < v.to_index
            for v in self.voids
        )

    def encode(self) -> list[object]:
        return [
            1,
            int(self.environment),
            self.version,
            [[a.number, a.name_zh, a.name_en] for a in self.authorities],
            [
                [
                    o.authority,
                    o.number,
                    o.code,
                    o.name_zh,
                    o.name_en,
                    o.parent,
                    o.region_prefix,
                    [int(t) for t in o.types],
                ]
                for o in self.offices
            ],
            [
                [
                    int(k.role),
                    k.authority,
                    k.office,
                    k.public_key,
                    k.log,
                    k.from_index,
                    k.to_index,
                    k.void_from,
                ]
                for k in self.keys
            ],
            [[log.number, log.origin] for log in self.logs],
            [[v.authority, v.log, v.from_index, v.to_index] for v in self.voids],
        ]


@dataclass(frozen=True, slots=True)
class UnverifiedDirectory:
    """A parsed directory whose signature was not checked."""

    sign1: Sign1
    directory: Directory


def sign_directory(signer: CoseSigner, directory: Directory) -> bytes:
    """The directory as tagged bytes, signed by a trust-root key."""
    return sign_object(signer, Typ.DIRECTORY, directory.encode())


def parse_directory(data: bytes) -> UnverifiedDirectory:
    """Parse the tagged bytes of a directory.

    Raises:
        FormatError: as all parsers; `key.weak`, `key.malformed`, `key.kid_ambiguous` (two keys, one key id),
            `schema.field_unknown` (an office or key of an authority that does not exist),
            `trust.issuer_not_authorised` (an office exceeds the one above it).
    """
    sign1 = parse_sign1(data, Typ.DIRECTORY)
    if isinstance(sign1.payload, tuple) and sign1.payload:
        take_version(sign1.payload[0])
    fields = take_array(sign1.payload, 8)
    directory = Directory(
        environment=Environment(take_int(fields[1], 0, 1)),
        version=take_int(fields[2], 1, 2**53),
        authorities=tuple(_authority(row) for row in take_array(fields[3], at_most=10_000)),
        offices=tuple(_office(row) for row in take_array(fields[4], at_most=100_000)),
        keys=tuple(_key(row) for row in take_array(fields[5], at_most=200_000)),
        logs=tuple(_log(row) for row in take_array(fields[6], at_most=10_000)),
        voids=tuple(_void(row) for row in take_array(fields[7], at_most=100_000)),
    )
    _check_references(directory)
    return UnverifiedDirectory(sign1, directory)


def check_position(directory: Directory, key: DirectoryKey, *, log: int, index: int) -> None:
    """Check that `key` was good at `index` of `log`, and that its authority did not disown that position.

    Raises:
        VerificationError: `key.out_of_range`, `key.revoked` (void from its first position on),
            `key.compromised_after`, `key.void_entry`.
    """
    place = f"index {index} of log {log}"
    if log != key.log or index < key.from_index or (key.to_index is not None and index >= key.to_index):
        raise VerificationError(Reason.KEY_OUT_OF_RANGE, place)
    if key.void_from is not None and index >= key.void_from:
        never_good = key.void_from <= key.from_index
        raise VerificationError(Reason.KEY_REVOKED if never_good else Reason.KEY_COMPROMISED_AFTER, place)
    if directory.is_void(authority=key.authority, log=log, index=index):
        raise VerificationError(Reason.KEY_VOID_ENTRY, place)


def _check_references(directory: Directory) -> None:
    for office in directory.offices:
        if directory.authority(office.authority) is None:
            raise FormatError(Reason.SCHEMA_FIELD_UNKNOWN, f"office of unknown authority {office.authority}")
    try:
        check_offices({(office.authority, office.number): office for office in directory.offices})
    except VerificationError as exc:
        raise FormatError(exc.reason, exc.detail) from exc
    for key in directory.keys:
        known = directory.authority(key.authority) is not None and directory.log(key.log) is not None
        if not known or (
            key.role is KeyRole.CERTIFICATE and directory.office(key.authority, key.office) is None
        ):
            raise FormatError(Reason.SCHEMA_FIELD_UNKNOWN, f"key {key.kid.hex()} of an unknown office or log")


def _authority(row: object) -> Authority:
    number, zh, en = take_array(row, 3)
    return Authority(take_int(number, 1, 65535), take_text(zh), take_text(en))


def _office(row: object) -> Office:
    authority, number, code, zh, en, parent, prefix, types = take_array(row, 8)
    return Office(
        authority=take_int(authority, 1, 65535),
        number=take_int(number, 1, 65535),
        code=take_text(code, at_most=16),
        name_zh=take_text(zh),
        name_en=take_text(en),
        parent=take_optional_int(parent, 1, 65535),
        region_prefix=take_text(prefix, at_most=12),
        types=tuple(CertificateType(take_int(t, 1, 4)) for t in take_array(types, at_most=8)),
    )


def _key(row: object) -> DirectoryKey:
    role, authority, office, public_key, log, from_index, to_index, void_from = take_array(row, 8)
    kind = KeyRole(take_int(role, 1, 4))
    if kind is KeyRole.STATUS_MLDSA:
        checked = check_mldsa_public_key(take_bytes(public_key, MLDSA_PUBLIC_KEY_SIZE))
    else:
        checked = check_key(take_bytes(public_key, 32))
    return DirectoryKey(
        role=kind,
        authority=take_int(authority, 1, 65535),
        office=take_int(office, 0, 65535),
        public_key=checked,
        log=take_int(log, 1, 65535),
        from_index=take_int(from_index, 0, _MAX_INDEX),
        to_index=take_optional_int(to_index, 0, _MAX_INDEX),
        void_from=take_optional_int(void_from, 0, _MAX_INDEX),
    )


def _log(row: object) -> LogRecord:
    number, origin = take_array(row, 2)
    return LogRecord(take_int(number, 1, 65535), take_text(origin))


def _void(row: object) -> VoidRange:
    authority, log, from_index, to_index = take_array(row, 4)
    return VoidRange(
        take_int(authority, 1, 65535),
        take_int(log, 1, 65535),
        take_int(from_index, 0, _MAX_INDEX),
        take_int(to_index, 0, _MAX_INDEX),
    )


def _index(pairs: Iterable[tuple[_K, _V]], what: str) -> dict[_K, _V]:
    found: dict[_K, _V] = {}
    for key, value in pairs:
        if key in found:
            reason = Reason.KEY_KID_AMBIGUOUS if what == "key id" else Reason.SCHEMA_FIELD_UNKNOWN
            raise FormatError(reason, f"the same {what} twice in the directory")
        found[key] = value
    return found
