"""Policy and template files, answers and their sentences: in Chromium word for word what the Python side says."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from datetime import date
from typing import Any, Final
from unittest.mock import patch

from playwright.sync_api import Page

from certificate.policy.evaluate import Answer, answer_policy
from certificate.policy.facts import Facts
from certificate.policy.language import Policy
from certificate.policy.parsing import MAX_POLICY_SIZE, parse_policy
from certificate.policy.shipped import shipped_files, shipped_policies
from certificate.template.language import Template
from certificate.template.parsing import parse_template
from certificate.template.shipped import shipped_template_files
from ledger.errors import FormatError
from ledger.reasons import Reason
from tests.browser.pages import run
from tests.browser.policy_cases import Case, ask_page, edge_cases, random_case, told
from tests.browser.site import Site
from tests.policy import test_golden
from tests.policy.test_files import BROKEN, GOOD, RUN

READING = ["/certificate/policy/parsing.js", "/certificate/template/parsing.js", "/ledger/digest.js"]
READ = """async ({ parsePolicy }, { parseTemplate }, { fromHex, hex }, data) => {
  const { policies, files } = JSON.parse(data);
  const published = new Map();
  for (const data of policies) {
    const policy = await parsePolicy(fromHex(data));
    published.set(policy.id, policy);
  }
  const read = {
    policy: parsePolicy,
    template: (data) => parseTemplate(data, { policies: published }),
  };
  const told = [];
  for (const [kind, data] of files) {
    try {
      const { source, digest, ...fields } = await read[kind](fromHex(data));
      told.push({ ...fields, digest: hex(digest), source: hex(source) });
    } catch (error) {
      if (error.reason === undefined) throw error;
      told.push([error.reason, error.detail.split(":")[0], !!error.hint]);
    }
  }
  return JSON.stringify(told);
}"""
HOSTILE = [
    b"\xff\xfe" + GOOD.encode(),
    b"\xef\xbb\xbf" + GOOD.encode(),
    b"x = " + b"[" * 8000,
    b"x = " + b"{a=" * 4000,
    b"show = " + (b"[" * 500 + b"\n") * 8,
    GOOD.encode() + b"#" * MAX_POLICY_SIZE,
    GOOD.replace(RUN, "(" * 4000).encode(),
    GOOD.replace(RUN, "not " * 1000).encode(),
    GOOD.replace("months in a row", "\\x41").encode(),  # a letter in TOML 1.1, an error before
    GOOD.replace("months in a row", "\\ud800").encode(),
    b'x = "' + b"\\u0041" * 2600 + b'"',
    b"a." * 8000 + b"a = 1",
    b"__proto__ = 1",
    b"",
]
PIECES: Final = [
    "\n", "\r\n", "\r", '"', "'", "'''", '"""', "\\", "\\u0041", "\\U0001F600", "\\ud800", "\\x41", "\\e", "#", "# c\n",
    "[", "]", "{", "}", "=", ".", ",", "true", "false", "1", "0x1F", "0o7", "0b1", "1_0", "+1", "-0", "1.0", "1e3",
    "inf", "nan", "2026-01-01", "2026-02-29", "2024-02-29", "2026-01-01T00:00:00", "2026-01-01 00:00:00Z", "10:00:00",
    "\t", " ", "\x00", "\x1f", "\x7f", "\ufeff", "\u2028", "\u0085", "\u00e9", "e\u0301", "\\\n  ", "\\ \n",
    "\\  x", "schema = 1\n", "policies = []\n", "[a]\n", "a.b = 1\n", '"id"', "'id'", "retired_since = 2026-01-01\n",
    "retired_basis = 'x'\n", "regions = [ # c\n '1', \n]\n", "show = ['name',]\n", "RUN(", "COUNT(", "any(",
    "2 of (", '")', "and", "or", "lag = 1", "end = 2026-01", ", posted_by = 2026-02-28", "\U00020000", "strips",
    "answer ", "certificate region",
]  # fmt: skip


def test_rules_are_answered_alike(page: Page, site: Site, full: bool) -> None:
    for part in range(40 if full else 2):
        cases = [random_case(seed) for seed in range(300 * part, 300 * (part + 1))]
        said = ask_page(page, site, cases)
        for seed, (case, answer) in enumerate(zip(cases, said, strict=True)):
            assert answer == told(case), (300 * part + seed, case.policy.source.decode())


def test_the_golden_answers(page: Page, site: Site) -> None:
    """What tests/policy/test_golden asks, asked in the page too; and certificates that contradict each other."""
    cases = golden()
    assert len(cases) > 300
    cases += edge_cases()
    said = ask_page(page, site, cases)
    assert said == [told(case) for case in cases]
    assert {answer["value"] for answer in said} == {True, False, None}


def golden() -> list[Case]:
    """Every question that the golden tests ask, written down while they run."""
    cases: list[Case] = []

    def written_down(policy: Policy, facts: list[Facts], *, today: date) -> Answer:
        cases.append(Case(policy, facts, today))
        return answer_policy(policy, facts, today=today)

    with patch.object(test_golden, "answer_policy", written_down):
        for name, test in vars(test_golden).items():
            if name.startswith("test_"):
                for values in parameters(test):
                    test(**values)
    return cases


def parameters(test: Any) -> Iterator[dict[str, Any]]:
    marks = getattr(test, "pytestmark", [])
    if not marks:
        yield {}
    for mark in marks:
        names, rows = mark.args
        yield from (dict(zip(names, row, strict=True)) for row in rows)


def test_broken_policies_are_refused_with_reason_and_line(page: Page, site: Site) -> None:
    files = [("policy", GOOD.replace(old, new, 1).encode()) for old, new, _ in BROKEN]
    assert len(files) >= 60
    said = read(page, site, files)
    assert said == [["policy.malformed", f"line {line}", True] for _, _, line in BROKEN]


def test_hostile_files_are_refused(page: Page, site: Site) -> None:
    for kind in ("policy", "template"):
        said = read(page, site, [(kind, data) for data in HOSTILE])
        assert [answer[0] for answer in said] == [f"{kind}.malformed"] * len(HOSTILE)


def test_the_catalogue_is_read_alike(page: Page, site: Site) -> None:
    files = [("policy", data) for data in shipped_files().values()]
    files += [("template", data) for data in shipped_template_files().values()]
    assert [answer["id"] for answer in check_read_alike(page, site, files)]


def test_changed_files_are_read_or_refused_alike(page: Page, site: Site, full: bool) -> None:
    rng = random.Random(11)
    files = [changed(rng) for _ in range(20_000 if full else 600)]
    answers = check_read_alike(page, site, files)
    read_ones = sum(isinstance(answer, dict) for answer in answers)
    assert len(files) * 0.02 < read_ones < len(files) * 0.5


def changed(rng: random.Random) -> tuple[str, bytes]:
    kind = rng.choice(["policy", "template"])
    shipped = shipped_files() if kind == "policy" else shipped_template_files()
    data = bytearray(shipped[rng.choice(sorted(shipped))])
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        at, size = rng.randrange(len(data) + 1), rng.randrange(4)
        piece = bytes([rng.randrange(256)]) if rng.random() < 0.2 else rng.choice(PIECES).encode()
        data[at : at + size] = piece if rng.random() < 0.8 else b""
    return kind, bytes(data)


def read(page: Page, site: Site, files: list[tuple[str, bytes]]) -> list[Any]:
    """What the page reads: the fields of a file, or why it is refused."""
    data = {
        "policies": [policy.source.hex() for policy in shipped_policies().values()],
        "files": [(kind, file.hex()) for kind, file in files],
    }
    answers: list[Any] = json.loads(run(page, site, READING, READ, json.dumps(data)))
    return answers


def check_read_alike(page: Page, site: Site, files: list[tuple[str, bytes]]) -> list[Any]:
    answers = read(page, site, files)
    for (kind, data), answer in zip(files, answers, strict=True):
        wanted = read_here(kind, data)
        if isinstance(wanted, Reason):
            assert answer[0] == wanted, (kind, data)
            assert re.fullmatch("line [0-9]+", answer[1])
            continue
        assert answer["digest"] == wanted.digest.hex(), (kind, data)
        assert answer["source"] == data.hex()
        for name, value in fields(wanted).items():
            assert answer[name] == value, (kind, name, data)
    return answers


def read_here(kind: str, data: bytes) -> Policy | Template | Reason:
    try:
        return parse_policy(data) if kind == "policy" else parse_template(data, policies=shipped_policies())
    except FormatError as refused:
        return refused.reason


def fields(read_file: Policy | Template) -> dict[str, Any]:
    """The plain fields as JavaScript calls and holds them."""
    same = ("id", "version", "purpose")
    found = {name: getattr(read_file, name) for name in same}
    found |= {
        "titleZh": read_file.title_zh,
        "titleEn": read_file.title_en,
        "legalBasis": read_file.legal_basis,
    }
    if isinstance(read_file, Policy):
        return found | {
            "validFrom": read_file.valid_from.isoformat(),
            "validTo": read_file.valid_to.isoformat(),
            "here": read_file.here,
            "regions": list(read_file.regions),
            "maxAge": read_file.max_age,
            "show": list(read_file.show),
            "retention": read_file.retention,
            "atCounter": read_file.at_counter,
        }
    rows = [
        {"labelZh": one.label_zh, "labelEn": one.label_en, "source": one.source.value, "name": one.name}
        for one in read_file.fields
    ]
    since = None if read_file.retired_since is None else read_file.retired_since.isoformat()
    return found | {
        "policies": list(read_file.policies),
        "ask": list(read_file.ask),
        "fields": rows,
        "retiredSince": since,
        "retiredBasis": read_file.retired_basis,
    }
