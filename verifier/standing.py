"""What the bundle's status list says of a certificate that lies at home: a hint for its holder, not a verdict.

The list's bytes are those that the bundle's own signature names; the other ten steps are not looked at.
"""

from __future__ import annotations

from certificate.certificate import CertificateBody
from certificate.status_list import Status, UnverifiedStatusList, parse_status_token, status_list_uri
from ledger.errors import ProjectError
from verifier.trust import TrustBundle

__all__ = ["standing_of"]


def standing_of(body: CertificateBody, trust: TrustBundle) -> Status | None:
    """The state in the newest list that the bundle holds, however old; None where none says it."""
    place = (body.authority, body.status_list)
    try:
        listed = trust.known.standings.once(place, lambda: _list(trust, *place))
        return Status(listed.statuses.value(body.status_index))
    except (ProjectError, ValueError):
        return None


def _list(trust: TrustBundle, authority: int, number: int) -> UnverifiedStatusList:
    listed = parse_status_token(trust.status_token(authority, number))
    if listed.uri != status_list_uri(authority, number):
        raise ValueError("another list under this name")
    return listed
