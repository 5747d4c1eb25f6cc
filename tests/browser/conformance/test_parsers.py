"""Each parser refuses with the same code in Chromium and in Python, or takes what the other takes as well."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.browser.conformance.chromium import PageVerifier
from tests.browser.conformance.corpus import Corpus
from tests.browser.conformance.parsers import PARSERS, ROOTS, inputs, reason_of

COUNT, FULL_COUNT = 60, 3_000


@pytest.mark.parametrize("name", PARSERS)
def test_the_same_is_refused_for_the_same_reason(name: str, verifier: PageVerifier, full: bool) -> None:
    parser, corpus = PARSERS[name], Corpus()
    said = {
        corpus.blob(data): reason_of(parser, data)
        for data in inputs(parser, FULL_COUNT if full else COUNT, seed=1)
    }
    assert set(said.values()) > {None}, "honest ones are taken, changed ones refused"
    roots = [corpus.blob(key) for key in ROOTS]
    verifier.keep(corpus.blobs)
    answers = verifier.parse(parser.module, parser.export, list(said), root_keys=roots)
    wrong = Counter(
        (here, there) for here, there in zip(said.values(), answers, strict=True) if here != there
    )
    assert not wrong, wrong.most_common(10)
