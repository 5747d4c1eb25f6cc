"""The EU Digital COVID Certificate test set, all 38 files: a whole foreign stack on our pictures, base45 and inflating.

    picture → text "HC1:…" → base45 → zlib → COSE_Sign1 → CWT → payload

Another scheme: its CBOR has indefinite lengths and its keys are X.509 certificates, so cbor2 decodes and cryptography
verifies here, and a few lines stand for its schema. A file breaks one layer at most and says which.
"""

from __future__ import annotations

import base64
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import cbor2
import pytest
import qrcode
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_der_x509_certificate

from certificate.base45 import decode_base45
from certificate.cose import sig_structure
from certificate.inflate import inflate_bounded
from certificate.qr_text import decode_any
from ledger.errors import FormatError
from ledger.reasons import Reason
from tests.attacks.marking import attack
from verifier.images import read_codes

VECTORS = Path(__file__).parents[1] / "vectors" / "dgc-common"
CASES = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(VECTORS.glob("*.json"))}

PREFIX = "HC1:"
CWT_TAG, SIGN1_TAG = 61, 18
ALG, KID = 1, 4
ES256, PS256 = -7, -37
EXPIRES, ISSUED, HEALTH = 4, 6, -260
# Extended key usages 1.3.6.1.4.1.1847.2021.1.n, which some of the certificates spell with a 0 before 1847.
USAGES = re.compile(rb"\x2b\x06\x01\x04\x01\x00?\x8e\x37\x8f\x65\x01([\x01-\x03])")
USAGE_OF_GROUP = {"t": 1, "v": 2, "r": 3}  # test, vaccination, recovery


class RefusedError(Exception):
    """A layer does not hold."""


@dataclass
class Walk:
    """One file on its way through the layers."""

    case: dict[str, Any]
    text: str = ""
    data: bytes = b""
    claims: Any = None
    payload: Any = None


def due(holds: bool) -> None:
    if not holds:
        raise RefusedError


def picture(walk: Walk) -> None:
    walk.text = walk.case["PREFIX"]
    if "2DCODE" in walk.case:
        due(read_codes(base64.b64decode(walk.case["2DCODE"])) == [walk.text])
    elif (
        "EXPECTEDPICTUREDECODE" in walk.case["EXPECTEDRESULTS"]
    ):  # the file names the layer and holds no picture
        out = io.BytesIO()
        qrcode.make(walk.text).save(out)
        due(read_codes(out.getvalue()) == [walk.text])


def prefix(walk: Walk) -> None:
    due(walk.text.startswith(PREFIX))
    walk.text = walk.text.removeprefix(PREFIX)
    assert walk.text == walk.case.get("BASE45", walk.text)


def base45(walk: Walk) -> None:
    walk.data = decode_base45(walk.text)
    assert walk.data.hex() == walk.case.get("COMPRESSED", walk.data.hex())


def compression(walk: Walk) -> None:
    walk.data = inflate_bounded(walk.data, limit=10_000)
    assert walk.data.hex() == walk.case.get("COSE", walk.data.hex())


def signature(walk: Walk) -> None:
    """The key of the file's certificate under the key id it must have; a protected header outranks the other."""
    item = cbor2.loads(walk.data)
    while isinstance(item, cbor2.CBORTag) and item.tag in (CWT_TAG, SIGN1_TAG):
        item = item.value
    due(isinstance(item, list | tuple) and len(item) == 4)
    protected, unprotected, walk.data, signed = item
    headers = dict(unprotected) | dict(cbor2.loads(protected) if protected else {})
    certificate = load_der_x509_certificate(base64.b64decode(walk.case["TESTCTX"]["CERTIFICATE"]))
    due(headers[KID] == certificate.fingerprint(SHA256())[:8])
    message = sig_structure(protected, walk.data)
    key = certificate.public_key()
    try:
        if headers[ALG] == ES256 and isinstance(key, ec.EllipticCurvePublicKey):
            due(len(signed) == 64)
            der = encode_dss_signature(int.from_bytes(signed[:32]), int.from_bytes(signed[32:]))
            key.verify(der, message, ec.ECDSA(SHA256()))
        elif headers[ALG] == PS256 and isinstance(key, rsa.RSAPublicKey):
            key.verify(signed, message, padding.PSS(padding.MGF1(SHA256()), 32), SHA256())
        else:
            raise RefusedError
    except InvalidSignature as exc:
        raise RefusedError from exc


def claims(walk: Walk) -> None:
    walk.claims = cbor2.loads(walk.data)
    walk.payload = walk.claims[HEALTH][1]
    due(isinstance(walk.payload, Mapping))
    if "CBOR" in walk.case:
        assert walk.payload == cbor2.loads(bytes.fromhex(walk.case["CBOR"]))


def payload(walk: Walk) -> None:
    due(walk.payload == walk.case.get("JSON", walk.payload))


def schema(walk: Walk) -> None:
    """What of the scheme's schema tells these files apart: who, born when, and exactly one statement."""
    due({"ver", "nam", "dob"} <= walk.payload.keys())
    due(sum(len(walk.payload.get(group, ())) for group in USAGE_OF_GROUP) == 1)


def times(walk: Walk) -> None:
    clock = datetime.fromisoformat(walk.case["TESTCTX"]["VALIDATIONCLOCK"]).timestamp()
    due(walk.claims[ISSUED] <= clock <= walk.claims[EXPIRES])


def key_usage(walk: Walk) -> None:
    """A key without stated usage signs all; else what it states. CO15's extensions do not parse: hence the bytes."""
    stated = {usage[0] for usage in USAGES.findall(base64.b64decode(walk.case["TESTCTX"]["CERTIFICATE"]))}
    [group] = walk.payload.keys() & USAGE_OF_GROUP.keys()
    due(not stated or USAGE_OF_GROUP[group] in stated)


LAYERS: dict[str, Callable[[Walk], None]] = {
    "EXPECTEDPICTUREDECODE": picture,
    "EXPECTEDUNPREFIX": prefix,
    "EXPECTEDB45DECODE": base45,
    "EXPECTEDCOMPRESSION": compression,
    "EXPECTEDVERIFY": signature,
    "EXPECTEDDECODE": claims,
    "EXPECTEDVALIDJSON": payload,
    "EXPECTEDSCHEMAVALIDATION": schema,
    "EXPECTEDEXPIRATIONCHECK": times,
    "EXPECTEDKEYUSAGE": key_usage,
}


def first_layer_that_fails(case: dict[str, Any]) -> str | None:
    walk = Walk(case)
    for name, layer in LAYERS.items():
        try:
            layer(walk)
        except (RefusedError, FormatError):
            return name
    return None


def test_no_file_is_missing() -> None:
    assert len(CASES) == 38
    expectations = Counter(
        (name, holds) for case in CASES.values() for name, holds in case["EXPECTEDRESULTS"].items()
    )
    assert {name for name, _ in expectations} == LAYERS.keys()
    assert sum(not all(case["EXPECTEDRESULTS"].values()) for case in CASES.values()) == 22
    assert sum("2DCODE" in case for case in CASES.values()) == 2


@pytest.mark.parametrize("name", CASES)
def test_file(name: str) -> None:
    """All layers of a good file hold; a bad one holds up to the layer it names, and not there."""
    case = CASES[name]
    failing = [layer for layer, holds in case["EXPECTEDRESULTS"].items() if not holds]
    assert len(failing) <= 1
    assert first_layer_that_fails(case) == (failing[0] if failing else None)


@attack("P04", Reason.ENC_PREFIX_UNKNOWN)
@pytest.mark.parametrize("name", CASES)
def test_none_of_them_is_ours(name: str) -> None:
    """P04: an honest code of another scheme is named as such, whatever else is wrong with it."""
    with pytest.raises(FormatError) as refusal:
        decode_any(CASES[name]["PREFIX"].encode("utf-8"))
    assert refusal.value.reason is Reason.ENC_PREFIX_UNKNOWN
