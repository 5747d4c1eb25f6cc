"""Each parser refuses with the same code in Chromium and in Python, or takes what the other takes as well."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest

from tests.browser.conformance.boundaries import with_edges
from tests.browser.conformance.chromium import PageVerifier
from tests.browser.conformance.corpus import Corpus
from tests.browser.conformance.parsers import PARSERS, ROOTS, inputs, reason_of

COUNT, FULL_COUNT = 60, 3_000


@pytest.mark.parametrize("name", PARSERS)
def test_the_same_is_refused_for_the_same_reason(name: str, verifier: PageVerifier, full: bool) -> None:
    parser, corpus = PARSERS[name], Corpus()
    given = inputs(parser, FULL_COUNT if full else COUNT, seed=1)
    edges = with_edges(parser.honest()[0]) if parser.kind == "cbor" else iter(())
    every = islice(edges, 0, None, 1 if full else 60)
    said = {corpus.blob(data): reason_of(parser, data) for data in (*given, *every)}
    assert set(said.values()) > {None}, "honest ones are taken, changed ones refused"
    roots = [corpus.blob(key) for key in ROOTS]
    verifier.keep(corpus.blobs)
    answers = verifier.parse(parser.module, parser.export, list(said), root_keys=roots)
    wrong = Counter(
        (here, there) for here, there in zip(said.values(), answers, strict=True) if here != there
    )
    assert not wrong, wrong.most_common(10)
