"""Acting for another person: the claim `proxy` of DOMAIN section 5, from the records of who acts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from certificate.numbers import CertificateType
from certificate.slots import REGISTRIES, ClaimValue
from issuer.claiming.holder_keys import Proxy
from issuer.snapshot import PersonClaims

__all__ = ["proxy_claim", "proxy_of"]

_REGISTRY = REGISTRIES[CertificateType.CONTRIBUTION]
_NAME, _ID_TAIL, _PROXY = (_REGISTRY.slot_of(name) for name in ("name", "id_tail", "proxy"))
_DAY = 86400


def proxy_of(
    agent: PersonClaims, *, person_no: str, holder: bytes, until: int, delegation: bytes | None = None
) -> Proxy:
    """`agent`, holding the key `holder`, acts for `person_no` up to and including UTC day `until`."""
    name, id_tail = agent.claims[_NAME], agent.claims[_ID_TAIL]
    assert isinstance(name, str)
    assert isinstance(id_tail, str)
    return Proxy(person_no, holder, name, id_tail, until, delegation)


def proxy_claim(proxy: Proxy) -> Mapping[int, ClaimValue]:
    """The claim that stands in a proxy's certificate: name, last four digits, until (YYYYMMDD), templates (all)."""
    until = datetime.fromtimestamp(proxy.until * _DAY, UTC)
    return {_PROXY: [proxy.name, proxy.id_tail, int(until.strftime("%Y%m%d")), []]}
