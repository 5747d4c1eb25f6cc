"""Claim offers: a code and a PIN that let one person claim certificates onto a key of their own.

The code (100 random bits) goes out by letter, QR or a clerk's printer, the PIN by another way. Only hashes are kept;
the PIN's is keyed with a secret of the home, for six digits alone could be tried out by whoever reads the file. Five
wrong PINs end an offer. The first key that claims by it is the only one that ever can, so a claim cut off in the
middle is simply made again. An unknown, ended, expired or mistyped offer all answer alike.
"""

from __future__ import annotations

import hmac
from base64 import b32encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from issuer.claiming.identity import OWN, Identity, Proven, Terms, Way
from issuer.claiming.own_file import OwnFile
from ledger.cbor import decode_cbor, encode_cbor
from ledger.errors import FormatError, VerificationError
from ledger.reasons import Reason

__all__ = ["MAX_TRIES", "Offer", "Offers"]

MAX_TRIES = 5
_DAY = 86400
_CODE_BYTES = 13  # 20 base32 characters are kept of them: 100 bits
_CODE_LENGTH = 20
_SCHEMA = """
CREATE TABLE IF NOT EXISTS offers (
    code_hash BLOB PRIMARY KEY, person_no TEXT NOT NULL, pin_hash BLOB NOT NULL, expires INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, holder BLOB
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS offer_terms (
    code_hash BLOB PRIMARY KEY, way INTEGER NOT NULL, made_at INTEGER NOT NULL, made_by TEXT NOT NULL,
    terms BLOB NOT NULL
) STRICT, WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Offer:
    """What is told to the person, once. `expires` is POSIX seconds."""

    person_no: str
    code: str
    pin: str
    expires: int


class Offers:
    """The offers of one home, in a file of their own; a `WayIn`. For any number of threads and processes."""

    def __init__(self, path: Path, *, secret: bytes) -> None:
        """Open or make the file. `secret` is 32 bytes of the home's own."""
        self._key = sha256(b"tallystick claim offers" + secret).digest()
        self._file = OwnFile(path, _SCHEMA)

    def make(
        self,
        persons: Iterable[str],
        *,
        now: int,
        days: int,
        random: Callable[[int], bytes],
        way: Way = Way.LETTER,
        by: str = "",
        terms: Terms = OWN,
    ) -> list[Offer]:
        """One offer for each person, valid for `days`; all are written before any is returned.

        Args:
            way, by: how the person's identity was, or will be, seen: by letter, or by the operator `by` at a counter.
        """
        made = []
        for person_no in persons:
            code = b32encode(random(_CODE_BYTES)).decode("ascii")[:_CODE_LENGTH]
            pin = f"{int.from_bytes(random(8)) % 10**6:06d}"
            made.append(Offer(person_no, code, pin, now + days * _DAY))
        encoded = _encode_terms(terms)
        with self._file.writing() as connection:
            connection.executemany(
                "INSERT INTO offers (code_hash, person_no, pin_hash, expires) VALUES (?, ?, ?, ?)",
                ((_hash(o.code), o.person_no, self._pin_hash(o.code, o.pin), o.expires) for o in made),
            )
            connection.executemany(
                "INSERT INTO offer_terms VALUES (?, ?, ?, ?, ?)",
                ((_hash(o.code), int(way), now, by, encoded) for o in made),
            )
        return made

    def prove(self, form: Mapping[str, str], *, now: int) -> Proven:
        """As `WayIn`: the members are `pre-authorized_code` and `tx_code`."""
        code, pin = form.get("pre-authorized_code", ""), form.get("tx_code", "")
        if not (0 < len(code) <= 64 and 0 < len(pin) <= 16):
            raise FormatError(Reason.API_VALIDATION, "a code and a PIN are due")
        with self._file.writing() as connection:
            row = connection.execute(
                "SELECT person_no, pin_hash, expires, tries, way, made_at, made_by, terms "
                "FROM offers LEFT JOIN offer_terms USING (code_hash) WHERE code_hash = ?",
                (_hash(code),),
            ).fetchone()
            right = hmac.compare_digest(self._pin_hash(code, pin), row[1] if row else bytes(32))
            if row is not None and not right:
                connection.execute("UPDATE offers SET tries = tries + 1 WHERE code_hash = ?", (_hash(code),))
        if row is None or not right or now >= row[2] or row[3] >= MAX_TRIES:
            raise _invalid("the code or the PIN")
        person_no, _, _, _, way, made_at, by, terms = row
        if way is None:  # an offer made before offers had terms
            return Proven(Identity(person_no, Way.LETTER, now), OWN, code)
        time = made_at if way == Way.COUNTER else now
        return Proven(Identity(person_no, Way(way), time, by), _decode_terms(terms), code)

    def bind(self, proven: Proven, holder: bytes) -> None:
        """As `WayIn`."""
        with self._file.writing() as connection:
            bound = connection.execute(
                "UPDATE offers SET holder = ? WHERE code_hash = ? AND (holder IS NULL OR holder = ?)",
                (holder, _hash(proven.ticket), holder),
            ).rowcount
        if bound != 1:
            raise _invalid("the offer was used for another key")

    def _pin_hash(self, code: str, pin: str) -> bytes:
        return hmac.digest(self._key, f"{code}\0{pin}".encode(), "sha256")


def _encode_terms(terms: Terms) -> bytes:
    return encode_cbor([terms.lost_key, terms.proxy_for, terms.until])


def _decode_terms(data: bytes) -> Terms:
    return Terms(*decode_cbor(data))


def _hash(code: str) -> bytes:
    return sha256(code.encode()).digest()


def _invalid(detail: str) -> VerificationError:
    return VerificationError(Reason.AUTH_INVALID, detail, hint="ask the bureau for a new offer")
