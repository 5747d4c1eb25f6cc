"""What the bundle's status list says of a certificate that lies at home, however old the list: for its holder's side.

The list's bytes are those that the bundle's own signature names; the other ten steps are not looked at. What the list
ended is not shown to anybody: the answer would be refused, and the organisation would have seen it for nothing.
"""

from __future__ import annotations

from certificate.certificate import CertificateBody
from certificate.status_list import Status, UnverifiedStatusList, parse_status_token, status_list_uri
from ledger.errors import ProjectError, VerificationError
from ledger.reasons import Reason
from verifier.trust import TrustBundle

__all__ = ["is_ended", "require_standing", "standing_of"]

_ENDED = {
    Status.REVOKED: (Reason.STATUS_REVOKED, "ask the office that issued it why, and for another"),
    Status.SUSPENDED: (Reason.STATUS_SUSPENDED, "ask the bureau to lift the suspension"),
    Status.REPLACED: (Reason.STATUS_REPLACED, "fetch the newer one from the bureau, and answer with it"),
}


def standing_of(body: CertificateBody, trust: TrustBundle) -> Status | None:
    """The state in the newest list that the bundle holds, however old; None where none says it."""
    place = (body.authority, body.status_list)
    try:
        listed = trust.known.standings.once(place, lambda: _list(trust, *place))
        return Status(listed.statuses.value(body.status_index))
    except (ProjectError, ValueError):
        return None


def is_ended(body: CertificateBody, trust: TrustBundle) -> bool:
    """Whether the list says that it is revoked, suspended or replaced."""
    return standing_of(body, trust) in _ENDED


def require_standing(body: CertificateBody, trust: TrustBundle) -> None:
    """Refuse to answer with what the list ended.

    Raises:
        VerificationError: `status.revoked`, `status.suspended`, `status.replaced`.
    """
    standing = standing_of(body, trust)
    if standing in _ENDED:
        reason, hint = _ENDED[standing]
        raise VerificationError(reason, f"certificate {body.number}", hint=hint)


def _list(trust: TrustBundle, authority: int, number: int) -> UnverifiedStatusList:
    listed = parse_status_token(trust.status_token(authority, number))
    if listed.uri != status_list_uri(authority, number):
        raise ValueError("another list under this name")
    return listed
