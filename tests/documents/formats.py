"""Writes docs/FORMATS.md: every object of DESIGN section 3, from fixed keys, in hex and in diagnostic notation.

python -m tests.documents.formats > docs/FORMATS.md
"""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap

import cbor2

from certificate.certificate import certificate_number, parse_certificate
from certificate.device import DeviceBody, device_to_be_signed
from certificate.holding import disclose
from certificate.log_files import Milestones, encode_blocks, encode_milestones
from certificate.numbers import Algorithm, Typ
from certificate.qr_text import encode_qr_text
from certificate.request import matching_digits, parse_request
from certificate.rollover import sign_rollover
from certificate.slot_tree import disclosure_leaf_hash
from certificate.slots import REGISTRIES
from issuer.import_summary import sign_import_summary
from ledger.blocks import Blocks
from ledger.cbor import decode_cbor, encode_cbor
from ledger.checkpoint import cosign, encode_checkpoint, sign_checkpoint
from ledger.entry import EntryType, encode_entry
from ledger.note import Note, encode_note
from ledger.proof import FullProof, Proof, RecentProof, ShortProof, encode_proof
from tests.issuer.summaries import SUMMARY
from tests.world import NOW, SECONDS, SLOTS_24, Log, World, other_entries, signer
from verifier.expect import Asked
from verifier.proof_of_verification import prove_verification

__all__ = ["render"]

_HEAD = """# Formats

Every object in hex and in CBOR diagnostic notation (RFC 8949 section 8), made from the fixed keys of the test suite;
a test makes this page anew and compares. Rules that hold for all of them:

- Deterministic CBOR (RFC 8949 §4.2.1): definite lengths, shortest heads, sorted and distinct keys, no floats, depth at
  most 16, exactly one item. A reader decodes, checks the schema, encodes again and compares.
- Our objects are arrays of fixed arity. Maps occur in COSE headers, and in the status list token, which is another
  scheme's format.
- Signed objects are COSE_Sign1 with tag 18 (RFC 9052 §4.2), without external data. `typ` (16) is one of the numbers
  below; a signature for one kind never counts for another.
- The digest of an object is SHA-256 of its tagged bytes with an empty unprotected header.
- `kid` is the first 8 bytes of the key's thumbprint (RFC 9679).

In the notation below long byte strings are shortened to their first four bytes and their length.
"""


def render() -> str:
    """The whole page."""
    world = World()
    parts = [_HEAD, _numbers(), _slots()]
    parts += _certificate(world)
    parts += _asking(world)
    parts += _succession(world)
    parts += _holder(world)
    parts += _proving(world)
    parts += _trust(world)
    parts += _ledger(world)
    return "\n".join(parts).rstrip() + "\n"


def _certificate(world: World) -> list[str]:
    whole = world.certificate()
    parsed = parse_certificate(whole)
    shown = disclose(whole, SLOTS_24)
    disclosure = parse_certificate(shown).disclosures[0]
    leaf = encode_cbor(disclosure.encode())
    paper = world.certificate(world.body(paper=True), slots=SLOTS_24)
    return [
        "## Certificate\n",
        "`certificate.certificate`, `certificate.slot_tree`; DESIGN 3.1 and 3.2. The signed part:\n",
        _object(_bare(whole)),
        f"Payload: `[version, type, authority, office, region, profile, cut_off, issued, expires, [list, index], "
        f"claims_root, cnf, presenter]`\n\n    {_notation(parsed.sign1.payload)}\n",
        f"Certificate number: `{certificate_number(parsed.body.claims_root)}`. "
        f"Ledger entry `[1, 1, authority, digest]`: `{parsed.entry().hex()}`\n",
        f"A disclosure `[salt, slot, value]`, here the settled month of employee pension: `{leaf.hex()}`, and its leaf "
        f"hash `{disclosure_leaf_hash(disclosure).hex()}`\n",
        "With four claims shown and its proof, `{X: [disclosures, multiproof, proof]}` in the unprotected header; a "
        "fourth part, only where there is one, has threshold proofs `[[slot, k, hash at level k], ...]` "
        "(docs/adr/0017):\n",
        _object(shown),
        "Paper: the same with `cnf` null. It is the only kind that is accepted without a holder's signature.\n",
        _object(paper, hex_bytes=64),
    ]


def _asking(world: World) -> list[str]:
    request = world.request()
    counter = world.request(nonce=None, desk="东门支行3号窗口")
    digest = parse_request(request).digest()
    presentation = world.presentation()
    return [
        "## Request\n",
        "`certificate.request`; DESIGN 3.4. The registration, signed by a registrar of the directory:\n",
        _object(world.registration()),
        "The request, signed by the organisation, with the registration in its protected header under X:\n",
        _object(request),
        f"Digest `{digest.hex()}`; both screens show `{matching_digits(digest)}`. A printed counter request has no "
        f"nonce and names its desk:\n\n    {_notation(parse_request(counter).sign1.payload)}\n",
        "## Presentation\n",
        "`certificate.presentation`: the certificate stands in the protected header (13, kcwt), so the holder's "
        "signature covers exactly what is shown.\n",
        _object(presentation),
        f"As QR text, {len(encode_qr_text(presentation))} characters: `{encode_qr_text(presentation)[:48]}…`\n",
    ]


def _succession(world: World) -> list[str]:
    return [
        "## Succession of holder keys\n",
        "`certificate.succession`: an office's word that the second key took the first one's place; `[old_key, "
        "new_key, time, reason]`, reason 1 lost, 2 stolen, 3 exchanged. Logged as a key event (type 5), proof under "
        "X.\n",
        _object(world.succession()),
    ]


def _proving(world: World) -> list[str]:
    presentation, request, trust = world.presentation(), world.request(), world.bundle()
    report = world.verify(presentation, expect=Asked(request), trust=trust)
    proof = prove_verification(report, [presentation], request=request, trust=trust, now=NOW, key=world.asker)
    return [
        "## Verification proof\n",
        "`certificate.verification_proof`: the organisation's signed word that it verified an answer: digests only, "
        "nothing of a person. Payload `[org, request, [[shown, checkpoint, list], ...], bundle, time, outcome, "
        "reason]`; `outcome` 0 valid, 1 invalid, 2 undetermined.\n",
        _object(proof),
        "## Key rollover\n",
        "`certificate.rollover`: an organisation's old request key signs `[inner]`, the new one the inner object "
        "`[org, old key, new key, time]`.\n",
        _object(sign_rollover(world.asker, signer("asker's new key"), org=1, time=SECONDS), hex_bytes=96),
    ]


def _holder(world: World) -> list[str]:
    key = world.holder.public_key
    device = DeviceBody("wallet.example.test", key, signer("tablet").public_key, SECONDS, 600)
    to_sign = device_to_be_signed(device, holder_key=key)
    return [
        "## What else a holder key signs\n",
        "`certificate.delegation`: another key may act; `[principal_key, proxy_key, [type, ...], first, last, nonce]`, "
        "days as UTC day numbers.\n",
        _object(world.delegation()),
        "Its end, a kind of its own: `[digest of the delegation, time]`.\n",
        _object(world.delegation_end()),
        "`certificate.journal`: what a phone showed offline, one entry after the other; `[counter, previous, time, "
        "org, request digest, type, [slot, ...]]`.\n",
        _object(world.journal_entry()),
        "`certificate.device`: both keys sign `[audience, first_key, second_key, issued, lifetime]`; the bytes that "
        f"the first one signs, {len(to_sign)} bytes:\n",
        "\n".join(f"    {line}" for line in wrap(to_sign.hex(), 96)) + "\n",
    ]


def _trust(world: World) -> list[str]:
    files = world.bundle_files()
    return [
        "## Directory, bundle, status list\n",
        "`certificate.directory`: authorities, offices, keys (role 1 certificates, 2 status lists, 3 registrations, 4 "
        "status lists by ML-DSA-44), logs, disowned ranges.\n",
        _object(files["directory.cose"]),
        "`verifier.trust`: the bundle names every file with its SHA-256.\n",
        _object(files["bundle.cose"]),
        "`certificate.status_list`: IETF Token Status List, CWT form, 2 bits per certificate. `certificate."
        "second_signature` adds ML-DSA-44 where the bundle asks for it, another one each time: the unprotected header "
        "is then `{-65537: [<< {1: -48, 4: kid, 16: typ} >>, signature of 2,420 bytes]}`.\n",
        _object(files["status-1-0.cwt"]),
        "`certificate.log_files`: the blocks of a log, `[1, log, size, start, large, small, edge]`, here of 300 "
        "entries, and its milestones, `[1, log, [[size, time], ...]]`.\n",
        _plain(encode_blocks(1, Blocks.read(300, 0, Log(other_entries(300)).node))),
        _plain(encode_milestones(Milestones(1, ((256, SECONDS - 86400), (300, SECONDS))))),
        "`certificate.key_event`: who got a key, whose key ended where; `[1, kind, authority, log, time, operators, "
        "fields]`. Here a delegation: a village's key, by the office above.\n",
        _object(world.key_event()),
        "`issuer.import_summary`: what an import did, signed by the office key. It names nobody.\n",
        _object(sign_import_summary(world.office, SUMMARY)),
    ]


def _ledger(world: World) -> list[str]:
    entry = encode_entry(EntryType.CERTIFICATE, 1, bytes(range(32)))
    log = Log([entry, *(encode_entry(EntryType.PADDING, 1, n.to_bytes(2) * 16) for n in range(299))])
    proof = log.prove(entry)
    short = ShortProof(proof.log, proof.index, proof.path[:8])
    recent = RecentProof(proof.log, proof.index, proof.size, proof.path[:8], proof.signatures, 256)
    checkpoint = log.checkpoint()
    signatures = [sign_checkpoint(checkpoint, log.signer)]
    signatures += [
        cosign(checkpoint, key, name=f"witness-{number}.test", time=SECONDS)
        for number, key in enumerate(log.witnesses[:3], start=1)
    ]
    note = encode_note(Note(encode_checkpoint(checkpoint), tuple(signatures))).decode()
    assert isinstance(proof, FullProof)
    rows: list[tuple[str, Proof]] = [("full", proof), ("short", short), ("recent", recent)]
    encoded = {name: encode_cbor(encode_proof(p)) for name, p in rows}
    proofs = [
        f"{name}, {len(data)} bytes:\n\n    {_notation(decode_cbor(data))}\n"
        for name, data in encoded.items()
    ]
    return [
        "## Ledger\n",
        "`ledger.entry`: `[1, entry_type, authority, digest]`; types "
        + ", ".join(f"{kind.value} {kind.name.lower()}" for kind in EntryType)
        + ".\n",
        f"    {entry.hex()}\n    {_notation(decode_cbor(entry))}\n",
        "`ledger.checkpoint`: C2SP tlog-checkpoint, signed note, with the log's signature and three cosignatures:\n",
        "\n".join(f"    {line}".rstrip() for line in note.splitlines()) + "\n",
        "`ledger.proof`: the proof beside a certificate; its arity tells the form. Signatures are key id ‖ blob, as in "
        "the note. Short and recent proofs are read already and judged once bundles hold blocks.\n",
        *proofs,
    ]


def _numbers() -> str:
    lines = ["## Numbers\n", "| what | numbers |", "| --- | --- |"]
    lines.append("| algorithms | " + ", ".join(f"{a.name} {a.value}" for a in Algorithm) + " |")
    lines.append("| typ | " + ", ".join(f"{t.name.lower()} {t.value}" for t in Typ) + " |")
    lines.append("| private header label X | −65537 |")
    return "\n".join(lines) + "\n"


def _slots() -> str:
    lines = [
        "## Slots\n",
        "Slots of the contribution certificate; K counts the branches of DOMAIN section 2 from 1.\n",
    ]
    lines += ["| slots | claims |", "| --- | --- |"]
    registry = REGISTRIES[next(iter(REGISTRIES))]
    first_kind = [c for c in registry.claims if c.kind in ("", "pension.emp")]
    for claim in first_kind:
        if claim.group == "strip" and claim.years_back > 2:
            continue
        if claim.name.startswith(("spells.", "pol.")) and not claim.name.endswith(".0"):
            continue
        lines.append(f"| {claim.slot} | `{claim.name}` ({claim.value_type.value}) |")
    lines.append("\nEach further branch stands 32 slots on (settled, strips) and 16 slots on (summary).\n")
    return "\n".join(lines)


def _bare(data: bytes) -> bytes:
    item = decode_cbor(data)
    protected, _, payload, signature = item.value
    return encode_cbor(cbor2.CBORTag(18, [protected, {}, payload, signature]))


def _plain(data: bytes) -> str:
    """An object without a signature of its own."""
    body = "\n".join(f"    {line}" for line in wrap(data.hex(), 96))
    return f"{len(data)} bytes:\n\n{body}\n\n    {_notation(decode_cbor(data))}\n"


def _object(data: bytes, *, hex_bytes: int = 192) -> str:
    item = decode_cbor(data)
    protected, unprotected, payload, signature = item.value
    lines = wrap(data[:hex_bytes].hex(), 96)
    if len(data) > hex_bytes:
        lines[-1] += "…"
    notation = (
        f"18([\n      << {_notation(decode_cbor(protected))} >>,\n      {_notation(unprotected)},\n"
        f"      << {_notation(decode_cbor(payload))} >>,\n      {_notation(signature)}\n    ])"
    )
    body = "\n".join(f"    {line}" for line in lines)
    return f"{len(data)} bytes:\n\n{body}\n\n    {notation}\n"


def _notation(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return f'"{value}"'
        case bytes():
            return f"h'{value.hex()}'" if len(value) <= 16 else f"h'{value[:4].hex()}…'({len(value)})"
        case list() | tuple():
            return "[" + ", ".join(_notation(item) for item in value) + "]"
        case Mapping():
            return "{" + ", ".join(f"{_notation(k)}: {_notation(v)}" for k, v in value.items()) + "}"
        case cbor2.CBORTag():
            return f"{value.tag}({_notation(value.value)})"
        case _:
            raise TypeError(type(value))


if __name__ == "__main__":
    print(render(), end="")
