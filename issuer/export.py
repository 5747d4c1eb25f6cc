"""Certificates on their way out: the whole file for its holder, or a paper copy that shows a few claims.

Nothing leaves without a proof under a cosigned checkpoint, and everything passes the reader's own parser first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from certificate.certificate import encode_certificate, parse_certificate
from certificate.kinds import KINDS
from certificate.numbers import CertificateType
from certificate.slot_tree import ClaimsTree, root_from_disclosures
from certificate.slots import REGISTRIES, ClaimValue
from issuer.bureau_ledger import BureauLedger
from issuer.home import Home
from issuer.mint import claims_tree_of
from issuer.register import RegisterRow
from ledger.entry import EntryType, encode_entry
from ledger.errors import ConfigError, IntegrityError, VerificationError
from ledger.proof import FullProof, Proof
from ledger.reasons import Reason
from verifier.trust_dir import load_trust

__all__ = [
    "encode_shown",
    "find_row",
    "full_certificate",
    "paper_extra",
    "paper_slots",
    "proof_of_row",
    "published_size",
    "tree_of_row",
]

_REGISTRY = REGISTRIES[CertificateType.CONTRIBUTION]
_PAPER_YEARS = 3


def find_row(home: Home, number: str) -> RegisterRow:
    """The register row of a certificate number, or of a person number: that person's newest certificate.

    Raises:
        ConfigError: `certificate.not_found`.
    """
    register = home.register()
    try:
        row = register.by_number(number)
        if row is None:
            of_person = register.of_person(number)
            row = of_person[0] if of_person else None
    finally:
        register.close()
    if row is None:
        hint = "mint it first: tally issuer mint --person NO"
        raise ConfigError(Reason.CERTIFICATE_NOT_FOUND, "no certificate has this number", hint=hint)
    return row


def tree_of_row(home: Home, row: RegisterRow) -> ClaimsTree:
    """The claims tree under a row, from the snapshot it was minted from."""
    claims = home.snapshot(row.identity.snapshot).claims(row.identity.person_no).claims
    return claims_tree_of(row, claims, seal_key=home.seal_key())


def full_certificate(home: Home, ledger: BureauLedger, row: RegisterRow) -> bytes:
    """Everything of a certificate, for its holder: all claims, the hashes of the empty subtrees, the proof."""
    tree = tree_of_row(home, row)
    return encode_shown(row, tree, tree.slots, proof_of_row(ledger, row))


def encode_shown(row: RegisterRow, tree: ClaimsTree, slots: Sequence[int], proof: Proof) -> bytes:
    """The certificate of `row` with the claims at `slots` shown.

    Raises:
        FormatError: `disc.required_missing` for a slot without a claim.
        IntegrityError: `store.corrupt` when what was made does not hold together.
    """
    disclosures, multiproof = tree.disclose(slots)
    signed = parse_certificate(row.signed)
    data = encode_certificate(signed.sign1, disclosures, multiproof, proof)
    made = parse_certificate(data)
    if root_from_disclosures(_REGISTRY, made.disclosures, made.multiproof) != made.body.claims_root:
        raise IntegrityError(
            Reason.STORE_CORRUPT, f"certificate {row.number}: seed, values and root disagree"
        )
    return data


def paper_slots(tree: ClaimsTree, wanted: Sequence[int] = ()) -> list[int]:
    """What a paper copy shows: `wanted`, or name, last four digits and three years of the person's main branch.

    The paper's own claims, for whom and what for, are always shown.
    """
    present = set(tree.slots)
    always = [_REGISTRY.slot_of(name) for name in ("for.audience", "for.purpose")]
    chosen = set(wanted) or {_REGISTRY.slot_of("name"), _REGISTRY.slot_of("id_tail"), *_main_branch(present)}
    return sorted(chosen | (present & set(always)))


def paper_extra(*, audience: str | None, purpose: str | None) -> Mapping[int, ClaimValue]:
    """The claims that stand on paper only: 仅供 audience 办理 purpose 使用."""
    extra: dict[int, ClaimValue] = {}
    if audience:
        extra[_REGISTRY.slot_of("for.audience")] = audience
    if purpose:
        extra[_REGISTRY.slot_of("for.purpose")] = purpose
    return extra


def _main_branch(present: set[int]) -> list[int]:
    """Settled month and newest strips of the first branch of DOMAIN section 2 in which this person has months."""
    for kind in KINDS:
        if _REGISTRY.slot_of(f"months.{kind.id}") in present:
            names = [f"settled.{kind.id}", *(f"strip.{kind.id}.-{back}" for back in range(_PAPER_YEARS))]
            return [slot for slot in map(_REGISTRY.slot_of, names) if slot in present]
    return []


def published_size(home: Home, log: int) -> int:
    """How much of a log whoever holds the newest bundle of this home holds."""
    return dict(load_trust(home.trust_dir).held.sizes()).get(log, 0)


def proof_of_row(ledger: BureauLedger, row: RegisterRow) -> FullProof:
    """The proof that a certificate is logged where the register says.

    Raises:
        ConfigError: `log.inclusion_missing` if it is not logged yet.
        VerificationError: `log.leaf_mismatch` if something else stands there.
    """
    if row.log_index is None:
        raise ConfigError(
            Reason.LOG_INCLUSION_MISSING, f"certificate {row.number} is not logged yet", hint="mint again"
        )
    proof = ledger.prove(row.log_index)
    authority = parse_certificate(row.signed).body.authority
    if ledger.entry(row.log_index) != encode_entry(EntryType.CERTIFICATE, authority, row.digest):
        raise VerificationError(
            Reason.LOG_LEAF_MISMATCH,
            f"entry {row.log_index} is not certificate {row.number}",
            hint="Ask whoever runs the log; hand nothing out.",
        )
    return proof
