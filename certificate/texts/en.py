"""English words."""

from __future__ import annotations

from typing import Final

__all__ = ["CLAIMS", "KINDS", "STATES", "STATUSES", "TYPES"]

KINDS: Final = {
    "pension.emp": "employee pension",
    "pension.civ": "civil-service pension",
    "pension.res": "resident pension",
    "annuity.occ": "occupational annuity",
    "unemp": "unemployment",
    "medical.emp": "employee medical",
    "medical.res": "resident medical",
    "injury": "work injury",
    "maternity": "maternity",
}
TYPES: Final = {
    1: "Contribution certificate",
    2: "Employer certificate",
    3: "Transfer voucher",
    4: "Eligibility attestation",
}
STATES: Final = {0: "not paid", 1: "on time", 2: "back-paid", 3: "counted otherwise"}
STATUSES: Final = {1: "paying", 2: "paused", 3: "ended"}
CLAIMS: Final = {
    "name": "name",
    "id_tail": "last four of the ID",
    "for.audience": "valid only for",
    "for.purpose": "to be used for",
    "id_no": "ID number",
    "id_type": "kind of ID",
    "birth_date": "date of birth",
    "proxy": "proxy",
    "settled": "complete up to",
    "strip": "month by month",
    "status": "status",
    "first": "first month paid",
    "last": "last month paid",
    "months": "months paid",
    "deemed": "deemed months",
    "moved": "months moved in",
    "run": "months in a row",
    "back": "months back-paid",
    "base": "wage base of the last month",
    "base_avg12": "mean wage base of the last twelve months",
    "paid_total": "paid by the person in all",
    "ge.total": "threshold proof of total months",
    "ge.run": "threshold proof of consecutive months",
    "employer": "current payer",
    "balance.pension": "pension account balance",
    "spells": "spell of employment",
    "pol": "answer to a rule",
    "employer_name": "employer",
    "employer_uscc": "organisation code",
    "headcount": "people insured",
}
