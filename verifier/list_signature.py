"""Who signed a status list: its authority, by Ed25519 and, where the bundle asks for it, by ML-DSA-44 (ADR 0019)."""

from __future__ import annotations

from certificate.directory import Directory, KeyRole
from certificate.keys import verify_signature
from certificate.status_list import UnverifiedStatusList
from ledger.errors import ProjectError, VerificationError
from ledger.mldsa import verify_mldsa
from ledger.reasons import Reason

__all__ = ["verify_list_signature"]


def verify_list_signature(
    listed: UnverifiedStatusList, *, authority: int, directory: Directory, demanded: bool
) -> None:
    """Check every signature on a list; a second one that is there has to be good, demanded or not.

    Args:
        demanded: whether the second one may not be missing, once the directory lists such a key of the authority.
    Raises:
        VerificationError: `status.list_wrong_issuer`, `status.list_sig_invalid`, `alg.downgrade`.
    """
    key, sign1 = directory.key(KeyRole.STATUS, listed.sign1.kid), listed.sign1
    if key is None or key.authority != authority:
        raise VerificationError(Reason.STATUS_LIST_WRONG_ISSUER, f"key {sign1.kid.hex()}")
    try:
        verify_signature(public_key=key.public_key, message=sign1.to_be_signed, signature=sign1.signature)
    except ProjectError as exc:
        raise VerificationError(Reason.STATUS_LIST_SIG_INVALID, f"key {key.kid.hex()}") from exc
    if listed.second is not None:
        _verify_second(listed, authority, directory)
    elif demanded and directory.has_key(KeyRole.STATUS_MLDSA, authority):
        hint = "sync the trust bundle; if that does not help, tell the bureau"
        raise VerificationError(Reason.ALG_DOWNGRADE, "no post-quantum signature on the list", hint=hint)


def _verify_second(listed: UnverifiedStatusList, authority: int, directory: Directory) -> None:
    second = listed.second
    assert second is not None
    key = directory.key(KeyRole.STATUS_MLDSA, second.kid)
    if key is None or key.authority != authority:
        raise VerificationError(Reason.STATUS_LIST_WRONG_ISSUER, f"key {second.kid.hex()}")
    try:
        verify_mldsa(public_key=key.public_key, message=second.to_be_signed, signature=second.signature)
    except ProjectError as exc:
        raise VerificationError(Reason.STATUS_LIST_SIG_INVALID, f"key {key.kid.hex()}") from exc
