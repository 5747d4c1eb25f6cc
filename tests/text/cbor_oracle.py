"""What the reader of `ledger.cbor` must agree with: the library decodes, encodes again, and all is compared."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NoReturn

import cbor2

from ledger.cbor import COSE_SIGN1_TAG, MAX_DEPTH, Tag

__all__ = ["RefusedError", "decode_and_compare", "described"]

_BUILT_IN_TAGS = (
    *range(6),
    25,
    *range(28, 31),
    *range(35, 38),
    52,
    54,
    100,
    256,
    258,
    260,
    261,
    1004,
    43000,
    55799,
)


class RefusedError(Exception):
    """The bytes are not the one spelling of a value of the profile."""


def _forbid(*_: object) -> NoReturn:
    raise RefusedError


def _keep_sign1(tag: Tag, _immutable: bool) -> Tag:
    return tag if tag.tag == COSE_SIGN1_TAG else _forbid()


_NO_DECODERS: dict[int, Any] = dict.fromkeys(_BUILT_IN_TAGS, _forbid)
_NO_ENCODERS: dict[type, Any] = dict.fromkeys((float, cbor2.CBORSimpleValue, type(cbor2.undefined)), _forbid)


def decode_and_compare(data: bytes) -> Any:
    """The value whose one encoding `data` is. Raises RefusedError."""
    try:
        value = cbor2.loads(
            data,
            tag_hook=_keep_sign1,
            semantic_decoders=_NO_DECODERS,
            max_depth=MAX_DEPTH,
            allow_indefinite=False,
            allow_duplicate_keys=False,
            immutable=True,
        )
        again = cbor2.dumps(value, canonical=True, encoders=_NO_ENCODERS)
    except Exception as exc:
        raise RefusedError from exc
    if again != data or not _keys_rise(value):
        raise RefusedError
    return value


def _keys_rise(value: Any) -> bool:
    """Whether the keys of all maps rise byte by byte too, as RFC 8949 has it; the library sorts short keys first."""
    if isinstance(value, Tag):
        return _keys_rise(value.value)
    if isinstance(value, Mapping):
        spelled = [cbor2.dumps(key, canonical=True) for key in value]
        rising = all(earlier < later for earlier, later in pairwise(spelled))
        return rising and all(map(_keys_rise, (*value.keys(), *value.values())))
    return not isinstance(value, tuple) or all(map(_keys_rise, value))


def described(value: Any) -> object:
    """`value` with its types beside it: 1 == True in Python."""
    if isinstance(value, Tag):
        return "tag", value.tag, described(value.value)
    if isinstance(value, Mapping):
        return "map", type(value), [(described(key), described(item)) for key, item in value.items()]
    if isinstance(value, tuple):
        return "array", [described(item) for item in value]
    return type(value), value
