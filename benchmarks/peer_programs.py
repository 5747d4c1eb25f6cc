"""What the peers run in their own environments: small programs that need nothing of ours.

Each reads `{"claims": [[number, name, hex or number or text], ...], "seconds": s}` on stdin, issues a certificate with
every claim salted and hashed, verifies it with all claims disclosed, and prints rates and bytes as JSON.
"""

from __future__ import annotations

__all__ = ["CWT_PROGRAM", "SD_JWT_PROGRAM"]

_TIMING = """
import json, sys, time
given = json.load(sys.stdin)

def rate(work):
    work()
    best = 0.0
    for _ in range(5):
        started, count = time.process_time(), 0
        while time.process_time() - started < given["seconds"] / 5:
            for _ in range(20):
                work()
            count += 20
        best = max(best, count / (time.process_time() - started))
    return best
"""

# CWT has no selective disclosure of its own in this package: salted digests in the payload, as in draft SD-CWT.
CWT_PROGRAM = (
    _TIMING
    + """
import hashlib, importlib.metadata, os
import cbor2
import cwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

private = Ed25519PrivateKey.generate()
pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
signer, verifier = cwt.COSEKey.from_pem(pem, kid="office-1"), cwt.COSEKey.from_pem(public, kid="office-1")
plain = lambda value: bytes.fromhex(value[4:]) if str(value).startswith("hex:") else value
claims = [(slot, plain(value)) for slot, _, value in given["claims"]]
REDACTED, NOW = -70001, int(time.time())

def issue():
    disclosures = [cbor2.dumps([os.urandom(16), value, slot]) for slot, value in claims]
    digests = [hashlib.sha256(disclosure).digest() for disclosure in disclosures]
    token = cwt.encode({1: "bureau", 4: NOW + 7776000, 6: NOW, REDACTED: digests}, signer)
    return token, disclosures

def verify():
    payload = cwt.decode(token, verifier)
    digests = set(payload[REDACTED])
    for disclosure in disclosures:
        if hashlib.sha256(disclosure).digest() not in digests:
            raise ValueError("not in the token")
        cbor2.loads(disclosure)

token, disclosures = issue()
print(json.dumps({
    "version": importlib.metadata.version("cwt"), "issue": rate(issue), "verify": rate(verify),
    "object": (token + b"".join(disclosures)).hex(),
}))
"""
)

SD_JWT_PROGRAM = (
    _TIMING
    + """
import importlib.metadata
from jwcrypto.jwk import JWK
from sd_jwt.common import SDObj
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier

key = JWK.generate(kty="OKP", crv="Ed25519")
NOW = int(time.time())

def issue():
    claims = {SDObj(name): value for _, name, value in given["claims"]}
    claims |= {"iss": "bureau", "iat": NOW, "exp": NOW + 7776000}
    return SDJWTIssuer(claims, key, sign_alg="EdDSA").sd_jwt_issuance

def verify():
    SDJWTVerifier(token, lambda issuer, header: key).get_verified_payload()

token = issue()
print(json.dumps({
    "version": importlib.metadata.version("sd-jwt"), "issue": rate(issue), "verify": rate(verify),
    "object": token.encode().hex(),
}))
"""
)
