"""Hostile inputs by where they enter: what is expensive to read, to decompress, to compare or to check."""

from __future__ import annotations

import contextlib
import io
import struct
import tempfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cbor2
from PIL import Image

from certificate.certificate import UnverifiedCertificate, parse_certificate
from certificate.cose import encode_sign1, sign_object
from certificate.numbers import HEADER_X
from certificate.qr_text import MAX_BYTES, decode_any_request, encode_file_text, encode_qr_text
from certificate.request import parse_request, verify_request
from certificate.status_list import status_list_uri
from ledger.cbor import decode_cbor
from ledger.checkpoint import encode_checkpoint
from ledger.entry import parse_entry
from ledger.errors import ProjectError
from ledger.merkle import EMPTY_ROOT, RootHash, verify_consistency
from ledger.note import Note, NoteSignature, encode_note, encode_signature_line
from ledger.proof import parse_proof
from ledger.trust_policy import parse_trust_policy, verify_checkpoint
from ledger.witness_protocol import parse_add_checkpoint
from tests.attacks.forging import paper
from tests.world import DAY, SECONDS, TODAY, World
from verifier.expect import STATIC, Asked
from verifier.images import read_codes
from verifier.trust import BUNDLE_NAME, DIRECTORY_NAME, POLICY_NAME, parse_bundle
from verifier.trust_dir import ROOT_KEYS_NAME, load_trust, save_bundle_files

__all__ = ["GROUPS"]

Runs = Mapping[str, Callable[[], str]]


def said(call: Callable[[], object]) -> str:
    """The reason of a refusal; "accepted" if there is none."""
    try:
        call()
    except ProjectError as refusal:
        return refusal.reason.value
    return "accepted"


def filled(head: bytes, item: bytes, size: int, tail: bytes = b"") -> bytes:
    """`head`, as many `item`s as fit into `size` bytes, `tail`."""
    return head + item * ((size - len(head) - len(tail)) // len(item)) + tail


def cbor_shapes(size: int) -> dict[str, bytes]:
    """Every way to make a CBOR item of `size` bytes expensive that we could think of."""
    text = size - 8
    return {
        "nested arrays": filled(b"", b"\x81", size, b"\x00"),
        "nested maps": filled(b"", b"\xa1\x00", size, b"\x00"),
        "nested tags": filled(b"", b"\xd2", size, b"\x00"),
        "nested indefinite arrays": filled(b"", b"\x9f", size),
        "nested indefinite strings": filled(b"", b"\x5f", size),
        "indefinite string of empty chunks": filled(b"\x5f", b"\x40", size, b"\xff"),
        "empty arrays": b"\x99" + struct.pack(">H", text & 0xFFFF) + b"\x80" * (text & 0xFFFF),
        "empty maps": b"\x99" + struct.pack(">H", text & 0xFFFF) + b"\xa0" * (text & 0xFFFF),
        "array of nulls": b"\x9a" + struct.pack(">I", size - 5) + b"\xf6" * (size - 5),
        "large integers": b"\x9a" + struct.pack(">I", size // 9) + (b"\x1b" + b"\xff" * 8) * (size // 9),
        "map of many keys": cbor2.dumps(dict.fromkeys(range(size // 4), 0), canonical=True),
        "map of many equal keys": b"\xba" + struct.pack(">I", size // 2 - 3) + b"\x00\x00" * (size // 2 - 3),
        "map of long keys": cbor2.dumps({f"{n:0200}": 0 for n in range(size // 203)}, canonical=True),
        "keys in falling order": b"\xb9\x03\xe8"
        + b"".join(b"\x19" + struct.pack(">H", 2000 - n) + b"\x00" for n in range(1000)),
        "arrays as keys": cbor2.dumps({(n, n): 0 for n in range(size // 8)}),
        "nested maps as keys": b"\xa1" * 15 + b"\x00" * 16,
        "one text": b"\x7a" + struct.pack(">I", text) + b"x" * text,
        "one broken text": b"\x7a" + struct.pack(">I", text) + b"\xff" * text,
        "one bignum": b"\xc2\x5a" + struct.pack(">I", text) + b"\xff" * text,
        "many bignums": b"\x9a" + struct.pack(">I", size // 10) + (b"\xc2\x48" + b"\xff" * 8) * (size // 10),
        "regular expression": b"\xd8\x23\x7a" + struct.pack(">I", text) + b"(" * text,
        "many shared references": b"\xd8\x1c\x99\xff\xf0" + b"\xd8\x1d\x00" * (size // 3),
        "floats": b"\x9a" + struct.pack(">I", size // 9) + (b"\xfb" + b"\x3f" + bytes(7)) * (size // 9),
        "2^63 items": b"\x9b\x7f" + b"\xff" * 7 + b"\x00" * (size - 9),
        "2^64 - 1 bytes": b"\x5b" + b"\xff" * 8,
        "4 GB of text": b"\x7a\xff\xff\xff\xff",
        "strings that hold strings": _strings_in_strings(size),
    }


def _strings_in_strings(size: int) -> bytes:
    data = b"\x00"
    while len(data) < size - 10:
        data = cbor2.dumps(data)
    return data


def shown() -> Runs:
    """What anybody may hold in front of a verifier: 65,536 bytes of each shape, as bytes, QR text and file text."""
    world = World()
    trust, asked = world.bundle(), Asked(world.request())
    honest = parse_certificate(paper(world))

    def judged(data: bytes, static: bool = False) -> Callable[[], str]:
        expect = STATIC if static else asked
        return lambda: str(world.verify(data, trust=trust, expect=expect).reason)

    assert judged(paper(world), True)() == "None"
    assert judged(world.presentation())() == "None"
    runs = {}
    for name, shape in cbor_shapes(MAX_BYTES - 200).items():
        runs[f"{name}, as payload"] = judged(encode_sign1(honest.sign1.protected_bytes, shape, bytes(64)))
        runs[f"{name}, as header"] = judged(encode_sign1(shape, b"\x00", bytes(64)))
        runs[f"{name}, whole"] = judged(b"\xd2\x84" + shape[: MAX_BYTES - 2])
        text = encode_qr_text(shape[: MAX_BYTES // 3 * 2 - 10]).encode()
        runs[f"{name}, QR text"] = judged(text)
        runs[f"{name}, file text"] = judged(encode_file_text(b"\xd2\x84" + shape)[:MAX_BYTES].encode())
    sign1, proof = honest.sign1, [*sign1_extras(honest)[2]]
    disclosure = list(honest.disclosures[0].encode())

    def with_extras(extras: list[object]) -> Callable[[], str]:
        data = encode_sign1(sign1.protected_bytes, sign1.payload_bytes, sign1.signature, {HEADER_X: extras})
        return judged(data[:MAX_BYTES], True)

    runs |= {
        "528 disclosures of one slot": with_extras([[disclosure] * 528, honest.multiproof, proof]),
        "60,000 empty disclosures": with_extras([[[]] * 60_000, b"", proof]),
        "a multiproof of 64,000 bytes": with_extras([[disclosure], bytes(64_000), proof]),
        "a path of 2,000 nodes": with_extras([[disclosure], b"", [*proof[:3], bytes(64_000), proof[4]]]),
        "13,000 signatures": with_extras([[disclosure], b"", [*proof[:4], [b"abcd"] * 13_000]]),
        "32 signatures by one witness": with_extras(
            [[disclosure], honest.multiproof, _by_one_witness(proof)]
        ),
        "a disclosed text of 60,000 letters": with_extras([[[bytes(16), 0, "x" * 60_000]], b"", proof]),
        "a disclosed text of marks": with_extras([[[bytes(16), 0, "e" + "\u0301" * 20_000]], b"", proof]),
        "a signature of 60,000 bytes": judged(
            encode_sign1(sign1.protected_bytes, sign1.payload_bytes, bytes(60_000))
        ),
        "10 MB of base45": judged(b"TS1:" + b"0" * 10**7),
        "10 MB of base64": judged(b"0o" + b"A" * 10**7),
        "40 MB of anything": judged(b"\xd2" * 40_000_000),
        "65,536 letters of base45": judged(b"TS1:" + b":::" * 21_000),
        "16 presentations of 65,536 bytes": lambda: str(
            world.verify([b"\xd2\x84" + b"\x81" * 65_000] * 16, trust=trust, expect=asked).reason
        ),
        "a million parts": lambda: str(world.verify([b""] * 10**6, trust=trust, expect=asked).reason),
    }
    return runs


def sign1_extras(certificate: UnverifiedCertificate) -> tuple[Any, ...]:
    return tuple(certificate.sign1.unprotected[HEADER_X])


def _by_one_witness(proof: list[object]) -> list[object]:
    signatures = list(proof[4])  # type: ignore[call-overload]  # byte strings
    copies = [signatures[1][:4] + n.to_bytes(8) + signatures[1][12:] for n in range(28)]
    return [*proof[:4], [*signatures, *copies]]


def requests() -> Runs:
    """What an organisation, or somebody in its name, may hold in front of a wallet or a holder."""
    world = World()
    body = world.request_body().encode()
    directory = world.directory()
    registration = decode_cbor(world.registration())

    def judged(data: bytes) -> Callable[[], str]:
        return lambda: said(
            lambda: verify_request(parse_request(decode_any_request(data)), directory=directory, today=TODAY)
        )

    def with_body(at: int, value: object) -> Callable[[], str]:
        payload = [*body[:at], value, *body[at + 1 :]]
        return judged(sign_object(world.asker, 65102, payload, more_headers={HEADER_X: registration}))  # type: ignore[arg-type]  # its number

    assert judged(world.request())() == "accepted"
    runs = {f"{name}, request": judged(b"\xd2\x84" + shape) for name, shape in cbor_shapes(65_000).items()}
    return runs | {
        "an item of 20,000 slots": with_body(3, [[1, list(range(20_000))]]),
        "20,000 items": with_body(3, [[1, [16]]] * 15_000),
        "a request with 100,000 slots": with_body(3, [[1, list(range(100_000))]]),
        "20,000 held logs": with_body(9, [[1, 5]] * 20_000),
        "a purpose of 60,000 letters": with_body(4, "核" * 20_000),
        "a request of 40 MB": judged(b"\xd2" * 40_000_000),
        "a request text of 10 MB": judged(b"TSQ1:" + b"0" * 10**7),
    }


def bundles() -> Runs:
    """A hostile mirror of the trust bundle, and status lists that are rightly signed and hostile."""
    world = World()
    files = world.bundle_files()

    def judged(changes: Mapping[str, bytes]) -> Callable[[], str]:
        return lambda: said(lambda: parse_bundle(files | dict(changes), root_keys=[world.root.public_key]))

    assert judged({})() == "accepted"
    runs = {
        f"{name}, {file}": judged({file: b"\xd2\x84" + shape})
        for file in (BUNDLE_NAME,)
        for name, shape in cbor_shapes(250_000).items()
    }
    trust = {}
    for name, packed in {
        "10 MB of zeros": zlib.compress(bytes(10**7), 9),
        "1 GB of zeros, cut": zlib.compress(bytes(2 * 10**8), 9)[:190_000],
        "a 20 MB list": zlib.compress(bytes(20 * 2**20), 9),
    }.items():
        claims = {2: status_list_uri(1, 0), 4: SECONDS + DAY, 6: SECONDS - DAY, 65534: 8 * DAY}
        token = sign_object(
            world.status_key, "application/statuslist+cwt", claims | {65533: {"bits": 2, "lst": packed}}
        )
        trust[name] = world.bundle(token=token)
    data = paper(world)
    for name, bundle in trust.items():
        runs[name] = lambda bundle=bundle: str(world.verify(data, trust=bundle, expect=STATIC).reason)  # type: ignore[misc]
    with tempfile.TemporaryDirectory() as kept:
        folder = Path(kept)
        save_bundle_files(folder, files)
        (folder / ROOT_KEYS_NAME).write_text(world.root.public_key.hex() + "\n")
        assert load_trust(folder).version == 1
    return runs | {
        "a directory of 64 MB": judged({DIRECTORY_NAME: b"\xd2\x84" + b"\x80" * (64 * 2**20 - 2)}),
        "bundle.cose of 64 MB": judged({BUNDLE_NAME: b"\xd2\x84" + b"\x80" * 64 * 2**20}),
        "a policy of 999,999 comments": judged({POLICY_NAME: b"#\n" * 499_999}),
        "100,000 unlisted files": judged({f"status-1-{n}.cwt": b"" for n in range(1, 100_000)}),
    }


def notes() -> Runs:
    """Checkpoints, policies, proofs, entries and what a witness is asked: text and bytes of any peer of the log."""
    world = World()
    paper(world)
    policy = parse_trust_policy(world.log.policy_text())
    head = world.log.checkpoint()
    text = encode_checkpoint(head)
    line = encode_signature_line(NoteSignature("witness-1.test", policy.witnesses[0].key.key_id, bytes(72)))
    other = encode_signature_line(NoteSignature("n", b"abcd", b"x"))

    def checkpoint(note: bytes) -> Callable[[], str]:
        return lambda: said(lambda: verify_checkpoint(note, policy=policy, now=SECONDS))

    def asked(body: bytes) -> Callable[[], str]:
        return lambda: said(lambda: parse_add_checkpoint(body))

    def ruled(text: str) -> Callable[[], str]:
        return lambda: said(lambda: parse_trust_policy(text))

    honest = encode_note(Note(text, (NoteSignature(head.origin, b"abcd", bytes(64)),)))
    hundred = tuple(
        NoteSignature("witness-1.test", policy.witnesses[0].key.key_id, n.to_bytes(72)) for n in range(100)
    )
    witness = world.log.policy_text().splitlines()[1]
    hash_line = "gw31yQrqZZCcEOPrzX+bpy3nJ6QgngTKn8G1m0i62uU=\n"
    runs = {
        "10^5 signatures": checkpoint((text + "\n" + line * 10**5).encode()[: 10**6]),
        "10^5 short signatures": checkpoint((text + "\n" + other * 55_000).encode()),
        "100 signatures of one witness": checkpoint(encode_note(Note(text, hundred))),
        "a note of a million newlines": checkpoint(b"\n" * 10**6),
        "a note of a million letters": checkpoint(b"x" * 10**6),
        "a note of 40 MB": checkpoint(honest + b"x" * 40_000_000),
        "a root of a million letters": checkpoint(
            text.replace(text.split("\n")[2], "A" * 990_000).encode() + b"\n" + line.encode()
        ),
        "a size of a million digits": checkpoint(
            text.replace("\n301\n", "\n" + "1" * 990_000 + "\n").encode() + b"\n" + line.encode()
        ),
        "10^5 proof lines": asked(("old 5\n" + hash_line * 22_000 + "\n").encode() + honest),
        "an old size of 900,000 digits": asked(b"old " + b"9" * 900_000 + b"\n\n" + honest),
        "10^5 witnesses": ruled((witness + "\n") * 6_000),
        "groups of groups": ruled(
            "".join(f"group g{n} 1 g{n - 1}\n" for n in range(1, 30_000)) + "quorum g1\n"
        ),
        "a group of 100,000": ruled("group g 1 " + "w " * 100_000 + "\nquorum g\n"),
        "a policy of 40 MB": ruled("#" * 40_000_000 + "\n"),
        "a policy of tabs": ruled("\t" * 999_998 + "\n"),
        "a consistency proof of 60,000 nodes": lambda: said(
            lambda: verify_consistency(
                old_size=5,
                new_size=2**62,
                old_root_hash=RootHash(EMPTY_ROOT),
                new_root_hash=RootHash(EMPTY_ROOT),
                path=[bytes(32)] * 60_000,
            )
        ),
    }
    for name, shape in cbor_shapes(65_000).items():
        runs[f"{name}, proof"] = lambda shape=shape: said(lambda: parse_proof(decode_cbor(shape)))  # type: ignore[misc]
        runs[f"{name}, entry"] = lambda shape=shape: said(lambda: parse_entry(shape))  # type: ignore[misc]
    return runs


def pictures() -> Runs:
    """Pictures are read at the edge, with bounds of their own (`tests.torture.test_costs`)."""
    return {
        name: lambda data=data: said(lambda: read_codes(data))  # type: ignore[misc]
        for name, data in {
            "a PNG of 5,000 by 5,000": _png(5000, 5000),
            "a PNG of 30,000 by 30,000": _png_head(30_000, 30_000),
            "a PNG of 2^31 by 2^31": _png_head(2**31 - 1, 2**31 - 1),
            "a PNG whose rows never end": _png_head(4000, 4000, zlib.compress(bytes(10**8), 9)),
            "a PNG with 10 MB of comments": _png_head(
                10, 10, chunk=b"zTXt", data=b"k\x00\x00" + zlib.compress(bytes(10**8), 9)
            ),
            "a PDF of many pages": _pdf(10_000),
            "a PDF page of 200 inches": _pdf(1, side=14_400),
            "32 MB of nothing": bytes(32 * 2**20),
            "40 MB of a PNG": b"\x89PNG\r\n\x1a\n" + bytes(40_000_000),
        }.items()
    }


def _png(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("1", (width, height), 1).save(out, "PNG")
    return out.getvalue()


def _png_head(
    width: int, height: int, content: bytes = b"", *, chunk: bytes = b"", data: bytes = b""
) -> bytes:
    def part(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    more = part(chunk, data) if chunk else b""
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + more + part(b"IDAT", content) + part(b"IEND", b"")


def _pdf(pages: int, *, side: int = 200) -> bytes:
    kids = " ".join(f"{3 + n} 0 R" for n in range(pages))
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Count {pages}/Kids[{kids}]>>",
        *[f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {side} {side}]>>"] * pages,
    ]
    body = "%PDF-1.4\n" + "".join(f"{n} 0 obj{content}endobj\n" for n, content in enumerate(objects, start=1))
    return (body + "trailer<</Root 1 0 R>>\n").encode()


def files() -> Runs:
    """40 MB files, by the command line."""
    from tests.attacks.commands import tally

    world = World()
    folder = Path(tempfile.mkdtemp())
    save_bundle_files(folder, world.bundle_files())
    (folder / ROOT_KEYS_NAME).write_text(world.root.public_key.hex() + "\n")
    made = {
        "40 MB of text": b"TS1:" + b"0" * 40_000_000,
        "40 MB of line ends": b"TS1:" + b"\n" * 40_000_000,
        "31 MB of line ends": b"TS1:" + b"\n" * 31_000_000,
        "40 MB of CBOR": b"\xd2\x84" + b"\x80" * 40_000_000,
        "40 MB of a PDF": b"%PDF-1.7\n" + b"\n" * 40_000_000,
    }

    def judged(name: str, content: bytes) -> Callable[[], str]:
        path = folder / name.replace(" ", "-")
        path.write_bytes(content)

        def run() -> str:
            ran = tally("verify", path, "--static", "--trust", folder, "--json")
            return f"{ran.code} {ran.reason}"

        return run

    warm = judged("warm", b"https://example.test")
    with contextlib.suppress(OSError):
        assert warm().startswith("3 ")
    return {name: judged(name, content) for name, content in made.items()}


GROUPS: Mapping[str, Callable[[], Runs]] = {
    "shown": shown,
    "requests": requests,
    "bundles": bundles,
    "notes": notes,
    "pictures": pictures,
    "files": files,
}
