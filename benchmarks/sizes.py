"""Writes docs/SIZES.md: bytes and QR version of what people show, at three sizes of the ledger.

    python -m benchmarks.sizes > docs/SIZES.md

The status place takes its longest form, the office number two bytes; an authority numbered above 255 adds one byte.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256

from certificate.certificate import CertificateBody, encode_certificate, issue_certificate, parse_certificate
from certificate.cose import encode_sign1
from certificate.numbers import CertificateType
from certificate.presentation import PresentationBody, sign_presentation
from certificate.qr_text import qr_version
from certificate.slots import REGISTRIES, ClaimValue
from ledger.cbor import encode_cbor
from ledger.held_log import smallest_proof
from ledger.merkle import sibling_ranges
from ledger.proof import FullProof, Proof, ShortProof, encode_proof
from tests.world import SECONDS, SLOTS_24, World, signer

__all__ = ["LEDGERS", "Sizes", "measure", "render"]

LEDGERS = (10**4, 10**6, 10**8)
_REGISTRY = REGISTRIES[CertificateType.CONTRIBUTION]
_HEAD = """# Sizes

Bytes of the tagged object and the smallest QR version at error correction L and M, for ledgers of 10^4, 10^6 and 10^8
entries; full proofs with the log's signature and three witnesses. Made by `python -m benchmarks.sizes`; a test
compares.
"""


@dataclass(frozen=True, slots=True)
class Sizes:
    """One row: what is shown, and its bytes for each ledger of LEDGERS."""

    name: str
    sizes: tuple[int, ...]


Form = Callable[[int], Proof]
"""The proof at a number of entries."""


def measure() -> list[Sizes]:
    """All rows of the page."""
    name, tail = _REGISTRY.slot_of("name"), _REGISTRY.slot_of("id_tail")
    everything = tuple(_thirty_years())
    return [
        Sizes("certificate, signed part only", tuple(_signed_part() for _ in LEDGERS)),
        _row("paper, 3 claims (settled month, two years)", SLOTS_24[:3], paper=True),
        _row(
            "paper, 6 claims (name, last four, settled month, three years)",
            (name, tail, *SLOTS_24),
            paper=True,
        ),
        _row("presentation, 24 months (settled month, three years)", SLOTS_24),
        _row("presentation, 24 months with name and last four", (name, tail, *SLOTS_24)),
        _row("presentation, 24 months, short proof", SLOTS_24, form=_short),
        _row("presentation, 24 months, recent proof", SLOTS_24, form=_recent),
        _row("paper, 24 months (settled month, three years), short proof", SLOTS_24, paper=True, form=_short),
        _row(
            f"presentation, everything of thirty years, five branches ({len(everything)} claims)", everything
        ),
    ]


def render() -> str:
    """The whole page."""
    head = " | ".join(f"10^{len(str(size)) - 1}" for size in LEDGERS)
    lines = [_HEAD, f"| shown | {head} |", "| --- | " + " | ".join("---" for _ in LEDGERS) + " |"]
    for row in measure():
        lines.append(f"| {row.name} | " + " | ".join(_cell(size) for size in row.sizes) + " |")
    full, short, recent = (len(encode_cbor(encode_proof(form(10**6)))) for form in (_proof, _short, _recent))
    lines += [
        "",
        f"The full proof alone takes {full} bytes at 10^6; the short form {short}; the recent form, for who holds all",
        f"but the last 1,000 entries, {recent}.",
        "",
        "| aim | bound | here |",
        "| --- | --- | --- |",
    ]
    rows = measure()
    for what, bound, size in (
        ("certificate without proof and claims", 190, rows[0].sizes[1]),
        ("24 months at 10^6, full proof and quorum", 1800, rows[3].sizes[1]),
        ("24 months at 10^6, short proof", 1133, rows[5].sizes[1]),
        ("24 months at 10^6, recent proof", 1677, rows[6].sizes[1]),
        ("24 months at 10^6 on paper, short proof", 964, rows[7].sizes[1]),
    ):
        lines.append(f"| {what} | {bound} | {size} |")
    return "\n".join(lines) + "\n"


def _cell(size: int) -> str:
    versions = [
        f"{version}-{level}" for level in ("L", "M") if (version := qr_version(size, level)) is not None
    ]
    return f"{size:,} ({', '.join(versions) or 'no single QR'})"


def _thirty_years() -> dict[int, ClaimValue]:
    """The claims of someone with thirty years in five branches and two employers."""
    claims: dict[str, ClaimValue] = {
        "name": "测试甲",
        "id_tail": "0017",
        "id_no": "990000199001010017",
        "id_type": "01",
    }
    claims["birth_date"] = 19900101
    for kind in ("pension.emp", "medical.emp", "unemp", "injury", "maternity"):
        claims |= {f"strip.{kind}.-{back}": bytes.fromhex("555555") for back in range(30)}
        claims |= {
            f"settled.{kind}": 202610,
            f"status.{kind}": 1,
            f"first.{kind}": 199701,
            f"last.{kind}": 202610,
        }
        claims |= {f"months.{kind}": 358, f"run.{kind}": 358, f"back.{kind}": 0}
        claims |= {f"base.{kind}": 800000, f"base_avg12.{kind}": 790000, f"paid_total.{kind}": 2_000_000}
    claims["employer"] = ["91990000T0000001X7", "样例制造有限公司(测试)", 201001, 202]
    claims |= {f"spells.{at}": ["示例贸易有限公司(测试)", 199701, 200912, 156] for at in range(2)}
    return {_REGISTRY.slot_of(name): value for name, value in claims.items()}


def _row(name: str, slots: tuple[int, ...], *, paper: bool = False, form: Form | None = None) -> Sizes:
    return Sizes(name, tuple(_size(slots, (form or _proof)(entries), paper) for entries in LEDGERS))


def _size(slots: tuple[int, ...], proof: Proof, paper: bool) -> int:
    world = World()
    signed = parse_certificate(issue_certificate(world.office, _body(world, paper)))
    disclosures, multiproof = world.tree(_thirty_years()).disclose(slots)
    certificate = encode_certificate(signed.sign1, disclosures, multiproof, proof)
    if paper:
        return len(certificate)
    body = PresentationBody(2**20, bytes(32), SECONDS, 10)
    return len(sign_presentation(signer("holder"), body, certificate))


def _signed_part() -> int:
    world = World()
    sign1 = parse_certificate(issue_certificate(world.office, _body(world, False))).sign1
    return len(encode_sign1(sign1.protected_bytes, sign1.payload_bytes, sign1.signature))


def _body(world: World, paper: bool) -> CertificateBody:
    body = world.body(paper=paper)
    return replace(body, authority=200, office=1140, status_index=2**20 - 1)


def _proof(entries: int) -> FullProof:
    """A proof of the right shape; its hashes and signatures are only as long as real ones."""
    depth = (entries - 1).bit_length()
    path = tuple(sha256(bytes([level])).digest() for level in range(depth))
    return FullProof(1, 0, entries, path, (bytes(68), bytes(76), bytes(76), bytes(76)))


def _short(entries: int) -> ShortProof:
    return ShortProof(1, entries - 1, _proof(entries).path[:8])


def _recent(entries: int) -> Proof:
    """The newest entry, for a verifier who synced 1,000 entries ago."""
    full = _proof(entries)
    index = entries - 1
    count = len(sibling_ranges(index, entries))
    return smallest_proof(replace(full, index=index, path=full.path[:count]), holds=entries - 1000)


if __name__ == "__main__":
    print(render(), end="")
