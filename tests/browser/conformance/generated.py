"""Cases from a seed: the golden ones of three bureaus, and rightly signed objects with something odd in them.

What is broken before it is signed gets past the signatures, to where parsers and rules alone decide.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace

from certificate.certificate import parse_certificate
from certificate.cose import encode_sign1, parse_sign1, sig_structure
from certificate.keys import CoseSigner
from certificate.numbers import HEADER_KCWT, Algorithm, Typ
from certificate.presentation import parse_presentation
from certificate.qr_text import encode_file_text, encode_qr_text
from certificate.request import SlotsItem, parse_request
from ledger.cbor import decode_cbor, encode_cbor
from ledger.errors import ProjectError
from tests.attacks.forging import forged_paper, headers_of, lenient_tree, paper
from tests.browser.conformance.bench import Bench, Opened
from tests.golden.cases import cases
from tests.golden.province import Province
from tests.torture.mutating import mutate_structure
from tests.verifier.judging import P256Holder
from tests.world import (
    DAY,
    REGISTRY,
    SECONDS,
    SLOTS_24,
    TODAY,
    World,
    claims_of_60_months,
    signer,
)
from verifier.expect import STATIC, Asked, Expectation, Subject
from verifier.seen import MemorySeen

__all__ = ["add_dated", "add_golden", "add_resigned"]

_VALUES: tuple[object, ...] = (
    None, True, False, 0, 1, -1, 23, 24, 255, 256, 65535, 65536, 2**31, 2**32 + 1, 2**53, 2**63, 2**64 - 1, -(2**63),
    202613, 202600, 202610, "", "测试甲", "a\u0301", "\u202eabc", "Аmy", "x" * 600, b"", b"\x00" * 3, b"\xff" * 3,
    bytes(16), bytes(32), (), (1, 2), (("a", 1),),
)  # fmt: skip


def add_golden(bench: Bench, count: int) -> None:
    """Golden and broken cases as `tests.golden` makes them, all with one memory after another."""
    province = Province(6_258, SECONDS)
    asked = province.request()
    opened = bench.open(province.files())
    for case in cases(province, asked, count, seed=6_258):
        expect = Asked(asked) if case.answers else STATIC
        report = bench.judge(f"golden {case.kind}", case.data, opened, expect)
        assert (report.outcome, report.reason) == (case.outcome, case.reason)


def add_resigned(bench: Bench, count: int, *, seed: int) -> None:
    """Objects changed in one place and signed again by who has to sign them: the kinds in turn."""
    chance, kinds = random.Random(seed), list(_KINDS)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        try:
            world, shown, expect, files = _KINDS[kind](chance)
        except (ProjectError, ValueError, TypeError, OverflowError):
            continue  # our own encoder refuses to make it
        opened = _opened(bench, world, files)
        if opened.trust is not None:
            bench.judge(f"resigned {kind}", shown, opened, expect)


def add_dated(bench: Bench, count: int, *, seed: int) -> None:
    """Honest answers and paper, judged on other days, by bundles and lists of other ages, with other memories."""
    chance, world = random.Random(seed), World()
    asked = world.request(expires=SECONDS + 40 * DAY)
    honest: list[tuple[bytes, Expectation, dict[str, bytes]]] = [
        (world.presentation(request=asked), Asked(asked), world.log.held_files()),
        (paper(world), STATIC, world.log.held_files()),
    ]
    for _ in range(count):
        shown, expect, held = chance.choice(honest)
        step = chance.choice((1, 299, 300, 301, 3600, DAY, 8 * DAY, 40 * DAY, 89 * DAY, 91 * DAY))
        now = SECONDS + chance.choice((-1, 1)) * step + chance.choice((-1, 0, 1))
        token = world.status_token(
            statuses={1234: chance.choice((0, 0, 0, 1, 2, 3))},
            issued=now - chance.choice((-301, -300, 0, DAY, 8 * DAY - 1, 8 * DAY)),
            expires=now + chance.choice((0, 1, 30 * DAY)),
        )
        others = held if chance.random() < 0.5 else {}
        files = world.bundle_files(
            token=token, issued=now - chance.choice((-301, -300, 0, 3600)), version=chance.choice((1, 2)),
            expires=now + chance.choice((0, 1, 8 * DAY)), others=others,
        )  # fmt: skip
        opened = bench.open(files)
        if opened.trust is None:
            continue
        seen = MemorySeen()
        for name, value in (
            ("bundle.version", chance.choice((1, 2))),
            ("time", now + chance.choice((-300, 0, 300, 301))),
            ("urn:tallystick:status:1:0", now - chance.choice((0, 2 * DAY))),
        ):
            if chance.random() < 0.4:
                seen.advance(name, value)
        bench.judge("dated", shown, opened, expect, now=now, seen=seen)
        if chance.random() < 0.3:
            bench.judge("dated, again", shown, opened, expect, now=now, seen=seen)


Made = tuple[World, bytes | list[bytes], Expectation, Mapping[str, object]]


def _opened(bench: Bench, world: World, files: Mapping[str, object]) -> Opened:
    return bench.open(world.bundle_files(**files))  # type: ignore[arg-type]  # its own options


def _changed(chance: random.Random, payload: object, other: object) -> bytes:
    """The payload in CBOR with something exchanged in it."""
    if isinstance(payload, list | tuple) and chance.random() < 0.6:
        fields = [*payload]
        fields[chance.randrange(len(fields))] = chance.choice(_VALUES)
        return encode_cbor(fields)
    return mutate_structure(encode_cbor(payload), [encode_cbor(other)], chance)


def _certificate_fields(chance: random.Random) -> Made:
    world = World()
    body = world.body(paper=True)
    other = world.body(cut_off=202512, issued=TODAY - 300)
    return world, forged_paper(world, payload=_changed(chance, body.encode(), other.encode())), STATIC, {}


def _certificate_headers(chance: random.Random) -> Made:
    world = World()
    headers = mutate_structure(
        encode_cbor(headers_of(world)), [encode_cbor({1: -9, 13: 1, 16: 65101})], chance
    )
    return world, forged_paper(world, headers=headers), STATIC, {}


def _claims(chance: random.Random) -> Made:
    """A bureau that signs any value."""
    world, claims = World(), dict(claims_of_60_months())
    for _ in range(chance.choice((1, 2))):
        slot = chance.choice((*claims, *range(REGISTRY.slot_count)))
        claims[slot] = chance.choice((*_VALUES, *claims.values()))  # type: ignore[assignment]  # which may be none
    tree = lenient_tree(claims)
    slots = sorted(chance.sample(sorted(claims), chance.randrange(1, len(claims))))
    return world, forged_paper(world, tree=tree, slots=slots), STATIC, {}


def _extras(chance: random.Random) -> Made:
    """Disclosures, hashes and proof changed outside the signature."""
    world = World()
    data, other = paper(world), paper(World(), status_index=77)
    parsed = parse_sign1(data, Typ.CERTIFICATE, with_x=True)
    [(label, extras)] = parsed.unprotected.items()
    [(_, foreign)] = parse_sign1(other, Typ.CERTIFICATE, with_x=True).unprotected.items()
    changed = decode_cbor(mutate_structure(encode_cbor(extras), [encode_cbor(foreign)], chance))
    return (
        world,
        encode_sign1(parsed.protected_bytes, parsed.payload_bytes, parsed.signature, {label: changed}),
        STATIC,
        {},
    )


def _presentation(chance: random.Random) -> Made:
    world = World(holder=P256Holder()) if chance.random() < 0.3 else World()
    subject = chance.choice(
        (None, Subject("测试甲", "0017"), Subject("测试乙"), Subject(id_tail="0018"), Subject())
    )
    asked = world.request(items=(SlotsItem(REGISTRY.type, (0, *SLOTS_24)),))
    shown = world.presentation(request=asked, slots=(0, *SLOTS_24))
    parsed = parse_presentation(shown).sign1
    other = [1, bytes(32), SECONDS, 5]
    protected, payload = parsed.protected_bytes, parsed.payload_bytes
    if chance.random() < 0.7:
        payload = _changed(chance, parsed.payload, other)
    else:
        inner = parsed.headers[HEADER_KCWT]
        headers = {1: int(parsed.algorithm), HEADER_KCWT: inner, 16: int(Typ.PRESENTATION)}
        label = chance.choice((1, 13, 16, 4, -65537))
        value = chance.choice((*_VALUES, int(Algorithm.ED25519), int(Algorithm.ESP256)))
        protected = encode_cbor({**headers, label: value})
    data = encode_sign1(protected, payload, world.holder.sign(sig_structure(protected, payload)))
    return world, chance.choice((data, shown)), Asked(asked, subject), {}


def _several(chance: random.Random) -> Made:
    """Answers of one or two holders to a request, given together, some twice."""
    world, other = World(), World(holder=signer("other holder"))
    asked = world.request(items=chance.choice((
        (SlotsItem(REGISTRY.type, SLOTS_24),), (SlotsItem(REGISTRY.type, (0,)), SlotsItem(REGISTRY.type, SLOTS_24)),
    )))  # fmt: skip
    parts = [
        world.presentation(request=asked),
        world.presentation(request=asked, slots=(0,)),
        other.presentation(request=asked),
        paper(world),
        b"TS1:nothing",
    ]
    several = [
        chance.choice(parts[: chance.choice((2, 2, 3, 5))]) for _ in range(chance.choice((1, 2, 2, 3, 17)))
    ]
    return world, several, Asked(asked), {}


def _request(chance: random.Random) -> Made:
    """A request that the verifier asked, odd and yet signed, and an answer to it."""
    world = World()
    honest = parse_request(world.request()).sign1
    payload = _changed(chance, honest.payload, world.request_body(nonce=None, desk="3").encode())
    asked = _signed_again(honest.protected_bytes, payload, world.asker)
    try:
        shown = world.presentation(request=asked)
    except ProjectError:
        shown = world.presentation()
    return world, shown, Asked(asked), {}


def _registration(chance: random.Random) -> Made:
    world = World()
    honest = parse_request(world.request()).registration.sign1
    payload = _changed(chance, honest.payload, decode_cbor(encode_cbor([2, ["a", "b"]])))
    registration = _signed_again(honest.protected_bytes, payload, world.registrar)
    asked = world.request(registration=registration)
    return world, world.presentation(), Asked(asked), {}


def _status(chance: random.Random) -> Made:
    world = World()
    honest = parse_sign1(world.status_token(), "application/statuslist+cwt")
    other = parse_sign1(world.status_token(statuses={9: 1}, size=64), "application/statuslist+cwt")
    if chance.random() < 0.5:
        claims = dict(honest.payload)
        inner = dict(claims[65533])
        where: dict[object, object] = inner if chance.random() < 0.4 else claims
        where[chance.choice([*where, 7, "lst"])] = chance.choice(_VALUES)
        if chance.random() < 0.3:
            inner["lst"] = chance.choice(
                (b"", inner["lst"][:-1], inner["lst"] + b"x", b"x" + inner["lst"][1:])
            )
        payload = encode_cbor({**claims, 65533: inner} if type(claims.get(65533)) is not int else claims)
    else:
        payload = mutate_structure(honest.payload_bytes, [other.payload_bytes], chance)
    token = _signed_again(honest.protected_bytes, payload, world.status_key)
    return world, paper(world), STATIC, {"token": token}


def _texts(chance: random.Random) -> Made:
    """An honest copy as text, a letter or two of it exchanged, or in another of its spellings."""
    world = World()
    data = paper(world)
    text = chance.choice((encode_qr_text, encode_file_text))(data)
    for _ in range(chance.choice((0, 1, 1, 2))):
        at = chance.randrange(len(text))
        text = text[:at] + chance.choice("A0z:-_=+ \n\r\t%*\u00a0\uff1a") + text[at + chance.choice((0, 1)) :]
    text = (
        chance.choice(("", "", "", " ", "\n", "\ufeff"))
        + text
        + chance.choice(("", "", "\n", "\r\n", "\n\n", " "))
    )
    return world, text.encode(chance.choice(("utf-8", "utf-8", "utf-8", "utf-16"))), STATIC, {}


def _signed_again(protected: bytes, payload: bytes, key: CoseSigner) -> bytes:
    return encode_sign1(protected, payload, key.sign(sig_structure(protected, payload)))


def _minted_for(chance: random.Random) -> Made:
    """Bodies whose fields are of the right kind, and that do or do not fit the directory and each other."""
    world = World()
    changes: dict[str, object] = {
        "office": chance.choice((1, 1, 2)),
        "region": chance.choice((990102, 990199, 990200, 110101)),
        "cut_off": chance.choice((202610, 202609, 202001, 202612, 202701)),
        "issued": TODAY + chance.choice((-91, -2, -1, 0, 1, 2)),
        "expires": TODAY + chance.choice((-1, 0, 1, 89)),
        "status_index": chance.choice((0, 4095, 4096, 2**31)),
        "presenter": chance.choice((0, 1, 2)),
        "profile": chance.choice((1, 2, 9)),
    }
    picked = dict(chance.sample(sorted(changes.items()), chance.choice((1, 2, 3))))
    body = replace(world.body(paper=True), **picked)  # type: ignore[arg-type]  # its fields
    shown = world.certificate(body, slots=SLOTS_24)
    assert parse_certificate(shown)
    return world, shown, STATIC, {"others": world.log.held_files()} if chance.random() < 0.5 else {}


_KINDS: Mapping[str, Callable[[random.Random], Made]] = {
    "certificate's fields": _certificate_fields,
    "certificate's headers": _certificate_headers,
    "claims": _claims,
    "extras": _extras,
    "presentation": _presentation,
    "several": _several,
    "request": _request,
    "registration": _registration,
    "status list": _status,
    "text": _texts,
    "body": _minted_for,
}
