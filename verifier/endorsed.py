"""What the offline keys of a trust root vouch for: the TUF metadata `targets.json`, read again at each load.

`tally trust sync` checks a whole repository with a TUF client; here the one document that names directory, tlog-policy
and policies is checked once more, against the pinned keys, so that a folder filled by other means than `sync`, or by
the thief of the online key, opens with nothing. TUF specification 1.0.33, sections 4.2 to 4.5 and 5.6; the signature is
over the canonical JSON of what was parsed, which is also what is returned.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from certificate.keys import check_key, verify_signature
from ledger.errors import FormatError, ProjectError, VerificationError
from ledger.reasons import Reason

__all__ = [
    "FILE_NAME",
    "LIVE_PATHS",
    "LIVE_ROLE",
    "TARGETS_NAME",
    "Endorsed",
    "canonical_json",
    "is_live_name",
    "majority",
    "parse_targets",
    "tuf_key",
    "tuf_key_id",
]

TARGETS_NAME = "targets.json"
LIVE_ROLE = "live"
FILE_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
"""Names of the bundle's files: no separator, nothing hidden, the same on every disk."""

# What the online key alone may replace. Everything else needs the offline keys.
LIVE_PATHS = (
    "bundle.cose", "status-*.cwt", "proof-*.cbor", "checkpoint-*.txt", "blocks-*.cbor", "milestones-*.cbor",
)  # fmt: skip
_LIVE = re.compile("|".join(re.escape(path).replace(r"\*", r"[a-z0-9.-]*") for path in LIVE_PATHS))
_MAX_TARGETS = 1 << 20
_ASCII = re.compile(rb"[\n\x20-\x5b\x5d-\x7e]*")  # no backslash: every string has one spelling


@dataclass(frozen=True, slots=True)
class Endorsed:
    """A `targets.json` that enough of the pinned keys signed.

    Attributes:
        version: grows with each.
        live_keys: raw public keys of the online role, to which the bundle's own signature belongs.
        digests: file name to SHA-256.
    """

    version: int
    live_keys: tuple[bytes, ...]
    digests: Mapping[str, bytes]


def majority(keys: int) -> int:
    """How many of so many root keys must sign: more than half, 2 of 3."""
    return keys // 2 + 1


def is_live_name(name: str) -> bool:
    """Whether the online key alone may replace this file."""
    return _LIVE.fullmatch(name) is not None


def tuf_key(public_key: bytes) -> dict[str, object]:
    """An Ed25519 key as TUF writes it."""
    return {"keytype": "ed25519", "keyval": {"public": public_key.hex()}, "scheme": "ed25519"}


def tuf_key_id(public_key: bytes) -> str:
    return sha256(canonical_json(tuf_key(public_key))).hexdigest()


def canonical_json(value: object) -> bytes:
    """Canonical JSON as TUF signs it, for values whose strings hold no quote, backslash or control character."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def parse_targets(data: bytes, *, root_keys: Sequence[bytes]) -> Endorsed:
    """Check and read `targets.json`.

    Args:
        root_keys: raw Ed25519 public keys, pinned by the caller; more than half of them must have signed.
    Raises:
        FormatError: `trust.malformed`, `enc.too_large`.
        VerificationError: `trust.bundle_sig_invalid` (signed by none of them), `trust.threshold` (by too few).
    """
    if len(data) > _MAX_TARGETS:
        raise FormatError(Reason.ENC_TOO_LARGE, TARGETS_NAME)
    if not _ASCII.fullmatch(data):
        raise FormatError(Reason.TRUST_MALFORMED, f"{TARGETS_NAME} holds other characters than it may")
    try:
        document = json.loads(data)
        signed, signatures = document["signed"], document["signatures"]
        message = canonical_json(signed)
        offered = {str(row["keyid"]): bytes.fromhex(row["sig"]) for row in signatures}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise FormatError(Reason.TRUST_MALFORMED, TARGETS_NAME) from exc
    _require_majority(message, offered, root_keys)
    try:
        return _endorsed(signed)
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise FormatError(Reason.TRUST_MALFORMED, TARGETS_NAME) from exc


def _require_majority(message: bytes, offered: Mapping[str, bytes], root_keys: Sequence[bytes]) -> None:
    keys = {check_key(key) for key in root_keys}
    good = sum(_signed(key, message, offered.get(tuf_key_id(key))) for key in keys)
    if good == 0:
        raise VerificationError(
            Reason.TRUST_BUNDLE_SIG_INVALID, f"{TARGETS_NAME} has no root key's signature"
        )
    if good < majority(len(keys)):
        raise VerificationError(Reason.TRUST_THRESHOLD, f"{good} of {majority(len(keys))} root keys signed")


def _signed(public_key: bytes, message: bytes, signature: bytes | None) -> bool:
    if signature is None:
        return False
    try:
        verify_signature(public_key=public_key, message=message, signature=signature)
    except ProjectError:
        return False
    return True


def _endorsed(signed: Mapping[str, object]) -> Endorsed:
    version, delegations, targets = signed["version"], signed["delegations"], signed["targets"]
    if signed["_type"] != "targets" or type(version) is not int or not isinstance(delegations, dict):
        raise ValueError
    [role] = delegations["roles"]
    if role["name"] != LIVE_ROLE or role["threshold"] != 1 or not isinstance(targets, dict):
        raise ValueError
    live = tuple(
        check_key(bytes.fromhex(delegations["keys"][keyid]["keyval"]["public"])) for keyid in role["keyids"]
    )
    digests = {name: bytes.fromhex(row["hashes"]["sha256"]) for name, row in targets.items()}
    if not live or not all(FILE_NAME.fullmatch(name) and not is_live_name(name) for name in digests):
        raise ValueError
    return Endorsed(version, live, digests)
