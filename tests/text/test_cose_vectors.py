"""The COSE working group's COSE_Sign1 examples, all 17: our CBOR and our Sig_structure, judged with their own keys.

The messages are those of RFC 9052 at large: algorithms we do not use, an algorithm outside the protected header, other
people's headers. So a small judge of RFC 9052 stands here. It differs from ours in nothing but what it admits; of the
messages themselves `parse_sign1` takes none, and says why.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certificate.cose import encode_sign1, object_digest, parse_sign1, sig_structure
from certificate.keys import verify_esp256
from certificate.numbers import HEADER_ALG, Typ
from ledger.cbor import Tag, decode_cbor, encode_cbor
from ledger.ed25519 import verify_ed25519
from ledger.errors import FormatError, ProjectError, VerificationError
from ledger.reasons import Reason

VECTORS = Path(__file__).parents[1] / "vectors" / "cose"
FILES = sorted(VECTORS.glob("*/*.json"))
CASES = {
    str(path.relative_to(VECTORS).with_suffix("")): json.loads(path.read_text("utf-8")) for path in FILES
}
REFUSED = {
    "sign1-tests/sign-fail-01": Reason.ENC_CBOR_TAG_FORBIDDEN,  # tag 998
    "sign1-tests/sign-fail-02": Reason.SIG_INVALID,  # last letter of the content
    "sign1-tests/sign-fail-03": Reason.ALG_NOT_ALLOWED,  # -999
    "sign1-tests/sign-fail-04": Reason.ALG_NOT_ALLOWED,  # a text
    "sign1-tests/sign-fail-06": Reason.SIG_INVALID,  # a header more than was signed
    "sign1-tests/sign-fail-07": Reason.SIG_INVALID,  # a header less
}
CURVES: dict[str, ec.EllipticCurve] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
}
ES256, ES384, ES512, EDDSA = -7, -35, -36, -8
HASHES: dict[int, HashAlgorithm] = {ES256: SHA256(), ES384: SHA384(), ES512: SHA512()}


def member(key: dict[str, str], name: str) -> bytes:
    """A coordinate of a key, given in hex or in base64url."""
    if f"{name}_hex" in key:
        return bytes.fromhex(key[f"{name}_hex"])
    return base64.urlsafe_b64decode(key[name] + "=" * (-len(key[name]) % 4))


def ec_key(key: dict[str, str]) -> ec.EllipticCurvePublicKey:
    x, y = (int.from_bytes(member(key, name)) for name in "xy")
    return ec.EllipticCurvePublicNumbers(x, y, CURVES[key["crv"]]).public_key()


def judge(message: bytes, key: dict[str, str], external: bytes) -> bytes:
    """RFC 9052 section 4.4. Returns what was signed."""
    item = decode_cbor(message)
    protected, unprotected, payload, signature = item.value if isinstance(item, Tag) else item
    headers = dict(unprotected) | dict(decode_cbor(protected) if protected else {})
    algorithm = headers[HEADER_ALG]
    signed_header = b"" if protected == b"\xa0" else protected
    signed = encode_cbor(["Signature1", signed_header, external, payload])
    if algorithm == EDDSA and key["crv"] == "Ed25519":
        verify_ed25519(public_key=member(key, "x"), message=signed, signature=signature)
    elif algorithm == EDDSA:
        _library(lambda: Ed448PublicKey.from_public_bytes(member(key, "x")).verify(signature, signed))
    elif algorithm == ES256:
        point = ec_key(key).public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        verify_esp256(public_key=point, message=signed, signature=signature)
    elif algorithm in HASHES:
        half = len(signature) // 2
        der = encode_dss_signature(int.from_bytes(signature[:half]), int.from_bytes(signature[half:]))
        _library(lambda: ec_key(key).verify(der, signed, ec.ECDSA(HASHES[algorithm])))
    else:
        raise FormatError(Reason.ALG_NOT_ALLOWED, "unknown to RFC 9053")
    return signed


def _library(check: Callable[[], None]) -> None:
    try:
        check()
    except InvalidSignature as exc:
        raise VerificationError(Reason.SIG_INVALID) from exc


def test_no_file_is_missing() -> None:
    assert len(CASES) == 17
    assert {name for name, case in CASES.items() if case.get("fail")} == REFUSED.keys()


@pytest.mark.parametrize("name", CASES)
def test_message(name: str) -> None:
    case = CASES[name]
    message = bytes.fromhex(case["output"]["cbor"])
    sign0 = case["input"]["sign0"]
    external = bytes.fromhex(sign0.get("external", ""))
    if name in REFUSED:
        with pytest.raises(ProjectError) as refusal:
            judge(message, sign0["key"], external)
        assert refusal.value.reason is REFUSED[name]
    else:
        signed = judge(message, sign0["key"], external)
        assert signed == bytes.fromhex(case["intermediates"]["ToBeSign_hex"])


@pytest.mark.parametrize("name", [name for name in CASES if name not in REFUSED])
def test_every_flipped_byte_is_noticed(name: str) -> None:
    """The judge is not blind: payload and signature changed anywhere no longer pass."""
    case = CASES[name]
    message = bytearray.fromhex(case["output"]["cbor"])
    sign0 = case["input"]["sign0"]
    for at in (len(message) - 1, len(message) - 40, len(message) - 70):
        changed = bytearray(message)
        changed[at] ^= 1
        with pytest.raises(ProjectError) as refusal:
            judge(bytes(changed), sign0["key"], bytes.fromhex(sign0.get("external", "")))
        assert refusal.value.reason is Reason.SIG_INVALID


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case["output"]["cbor"][:2] == "D2"])
def test_our_pieces_rebuild_the_message(name: str) -> None:
    """Tagged bytes, Sig_structure and digest of foreign messages, byte for byte."""
    case = CASES[name]
    message = bytes.fromhex(case["output"]["cbor"])
    protected, unprotected, payload, signature = decode_cbor(message).value
    assert encode_sign1(protected, payload, signature, unprotected) == message
    bare = encode_sign1(protected, payload, signature)
    assert object_digest(protected, payload, signature) == sha256(bare).digest()
    if name not in REFUSED and protected != b"\xa0" and "external" not in case["input"]["sign0"]:
        assert sig_structure(protected, payload) == bytes.fromhex(case["intermediates"]["ToBeSign_hex"])


@pytest.mark.parametrize("name", CASES)
def test_none_of_them_is_an_object_of_ours(name: str) -> None:
    """Foreign algorithms, key ids outside the signature, no type: a good signature alone is not enough."""
    expected = {
        "sign1-tests/sign-fail-01": Reason.ENC_CBOR_TAG_FORBIDDEN,
        "sign1-tests/sign-pass-03": Reason.SCHEMA_FIELD_TYPE,  # without its tag
        "CWT/A_3": Reason.ALG_NOT_ALLOWED,  # the only one without a key id outside
    }.get(name, Reason.SIG_HEADER_UNPROTECTED)
    with pytest.raises(FormatError) as refusal:
        parse_sign1(bytes.fromhex(CASES[name]["output"]["cbor"]), Typ.CERTIFICATE)
    assert refusal.value.reason is expected
