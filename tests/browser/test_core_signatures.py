"""The page's signature checks: of every outside row the verdict and the reason that the Python side has."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from certificate.keys import check_key, key_id, verify_signature
from ledger.ed25519 import check_public_key
from ledger.mldsa import verify_mldsa
from tests.attacks.marking import attack
from tests.browser.site import Site
from tests.browser.told import here, there
from tests.text.test_signature_vectors import compressed

VECTORS = Path(__file__).parents[1] / "vectors"
MODULES = ["/certificate/keys.js", "/ledger/digest.js"]
VERIFY = """async ([publicKey, message, signature], { verifySignature }, { fromHex }) =>
  await verifySignature({
    publicKey: fromHex(publicKey), message: fromHex(message), signature: fromHex(signature),
  }) ?? null"""
KEY = """async (text, { checkKey, keyId }, { fromHex, hex }) => hex(await keyId(checkKey(fromHex(text))))"""
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493

Row = tuple[bytes, bytes, bytes]


def load(path: str) -> Any:
    return json.loads((VECTORS / path).read_text("utf-8"))


def agree(page: Page, site: Site, rows: list[Row]) -> Counter[str]:
    """Compare what both say of each (key, message, signature); returns how often each is said."""
    expected = here(lambda row: verify_signature(public_key=row[0], message=row[1], signature=row[2]), rows)
    assert there(page, site, MODULES, VERIFY, [[part.hex() for part in row] for row in rows]) == expected
    return Counter(map(str, expected))


def ed25519_rows() -> list[Row]:
    return [
        (bytes.fromhex(group["publicKey"]["pk"]), bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
        for group in load("wycheproof/ed25519_test.json")["testGroups"]
        for case in group["tests"]
    ]


def p256_rows() -> list[Row]:
    return [
        (
            compressed(bytes.fromhex(group["publicKey"]["uncompressed"])),
            bytes.fromhex(case["msg"]),
            bytes.fromhex(case["sig"]),
        )
        for group in load("wycheproof/ecdsa_secp256r1_sha256_p1363_test.json")["testGroups"]
        for case in group["tests"]
    ]


@attack("A27")
@attack("A28")
def test_wycheproof(page: Page, site: Site) -> None:
    edwards, p256 = ed25519_rows(), p256_rows()
    said = agree(page, site, edwards)
    assert (len(edwards), said["None"]) == (151, 88)
    said = agree(page, site, p256)
    assert (len(p256), said["None"]) == (262, 173)


@attack("A27")
def test_cctv_edge_points(page: Page, site: Site) -> None:
    """Exactly the 43 of 914 that a strict verifier accepts; the browser on its own takes many more."""
    cases = load("cctv/ed25519vectors.json")
    rows = [(bytes.fromhex(c["key"]), c["msg"].encode(), bytes.fromhex(c["sig"])) for c in cases]
    said = agree(page, site, rows)
    assert (len(rows), said["None"]) == (914, 43)


def test_valid_signatures_with_something_changed(page: Page, site: Site) -> None:
    """A bit of each part, S plus the order, r and s at the edges, a length."""
    rng = random.Random(8)
    rows: list[Row] = []
    for key, message, signature in [*ed25519_rows()[:30], *p256_rows()[:30]]:
        for part in range(3):
            row = [key, message, signature]
            if row[part]:
                at = rng.randrange(len(row[part]))
                row[part] = (
                    row[part][:at] + bytes((row[part][at] ^ 1 << rng.randrange(8),)) + row[part][at + 1 :]
                )
            rows.append((row[0], row[1], row[2]))
        if len(signature) == 64:
            larger = int.from_bytes(signature[32:], "little") + ED25519_ORDER
            rows.append((key, message, signature[:32] + (larger % 2**256).to_bytes(32, "little")))
            rows.append((key, message, bytes(32) + signature[32:]))
            rows.append((key, message, signature[:32] + bytes(32)))
            rows.append((key, message, signature[:32] + b"\xff" * 32))
        rows.append((key, message, signature + b"\0"))
        rows.append((key + b"\0\0", message, signature))
    said = agree(page, site, rows)
    assert len(rows) > 400
    assert set(said) == {"None", "!sig.invalid", "!sig.malformed", "!key.malformed"}


@attack("A26")
def test_keys_and_their_ids(page: Page, site: Site) -> None:
    """Weak and oddly spelled Ed25519 keys, points that are none, both roots of the others; and what a key is called."""
    p = 2**255 - 19
    keys = [
        (y + k * p | sign << 255).to_bytes(32, "little")
        for y in range(20)
        for k in (0, 1)
        for sign in (0, 1)
        if y + k * p < 2**255
    ]
    keys += [bytes.fromhex(case["key"]) for case in load("cctv/ed25519vectors.json")]
    rng = random.Random(9)
    keys += [bytes((rng.choice((2, 3, 4, 0)),)) + rng.randbytes(32) for _ in range(60)]
    keys += [
        bytes((sign,)) + x.to_bytes(32)
        for sign in (2, 3)
        for x in (0, 1, 5, 2**256 - 2**224 + 2**192 + 2**96 + 4, 2**256 - 1)
    ]
    keys += [key for key, _, _ in (*ed25519_rows(), *p256_rows())]
    keys += [b"", b"\x02", bytes(31), bytes(65)]
    expected = here(lambda key: key_id(check_key(key)).hex(), keys)
    assert there(page, site, MODULES, KEY, [key.hex() for key in keys]) == expected
    said = Counter(answer for answer in expected if str(answer).startswith("!"))
    assert said["!key.weak"] > 30
    assert said["!key.malformed"] > 20
    checked = here(check_public_key, [key for key in keys if len(key) == 32])
    assert checked.count("!key.weak") == said["!key.weak"]


def test_wycheproof_mldsa(page: Page, site: Site) -> None:
    rows = [
        (group["publicKey"], case["msg"], case["sig"], case.get("ctx", ""))
        for group in load("wycheproof/mldsa_44_verify_test.json")["testGroups"]
        for case in group["tests"]
    ]
    verify = """async (row, { verifyMldsa }, { fromHex }) => {
      const [publicKey, message, signature, context] = row.map(fromHex);
      await verifyMldsa({ publicKey, message, signature, context });
      return null;
    }"""

    def judge(row: tuple[str, str, str, str]) -> None:
        key, message, signature, context = map(bytes.fromhex, row)
        verify_mldsa(public_key=key, message=message, signature=signature, context=context)

    expected = here(judge, rows)
    assert there(page, site, ["/ledger/mldsa.js", "/ledger/digest.js"], verify, rows) == expected
    assert (len(rows), expected.count(None)) == (180, 77)
