"""A pytest plugin: every call of `verify` and `parse_bundle` that other tests make becomes a case of a corpus.

    python -m pytest -p tests.browser.conformance.recording --record FILE tests/verifier …

It takes the functions' place before any test module or command imports them. What cannot travel as bytes (a bundle
that was never opened from files, a memory in a file, an object in place of bytes) is counted and left out.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import verifier.trust
import verifier.verify
from ledger.errors import ProjectError
from tests.browser.conformance.corpus import Corpus, memory_of
from verifier.expect import Archive, Asked
from verifier.report import Report
from verifier.seen import MemorySeen
from verifier.trust import TrustBundle

_MAX_SHOWN = 1 << 20
_MAX_FILES = 8 << 20


class _Recorder:
    def __init__(self, verify: Callable[..., Report], parse: Callable[..., TrustBundle]) -> None:
        self.corpus = Corpus()
        self.left_out: Counter[str] = Counter()
        self.each = 0  # cases that are kept of one test
        self._kept: Counter[str] = Counter()
        self.test = ""
        self._verify, self._parse = verify, parse
        # By identity: a bundle that a test changed afterwards is another object. The object is kept, so the id is.
        self._opened: dict[int, tuple[TrustBundle, int]] = {}

    def parse_bundle(self, files: Mapping[str, bytes], *, root_keys: Sequence[bytes]) -> TrustBundle:
        files, root_keys = dict(files), list(root_keys)
        fits = sum(map(len, files.values())) <= _MAX_FILES and len(files) < 1000
        try:
            bundle = self._parse(files, root_keys=root_keys)
        except ProjectError as refusal:
            if fits:
                self.corpus.add_bundle(files, root_keys, refusal.reason.value)
            raise
        if fits:
            self._opened[id(bundle)] = bundle, self.corpus.add_bundle(files, root_keys, None)
        return bundle

    def verify(self, data: Any, *, trust: TrustBundle, now: datetime, expect: Any, seen: Any) -> Report:
        before = memory_of(seen) if isinstance(seen, MemorySeen) else None
        report = self._verify(data, trust=trust, now=now, expect=expect, seen=seen)
        why = self._why_not(data, trust, expect, seen)
        if why is not None:
            self.left_out[why] += 1
            return report
        self._kept[self.test] += 1
        assert before is not None
        self.corpus.add_case(
            self.test, data, bundle=self._opened[id(trust)][1], now=int(now.timestamp()), expect=expect,
            before=before, after=memory_of(seen), report=report,
        )  # fmt: skip
        return report

    def _why_not(self, data: Any, trust: TrustBundle, expect: Any, seen: Any) -> str | None:
        parts = [data] if isinstance(data, bytes | bytearray) else data
        if threading.current_thread() is not threading.main_thread():
            return "beside others"  # what its memory held is not known
        if self._kept[self.test] >= self.each:
            return "enough of that test"
        if not isinstance(parts, list | tuple) or not all(isinstance(p, bytes | bytearray) for p in parts):
            return "not bytes"
        if sum(map(len, parts)) > _MAX_SHOWN:
            return "too large"
        if id(trust) not in self._opened:
            return "a bundle that was not opened"
        if not isinstance(seen, MemorySeen):
            return "another memory"
        if isinstance(expect, Archive) and isinstance(expect.shown, Asked) and expect.shown.subject:
            return "an archived subject"
        return None


_recorder = _Recorder(verifier.verify.verify, verifier.trust.parse_bundle)
verifier.verify.verify = _recorder.verify
verifier.trust.parse_bundle = _recorder.parse_bundle


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", type=Path, required=True, help="Write the corpus to this file.")
    parser.addoption("--record-each", type=int, default=1000, help="Keep at most so many cases of one test.")


def pytest_configure(config: pytest.Config) -> None:
    _recorder.each = config.getoption("--record-each")


def pytest_runtest_setup(item: pytest.Item) -> None:
    _recorder.test = item.nodeid


def pytest_sessionfinish(session: pytest.Session) -> None:
    corpus = _recorder.corpus
    made = {"blobs": corpus.blobs, "bundles": corpus.bundles, "cases": corpus.cases}
    path: Path = session.config.getoption("--record")
    path.write_text(json.dumps({**made, "leftOut": dict(_recorder.left_out)}))
