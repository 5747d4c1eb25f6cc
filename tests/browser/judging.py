"""One answer judged in the page: its report in both languages, and the form it fills."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from playwright.sync_api import Page

from certificate.texts import LANGUAGES
from tests.browser.pages import run
from tests.browser.site import Site
from tests.world import SECONDS, World
from verifier.expect import STATIC, Asked
from verifier.forms.filled import FilledForm
from verifier.render import report_json
from verifier.report import Report

__all__ = ["Shown", "form_json", "judge_page", "reports"]

_MODULES = [
    "/verifier/verify.js", "/verifier/trust.js", "/verifier/expect.js", "/verifier/seen.js", "/verifier/render.js",
    "/verifier/forms/filled.js", "/ledger/digest.js",
]  # fmt: skip
_JUDGE = """async ({ verify }, { parseBundle }, { Asked, STATIC }, { MemorySeen }, { reportJson }, { fillForm },
  { fromHex, hex }, input) => {
  const { files, root, data, request, now, form } = JSON.parse(input);
  const named = new Map(Object.entries(files).map(([name, content]) => [name, fromHex(content)]));
  const trust = await parseBundle(named, { rootKeys: [fromHex(root)] });
  const expect = request === null ? STATIC : new Asked(fromHex(request));
  const report = await verify(data.map(fromHex), { trust, now, expect, seen: new MemorySeen() });
  const filled = (language) => {
    if (form === null) return null;
    const codes = form.codes.map(fromHex);
    try {
      const made = fillForm(trust.templates.get(form.template), report, { codes, language, today: form.today });
      return { title: made.title, rows: made.rows, covered: made.covered, codes: made.codes.map(hex) };
    } catch (error) {
      if (error.reason === undefined) throw error;
      return error.reason;
    }
  };
  return JSON.stringify(["zh", "en"].map((language) => [reportJson(report, language), filled(language)]));
}"""
_DRAW_MODULES = ["/verifier/forms/page_html.js"]


@dataclass(frozen=True)
class Shown:
    """What is judged: answers, the bundle's files, the request (None: paper), the form to fill and its codes."""

    data: Sequence[bytes]
    files: dict[str, bytes]
    request: bytes | None
    template: str | None = None
    codes: Sequence[bytes] = ()
    today: date = date(2026, 11, 24)
    now: int = SECONDS

    @property
    def expect(self) -> Any:
        return STATIC if self.request is None else Asked(self.request)


def judge_page(page: Page, site: Site, shown: Shown) -> tuple[list[Any], list[Any]]:
    """The reports and the filled forms, zh and en each; a form that is refused is the reason."""
    form = {
        "template": shown.template,
        "codes": [code.hex() for code in shown.codes],
        "today": shown.today.isoformat(),
    }
    data = {
        "files": {name: content.hex() for name, content in shown.files.items()},
        "root": World().root.public_key.hex(),
        "data": [part.hex() for part in shown.data],
        "request": None if shown.request is None else shown.request.hex(),
        "now": shown.now,
        "form": None if shown.template is None else form,
    }
    pairs = json.loads(run(page, site, _MODULES, _JUDGE, json.dumps(data)))
    return [report for report, _ in pairs], [filled for _, filled in pairs]


def reports(report: Report) -> list[Any]:
    """What the page must say of it."""
    return [json.loads(json.dumps(report_json(report, language))) for language in LANGUAGES]


def form_json(form: FilledForm) -> dict[str, Any]:
    """The form as the page tells it."""
    rows = [
        {
            "label": row.label,
            "entries": [{"text": entry.text, "origin": entry.origin} for entry in row.entries],
        }
        for row in form.rows
    ]
    codes = [code.hex() for code in form.codes]
    return {"title": form.title, "rows": rows, "covered": list(form.covered), "codes": codes}
