"""The page's base45, base64, zlib and COSE: the bytes or the reason that the Python side has."""

from __future__ import annotations

import json
import random
import zlib
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from certificate.base45 import decode_base45, encode_base45
from certificate.cose import parse_sign1, unverified_typ
from certificate.inflate import inflate_bounded
from certificate.numbers import HEADER_X, Typ
from certificate.qr_text import decode_any, decode_any_request, encode_file_text, encode_qr_text
from ledger.cbor import Tag, decode_cbor, encode_cbor
from ledger.errors import ProjectError
from ledger.note import decode_base64, encode_base64
from tests.attacks.marking import attack
from tests.browser.site import Site
from tests.browser.told import here, there
from tests.world import World

VECTORS = Path(__file__).parents[1] / "vectors"
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
SEED = 45


def test_base45(page: Page, site: Site) -> None:
    cases = json.loads((VECTORS / "base45" / "base45.json").read_text("utf-8"))["cases"]
    rng = random.Random(SEED)
    rows = [case["text"] for case in cases]
    rows += [encode_base45(rng.randbytes(size)) for size in range(40)]
    rows += ["".join(rng.choices(LETTERS, k=rng.randrange(12))) for _ in range(600)]
    rows += ["".join(rng.choices(LETTERS + "az,\u00e9\u4e00\n", k=6)) for _ in range(200)]
    expected = here(lambda text: decode_base45(text).hex(), rows)
    modules = ["/certificate/base45.js", "/ledger/digest.js"]
    decode = "(text, { decodeBase45 }, { hex }) => hex(decodeBase45(text))"
    assert there(page, site, modules, decode, rows) == expected
    assert len(cases) == 19
    read = [text for text, answer in zip(rows, expected, strict=True) if answer != "!enc.base45_invalid"]
    again = "(text, { decodeBase45, encodeBase45 }) => encodeBase45(decodeBase45(text))"
    assert there(page, site, modules, again, read) == read
    assert 100 < len(read) < len(rows) - 100


def test_texts_of_objects(page: Page, site: Site) -> None:
    """QR text, file text and bytes, for both kinds of objects; one spelling each."""
    rng = random.Random(SEED)
    objects = [b"\xd2\x84" + rng.randbytes(size) for size in range(12)]
    rows = [*objects, *(form(data).encode() for data in objects for form in FORMS)]
    rows += [
        row.replace(b"TS1:", prefix) for row in rows for prefix in (b"TSQ1:", b"ts1:", b" TS1:", b"TS2:")
    ]
    rows += [row + tail for row in rows[:40] for tail in (b"\n", b" ", b"=", b"A", b"\xff")]
    rows += [b"0o" + bytes(rng.choices(b"AQgw-_+/=B1", k=rng.randrange(7))) for _ in range(300)]
    rows += [
        b"",
        b"\xd2",
        b"TS1:::::",
        b"TSQ1:::::",
        b"TS1:" + b"0" * 65_532,
        b"TS1:" + b"0" * 65_533,
        b"\xd2" * 65_537,
    ]
    _agree_on_texts(page, site, rows, decode_any, "decodeAny")
    _agree_on_texts(page, site, rows, decode_any_request, "decodeAnyRequest")


def _agree_on_texts(
    page: Page, site: Site, rows: list[bytes], decode: Callable[[bytes], bytes], name: str
) -> None:
    expected = here(lambda data: decode(data).hex(), rows)
    snippet = f"(text, {{ {name} }}, {{ fromHex, hex }}) => hex({name}(fromHex(text)))"
    modules = ["/certificate/qr_text.js", "/ledger/digest.js"]
    assert there(page, site, modules, snippet, [row.hex() for row in rows]) == expected
    reasons = {str(answer) for answer in expected if str(answer).startswith("!")}
    assert reasons == {f"!enc.{why}" for why in REFUSALS}


FORMS = (encode_qr_text, encode_file_text)
REFUSALS = ("too_large", "prefix_unknown", "base45_invalid", "base64_noncanonical")


def test_base64_has_one_spelling(page: Page, site: Site) -> None:
    rng = random.Random(SEED)
    rows = ["".join(rng.choices("AQgw+/=B1-_ \n\u0130", k=rng.randrange(9))) for _ in range(300)]
    for size in (1, 2, 3, 4, 5) * 40:
        text = encode_base64(rng.randbytes(size))
        at = len(text.rstrip("=")) - 1
        rows += [text, text[:at] + rng.choice("AQgwB1-_") + text[at + 1 :]]
    expected = here(lambda text: decode_base64(text).hex(), rows)
    decode = "(text, { decodeBase64 }, { hex }) => hex(decodeBase64(text))"
    assert there(page, site, ["/ledger/note.js", "/ledger/digest.js"], decode, rows) == expected
    assert 300 < expected.count("!enc.base64_noncanonical") < len(rows) - 200


@attack("P05")
@attack("P06")
def test_inflating(page: Page, site: Site, full: bool) -> None:
    """Streams of all kinds, whole, damaged, cut, prolonged, around their limit; each outcome has its reason."""
    rng = random.Random(SEED)
    contents = [
        b"",
        b"a",
        b"contribution " * 200,
        rng.randbytes(700),
        bytes(rng.choices(b"abc", k=5000)),
        bytes(20_000),
    ]
    streams = [
        compressed(content, level, plan) for content in contents for level in (0, 9) for plan in (0, 2, 4)
    ]
    rows: list[tuple[bytes, int]] = []
    for stream in streams:
        size = len(zlib.decompress(stream))
        rows += [(stream, limit) for limit in {size, max(size - 1, 0), size // 2, size + 1}]
        rows += [(stream + b"\0", size), (stream[:-1], size), (stream[: len(stream) // 2], size)]
        for _ in range(100 if full else 8):
            at = rng.randrange(min(len(stream), 200))
            changed = stream[:at] + bytes((stream[at] ^ 1 << rng.randrange(8),)) + stream[at + 1 :]
            rows.append((changed, rng.choice((size, size // 3, 100_000))))
    rows += [(b"\x78\x9c" + rng.randbytes(rng.randrange(30)), 50) for _ in range(20_000 if full else 700)]
    rows += [(b"\x78\x9c\x05" + rng.randbytes(60), 50) for _ in range(20_000 if full else 300)]
    expected = here(lambda row: sha256(inflate_bounded(row[0], limit=row[1])).hexdigest(), rows)
    theirs = there(page, site, MODULES, INFLATE, [[data.hex(), limit] for data, limit in rows])
    assert theirs == expected
    reasons = Counter(str(answer) for answer in expected if str(answer).startswith("!"))
    assert (
        min(reasons[f"!enc.{word}"] for word in ("decompress_failed", "decompress_limit", "trailing_data"))
        > 30
    )
    assert len(expected) - reasons.total() > 80


MODULES = ["/certificate/inflate.js", "/ledger/digest.js"]
INFLATE = """async ([data, limit], { inflateBounded }, { fromHex, hex, sha256 }) =>
  hex(await sha256(inflateBounded(fromHex(data), { limit })))"""


def compressed(content: bytes, level: int, strategy: int) -> bytes:
    packer = zlib.compressobj(level, strategy=strategy)
    return packer.compress(content) + packer.flush()


def test_cose_objects(page: Page, site: Site) -> None:
    """The working group's messages, and a certificate with every part of it changed."""
    world = World()
    certificate = world.certificate()
    messages = [
        bytes.fromhex(json.loads(path.read_text("utf-8"))["output"]["cbor"])
        for path in sorted((VECTORS / "cose").glob("*/*.json"))
    ]
    assert len(messages) == 17
    rows = [*messages, *changed(certificate), *changed(world.presentation())]
    questions = [
        (row, typ, kid, x)
        for row in rows
        for typ in (Typ.CERTIFICATE, Typ.PRESENTATION)
        for kid, x in ((True, True), (False, False))
    ]
    expected = here(lambda asked: told(*asked), questions)
    theirs = there(
        page,
        site,
        ["/certificate/cose.js", "/ledger/digest.js", "/ledger/cbor.js"],
        PARSE,
        [[row.hex(), int(typ), kid, x] for row, typ, kid, x in questions],
    )
    assert theirs == expected
    said = {answer[0] if isinstance(answer, list) else answer for answer in expected}
    assert len([word for word in said if "." in str(word)]) >= 12


PARSE = """async ([data, typ, withKid, withX], { parseSign1, unverifiedTyp }, { fromHex, hex }, { decodeCbor }) => {
  const bytes = fromHex(data);
  const said = unverifiedTyp(decodeCbor(bytes));
  const moreLabels = withKid ? [] : [13];
  try {
    const parsed = parseSign1(bytes, typ, { moreLabels, withKid, withX });
    const digest = hex(await parsed.digest());
    return [digest, hex(parsed.toBeSigned), parsed.algorithm, typeof said === "number" ? said : null];
  } catch (error) {
    if (typeof error.reason !== "string") throw error;
    return [error.reason, typeof said === "number" ? said : null];
  }
}"""


def told(data: bytes, typ: Typ, with_kid: bool, with_x: bool) -> list[Any]:
    said = unverified_typ(decode_cbor(data))
    number = int(said) if isinstance(said, int) and not isinstance(said, bool) else None
    labels = frozenset() if with_kid else frozenset({13})
    try:
        parsed = parse_sign1(data, typ, more_labels=labels, with_kid=with_kid, with_x=with_x)
    except ProjectError as refusal:
        return [refusal.reason.value, number]
    return [parsed.digest().hex(), parsed.to_be_signed.hex(), int(parsed.algorithm), number]


def changed(data: bytes) -> list[bytes]:
    """The object with each part replaced, its headers above all."""
    protected, unprotected, payload, signature = decode_cbor(data).value
    headers = dict(decode_cbor(protected))
    bad_headers: list[object] = [
        {**headers, label: value}
        for label in (1, 2, 4, 13, 16, 99, HEADER_X)
        for value in (1, -19, -9, -48, "x", b"12345678", b"1", None, True, 65101, 65104)
    ]
    bad_headers += [{k: v for k, v in headers.items() if k != label} for label in headers]
    bad_headers += [
        [],
        1,
        {"x": 1},
        {True: 1},
        {1: -19, 4: b"12345678", 16: 65101},
        {1: -19, 4: b"1", 16: 65101},
    ]
    outside: list[object] = [
        {},
        {HEADER_X: 1},
        {HEADER_X: 1, 1: 2},
        {1: -19},
        {True: 1},
        {False: 1},
        {4: b""},
        {99: 1},
        [],
        None,
    ]
    parts: list[tuple[object, ...]] = [
        (encode_cbor(header), unprotected, payload, signature) for header in bad_headers
    ]
    parts += [(protected, other, payload, signature) for other in outside]
    parts += [(protected, {}, payload, b""), (protected, {}, b"", signature), (b"", {}, payload, signature)]
    parts += [(None, {}, payload, signature), (protected, {}, None, signature), (protected, {}, payload, 1)]
    objects: list[object] = [Tag(18, list(part)) for part in parts]
    objects += [
        Tag(18, [protected, {}, payload]),
        list(parts[0]),
        Tag(18, payload),
        Tag(18, [protected, {}, payload, signature, 1]),
    ]
    return [data, *map(encode_cbor, objects), *(data[:at] for at in range(0, len(data), 97))]
