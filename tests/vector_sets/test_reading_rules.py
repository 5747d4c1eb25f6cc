"""The rule of `vectors/README.md` for every input: a refusal, never a crash; at most a second, at most 64 MiB.

Each set has tests of its own for the right answers. Here the inputs of the sets go through every parser, also
through those it was not made for: bytes offered in the wrong place are what a verifier meets.
"""

from __future__ import annotations

import base64
import json
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from certificate.base45 import decode_base45
from certificate.certificate import parse_certificate
from certificate.cose import parse_sign1
from certificate.directory import parse_directory
from certificate.display_text import check_display_text
from certificate.inflate import inflate_bounded
from certificate.keys import check_key, verify_signature
from certificate.numbers import Typ
from certificate.presentation import parse_presentation
from certificate.qr_text import decode_any, decode_any_request, decode_file_text, decode_qr_text
from certificate.request import parse_registration, parse_request
from certificate.status_list import decode_status_list, parse_status_token
from ledger.cbor import decode_cbor
from ledger.entry import parse_entry
from ledger.errors import ProjectError
from ledger.note import parse_note
from verifier.images import read_codes

VECTORS = Path(__file__).parents[1] / "vectors"
MAX_SECONDS = 1.0
MAX_MEMORY = 64 * 2**20

PARSERS: dict[str, Callable[[bytes], object]] = {
    "cbor": decode_cbor,
    "sign1": lambda data: parse_sign1(data, Typ.CERTIFICATE),
    "certificate": parse_certificate,
    "presentation": parse_presentation,
    "request": parse_request,
    "registration": parse_registration,
    "directory": parse_directory,
    "status token": parse_status_token,
    "status list": lambda data: decode_status_list(2, data),
    "inflate": lambda data: inflate_bounded(data, limit=2**20),
    "entry": parse_entry,
    "note": parse_note,
    "key": check_key,
    "signature": lambda data: verify_signature(public_key=data[:32], message=data, signature=data[32:96]),
    "base45": lambda data: decode_base45(data.decode("latin-1")),
    "qr text": lambda data: decode_qr_text(data.decode("latin-1")),
    "file text": lambda data: decode_file_text(data.decode("latin-1")),
    "any": decode_any,
    "any request": decode_any_request,
    "display text": lambda data: check_display_text(data.decode("latin-1")),
    "picture": read_codes,
}


def load(path: str) -> Any:
    return json.loads((VECTORS / path).read_text("utf-8"))


def cbor_inputs() -> Iterator[bytes]:
    for name in ("rfc8949_appendix_a", "not_well_formed", "deterministic"):
        yield from (bytes.fromhex(case["hex"]) for case in load(f"cbor/{name}.json")["cases"])


def text_inputs() -> Iterator[bytes]:
    for path in ("base45/base45.json", "names/display_text.json"):
        yield from (case["text"].encode("utf-8", "surrogatepass") for case in load(path)["cases"])


def cose_inputs() -> Iterator[bytes]:
    for path in sorted((VECTORS / "cose").glob("*/*.json")):
        yield bytes.fromhex(json.loads(path.read_text("utf-8"))["output"]["cbor"])


def status_inputs() -> Iterator[bytes]:
    for case in load("status/token_status_list.json")["cases"]:
        yield base64.urlsafe_b64decode(case["lst"] + "=" * (-len(case["lst"]) % 4))


def dgc_inputs() -> Iterator[bytes]:
    """Every layer a file holds: texts, compressed, COSE, CBOR, pictures."""
    for path in sorted((VECTORS / "dgc-common").glob("*.json")):
        case = json.loads(path.read_text("utf-8"))
        yield case["PREFIX"].encode("utf-8")
        yield from (bytes.fromhex(case[layer]) for layer in ("COMPRESSED", "COSE", "CBOR") if layer in case)
        if "2DCODE" in case:
            yield base64.b64decode(case["2DCODE"])


def signature_inputs() -> Iterator[bytes]:
    """The odd ones: keys and signatures of refused rows, one after the other."""
    for group in load("wycheproof/ed25519_test.json")["testGroups"]:
        for case in group["tests"]:
            if case["result"] == "invalid":
                yield bytes.fromhex(group["publicKey"]["pk"] + case["sig"])
    for group in load("wycheproof/ecdsa_secp256r1_sha256_p1363_test.json")["testGroups"]:
        for case in group["tests"]:
            if case["result"] == "invalid":
                yield bytes.fromhex(group["publicKey"]["uncompressed"] + case["sig"])


SETS: dict[str, tuple[Callable[[], Iterator[bytes]], int]] = {
    "cbor": (cbor_inputs, 82 + 94 + 30),
    "texts": (text_inputs, 19 + 29),
    "cose": (cose_inputs, 17),
    "status": (status_inputs, 5),
    "dgc": (dgc_inputs, 38 + 7 + 26 + 31 + 2),
    "signatures": (signature_inputs, 63 + 89),
}


@pytest.mark.parametrize("name", SETS)
def test_every_input_meets_every_parser(name: str) -> None:
    inputs_of, count = SETS[name]
    inputs = list(inputs_of())
    assert len(inputs) == count
    for data in inputs:
        for parser, parse in PARSERS.items():
            started = time.process_time()
            with suppress(ProjectError):
                parse(data)
            seconds = time.process_time() - started
            assert seconds < MAX_SECONDS, (parser, data[:16].hex())


@pytest.mark.parametrize("name", SETS)
def test_no_input_makes_a_parser_hungry(name: str) -> None:
    """Per parser over the whole set: what Python and zlib hold at the peak, beyond what was there before."""
    inputs = list(SETS[name][0]())
    tracemalloc.start()
    try:
        for parser, parse in PARSERS.items():
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            for data in inputs:
                with suppress(ProjectError):
                    parse(data)
            assert tracemalloc.get_traced_memory()[1] - before < MAX_MEMORY, parser
    finally:
        tracemalloc.stop()
