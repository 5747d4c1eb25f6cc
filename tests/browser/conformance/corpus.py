"""Cases for two verifiers: what is shown, by which bundle and memory it is judged, and what the Python side says.

A corpus is JSON: `blobs` (base64 by name, each once), `bundles` (file names to blobs, root keys, and how they open) and
`cases`. The page that judges them anew gets the blobs and bundles first, and then the cases in chunks.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from certificate.policy.language import Policy
from ledger.cbor import encode_cbor
from ledger.errors import ProjectError
from ledger.proof import encode_proof
from verifier.expect import Archive, Asked, Expectation
from verifier.render import report_json
from verifier.report import Report
from verifier.seen import MemorySeen
from verifier.trust import parse_bundle

__all__ = ["Corpus", "Json", "memory_of", "reason_of_opening"]

Json = dict[str, Any]


@dataclass
class Corpus:
    """Blobs, bundles and cases as they travel; `add_bundle` and `add_case` give back what they were filed under."""

    blobs: dict[str, str] = field(default_factory=dict)
    bundles: list[Json] = field(default_factory=list)
    cases: list[Json] = field(default_factory=list)
    _bundles: dict[bytes, int] = field(default_factory=dict)

    def blob(self, data: bytes) -> str:
        """The name of `data`."""
        name = sha256(data).hexdigest()[:24]
        if name not in self.blobs:
            self.blobs[name] = b64encode(data).decode()
        return name

    def add_bundle(self, files: Mapping[str, bytes], root_keys: Sequence[bytes], reason: str | None) -> int:
        """Files and pinned keys, and the reason code for which they do not open; None if they do."""
        names = {name: self.blob(content) for name, content in files.items()}
        keys = [self.blob(key) for key in root_keys]
        mark = sha256(encode_cbor([[*sorted(names.items())], keys])).digest()
        if mark not in self._bundles:
            self._bundles[mark] = len(self.bundles)
            self.bundles.append({"files": names, "rootKeys": keys, "reason": reason})
        return self._bundles[mark]

    def add_case(
        self,
        name: str,
        shown: bytes | Sequence[bytes],
        *,
        bundle: int,
        now: int,
        expect: Expectation,
        before: Json,
        after: Json,
        report: Report,
    ) -> None:
        """One call of `verify` and what came of it; the memories as `memory_of` gives them."""
        parts = [bytes(shown)] if isinstance(shown, bytes | bytearray) else [bytes(part) for part in shown]
        self.cases.append(
            {
                "name": name,
                "whole": isinstance(shown, bytes | bytearray),
                "shown": [self.blob(part) for part in parts],
                "bundle": bundle,
                "now": now,
                "expect": self._expect(expect),
                "before": before,
                "after": after,
                "zh": report_json(report, "zh"),
                "en": report_json(report, "en"),
            }
        )

    def _expect(self, expect: Expectation) -> Json:
        if isinstance(expect, Archive):
            return {"kind": "archive", "filed": self.blob(_filed(expect))}
        if isinstance(expect, Asked):
            subject = expect.subject
            known = None if subject is None else {"name": subject.name, "idTail": subject.id_tail}
            return {"kind": "asked", "request": self.blob(expect.request), "subject": known}
        return {"kind": "static"}


def memory_of(seen: MemorySeen) -> Json:
    """What a memory holds: keys in hex, and numbers by name."""
    return {"used": sorted(key.hex() for key in seen._used), "newest": dict(sorted(seen._newest.items()))}


def reason_of_opening(files: Mapping[str, bytes], root_keys: Sequence[bytes]) -> str | None:
    """The reason code for which a bundle does not open; None if it does."""
    try:
        parse_bundle(files, root_keys=root_keys)
    except ProjectError as refusal:
        return refusal.reason.value
    return None


def _filed(archive: Archive) -> bytes:
    """The file of an archived verification, without what was shown."""
    request = archive.shown.request if isinstance(archive.shown, Asked) else None
    filed = archive.filed
    return encode_cbor(
        [
            1,
            archive.time,
            request,
            [],
            [encode_proof(proof) for proof in filed.proofs.values()],
            [[*place, token] for place, token in filed.status_tokens.items()],
            [_source(policy) for policy in filed.policies.values()],
        ]
    )


def _source(policy: Policy) -> bytes:
    return policy.source
