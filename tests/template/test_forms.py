"""Forms filled from a certificate with nothing typed; printed, scanned and altered ones against their code."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache

import pypdfium2
import pytest

from certificate.certificate import parse_certificate
from certificate.policy.asking import slots_for_items
from certificate.policy.shipped import shipped_files, shipped_policies
from certificate.qr_text import decode_any
from certificate.request import parse_request
from certificate.slots import ClaimValue
from certificate.template.language import Template, template_items
from certificate.template.parsing import parse_template
from certificate.template.shipped import shipped_template_files, shipped_templates
from certificate.texts import Language
from ledger.errors import ConsentError, FormatError
from ledger.reasons import Reason
from tests.policy.histories import History, months
from tests.world import SECONDS, World
from verifier.expect import STATIC, Asked
from verifier.forms.compare import FormMark, judge_form, read_form_mark
from verifier.forms.filled import FilledForm, fill_form
from verifier.forms.page_pdf import draw_form_pdf
from verifier.images import read_codes
from verifier.report import Outcome, Report
from verifier.seen import MemorySeen
from verifier.trust import TrustBundle
from verifier.verify import verify

TODAY = datetime.fromtimestamp(SECONDS, UTC).date()
FORMS = sorted(name for name, one in shipped_templates().items() if one.policies)
NAME = "测试甲"


def everything(name: str = NAME) -> dict[str, ClaimValue]:
    """The claims of somebody who meets every policy of the catalogue."""
    history = History(202610)
    for kind in ("pension.emp", "medical.emp", "unemp", "injury", "maternity"):
        history.pay(kind, months(199901, 202610))
        history.more |= {f"status.{kind}": 1, f"base_avg12.{kind}": 900000}
    history.more["deemed.pension.emp"] = 12
    history.more["employer"] = ["91990000T0000001X7", "样例制造有限公司(测试)", 201501, 130]
    who: dict[str, ClaimValue] = {
        "name": name,
        "id_tail": "0017",
        "id_no": "990000199001010017",
        "birth_date": 19900101,
    }
    return {**history.claims(), **who}


@dataclass(frozen=True)
class Answered:
    """One answer to what a template asks, and all that judges it."""

    world: World
    template: Template
    trust: TrustBundle
    request: bytes
    shown: bytes

    def judged(self, data: bytes | None = None) -> Report:
        now = datetime.fromtimestamp(SECONDS + 5, UTC)
        shown = self.shown if data is None else data
        return verify(shown, trust=self.trust, now=now, expect=Asked(self.request), seen=MemorySeen())

    def form(self, language: Language = "zh") -> FilledForm:
        return fill_form(
            self.template, self.judged(), codes=(decode_any(self.shown),), language=language, today=TODAY
        )

    def page_judged(self, pdf: bytes) -> Report:
        (text,) = read_codes(pdf)
        mark = read_form_mark(pdf)
        assert mark is not None
        codes = (decode_any(text.encode()),)
        return judge_form(pdf, mark, self.judged(text.encode()), codes=codes, trust=self.trust, today=TODAY)


@cache
def answered(name: str, *, who: str = NAME) -> Answered:
    world, template = World(), shipped_templates()[name]
    registry = world.body().registry
    claims = everything(who)
    if name == "points.84":  # forty strips are more than one code holds: the bureau mints the answer
        claims["pol.0"] = [shipped_policies()[name].digest, True]
    tree = world.tree({registry.slot_of(claim): value for claim, value in claims.items()})
    full = world.certificate(world.body(claims_root=tree.root()), tree=tree)
    registration = world.registration(policies=template.policies)
    items = template_items(template, shipped_policies())
    request = world.request(items=items, registration=registration)
    slots = slots_for_items(
        parse_request(request).body,
        range(len(items)),
        parse_certificate(full),
        policies=shipped_policies(),
        templates={},
        today=TODAY,
    )
    shown = world.presentation(certificate=full, request=request, slots=slots)
    trust = world.bundle(
        policies=list(shipped_files().values()), templates=list(shipped_template_files().values())
    )
    return Answered(world, template, trust, request, shown)


def text_of(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return "\n".join(str(page.get_textpage().get_text_range()) for page in document)
    finally:
        document.close()


def printed(pdf: bytes) -> bytes:
    """The page with the code, as a printer puts it out at 150 dpi."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        out = io.BytesIO()
        document[len(document) - 1].render(scale=150 / 72).to_pil().save(out, "PNG")
        return out.getvalue()
    finally:
        document.close()


def test_there_are_seventeen() -> None:
    assert len(FORMS) == 17


@pytest.mark.parametrize("turn", range(4))
def test_filled_printed_and_verified_from_the_print(turn: int, full: bool) -> None:
    """All of them with `--full`; one of each four in `make test`."""
    for name in FORMS[turn::4] if full else [FORMS[turn * 4]]:
        fill_print_and_verify(name)


def fill_print_and_verify(name: str) -> None:
    answer = answered(name)
    form = answer.form()
    empty = [row.label for row in form.rows if not row.entries[0].origin and row.label != "视同缴费月数"]
    assert empty == []
    pdf = draw_form_pdf(form)
    shown = text_of(pdf)
    assert form.template.title_zh in shown
    assert "符合" in shown
    (text,) = read_codes(printed(pdf))
    again = answer.judged(text.encode())
    assert (again.outcome, again.reason) == (Outcome.VALID, None)


def test_every_entry_names_its_origin_and_whose_data_are_covered() -> None:
    form = answered("bid.staff.6").form("en")
    number = form.rows[-2].entries[0].text
    origins = {row.label: row.entries[0].origin for row in form.rows}
    assert origins["Name"] == f"name in certificate {number}"
    assert origins["Answer"] == "computed from what is shown by rule bid.staff.6, version 1"
    assert origins["Region"] == f"region, signed, of certificate {number}"
    assert all(number in line and "alone" in line for line in form.covered)
    page = text_of(draw_form_pdf(form))
    assert "Not covered: signature and date" in page
    assert "990000199001010017" in page
    assert draw_form_pdf(form) == draw_form_pdf(form)


def test_an_altered_page_is_refused_and_its_code_shows_the_truth() -> None:
    answer = answered("housing.24")
    pdf = draw_form_pdf(answer.form())
    assert answer.page_judged(pdf).outcome is Outcome.VALID
    other = draw_form_pdf(answered("housing.24", who="测试乙").form())
    assert other != pdf
    forged = with_codes_of(answer, other=answered("housing.24", who="测试乙"))
    report = answer.page_judged(forged)
    assert (report.outcome, report.reason) == (Outcome.INVALID, Reason.FORM_DIFFERS)
    names = [shown.value for shown in report.disclosed if shown.slot == 0]
    assert names == [NAME]


def with_codes_of(answer: Answered, *, other: Answered) -> bytes:
    """A page that prints what `other` shows above the code of `answer`."""
    form = other.form()
    return draw_form_pdf(
        FilledForm(form.template, form.language, form.rows, form.covered, (decode_any(answer.shown),))
    )


def test_a_patch_over_a_value_is_seen() -> None:
    answer = answered("housing.24")
    document = pypdfium2.PdfDocument(draw_form_pdf(answer.form()))
    patch = document[0]
    picture = pypdfium2.PdfImage.new(document)
    bitmap = pypdfium2.PdfBitmap.new_native(20, 20, 4)
    bitmap.fill_rect((0, 0, 0, 255), 0, 0, 20, 20)
    picture.set_bitmap(bitmap)
    picture.set_matrix(pypdfium2.PdfMatrix().scale(60, 12).translate(200, 700))
    patch.insert_obj(picture)
    patch.gen_content()
    out = io.BytesIO()
    document.save(out)
    document.close()
    report = answer.page_judged(out.getvalue())
    assert (report.outcome, report.reason) == (Outcome.INVALID, Reason.FORM_DIFFERS)


def test_a_form_of_an_unknown_template_cannot_be_told() -> None:
    answer = answered("housing.24")
    pdf, codes = draw_form_pdf(answer.form()), (decode_any(answer.shown),)
    mark = FormMark("housing.24", bytes(32), "zh")
    report = judge_form(pdf, mark, answer.judged(), codes=codes, trust=answer.trust, today=TODAY)
    assert (report.outcome, report.reason) == (Outcome.UNDETERMINED, Reason.TEMPLATE_UNKNOWN)
    assert read_form_mark(b"%PDF-1.4 nothing") is None


def test_no_form_without_a_valid_answer_to_its_question() -> None:
    answer = answered("housing.24")
    codes = (decode_any(answer.shown),)
    with pytest.raises(FormatError) as refused:
        fill_form(shipped_templates()["loan.24"], answer.judged(), codes=codes, language="zh", today=TODAY)
    assert refused.value.reason is Reason.DISC_REQUIRED_MISSING
    with pytest.raises(FormatError):
        fill_form(answer.template, answer.judged(answer.shown[:-1]), codes=codes, language="zh", today=TODAY)
    gone = parse_template(answer.template.source + b'retired_since = 2026-01-01\nretired_basis = "a law"\n')
    with pytest.raises(ConsentError) as retired:
        fill_form(gone, answer.judged(), codes=codes, language="zh", today=date(2026, 11, 1))
    assert retired.value.reason is Reason.TEMPLATE_RETIRED


def test_paper_fills_facts_and_answers_no_question() -> None:
    answer = answered("housing.24")
    world, registry = answer.world, answer.world.body().registry
    tree = world.tree({registry.slot_of(claim): value for claim, value in everything().items()})
    slots = (0, 1, *range(registry.slot_of("settled.pension.emp"), registry.slot_of("strip.pension.emp.-2")))
    paper = world.certificate(world.body(paper=True, claims_root=tree.root()), tree=tree, slots=slots)
    now = datetime.fromtimestamp(SECONDS, UTC)
    report = verify(paper, trust=answer.trust, now=now, expect=STATIC, seen=MemorySeen())
    form = fill_form(answer.template, report, codes=(paper,), language="en", today=TODAY)
    filled = {row.label: row.entries for row in form.rows}
    assert filled["Answer"][0].text == "paper answers no question"
    assert filled["Name"][0].text == NAME
    assert len(filled["Month by month"]) == 2
