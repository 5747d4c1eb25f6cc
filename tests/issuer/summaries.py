"""One import summary, as tests and the page of formats use it."""

from __future__ import annotations

from issuer.import_summary import SummaryBody
from tests.world import SECONDS

__all__ = ["SUMMARY"]

SUMMARY = SummaryBody(
    authority=1,
    office=1,
    profile=1,
    agency="99010200",
    cut_off=202610,
    snapshot=bytes(range(32)),
    persons=949_050,
    rows=150_000_000,
    quarantined=950,
    findings=1_020,
    report=bytes(range(1, 33)),
    imported=SECONDS,
)
