"""Proof that a trust file was logged: a directory or tlog-policy nobody else sees is not accepted (DESIGN 3.6).

proof-directory.cbor, proof-policy.cbor    [1, authority, proof]      a full proof of the file's type-3 entry
"""

from __future__ import annotations

from hashlib import sha256

from certificate.schema import take_array, take_int, take_version
from ledger.cbor import decode_cbor, encode_cbor
from ledger.entry import EntryType, encode_entry
from ledger.errors import FormatError, UndeterminedError, VerificationError
from ledger.proof import FullProof, encode_proof, parse_proof, verify_full_proof
from ledger.reasons import Reason
from verifier.trust import DIRECTORY_NAME, POLICY_NAME, TrustBundle

__all__ = ["PROOF_NAMES", "encode_trust_proof", "require_logged"]

PROOF_NAMES = {DIRECTORY_NAME: "proof-directory.cbor", POLICY_NAME: "proof-policy.cbor"}
"""File of the bundle to the file with its proof."""


def encode_trust_proof(authority: int, proof: FullProof) -> bytes:
    return encode_cbor([1, authority, encode_proof(proof)])


def require_logged(content: bytes, proof: bytes | None, *, held: TrustBundle, now: int) -> None:
    """Check that `content` was logged, by the logs and witnesses that the verifier trusts already.

    Args:
        content: the new file.
        proof: what came beside it, if anything.
        held: the bundle in use.
        now: POSIX seconds.
    Raises:
        VerificationError: `log.inclusion_missing`, `log.inclusion_invalid`, and what `verify_full_proof` raises.
        UndeterminedError: `log.unknown_origin`, and what it raises. FormatError: as the parsers.
    """
    if proof is None:
        raise VerificationError(Reason.LOG_INCLUSION_MISSING, "a trust file without proof that it was logged")
    fields = take_array(decode_cbor(proof), 3)
    take_version(fields[0])
    parsed = parse_proof(fields[2])
    if not isinstance(parsed, FullProof):
        raise FormatError(Reason.LOG_PROOF_MALFORMED, "a trust file takes a full proof")
    log = held.directory.log(parsed.log)
    if log is None:
        raise UndeterminedError(Reason.LOG_UNKNOWN_ORIGIN, f"log {parsed.log}")
    entry = encode_entry(EntryType.TRUST_FILE, take_int(fields[1], 1, 65535), sha256(content).digest())
    verify_full_proof(parsed, entry=entry, origin=log.origin, policy=held.policy, now=now)
