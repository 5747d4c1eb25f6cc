"""Another value in every place of what is shown and asked, numbers beyond JavaScript's among them: the same report."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from playwright.sync_api import Page

from ledger.cbor import Tag, decode_cbor, encode_cbor
from ledger.errors import FormatError
from tests.browser.site import Site
from tests.browser.town import DeskTown
from tests.browser.verifying import Shown, verify_in_page
from tests.world import SECONDS
from verifier.expect import STATIC, Asked
from verifier.render import report_json
from verifier.seen import MemorySeen
from verifier.trust import parse_bundle
from verifier.verify import verify

NUMBERS = [
    0,
    -1,
    1,
    255,
    2**31,
    2**32,
    2**53 - 1,
    2**53,
    2**53 + 1,
    2**63 - 1,
    2**63,
    2**64 - 1,
    -(2**53),
    -(2**64),
]
OTHERS: list[object] = [*NUMBERS, None, True, False, b"", "", [], {}, bytes(32), "x"]
IN_TAG, IN_BYTES = "tag", "bytes"

Path = tuple[object, ...]


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Where something stands, in byte strings that hold CBOR too."""
    yield path
    match value:
        case Tag():
            yield from places(value.value, (*path, IN_TAG))
        case tuple():
            for at, item in enumerate(value):
                yield from places(item, (*path, at))
        case Mapping():
            for key, item in value.items():
                yield from places(item, (*path, key))
        case bytes():
            try:
                yield from places(decode_cbor(value), (*path, IN_BYTES)) if len(value) > 8 else ()
            except FormatError:
                return


def with_other(value: Any, path: Path, other: object) -> object:
    """`value` with `other` at that place."""
    if not path:
        return other
    step, *rest = path
    if step == IN_TAG:
        return Tag(value.tag, with_other(value.value, tuple(rest), other))
    if step == IN_BYTES:
        return encode_cbor(with_other(decode_cbor(value), tuple(rest), other))
    if isinstance(value, Mapping):
        return {
            key: with_other(item, tuple(rest), other) if key == step else item for key, item in value.items()
        }
    return [with_other(item, tuple(rest), other) if at == step else item for at, item in enumerate(value)]


def others_of(data: bytes, rng: random.Random, count: int) -> Iterator[bytes]:
    whole = decode_cbor(data)
    for path in list(places(whole)):
        for other in rng.sample(OTHERS, count):
            yield encode_cbor(with_other(whole, path, other))


def test_another_value_in_every_place(page: Page, site: Site, town: DeskTown, full: bool) -> None:
    rng = random.Random(53)
    count = len(OTHERS) if full else 2
    request = town.request(1)
    answer = town.people[0].answer(request)
    shown = [Shown([data], request, SECONDS) for data in others_of(answer, rng, count)]
    shown += [Shown([data], None, SECONDS) for data in others_of(town.paper, rng, count)]
    shown += [Shown([answer], data, SECONDS) for data in others_of(request, rng, count)]
    # Thousands of levels: neither side may run out of its stack.
    shown += [
        Shown([b"\xd2" + nest * 30_000], None, SECONDS) for nest in (b"\x81", b"\xc0", b"\xd2", b"\x9f")
    ]
    files = town.trust_files()
    files.pop("root.keys")
    keys = [town.world.root.public_key]
    trust = parse_bundle(files, root_keys=keys)
    now = datetime.fromtimestamp(SECONDS, UTC)
    expected = []
    for one in shown:
        expect = STATIC if one.request is None else Asked(one.request)
        report = verify(one.data[0], trust=trust, now=now, expect=expect, seen=MemorySeen())
        expected.append(report_json(report, "en"))
    theirs = verify_in_page(page, site, files, keys, shown)
    assert [
        number for number, pair in enumerate(zip(theirs, expected, strict=True)) if pair[0] != pair[1]
    ] == []
    assert len(shown) > 300
    assert len({str(report["reason"]) for report in expected}) > 12
