"""Mutations of honest objects: of bits, bytes, letters, and of what the bytes mean. Chance comes from a given seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import cbor2

__all__ = ["mutate_bytes", "mutate_structure", "mutate_text"]

_BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_ODD_LETTERS = "\n\r\t\x00 aé\u00a0\u200b\uff10\u2014=_-?#\u202e"
_NUMBERS = (0, 1, -1, 23, 24, 255, 256, 65535, 2**31, 2**32, 2**53, 2**62, 2**63, 2**64 - 1, -(2**63))


@dataclass
class _Nested:
    """A byte string that holds CBOR itself, such as a protected header or a payload."""

    item: Any


class _Pair(list[Any]):
    """Key and value of a map."""


@dataclass
class _Pairs:
    """A map as its pairs, so that keys can be changed."""

    pairs: list[_Pair]


def mutate_bytes(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """`data` with one to three changes of bits and bytes; pieces may come from `others`."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        data = chance.choice(_BYTE_CHANGES)(data or b"\x00", chance.choice(others), chance)
    return data


def mutate_text(text: str, others: Sequence[str], chance: random.Random) -> str:
    """`text` with one to three letters or stretches changed."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        text = chance.choice(_TEXT_CHANGES)(text or "0", chance.choice(others), chance)
    return text


def mutate_structure(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """`data` as CBOR with one to three nodes changed, moved, doubled or exchanged with `others`, encoded again."""
    tree, foreign = _open(cbor2.loads(data)), _open(cbor2.loads(chance.choice(others)))
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        _change_node(tree, foreign, chance)
    return cbor2.dumps(_close(tree), canonical=chance.random() < 0.9)


# --- bytes ----------------------------------------------------------------------------------------------------------


def _flip_bit(data: bytes, _: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def _set_byte(data: bytes, _: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]


def _truncate(data: bytes, _: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def _insert(data: bytes, _: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.randbytes(chance.choice((1, 1, 2, 8, 32))) + data[at:]


def _delete(data: bytes, _: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + data[at + chance.choice((1, 1, 2, 8, 32)) :]


def _repeat(data: bytes, _: bytes, chance: random.Random) -> bytes:
    at, size = chance.randrange(len(data)), chance.choice((1, 8, 32, 64))
    return data[: at + size] + data[at:]


def _splice(data: bytes, other: bytes, chance: random.Random) -> bytes:
    at, size = chance.randrange(len(data)), chance.choice((1, 4, 16, 32, 64))
    return data[:at] + other[at : at + size] + data[at + size :]


def _move(data: bytes, _: bytes, chance: random.Random) -> bytes:
    one, two = sorted(chance.randrange(len(data)) for _ in range(2))
    size = chance.choice((1, 16, 32))
    return (
        data[:one]
        + data[two : two + size]
        + data[one + size : two]
        + data[one : one + size]
        + data[two + size :]
    )


_BYTE_CHANGES: tuple[Callable[[bytes, bytes, random.Random], bytes], ...] = (
    *(_flip_bit, _flip_bit, _set_byte, _truncate, _insert, _delete, _repeat, _splice, _move),
)


# --- letters --------------------------------------------------------------------------------------------------------


def _other_letter(text: str, _: str, chance: random.Random) -> str:
    at = chance.randrange(len(text))
    return text[:at] + chance.choice(_BASE45) + text[at + 1 :]


def _odd_letter(text: str, _: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice(_ODD_LETTERS) + text[at + chance.randrange(2) :]


def _swap_case(text: str, _: str, chance: random.Random) -> str:
    at = chance.randrange(len(text))
    return text[:at] + text[at].swapcase() + text[at + 1 :]


def _cut(text: str, _: str, chance: random.Random) -> str:
    at = chance.randrange(len(text))
    return text[:at] + text[at + chance.choice((1, 2, 3, 30)) :]


def _double(text: str, _: str, chance: random.Random) -> str:
    at = chance.randrange(len(text))
    return text[: at + chance.choice((1, 3, 30))] + text[at:]


def _end(text: str, _: str, chance: random.Random) -> str:
    return text[: chance.randrange(len(text))]


def _stretch_of_another(text: str, other: str, chance: random.Random) -> str:
    at, size = chance.randrange(len(text)), chance.choice((3, 30, 300))
    return text[:at] + other[at : at + size] + text[at + size :]


def _lines(text: str, other: str, chance: random.Random) -> str:
    """Lines exchanged, doubled, or taken from the other text: for notes and policies."""
    lines, foreign = text.split("\n"), other.split("\n")
    one, two = chance.randrange(len(lines)), chance.randrange(len(lines))
    match chance.randrange(3):
        case 0:
            lines[one], lines[two] = lines[two], lines[one]
        case 1:
            lines.insert(one, lines[two])
        case _:
            lines[one] = chance.choice(foreign)
    return "\n".join(lines)


_TEXT_CHANGES: tuple[Callable[[str, str, random.Random], str], ...] = (
    *(
        _other_letter,
        _other_letter,
        _odd_letter,
        _swap_case,
        _cut,
        _double,
        _end,
        _stretch_of_another,
        _lines,
    ),
)


# --- structure ------------------------------------------------------------------------------------------------------


def _open(item: Any) -> Any:
    """The item as lists all the way down, byte strings that hold CBOR opened as well."""
    if isinstance(item, cbor2.CBORTag):
        return ["tag", item.tag, _open(item.value)]
    if isinstance(item, list | tuple):
        return [_open(part) for part in item]
    if isinstance(item, Mapping):  # cbor2 freezes what stands in a tag
        return _Pairs([_Pair([key, _open(value)]) for key, value in item.items()])
    if isinstance(item, bytes) and item[:1] and item[0] >> 5 in (4, 5):
        try:
            return _Nested(_open(cbor2.loads(item)))
        except cbor2.CBORDecodeError:
            return item
    return item


def _close(item: Any) -> Any:
    if isinstance(item, _Nested):
        return cbor2.dumps(_close(item.item), canonical=True)
    if isinstance(item, _Pairs):
        return {_key(key): _close(value) for key, value in item.pairs}
    if isinstance(item, list):
        if len(item) == 3 and item[0] == "tag" and type(item[1]) is int:
            return cbor2.CBORTag(max(0, item[1]), _close(item[2]))
        return [_close(part) for part in item]
    return item


def _key(key: Any) -> Any:
    return key if isinstance(key, int | str | bytes) else repr(key)


def _places(item: Any) -> list[tuple[list[Any], int]]:
    """Every place below `item` at which something stands: (list, index in it)."""
    found: list[tuple[list[Any], int]] = []
    if isinstance(item, _Nested):
        return _places(item.item)
    if isinstance(item, _Pairs):
        for pair in item.pairs:
            found += [(pair, 0), (pair, 1), *_places(pair[1])]
        return found
    if isinstance(item, list):
        for at, part in enumerate(item):
            found += [(item, at), *_places(part)]
    return found


def _change_node(tree: Any, foreign: Any, chance: random.Random) -> None:
    places = _places(tree)
    if not places:
        return
    holder, at = chance.choice(places)
    match chance.randrange(7):
        case 0 | 1 | 2:
            holder[at] = _changed_leaf(holder[at], chance)
        case 3:
            other, there = chance.choice(places)
            holder[at], other[there] = other[there], holder[at]
        case 4:
            source, there = chance.choice(_places(foreign) or [([None], 0)])
            holder[at] = deepcopy(source[there])  # never shared: a swap could tie a knot
        case 5:
            holder.insert(at, deepcopy(holder[at]))
        case _:
            del holder[at]
    if isinstance(holder, _Pair):
        holder[:] = [*holder, None, None][:2]


def _changed_leaf(leaf: Any, chance: random.Random) -> Any:
    if type(leaf) is int:
        return chance.choice((leaf + 1, leaf - 1, leaf ^ 1 << chance.randrange(16), chance.choice(_NUMBERS)))
    if isinstance(leaf, bytes):
        return mutate_bytes(leaf or b"\x00", [leaf[::-1] or b"\x01"], chance)
    if isinstance(leaf, str):
        return mutate_text(leaf or "0", [leaf[::-1] or "1"], chance)
    if isinstance(leaf, list) and leaf and chance.random() < 0.5:
        return leaf[::-1]
    return chance.choice((None, True, 0, b"", "", [], 1.5, leaf))
