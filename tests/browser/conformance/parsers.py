"""Every parser that stands on both sides, and inputs for it: each is refused with the same code, or by neither.

A parser checks no signature, so a change anywhere in an object gets as far as the object's own rules.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from certificate.certificate import parse_certificate
from certificate.directory import parse_directory
from certificate.log_files import Milestones, encode_milestones, parse_blocks, parse_milestones
from certificate.policy.parsing import parse_policy
from certificate.policy.shipped import shipped_files
from certificate.presentation import parse_presentation
from certificate.qr_text import (
    decode_any,
    decode_any_request,
    encode_file_text,
    encode_qr_text,
    encode_request_text,
)
from certificate.request import parse_request
from certificate.status_list import parse_status_token
from certificate.template.parsing import parse_template
from certificate.template.shipped import shipped_template_files
from ledger.cbor import decode_cbor, encode_cbor
from ledger.checkpoint import parse_checkpoint_note
from ledger.errors import FormatError, ProjectError
from ledger.held_log import smallest_proof
from ledger.proof import encode_proof, parse_proof
from ledger.reasons import Reason
from ledger.trust_policy import parse_trust_policy
from tests.attacks.forging import paper
from tests.golden.province import Province
from tests.torture.mutating import mutate_bytes, mutate_structure, mutate_text
from tests.verifier.judging import P256Holder
from tests.world import DAY, SECONDS, SLOTS_24, World, signer
from verifier.endorsed import TARGETS_NAME, parse_targets
from verifier.expect import STATIC, Asked
from verifier.filing import file_verification, parse_filed

__all__ = ["PARSERS", "ROOTS", "Parser", "inputs", "reason_of"]

ROOTS = [signer(f"root {number}").public_key for number in range(3)]


@dataclass(frozen=True, slots=True)
class Parser:
    """One parser: here, and as an export of a module of the page; what is read is `kind`: cbor, text or bytes."""

    read: Callable[[bytes], object]
    module: str
    export: str
    kind: str
    honest: Callable[[], list[bytes]]


def reason_of(parser: Parser, data: bytes) -> str | None:
    """The code with which it is refused; None if it is not."""
    try:
        parser.read(data)
    except ProjectError as refusal:
        return refusal.reason.value
    return None


def inputs(parser: Parser, count: int, *, seed: int) -> Iterator[bytes]:
    """Honest objects, and `count` changed ones."""
    chance = random.Random(seed)
    honest = parser.honest()
    yield from honest
    made = 0
    while made < count:
        data, others = chance.choice(honest), honest
        try:
            if parser.kind == "cbor" and chance.random() < 0.8:
                yield mutate_structure(data, others, chance)
            elif parser.kind == "text" and chance.random() < 0.9:
                texts = [other.decode() for other in others]
                yield mutate_text(data.decode(), texts, chance).encode()
            else:
                yield mutate_bytes(data, others, chance)
        except TypeError:
            continue  # a hash that reads as a tag of CBOR by chance
        made += 1


def _trust_policy(data: bytes) -> object:
    """The tlog-policy of a bundle, a file; the page's parser takes the bytes."""
    try:
        return parse_trust_policy(data.decode())
    except UnicodeDecodeError as exc:
        raise FormatError(Reason.ENC_UTF8_INVALID) from exc


@cache
def _world() -> World:
    return World()


def _certificates() -> list[bytes]:
    return [
        paper(World(), status_index=1),
        World().certificate(slots=SLOTS_24),
        World(holder=P256Holder()).certificate(),
    ]


def _presentations() -> list[bytes]:
    return [World().presentation(), World(holder=P256Holder()).presentation()]


def _requests() -> list[bytes]:
    return [_world().request(), _world().request(nonce=None, desk="3号窗口")]


def _files() -> dict[str, bytes]:
    world = World()
    world.certificate()
    return world.bundle_files(others=world.log.held_files())


def _milestones() -> list[bytes]:
    marks = (((1, SECONDS - 30 * DAY), (300, SECONDS)), ((256, 5), (512, 6), (2**40, 7)), ())
    return [encode_milestones(Milestones(1, rows)) for rows in marks]


def _proofs() -> list[bytes]:
    province = Province(1, SECONDS)
    full = province.prove(province.issued[0])
    return [encode_cbor(encode_proof(smallest_proof(full, holds=held))) for held in (0, 256, 768)]


def _filed() -> list[bytes]:
    world = World()
    asked, shown = world.request(), world.presentation()
    trust, copy = world.bundle(), paper(World())
    from tests.world import NOW

    return [
        file_verification(
            world.verify(shown, trust=trust, expect=Asked(asked)),
            [shown],
            request=asked,
            trust=trust,
            now=NOW,
        ),
        file_verification(
            world.verify(copy, trust=trust, expect=STATIC), [copy], request=None, trust=trust, now=NOW
        ),
    ]


def _targets() -> list[bytes]:
    from tests.browser.conformance.broken import endorsed_files

    return [endorsed_files(_files())[TARGETS_NAME]]


PARSERS: dict[str, Parser] = {
    "cbor": Parser(
        decode_cbor, "ledger/cbor.js", "decodeCbor", "cbor",
        lambda: [encode_cbor([1, b"2", "3é", None, [4, -5], {1: 2, -1: [2**53, -(2**63), 2**64 - 1]}]), *_requests()],
    ),
    "any": Parser(
        decode_any, "certificate/qr_text.js", "decodeAny", "text",
        lambda: [encode_qr_text(_presentations()[0]).encode(), encode_file_text(_certificates()[0]).encode()],
    ),
    "any request": Parser(
        decode_any_request, "certificate/qr_text.js", "decodeAnyRequest", "text",
        lambda: [encode_request_text(_requests()[0]).encode()],
    ),
    "certificate": Parser(parse_certificate, "certificate/certificate.js", "parseCertificate", "cbor", _certificates),
    "presentation": Parser(
        parse_presentation, "certificate/presentation.js", "parsePresentation", "cbor", _presentations
    ),
    "request": Parser(parse_request, "certificate/request.js", "parseRequest", "cbor", _requests),
    "status list": Parser(
        parse_status_token, "certificate/status_list.js", "parseStatusToken", "cbor",
        lambda: [_world().status_token(), _world().status_token(statuses={1: 1, 9: 3}, size=64)],
    ),
    "directory": Parser(
        parse_directory, "certificate/directory.js", "parseDirectory", "cbor", lambda: [_files()["directory.cose"]]
    ),
    "blocks": Parser(
        parse_blocks, "certificate/log_files.js", "parseBlocks", "cbor", lambda: [_files()["blocks-1.cbor"]]
    ),
    "milestones": Parser(
        parse_milestones, "certificate/log_files.js", "parseMilestones", "cbor", _milestones
    ),
    "proof": Parser(lambda data: parse_proof(decode_cbor(data)), "ledger/proof.js", "parseProof", "cbor", _proofs),
    "filed verification": Parser(parse_filed, "verifier/filing.js", "parseFiled", "cbor", _filed),
    "policy": Parser(
        parse_policy, "certificate/policy/parsing.js", "parsePolicy", "text",
        lambda: [content for _, content in sorted(shipped_files().items())],
    ),
    "template": Parser(
        parse_template, "certificate/template/parsing.js", "parseTemplate", "text",
        lambda: [content for _, content in sorted(shipped_template_files().items())],
    ),
    "tlog-policy": Parser(
        _trust_policy, "ledger/trust_policy.js", "parseTrustPolicy", "text",
        lambda: [_files()["policy.txt"], World().log.policy_text(quorum=2).encode()],
    ),
    "checkpoint": Parser(
        parse_checkpoint_note, "ledger/checkpoint.js", "parseCheckpointNote", "text",
        lambda: [_files()["checkpoint-1.txt"]],
    ),
    "targets": Parser(
        lambda data: parse_targets(data, root_keys=ROOTS), "verifier/endorsed.js", "parseTargets", "text", _targets
    ),
}  # fmt: skip
