"""Every number of our formats, in one place. `docs/FORMATS.md` shows them in use."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

__all__ = [
    "FORMAT_VERSION",
    "HEADER_ALG",
    "HEADER_KCWT",
    "HEADER_KID",
    "HEADER_TYP",
    "HEADER_X",
    "Algorithm",
    "CertificateType",
    "Environment",
    "Presenter",
    "Typ",
]

FORMAT_VERSION: Final = 1

# COSE header labels: RFC 9052 section 3.1, RFC 9596 (typ), RFC 9528 section 9.6 (kcwt).
HEADER_ALG: Final = 1
HEADER_KID: Final = 4
HEADER_KCWT: Final = 13
HEADER_TYP: Final = 16
HEADER_X: Final = -65537  # the one private label, `X` in DESIGN section 3: what each object adds to COSE


class Algorithm(IntEnum):
    """COSE algorithms with exactly one curve or parameter set each: RFC 9864, RFC 9964."""

    ED25519 = -19
    ESP256 = -9  # holder keys only
    ML_DSA_44 = -48


class Typ(IntEnum):
    """What a signature is for (header 16). A closed list: a signature for one kind never counts for another.

    Numbers from the experimental range of CoAP content formats (RFC 7252 section 12.3).
    """

    CERTIFICATE = 65101
    REQUEST = 65102
    REGISTRATION = 65103
    PRESENTATION = 65104  # holder key
    LOGIN = 65105  # holder key
    DELEGATION = 65106  # holder key
    KEY_EVENT = 65107
    DIRECTORY = 65108
    BUNDLE = 65109
    IMPORT_SUMMARY = 65110
    SUCCESSION = 65111
    DELEGATION_END = 65112  # holder key
    DEVICE = 65113  # holder key
    JOURNAL = 65114  # holder key
    VERIFICATION_PROOF = 65115  # request key
    KEY_ROLLOVER = 65116  # request key, the old one and the new one
    CASE = 65117  # operator key
    CASE_APPROVAL = 65118  # another operator's key
    KEY_CASE = 65119  # operator key


class CertificateType(IntEnum):
    """What a certificate states (DOMAIN section 1); fixes the registry and the shape of its claims tree."""

    CONTRIBUTION = 1
    EMPLOYER = 2
    TRANSFER = 3
    ELIGIBILITY = 4


class Presenter(IntEnum):
    """Who holds the certificate, seen from the person it is about."""

    SELF = 0
    PROXY = 1
    GUARDIAN = 2


class Environment(IntEnum):
    """Test and production never meet in one bundle."""

    TEST = 0
    PRODUCTION = 1
