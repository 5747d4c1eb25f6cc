"""A snapshot: the records of one import as claims, one file, indexed by person, written once and never changed.

    magic | head of the seal | blobs of the persons, sorted by number | employers | index | tail (CBOR)
    | its SHA-256 and size | magic

    index     per person: number (20 bytes, NUL-padded), offset (8), first 16 bytes of SHA-256 of the blob
    employers offsets (4 bytes each, one more than there are), then code NUL name of each
    tail      [version, profile, agency, cut_off, [[kind, settled month], ...], persons, employers, their size,
               SHA-256 of the employers, SHA-256 of the index without its offsets]

Each blob, the employers and the index are sealed (`issuer.snapshot_seal`); sizes and hashes are those of what is under
the seal. The tail names nobody and stays in the clear. The digest of a snapshot is SHA-256 of the tail. It depends on
what was exported, not on the order or format of rows, nor on the seal. Opening checks tail, employers and index;
reading a person checks that person's blob.
"""

from __future__ import annotations

import errno
import mmap
import os
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final

import numpy as np

from certificate.slots import ClaimValue
from issuer.person_blob import decode_person
from issuer.snapshot_seal import HEAD_SIZE, TAG_SIZE, Part, SnapshotSeal
from ledger.cbor import decode_cbor, encode_cbor
from ledger.errors import ConfigError, FormatError, IntegrityError
from ledger.reasons import Reason

__all__ = ["PersonClaims", "Snapshot", "SnapshotWriter"]

_MAGIC: Final = b"TSSNAP2\n"
_OLD_MAGICS: Final = frozenset({b"TSSNAP1\n"})
_VERSION: Final = 1
_NO_SIZE: Final = 20
_HASH_SIZE: Final = 16
_ENTRY: Final = struct.Struct(f"<{_NO_SIZE}sQ{_HASH_SIZE}s")
_END: Final = struct.Struct(f"<32sI{len(_MAGIC)}s")
_MAX_TAIL: Final = 2**20
_BLOBS_AT: Final = len(_MAGIC) + HEAD_SIZE


@dataclass(frozen=True, slots=True)
class PersonClaims:
    """What the records say of one person: slot to value as in `certificate.slots`; region as six digits."""

    person_no: str
    region: int
    agency_code: str
    claims: dict[int, ClaimValue]


class SnapshotWriter:
    """Writes a snapshot beside `path` and moves it there when all of it is on disk; without `finish` nothing stays."""

    def __init__(self, path: Path, *, key: bytes, random: Callable[[int], bytes] = os.urandom) -> None:
        """`key` is the home's 32-byte key for snapshots."""
        self._path = path
        self._seal = SnapshotSeal.make(key, random=random)
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
        self._file: BinaryIO = self._open()
        self._file.write(_MAGIC + self._seal.head)
        self._offset = _BLOBS_AT
        self._index: list[bytes] = []
        self._last = ""

    def __enter__(self) -> SnapshotWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        with suppress(OSError):  # what could not be written does not matter any more
            self._file.close()
        with suppress(FileNotFoundError):
            self._temporary.unlink()

    def __len__(self) -> int:
        return len(self._index)

    def add(self, person_no: str, blob: bytes) -> None:
        """Add a person; numbers come in rising order. Raises IntegrityError `store.full`, `store.io_error`."""
        if person_no <= self._last:
            raise ValueError("persons out of order")
        self._last = person_no
        sealed = self._seal.seal(Part.PERSON, len(self._index), blob)
        try:
            self._file.write(sealed)
        except OSError as exc:
            raise _write_failed(exc) from exc
        self._index.append(
            _ENTRY.pack(person_no.encode("ascii"), self._offset, sha256(blob).digest()[:_HASH_SIZE])
        )
        self._offset += len(sealed)

    def finish(
        self,
        *,
        profile: int,
        agency: str,
        cut_off: int,
        settled: Mapping[int, int],
        employers: Sequence[tuple[str | None, str]],
        expected_digest: bytes | None = None,
    ) -> bytes:
        """Write what follows the blobs, make it durable, put it in place; returns the digest.

        Args:
            expected_digest: of the snapshot that this is another copy of.
        Raises:
            IntegrityError: `store.full`, `store.io_error`, `store.hash_mismatch`; then there is no snapshot.
        """
        table = _pack_employers(employers)
        index = b"".join(self._index)
        tail = encode_cbor(
            [
                _VERSION,
                profile,
                agency,
                cut_off,
                [[kind, month] for kind, month in sorted(settled.items())],
                len(self._index),
                len(employers),
                len(table),
                sha256(table).digest(),
                _index_digest(index),
            ]
        )
        digest = sha256(tail).digest()
        if expected_digest is not None and digest != expected_digest:
            raise IntegrityError(Reason.STORE_HASH_MISMATCH, "snapshot: not a copy of what was expected")
        sealed = self._seal.seal(Part.EMPLOYERS, 0, table) + self._seal.seal(Part.INDEX, 0, index)
        try:
            self._file.write(sealed + tail + _END.pack(digest, len(tail), _MAGIC))
            self._file.flush()
            os.fsync(self._file.fileno())
            os.replace(self._temporary, self._path)
            _sync_folder(self._path.parent)
        except OSError as exc:
            raise _write_failed(exc) from exc
        return digest

    def _open(self) -> BinaryIO:
        try:
            descriptor = os.open(
                self._temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600
            )
        except OSError as exc:
            raise _write_failed(exc) from exc
        return os.fdopen(descriptor, "wb", buffering=1 << 20)


class Snapshot:
    """An opened snapshot; safe to read from several processes, never written."""

    def __init__(self, path: Path, data: mmap.mmap, key: bytes) -> None:
        """Use `open`."""
        self._data = data
        self._key = key
        self._path = path
        self._count: int
        self._read_tail(key)
        self._employer_cache: dict[int, tuple[str | None, str]] = {}

    @classmethod
    def open(cls, path: Path, *, key: bytes, expected_digest: bytes | None = None) -> Snapshot:
        """Open the snapshot at `path` and check all of it but the persons' blobs.

        Args:
            key: the home's 32-byte key for snapshots.
            expected_digest: the digest noted when it was imported; without it only accidents are noticed.
        Raises:
            ConfigError: `home.not_found` when there is no such file, `home.version` when an older program wrote it.
            IntegrityError: `store.corrupt`, `store.hash_mismatch`, `store.io_error`.
        """
        try:
            with path.open("rb") as stream:
                data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        except FileNotFoundError as exc:
            hint = "import the records again"
            raise ConfigError(Reason.HOME_NOT_FOUND, f"no snapshot {path.name}", hint=hint) from exc
        except ValueError as exc:  # an empty file cannot be mapped
            raise _corrupt("empty file") from exc
        except OSError as exc:
            raise IntegrityError(Reason.STORE_IO_ERROR, f"snapshot {path.name} cannot be read") from exc
        snapshot = cls(path, data, key)
        if expected_digest is not None and snapshot.digest != expected_digest:
            raise snapshot._mismatch("another digest than was noted")
        return snapshot

    def __reduce__(self) -> tuple[object, ...]:
        """Another process opens the file for itself."""
        return _opened, (self._path, self._key, self.digest)

    def __len__(self) -> int:
        return self._count

    def person_nos(self) -> Iterator[str]:
        """All numbers of persons, sorted."""
        return (self._entry(at)[0].decode("ascii") for at in range(self._count))

    def __contains__(self, person_no: str) -> bool:
        return self._find(person_no) is not None

    def claims(self, person_no: str) -> PersonClaims:
        """The claims of one person.

        Raises:
            ConfigError: `person.not_found`.
            IntegrityError: `store.hash_mismatch` when the person's bytes changed on disk.
        """
        return self.person_at(self.require(person_no))

    def require(self, person_no: str) -> int:
        """The place of a person. Raises ConfigError `person.not_found`."""
        at = self._find(person_no)
        if at is None:
            hint = "check the number; the person may be new since the last import, or laid aside in it"
            raise ConfigError(Reason.PERSON_NOT_FOUND, "no such person in the snapshot", hint=hint)
        return at

    def batches(self, size: int) -> Iterator[list[PersonClaims]]:
        """All persons in order, `size` at a time."""
        for start in range(0, self._count, size):
            yield [self.person_at(at) for at in range(start, min(start + size, self._count))]

    def person_at(self, at: int) -> PersonClaims:
        """The person at a place of `person_nos`. Raises IntegrityError `store.hash_mismatch`."""
        number, blob = self._blob(at)
        region, agency, claims = decode_person(blob, settled=self.settled, employer=self._employer)
        return PersonClaims(number, region, agency, claims)

    def close(self) -> None:
        self._data.close()

    def _blob(self, at: int) -> tuple[str, bytes]:
        number, offset, digest = self._entry(at)
        end = self._entry(at + 1)[1] if at + 1 < self._count else self._employers_at
        blob = self._seal.open(Part.PERSON, at, self._data[offset:end])
        if sha256(blob).digest()[:_HASH_SIZE] != digest:
            raise self._mismatch(f"person {at}")
        return number.decode("ascii"), blob

    def _entry(self, at: int) -> tuple[bytes, int, bytes]:
        number, offset, digest = _ENTRY.unpack_from(self._index, at * _ENTRY.size)
        return number.rstrip(b"\0"), offset, digest

    def _find(self, person_no: str) -> int | None:
        wanted = person_no.encode("utf-8", "replace")
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            if self._entry(middle)[0] < wanted:
                low = middle + 1
            else:
                high = middle
        return low if low < self._count and self._entry(low)[0] == wanted else None

    def _employer(self, at: int) -> tuple[str | None, str]:
        known = self._employer_cache.get(at)
        if known is None:
            start, end = struct.unpack_from("<2I", self._employers, 4 * at)
            base = 4 * (self._employer_count + 1)
            code, name = self._employers[base + start : base + end].decode("utf-8").split("\0")
            known = self._employer_cache[at] = (code or None, name)
        return known

    def _mismatch(self, detail: str) -> IntegrityError:
        hint = "restore the file from a backup, or import the records again"
        return IntegrityError(Reason.STORE_HASH_MISMATCH, f"snapshot {self._path.name}: {detail}", hint=hint)

    def _read_tail(self, key: bytes) -> None:
        data = self._data
        end = len(data) - _END.size
        if data[: len(_MAGIC)] in _OLD_MAGICS:
            hint = "run: tally home upgrade"
            raise ConfigError(Reason.HOME_VERSION, "a snapshot as an older program wrote it", hint=hint)
        if end < _BLOBS_AT or data[: len(_MAGIC)] != _MAGIC:
            raise _corrupt("not a snapshot")
        self.digest: bytes
        self.digest, size, magic = _END.unpack_from(data, end)
        if magic != _MAGIC or not 0 < size <= min(_MAX_TAIL, end - _BLOBS_AT):
            raise _corrupt("cut short")
        tail = data[end - size : end]
        if sha256(tail).digest() != self.digest:
            raise self._mismatch("tail")
        try:
            fields = decode_cbor(tail)
            version = fields[0]
            (self.profile_id, self.agency, self.cut_off, settled) = fields[1:5]
            (self._count, self._employer_count, employers_size, employers_digest, index_digest) = fields[5:]
            self.settled: dict[int, int] = dict(settled)
        except (FormatError, TypeError, ValueError, IndexError, KeyError) as exc:
            raise _corrupt("unreadable tail") from exc
        if version != _VERSION:
            raise _corrupt(f"version {version}")
        self._seal = SnapshotSeal.of_head(key, data[len(_MAGIC) : _BLOBS_AT])
        index_at = end - size - self._count * _ENTRY.size - TAG_SIZE
        self._employers_at: int = index_at - employers_size - TAG_SIZE
        if self._employers_at < _BLOBS_AT:
            raise _corrupt("cut short")
        self._employers = self._seal.open(Part.EMPLOYERS, 0, data[self._employers_at : index_at])
        self._index = self._seal.open(Part.INDEX, 0, data[index_at : end - size])
        if sha256(self._employers).digest() != employers_digest:
            raise self._mismatch("employers")
        if _index_digest(self._index) != index_digest:
            raise self._mismatch("index")


def _opened(path: Path, key: bytes, digest: bytes) -> Snapshot:
    return Snapshot.open(path, key=key, expected_digest=digest)


def _pack_employers(employers: Sequence[tuple[str | None, str]]) -> bytes:
    texts = [f"{code or ''}\0{name}".encode() for code, name in employers]
    offsets = np.zeros(len(texts) + 1, "<u4")
    np.cumsum([len(text) for text in texts], out=offsets[1:])
    return offsets.tobytes() + b"".join(texts)


def _index_digest(index: bytes) -> bytes:
    """Digest of numbers and blob hashes: offsets are left out, they follow from how blobs are stored."""
    entries = np.frombuffer(index, np.uint8).reshape(-1, _ENTRY.size)
    kept = np.delete(entries, np.s_[_NO_SIZE : _NO_SIZE + 8], axis=1)
    return sha256(kept.tobytes()).digest()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_failed(exc: OSError) -> IntegrityError:
    reason = Reason.STORE_FULL if exc.errno == errno.ENOSPC else Reason.STORE_IO_ERROR
    hint = "make room, or name a folder that can be written, and import again"
    return IntegrityError(reason, "the snapshot could not be written", hint=hint)


def _corrupt(detail: str) -> IntegrityError:
    return IntegrityError(Reason.STORE_CORRUPT, f"snapshot: {detail}", hint="import the records again")
