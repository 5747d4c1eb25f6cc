"""Judging on the Python side, and keeping what it says as a case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ledger.errors import ProjectError
from tests.browser.conformance.corpus import Corpus, memory_of
from tests.world import SECONDS, signer
from verifier.expect import Expectation
from verifier.report import Report
from verifier.seen import MemorySeen
from verifier.trust import TrustBundle, parse_bundle
from verifier.verify import verify

__all__ = ["Bench", "Opened"]


@dataclass(frozen=True, slots=True)
class Opened:
    """A bundle on both sides: opened here, and its number in the corpus; None and -1 where it does not open."""

    trust: TrustBundle | None
    number: int


@dataclass
class Bench:
    """Fills a corpus."""

    corpus: Corpus = field(default_factory=Corpus)

    def open(self, files: Mapping[str, bytes], root_keys: Sequence[bytes] | None = None) -> Opened:
        """Open a bundle; under the world's one root key unless others are pinned."""
        keys = [signer("root").public_key] if root_keys is None else list(root_keys)
        try:
            trust, reason = parse_bundle(files, root_keys=keys), None
        except ProjectError as refusal:
            trust, reason = None, refusal.reason.value
        return Opened(trust, self.corpus.add_bundle(files, keys, reason))

    def judge(
        self,
        name: str,
        shown: bytes | Sequence[bytes],
        opened: Opened,
        expect: Expectation,
        *,
        now: int = SECONDS,
        seen: MemorySeen | None = None,
    ) -> Report:
        """Verify, and keep the case; by a bundle that opened."""
        assert opened.trust is not None
        seen = MemorySeen() if seen is None else seen
        before = memory_of(seen)
        moment = datetime.fromtimestamp(now, UTC)
        report = verify(shown, trust=opened.trust, now=moment, expect=expect, seen=seen)
        self.corpus.add_case(
            name, shown, bundle=opened.number, now=now, expect=expect, before=before, after=memory_of(seen),
            report=report,
        )  # fmt: skip
        return report
