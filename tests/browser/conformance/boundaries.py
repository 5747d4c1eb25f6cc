"""Every place of an object in turn, and in it each value at which a rule begins or ends: no chance in it.

Numbers around the powers of two at which a browser's numbers stop being exact, texts with letters of four bytes or a
byte order mark, items of every other type.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from certificate.cose import encode_sign1, parse_sign1, sig_structure
from certificate.keys import CoseSigner
from certificate.log_files import Milestones, encode_milestones
from certificate.numbers import Typ
from certificate.presentation import parse_presentation
from certificate.request import parse_request
from ledger.cbor import Tag, decode_cbor, encode_cbor
from ledger.errors import FormatError
from tests.attacks.forging import forged_paper, paper
from tests.browser.conformance.bench import Bench
from tests.browser.conformance.broken import listed
from tests.world import DAY, SECONDS, World
from verifier.expect import STATIC, Asked
from verifier.held import milestones_file_name
from verifier.trust import BUNDLE_NAME, DIRECTORY_NAME, POLICY_NAME

__all__ = ["EDGES", "add_edged_bundles", "add_edges", "with_edges"]

_POWERS = (8, 16, 31, 32, 40, 53, 62, 63)
EDGES: tuple[Any, ...] = (
    *(0, 1, 2, 23, 24, -1, -24, -25, -(2**53), -(2**53) - 1, -(2**63), -(2**64), 2**64 - 1),
    *(2**power + step for power in _POWERS for step in (-1, 0, 1)),
    *(None, True, False, b"", b"\x00", bytes(8), bytes(16), bytes(31), bytes(32), bytes(33), bytes(64), b"\xff" * 32),
    *("", " ", "a", "测试", "\ufeffa", "a\ufeff", "\U00020000" * 64, "\U00020000" * 65, "\U00020000" * 128, "x" * 128),
    *("x" * 129, "x" * 256, "x" * 257, "e\u0301", "a\u200bb", "A\u0410", "9901\n", "\uff11", "a\u0000", "\u00a0a"),
    *((), (0,), (1, 2), ((),), ("a",), {}, {1: 2}),
)  # fmt: skip


def with_edges(data: bytes, edges: tuple[Any, ...] = EDGES) -> Iterator[bytes]:
    """`data`, CBOR, once for each place and value; byte strings that hold CBOR are places with places in them."""
    for changed in _changed(decode_cbor(data), edges):
        yield encode_cbor(changed)


def _changed(item: Any, edges: tuple[Any, ...]) -> Iterator[Any]:
    """Every item that differs from `item` in one place; the place at the top is none."""
    if isinstance(item, Tag):
        yield from (Tag(item.tag, value) for value in _changed(item.value, edges))
    elif isinstance(item, tuple):
        for at, part in enumerate(item):
            for value in _in_place_of(part, edges):
                yield (*item[:at], value, *item[at + 1 :])
            yield (*item[:at], *item[at + 1 :])
            yield (*item[: at + 1], *item[at:])
    elif isinstance(item, Mapping):
        for key in item:
            for value in _in_place_of(item[key], edges):
                yield {**item, key: value}
            yield {other: value for other, value in item.items() if other != key}
        yield {**item, 9: 1}


def _in_place_of(part: Any, edges: tuple[Any, ...]) -> Iterator[Any]:
    yield from (edge for edge in edges if (type(edge), edge) != (type(part), part))
    yield from _changed(part, edges)
    if isinstance(part, bytes) and part[:1] and part[0] >> 5 in (4, 5):
        try:
            inner = decode_cbor(part)
        except FormatError:
            return
        yield from map(encode_cbor, _changed(inner, edges))


def add_edges(bench: Bench, every: int) -> None:
    """Copies and answers with an edge in one place: in what stands outside the signature, and in what is signed again.

    Args:
        every: one of so many is taken.
    """
    world = World()
    copy = paper(world)
    by_copy = bench.open(world.bundle_files())
    parsed = parse_sign1(copy, Typ.CERTIFICATE, with_x=True)
    [(label, extras)] = parsed.unprotected.items()
    for changed in islice(_changed(extras, EDGES), 0, None, every):
        shown = encode_sign1(parsed.protected_bytes, parsed.payload_bytes, parsed.signature, {label: changed})
        bench.judge("edge beside", shown, by_copy, STATIC)
    for payload in islice(with_edges(parsed.payload_bytes), 0, None, every):
        one = World()
        shown = forged_paper(one, payload=payload)
        bench.judge("edge in a certificate", shown, bench.open(one.bundle_files()), STATIC)
    asked, answer = world.request(), world.presentation()
    by_answer, signed = bench.open(world.bundle_files()), parse_presentation(answer).sign1
    for payload in islice(with_edges(signed.payload_bytes), 0, None, every):
        signature = world.holder.sign(sig_structure(signed.protected_bytes, payload))
        shown = encode_sign1(signed.protected_bytes, payload, signature)
        bench.judge("edge in an answer", shown, by_answer, Asked(asked))
    honest = parse_request(asked).sign1
    for payload in islice(with_edges(honest.payload_bytes), 0, None, every):
        signature = world.asker.sign(sig_structure(honest.protected_bytes, payload))
        odd = encode_sign1(honest.protected_bytes, payload, signature)
        bench.judge("edge in a request", answer, by_answer, Asked(odd))


def add_edged_bundles(bench: Bench, every: int) -> None:
    """Bundles whose directory, manifest, status list, blocks or milestones have an edge, signed and listed again."""
    world = World()
    copy = paper(world)
    marks = encode_milestones(Milestones(1, ((1, SECONDS - DAY), (301, SECONDS - 7200))))
    others = {**world.log.held_files(), milestones_file_name(1): marks}
    honest = world.bundle_files(others=others)
    for name, content in sorted(honest.items()):
        if name == POLICY_NAME or name.endswith(".txt"):
            continue
        signer = {BUNDLE_NAME: world.root, DIRECTORY_NAME: world.root}.get(name)
        signer = world.status_key if name.endswith(".cwt") else signer
        for changed in islice(_signed_edges(content, signer), 0, None, every):
            files = {**honest, name: changed}
            opened = bench.open(files if name == BUNDLE_NAME else listed(files, world.root))
            if opened.trust is not None:
                bench.judge(f"edge in {name}", copy, opened, STATIC)


def _signed_edges(content: bytes, signer: CoseSigner | None) -> Iterator[bytes]:
    """A file with edges; what is signed is signed again."""
    if signer is None:
        yield from with_edges(content)
        return
    protected, _, payload, _ = decode_cbor(content).value
    for changed in with_edges(payload):
        yield encode_sign1(protected, changed, signer.sign(sig_structure(protected, changed)))
