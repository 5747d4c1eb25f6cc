"""Forged objects in an otherwise honest world: whatever a test does not name is as it should be, signed and logged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import cbor2

from certificate.certificate import encode_certificate, parse_certificate
from certificate.cose import encode_sign1, object_digest, sig_structure
from certificate.holding import disclose
from certificate.keys import key_id
from certificate.numbers import HEADER_X, Typ
from certificate.presentation import PresentationBody, sign_presentation
from certificate.request import parse_request
from certificate.slot_tree import ClaimsTree, Disclosure
from certificate.slots import ClaimValue, Registry
from ledger.cbor import encode_cbor
from ledger.entry import EntryType, encode_entry
from ledger.errors import FormatError, ProjectError
from ledger.proof import FullProof, Proof, encode_proof
from ledger.reasons import Reason
from tests.world import REGISTRY, SECONDS, SLOTS_24, Log, World, other_entries
from verifier.expect import STATIC
from verifier.report import Report

__all__ = [
    "Lenient",
    "embellished",
    "forged_paper",
    "headers_of",
    "judged",
    "lenient_tree",
    "logged",
    "paper",
    "presented",
    "reason_of",
    "with_proof",
]

Sign = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Lenient(Registry):
    """The registry of a bureau that signs any value."""

    def encode_items(self, slots: Sequence[int], values: Iterable[object]) -> list[bytes]:
        return [encode_cbor(slot) + encode_cbor(value) for slot, value in zip(slots, values, strict=True)]


def lenient_tree(claims: Mapping[int, ClaimValue]) -> ClaimsTree:
    fields = (REGISTRY.type, REGISTRY.fact_depth, REGISTRY.claims, REGISTRY.by_slot, REGISTRY.by_name)
    return ClaimsTree.from_seed(Lenient(*fields), b"s" * 32, claims)


def judged(data: bytes, world: World | None = None, **options: object) -> Report:
    """What a verifier who expects paper says; `options` are those of `verify`."""
    return (world or World()).verify(data, expect=STATIC, **options)  # type: ignore[arg-type]  # options of verify


def paper(world: World, **changes: object) -> bytes:
    """An honest paper certificate; `changes` are fields of its signed body."""
    return world.certificate(world.body(paper=True, **changes), slots=SLOTS_24)


def headers_of(world: World) -> dict[object, object]:
    return {1: -19, 4: key_id(world.office.public_key), 16: int(Typ.CERTIFICATE)}


def forged_paper(
    world: World,
    *,
    headers: Mapping[object, object] | bytes | None = None,
    payload: Sequence[object] | bytes | None = None,
    sign: Sign | None = None,
    outside: Mapping[int, object] | None = None,
    tree: ClaimsTree | None = None,
    slots: Sequence[int] = SLOTS_24,
) -> bytes:
    """A paper certificate of any content, rightly signed by the office and logged, unless told otherwise.

    Args:
        headers, payload: what stands there, or its bytes.
        sign: makes the signature from the bytes to be signed.
        outside: more members of the unprotected header.
        tree: the claims; the body commits to them unless `payload` says otherwise.
    """
    tree = tree or world.tree()
    protected = headers if isinstance(headers, bytes) else _dumps(headers or headers_of(world))
    body = world.body(paper=True, claims_root=tree.root()).encode() if payload is None else payload
    content = body if isinstance(body, bytes) else _dumps(body)
    signature = (sign or world.office.sign)(sig_structure(protected, content))
    entry = encode_entry(EntryType.CERTIFICATE, 1, object_digest(protected, content, signature))
    disclosures, multiproof = tree.disclose(slots)
    extras = [[item.encode() for item in disclosures], multiproof, encode_proof(logged(world, entry))]
    return encode_sign1(protected, content, signature, {HEADER_X: extras, **(outside or {})})


def logged(world: World, entry: bytes) -> FullProof:
    """`entry` in the world's log, among others."""
    world.log = Log(sorted([*other_entries(300), entry]))
    return world.log.prove(entry)


def with_proof(data: bytes, change: Callable[[FullProof], Proof | None]) -> bytes:
    """The certificate `data` with another ledger proof."""
    parsed = parse_certificate(data)
    assert isinstance(parsed.proof, FullProof)
    return encode_certificate(parsed.sign1, parsed.disclosures, parsed.multiproof, change(parsed.proof))


def presented(world: World, certificate: bytes, *, request: bytes | None = None) -> bytes:
    """`certificate`, just as it is, in an answer signed by its holder."""
    digest = parse_request(request or world.request()).digest()
    return sign_presentation(world.holder, PresentationBody(1, digest, SECONDS - 30, 10), certificate)


def embellished(
    world: World,
    change: Callable[[list[Disclosure]], Sequence[Disclosure]],
    *,
    hashes: Callable[[bytes], bytes] = lambda multiproof: multiproof,
) -> bytes:
    """An answer whose holder changed what is disclosed, and signed that."""
    shown = parse_certificate(disclose(world.certificate(), SLOTS_24))
    forged = encode_certificate(
        shown.sign1, change(list(shown.disclosures)), hashes(shown.multiproof), shown.proof
    )
    return presented(world, forged)


def reason_of(call: Callable[[], object]) -> Reason | None:
    """Why `call` is refused; None if it is not."""
    try:
        call()
    except ProjectError as refusal:
        return refusal.reason
    return None


def _dumps(value: object) -> bytes:
    """Our encoding; that of a common library where ours refuses (floats, bignums)."""
    try:
        return encode_cbor(value)
    except FormatError:
        return cbor2.dumps(value, canonical=True)
