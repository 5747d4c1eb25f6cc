"""What a holder does with a certificate file: open its claims tree, and answer a request from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from certificate.certificate import encode_certificate, parse_certificate
from certificate.keys import CoseSigner
from certificate.presentation import PresentationBody, sign_presentation
from certificate.request import parse_request
from certificate.slot_tree import ClaimsTree
from certificate.threshold import lower_openings
from ledger.held_log import smallest_proof
from ledger.proof import FullProof

__all__ = ["disclose", "holder_tree", "present"]

_NOTHING: Final[Mapping[int, int]] = MappingProxyType({})


def holder_tree(certificate: bytes) -> ClaimsTree:
    """The claims tree of a certificate file. Raises as `ClaimsTree.from_disclosures`."""
    parsed = parse_certificate(certificate)
    body = parsed.body
    return ClaimsTree.from_disclosures(
        body.registry, parsed.disclosures, parsed.multiproof, claims_root=body.claims_root
    )


def disclose(
    certificate: bytes,
    slots: Sequence[int],
    *,
    holds: Sequence[tuple[int, int]] = (),
    at_least: Mapping[int, int] = _NOTHING,
) -> bytes:
    """The certificate showing `slots` only, with the smallest proof that decides.

    Args:
        at_least: how many months the commitments at these slots, which are among `slots`, are to show.
        holds: (log, size) of what its reader says to hold of each log, as in a request.
    Raises:
        FormatError: `disc.required_missing`.
    """
    parsed = parse_certificate(certificate)
    disclosures, multiproof = holder_tree(certificate).disclose(slots)
    proof = parsed.proof
    if isinstance(proof, FullProof):
        proof = smallest_proof(proof, holds=dict(holds).get(proof.log, 0))
    openings = lower_openings(parsed.openings, disclosures, at_least)
    return encode_certificate(parsed.sign1, disclosures, multiproof, proof, openings)


def present(
    holder: CoseSigner,
    certificate: bytes,
    request: bytes,
    slots: Sequence[int],
    *,
    issued: int,
    lifetime: int = 10,
    at_least: Mapping[int, int] = _NOTHING,
) -> bytes:
    """Answer `request` with `slots` of `certificate`: the signed presentation as tagged bytes.

    Args:
        issued: POSIX seconds.
        lifetime: minutes.
        at_least: as for `disclose`.
    """
    asked = parse_request(request)
    body = PresentationBody(asked.body.org, asked.digest(), issued, lifetime)
    shown = disclose(certificate, slots, holds=asked.body.holds, at_least=at_least)
    return sign_presentation(holder, body, shown)
