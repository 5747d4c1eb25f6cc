"""Writes `verifier/printed_keys.py`: the digests of all keys that the vector sets print, public or private.

python -m tests.documents.printed_keys > verifier/printed_keys.py
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from ledger.ed25519 import Ed25519Signer

__all__ = ["page", "printed_keys"]

VECTORS = Path(__file__).parents[1] / "vectors"
_FIELDS = {
    "pk", "publicKey", "uncompressed", "wx", "x", "x_hex", "key", "keys", "sk", "d", "d_hex", "seed",
    "privateKey", "privateSeed", "private_seed", "publickey",
}  # fmt: skip
_VKEY = re.compile(r"\+[0-9a-f]{8}\+([A-Za-z0-9+/]+=*)")
_SIZES = {32, 33, 1312}
_HEAD = '''"""Keys that published test vectors print, by the first 8 bytes of their SHA-256. Written by `tests`.

Their private halves are known to everybody, so no production bundle holds one (DESIGN 8.6).
"""

from __future__ import annotations

from hashlib import sha256

__all__ = ["is_printed"]

_SIZE = 8


def is_printed(public_key: bytes) -> bool:
    """Whether the raw public key stands in a vector set, or belongs to a private key that does."""
    return sha256(public_key).digest()[:_SIZE] in _PRINTED


_ALL = bytes.fromhex("""
'''
_TAIL = '''""")
_PRINTED = frozenset(_ALL[at : at + _SIZE] for at in range(0, len(_ALL), _SIZE))
'''


def printed_keys() -> set[bytes]:
    """The raw public keys of all vector files."""
    found: set[bytes] = set()
    for path in sorted(VECTORS.rglob("*.json")):
        text = path.read_text("utf-8")
        for value in _values(json.loads(text), ""):
            if len(value) in _SIZES:
                found.add(value)
            if len(value) == 32:
                found.add(Ed25519Signer(value).public_key)  # should it be a seed
        for match in _VKEY.findall(text):
            found.add(base64.b64decode(match)[1:])
    return {key for key in found if len(key) in _SIZES}


def page() -> str:
    words = sorted({sha256(key).digest()[:8].hex() for key in printed_keys()})
    lines = [f"    {' '.join(words[at : at + 6])}" for at in range(0, len(words), 6)]
    return _HEAD + "\n".join(lines) + "\n" + _TAIL


def _values(item: object, name: str) -> Iterator[bytes]:
    if isinstance(item, dict):
        for key, value in item.items():
            yield from _values(value, key)
    elif isinstance(item, list):
        for value in item:
            yield from _values(value, name)
    elif isinstance(item, str) and name in _FIELDS:
        if re.fullmatch(r"([0-9a-fA-F]{2})+", item):
            yield bytes.fromhex(item)
        if re.fullmatch(r"[A-Za-z0-9_-]{43}=?", item):
            yield base64.urlsafe_b64decode(item.rstrip("=") + "=")


if __name__ == "__main__":
    print(page(), end="")
