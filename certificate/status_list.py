"""Token Status List, CWT form, 2 bits per certificate (IETF draft-ietf-oauth-status-list; DESIGN 3.7).

    protected {1: alg, 4: kid, 16: "application/statuslist+cwt"}, unprotected {} or {X: an ML-DSA-44 signature}
    claims    {2: uri, 4: exp, 6: iat, 65533: {"lst": zlib bytes, "bits": 2}, 65534: ttl}

This is another scheme's format, hence maps. The first certificate of a byte stands in its lowest bits.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from certificate.cose import Sign1, parse_sign1, sign_object
from certificate.inflate import inflate_bounded
from certificate.keys import CoseSigner
from certificate.schema import take_int
from certificate.second_signature import SecondSignature, add_second_signature, parse_second_signature
from ledger.errors import FormatError, ProjectError, VerificationError
from ledger.mldsa import MlDsa44Signer
from ledger.reasons import Reason

__all__ = [
    "STATUS_BITS",
    "Status",
    "StatusList",
    "UnverifiedStatusList",
    "decode_status_list",
    "encode_status_list",
    "parse_status_token",
    "sign_status_token",
    "status_list_uri",
]

STATUS_BITS = 2
_TYP = "application/statuslist+cwt"
_SUB, _EXP, _IAT, _STATUS_LIST, _TTL = 2, 4, 6, 65533, 65534
_MAX_LIST_BYTES = 4 * 2**20  # 2^24 certificates of 2 bits
_MAX_SECONDS = 2**40


class Status(IntEnum):
    """What two bits say."""

    VALID = 0
    REVOKED = 1
    SUSPENDED = 2
    REPLACED = 3


@dataclass(frozen=True, slots=True)
class StatusList:
    """Packed status values."""

    bits: int
    packed: bytes

    def __len__(self) -> int:
        return len(self.packed) * 8 // self.bits

    def value(self, index: int) -> int:
        """The value at `index`. Raises VerificationError `status.index_range`."""
        if not 0 <= index < len(self):
            raise VerificationError(Reason.STATUS_INDEX_RANGE, f"index {index} in a list of {len(self)}")
        per_byte = 8 // self.bits
        shift = self.bits * (index % per_byte)
        return self.packed[index // per_byte] >> shift & ((1 << self.bits) - 1)


@dataclass(frozen=True, slots=True)
class UnverifiedStatusList:
    """A parsed status list token: no signature of it was checked. Times are POSIX seconds, `ttl` seconds."""

    sign1: Sign1
    uri: str
    issued: int
    expires: int
    ttl: int
    statuses: StatusList
    second: SecondSignature | None = None


def status_list_uri(authority: int, number: int) -> str:
    """The name of list `number` of `authority`; a certificate names its list by number only."""
    return f"urn:tallystick:status:{authority}:{number}"


def encode_status_list(values: StatusList) -> dict[str, object]:
    """The status list map: zlib (RFC 1950), level 9."""
    return {"bits": values.bits, "lst": zlib.compress(values.packed, 9)}


def decode_status_list(bits: int, compressed: bytes) -> StatusList:
    """Unpack one list.

    Raises:
        FormatError: `status.list_malformed` (width, container, cut short), `status.list_too_large`.
    """
    if bits not in (1, 2, 4, 8):
        raise FormatError(Reason.STATUS_LIST_MALFORMED, f"{bits} bits per entry")
    try:
        return StatusList(bits, inflate_bounded(compressed, limit=_MAX_LIST_BYTES))
    except ProjectError as exc:
        too_large = exc.reason is Reason.ENC_DECOMPRESS_LIMIT
        reason = Reason.STATUS_LIST_TOO_LARGE if too_large else Reason.STATUS_LIST_MALFORMED
        raise FormatError(reason, exc.reason.value) from exc


def sign_status_token(
    signer: CoseSigner,
    *,
    uri: str,
    issued: int,
    expires: int,
    ttl: int,
    statuses: StatusList,
    mldsa_signer: MlDsa44Signer | None = None,
) -> bytes:
    """Sign one published status list; with `mldsa_signer` by both."""
    claims = {_SUB: uri, _EXP: expires, _IAT: issued, _STATUS_LIST: encode_status_list(statuses), _TTL: ttl}
    token = sign_object(signer, _TYP, claims)
    return token if mldsa_signer is None else add_second_signature(token, _TYP, mldsa_signer)


def parse_status_token(data: bytes) -> UnverifiedStatusList:
    """Parse the tagged bytes of a status list token.

    Raises:
        FormatError: what `parse_sign1` and `parse_second_signature` raise, `status.list_malformed`,
            `status.list_too_large`.
    """
    sign1 = parse_sign1(data, _TYP, with_x=True)
    second = parse_second_signature(sign1, _TYP)
    claims = sign1.payload
    if not isinstance(claims, Mapping) or claims.keys() != {_SUB, _EXP, _IAT, _STATUS_LIST, _TTL}:
        raise FormatError(Reason.STATUS_LIST_MALFORMED, "claims other than sub, exp, iat, ttl and the list")
    inner = claims[_STATUS_LIST]
    if not isinstance(inner, Mapping) or inner.keys() != {"bits", "lst"} or type(inner["lst"]) is not bytes:
        raise FormatError(Reason.STATUS_LIST_MALFORMED, "the list is bits and lst")
    if type(inner["bits"]) is not int or type(claims[_SUB]) is not str:
        raise FormatError(Reason.STATUS_LIST_MALFORMED, "a member of another type")
    if inner["bits"] != STATUS_BITS:
        raise FormatError(Reason.STATUS_LIST_MALFORMED, "our lists have 2 bits per entry")
    return UnverifiedStatusList(
        sign1=sign1,
        uri=claims[_SUB],
        issued=take_int(claims[_IAT], 0, _MAX_SECONDS),
        expires=take_int(claims[_EXP], 0, _MAX_SECONDS),
        ttl=take_int(claims[_TTL], 0, 2**31),
        statuses=decode_status_list(inner["bits"], inner["lst"]),
        second=second,
    )
