"""The certificate: what an office signs, and what its holder lays beside it (DESIGN 3.1).

    payload = [version, type, authority, office, region, profile, cut_off, issued, expires,
               [list, index], claims_root, cnf, presenter]
    unprotected {X: [disclosures, multiproof, proof, openings?]}        openings as in certificate.threshold

The payload holds no name and no money. `issued` and `expires` are UTC day numbers (days since 1970-01-01); the
certificate is valid while today <= expires. `cnf` is the holder's raw public key, or null for paper.
"""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Sequence
from dataclasses import dataclass

from certificate.cose import Sign1, encode_sign1, parse_sign1, sign1_of_item, sign_object
from certificate.keys import CoseSigner, check_key
from certificate.numbers import FORMAT_VERSION, HEADER_X, CertificateType, Presenter, Typ
from certificate.schema import take_array, take_bytes, take_int, take_version
from certificate.slot_tree import HASH_SIZE, Disclosure
from certificate.slots import Registry, registry_of
from certificate.threshold import Opening, parse_openings
from ledger.cbor import Tag, decode_cbor
from ledger.entry import EntryType, encode_entry
from ledger.errors import FormatError
from ledger.proof import Proof, encode_proof, parse_proof
from ledger.reasons import Reason

__all__ = [
    "CertificateBody",
    "UnverifiedCertificate",
    "certificate_item",
    "certificate_number",
    "encode_certificate",
    "issue_certificate",
    "parse_certificate",
    "parse_certificate_item",
]

_NUMBER_BYTES = 8
_MAX_DAY = 2**20


@dataclass(frozen=True, slots=True)
class CertificateBody:
    """The always visible, signed part of a certificate; field meanings as in the module's head."""

    type: CertificateType
    authority: int
    office: int
    region: int
    profile: int
    cut_off: int
    issued: int
    expires: int
    status_list: int
    status_index: int
    claims_root: bytes
    cnf: bytes | None
    presenter: Presenter = Presenter.SELF

    def encode(self) -> list[object]:
        return [
            FORMAT_VERSION,
            int(self.type),
            self.authority,
            self.office,
            self.region,
            self.profile,
            self.cut_off,
            self.issued,
            self.expires,
            [self.status_list, self.status_index],
            self.claims_root,
            self.cnf,
            int(self.presenter),
        ]

    @property
    def number(self) -> str:
        """The certificate number for people: 13 characters."""
        return certificate_number(self.claims_root)

    @property
    def registry(self) -> Registry:
        return registry_of(self.type)


@dataclass(frozen=True, slots=True)
class UnverifiedCertificate:
    """A parsed certificate of which nothing was checked but its form."""

    sign1: Sign1
    body: CertificateBody
    disclosures: tuple[Disclosure, ...]
    multiproof: bytes
    proof: Proof | None
    openings: tuple[Opening, ...] = ()

    def digest(self) -> bytes:
        return self.sign1.digest()

    def entry(self) -> bytes:
        """The ledger entry that belongs to these very bytes; nobody's word is taken for it."""
        return encode_entry(EntryType.CERTIFICATE, self.body.authority, self.digest())


def certificate_number(claims_root: bytes) -> str:
    """First 8 bytes of the claims root in base32 (RFC 4648 section 6) without padding: 13 characters."""
    return b32encode(claims_root[:_NUMBER_BYTES]).decode("ascii").rstrip("=")


def issue_certificate(signer: CoseSigner, body: CertificateBody) -> bytes:
    """Sign `body`; returns the tagged bytes with an empty unprotected header, whose SHA-256 is what gets logged."""
    return sign_object(signer, Typ.CERTIFICATE, body.encode())


def encode_certificate(
    sign1: Sign1,
    disclosures: Sequence[Disclosure],
    multiproof: bytes,
    proof: Proof | None,
    openings: Sequence[Opening] = (),
) -> bytes:
    """The certificate as it travels: signed part, shown claims, ledger proof, threshold proofs if there are any."""
    shown = [item.encode() for item in disclosures]
    extras = [shown, multiproof, None if proof is None else encode_proof(proof)]
    if openings:
        extras.append([opening.encode() for opening in openings])
    return encode_sign1(sign1.protected_bytes, sign1.payload_bytes, sign1.signature, {HEADER_X: extras})


def parse_certificate(data: bytes) -> UnverifiedCertificate:
    """Parse the tagged bytes of a certificate.

    Raises:
        FormatError: what `decode_cbor` and `parse_sign1` raise; `schema.…`, `enc.number_range`, `disc.malformed`.
    """
    return _parse(parse_sign1(data, Typ.CERTIFICATE, with_x=True))


def parse_certificate_item(item: object) -> UnverifiedCertificate:
    """As `parse_certificate`, from an item nested in a presentation's header."""
    return _parse(sign1_of_item(item, Typ.CERTIFICATE, with_x=True))


def certificate_item(certificate: bytes) -> Tag:
    """The certificate as an item for the header of a presentation."""
    item = decode_cbor(certificate)
    assert isinstance(item, Tag)
    return item


def _parse(sign1: Sign1) -> UnverifiedCertificate:
    body = _body(sign1.payload)
    extras = take_array(sign1.unprotected.get(HEADER_X, ((), b"", None)), at_most=4)
    openings = parse_openings(extras[3]) if len(extras) == 4 else ()
    extras = take_array(extras[:3], 3)
    disclosures = tuple(_disclosure(item) for item in take_array(extras[0], at_most=body.registry.slot_count))
    multiproof = take_bytes(extras[1])
    if len(multiproof) > HASH_SIZE * body.registry.slot_count:
        raise FormatError(Reason.ENC_TOO_LARGE, "more hashes than the tree has")
    proof = None if extras[2] is None else parse_proof(extras[2])
    return UnverifiedCertificate(sign1, body, disclosures, multiproof, proof, openings)


def _body(payload: object) -> CertificateBody:
    if isinstance(payload, tuple) and payload:
        take_version(payload[0], FORMAT_VERSION)
    fields = take_array(payload, 13)
    place = take_array(fields[9], 2)
    cut_off = take_int(fields[6], 190001, 299912)
    if not 1 <= cut_off % 100 <= 12:
        raise FormatError(Reason.ENC_NUMBER_RANGE, "cut_off is YYYYMM")
    body = CertificateBody(
        type=registry_of(take_int(fields[1], 0, 255)).type,
        authority=take_int(fields[2], 1, 65535),
        office=take_int(fields[3], 1, 65535),
        region=take_int(fields[4], 1, 999_999_999_999),
        profile=take_int(fields[5], 1, 65535),
        cut_off=cut_off,
        issued=take_int(fields[7], 0, _MAX_DAY),
        expires=take_int(fields[8], 0, _MAX_DAY),
        status_list=take_int(place[0], 0, 2**31),
        status_index=take_int(place[1], 0, 2**31),
        claims_root=take_bytes(fields[10], HASH_SIZE),
        cnf=None if fields[11] is None else check_key(take_bytes(fields[11], 32, 33)),
        presenter=Presenter(take_int(fields[12], 0, 2)),
    )
    if (body.presenter is not Presenter.SELF) and body.cnf is None:
        raise FormatError(Reason.SCHEMA_FIELD_MISSING, "a proxy's certificate is bound to the proxy's key")
    return body


def _disclosure(item: object) -> Disclosure:
    if type(item) is not tuple or len(item) != 3:
        raise FormatError(Reason.DISC_MALFORMED, "a disclosure is [salt, slot, value]")
    salt, slot, value = item
    if type(salt) is not bytes or type(slot) is not int or value is None:
        raise FormatError(Reason.DISC_MALFORMED, "a disclosure is [salt, slot, value]")
    return Disclosure(salt, slot, value)
