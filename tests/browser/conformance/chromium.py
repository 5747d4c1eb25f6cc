"""The page that judges a corpus anew, and where its answers differ from those of the Python side."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.browser.conformance.corpus import Corpus, Json
from tests.browser.pages import run
from tests.browser.site import Site

__all__ = ["PageVerifier", "differences", "judged_alike"]

_DRIVER = Path(__file__).with_name("driver.js")
_CASES_A_CALL = 100
_BLOBS_A_CALL = 4 << 20  # letters


class PageVerifier:
    """One page with the product's verifier; what it was given once it keeps."""

    def __init__(self, page: Page, site: Site) -> None:
        self._page, self._site = page, site
        site.put("/driver.js", _DRIVER.read_bytes())
        self._run("(driver) => driver.connect(`${location.origin}/`)")

    def keep(self, blobs: Mapping[str, str]) -> None:
        part: dict[str, str] = {}
        size = 0
        for name, text in blobs.items():
            part[name] = text
            size += len(text)
            if size > _BLOBS_A_CALL:
                self._run("(driver, part) => driver.keep(part)", part)
                part, size = {}, 0
        self._run("(driver, part) => driver.keep(part)", part)

    def open(self, bundles: Sequence[Json]) -> list[str | None]:
        """For each bundle the reason code of its refusal; cases name these bundles from now on."""
        self._run("(driver) => driver.forget()")
        return [
            one for part in _parts(bundles) for one in self._run("(driver, part) => driver.open(part)", part)
        ]

    def judge(self, cases: Sequence[Json]) -> list[Json]:
        """For each case {zh, en, after, ms}, or {crash}."""
        return [
            one for part in _parts(cases) for one in self._run("(driver, part) => driver.judge(part)", part)
        ]

    def parse(
        self, module: str, export: str, blobs: Sequence[str], *, root_keys: Sequence[str]
    ) -> list[str | None]:
        """For each blob the reason code with which a parser of the product refuses it."""
        snippet = "(driver, [module, name, part, keys]) => driver.parse(module, name, part, keys)"
        return [
            one
            for part in _parts(blobs)
            for one in self._run(snippet, [module, export, part, list(root_keys)])
        ]

    def _run(self, snippet: str, data: object = None) -> Any:
        return run(self._page, self._site, "/driver.js", snippet, data)


def judged_alike(verifier: PageVerifier, corpus: Corpus) -> list[Json]:
    """What the page says of each case; fails with the most frequent differences where it is not what we say."""
    verifier.keep(corpus.blobs)
    found: Counter[str] = Counter()
    for number, (bundle, reason) in enumerate(
        zip(corpus.bundles, verifier.open(corpus.bundles), strict=True)
    ):
        if reason != bundle["reason"]:
            found[f"bundle {number}: {bundle['reason']} here, {reason} in the page"] += 1
    said = verifier.judge(corpus.cases)
    for case, one in zip(corpus.cases, said, strict=True):
        found.update(f"{case['name']}: {what}" for what in differences(expected(case), one))
    assert not found, "\n".join(f"{count} x {what}" for what, count in found.most_common(20))
    return said


def expected(case: Json) -> Json:
    """Of a case what the page has to say as well."""
    return {name: case[name] for name in ("zh", "en", "after")}


def differences(here: object, there: object, path: str = "") -> Iterator[str]:
    """Where two JSON values differ; of mappings `there` may hold `ms` besides."""
    if isinstance(here, dict) and isinstance(there, dict):
        for key in (here.keys() | there.keys()) - {"ms"}:
            yield from differences(here.get(key), there.get(key), f"{path}.{key}")
    elif isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        for at, (one, other) in enumerate(zip(here, there, strict=True)):
            yield from differences(one, other, f"{path}[{at}]")
    elif here != there or type(here) is not type(there):
        yield f"{path}: {_short(here)} here, {_short(there)} in the page"


def _short(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)[:200]


def _parts(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), _CASES_A_CALL):
        yield values[start : start + _CASES_A_CALL]
