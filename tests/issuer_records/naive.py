"""The derivation of DOMAIN sections 4 and 5 once more: one person at a time, plain Python, written from the text."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from tests.issuer_records.exports import EMPLOYER_NAMES, USCCS, Row, months

KINDS = {
    "110": "pension.emp",
    "120": "pension.civ",
    "150": "pension.res",
    "310": "medical.emp",
    "410": "injury",
}
YEARLY = {"pension.res"}
GRACE = 1
Value = Any


def naive_claims(rows: list[Row], person: Row, *, settled: dict[str, int], cut_off: int) -> dict[str, Value]:
    """All claims of one person by name."""
    claims: dict[str, Value] = {
        "name": person["name"],
        "id_no": person["id_no"],
        "id_tail": person["id_no"][-4:],
        "id_type": person["id_type"],
        "birth_date": person["birth_date"],
    }
    if person["account_balance_fen"] is not None:
        claims["balance.pension"] = [person["account_balance_fen"], person["account_as_of"]]
    alive = _after_reversals(rows)
    by_kind: dict[str, list[Row]] = defaultdict(list)
    for row in alive:
        by_kind[KINDS[row["kind_code"]]].append(row)
    for kind, of_kind in by_kind.items():
        code = of_kind[0]["kind_code"]
        for name, value in _kind_claims(kind, of_kind, settled[code], cut_off).items():
            claims[
                f"{name}.{kind}" if not name.startswith("strip") else name.replace("strip", f"strip.{kind}")
            ] = value
    for kind in ("pension.emp", "pension.civ", "pension.res"):
        if kind in by_kind:
            claims[f"deemed.{kind}"] = person["deemed_months"]
            claims[f"moved.{kind}"] = person["transferred_months"]
            break
    claims |= _employers(by_kind, settled)
    for code, kind in (("110", "pension.emp"), ("310", "medical.emp")):
        if code in settled:  # three years of these two are always stated, paid or not
            stated = {
                f"settled.{kind}": settled[code],
                **{f"strip.{kind}.-{back}": bytes(3) for back in range(3)},
            }
            claims = stated | claims
    return claims


def _after_reversals(rows: list[Row]) -> list[Row]:
    by_key: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        by_key[row["kind_code"], row["period"], row["employer_no"]].append(row)
    left: list[Row] = []
    for of_key in by_key.values():
        positive = sorted(
            (r for r in of_key if _money(r) >= 0), key=lambda r: (r["settle_period"], _state(r))
        )
        partial = []
        for taken in (r for r in of_key if _money(r) < 0):
            same = [r for r in positive if _amounts(r) == [-a for a in _amounts(taken)]]
            if same:
                positive.remove(same[0])
            else:
                partial.append(taken)
        assert len(positive) <= 1
        for row in positive:
            lessened = dict(row)
            for taken in partial:
                for name in ("due_person_fen", "due_employer_fen", "paid_person_fen", "paid_employer_fen"):
                    lessened[name] += taken[name]
            if partial and lessened["paid_person_fen"] + lessened["paid_employer_fen"] == 0:
                if _money(lessened) == 0:
                    continue
                lessened["full_paid"] = False
            left.append(lessened)
    return left


def _money(row: Row) -> int:
    return sum(_amounts(row))


def _amounts(row: Row) -> list[int]:
    due = int(row["due_person_fen"] + row["due_employer_fen"])
    return [due, int(row["paid_person_fen"]), int(row["paid_employer_fen"])]


def _state(row: Row) -> int:
    if not row["full_paid"]:
        return 0
    if row["due_person_fen"] == row["due_employer_fen"] == 0:
        return 3 if row["status"] == 1 else 0
    if row["posted_on"] is None:
        return 0
    period, settle = row["period"], row["settle_period"]
    if period % 100 == 0:
        period += 12
    lag = (settle // 100 - period // 100) * 12 + settle % 100 - period % 100
    return 2 if row["charge_code"] == "20" or lag > GRACE else 1


def _best(states: list[int]) -> int:
    return next((state for state in (1, 3, 2) if state in states), 0)


def _kind_claims(kind: str, rows: list[Row], settled: int, cut_off: int) -> dict[str, Value]:
    yearly = kind in YEARLY
    weight = 12 if yearly else 1
    by_period: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        by_period[row["period"]].append(row)
    states = {period: _best([_state(r) for r in of]) for period, of in by_period.items()}
    counting = sorted(period for period, state in states.items() if state)
    claims: dict[str, Value] = {"settled": settled}
    first_year = min(by_period) // 100
    for back in range(min(31, cut_off // 100 - first_year + 1)):
        year = cut_off // 100 - back
        bits = 0
        for period, state in states.items():
            if period // 100 == year:
                bits += state * 4 ** max(period % 100 - 1, 0)
        claims[f"strip.-{back}"] = bits.to_bytes(3)
    claims["months"] = weight * sum(state in (1, 2) for state in states.values())
    claims["back"] = weight * sum(state == 2 for state in states.values())
    if counting:
        claims["first"], claims["last"] = counting[0], counting[-1]
    claims["run"] = weight * _run(states, settled, cut_off, yearly=yearly)
    newest = max(by_period)
    status = min(r["status"] for r in by_period[newest])
    complete = _complete_year(settled) if yearly else settled
    claims["status"] = 2 if status == 1 and newest < complete else status
    bases = {period: max((r["base_fen"] or 0) for r in by_period[period] if _state(r)) for period in counting}
    bases = {period: base for period, base in bases.items() if base > 0}
    if bases:
        claims["base"] = bases[max(bases)]
        window = sorted(bases)[-1:] if yearly else sorted(bases)[-12:]
        claims["base_avg12"] = sum(bases[period] for period in window) // len(window)
    if kind != "injury":
        claims["paid_total"] = sum(r["paid_person_fen"] for r in rows if r["posted_on"] is not None)
    return claims


def _complete_year(settled: int) -> int:
    return settled // 100 * 100 if settled % 100 in (0, 12) else (settled // 100 - 1) * 100


def _run(states: dict[int, int], settled: int, cut_off: int, *, yearly: bool) -> int:
    if yearly:
        timeline = [year * 100 for year in range(1950, cut_off // 100 + 1)]
        end = _complete_year(settled)
    else:
        timeline = months(195001, cut_off)
        end = settled
    at = timeline.index(end)
    while at + 1 < len(timeline) and states.get(timeline[at + 1]) == 1:
        at += 1
    run = 0
    while at >= 0 and states.get(timeline[at]) == 1:
        run += 1
        at -= 1
    return run


def _employers(by_kind: dict[str, list[Row]], settled: dict[str, int]) -> dict[str, Value]:
    monthly = [row for kind, rows in by_kind.items() if kind not in YEARLY for row in rows]
    claims: dict[str, Value] = {}
    spells = _spells([r for r in monthly if _state(r) in (1, 2) and r["employer_no"]])
    spells.sort(key=lambda s: (-s[2], -s[1], s[0]))
    for at, (employer, first, last, count) in enumerate(spells[:32]):
        claims[f"spells.{at}"] = [EMPLOYER_NAMES[_at(employer)], first, last, count]
    pension = [row for row in monthly if row["kind_code"] == "110"]
    basis = pension if any(_state(r) in (1, 2) for r in pension) else monthly
    paid = [row for row in basis if _state(row) in (1, 2)]
    if not paid:
        return claims
    newest = max(row["period"] for row in paid)
    payers = [
        row
        for row in paid
        if row["period"] == newest
        and row["employer_no"]
        and any(
            r["employer_no"] == row["employer_no"]
            and r["status"] == 1
            and r["period"] >= settled[r["kind_code"]]
            for r in basis
        )
    ]
    if payers:
        payer = min(payers, key=lambda r: (-(r["base_fen"] or 0), r["employer_no"]))["employer_no"]
        _, since, _, count = [s for s in _spells([r for r in paid if r["employer_no"]]) if s[0] == payer][-1]
        claims["employer"] = [USCCS[_at(payer)], EMPLOYER_NAMES[_at(payer)], since, count]
    return claims


def _at(employer_no: str) -> int:
    return int(employer_no) - 9900001


def _spells(rows: list[Row]) -> list[tuple[str, int, int, int]]:
    spells: list[tuple[str, int, int, int]] = []
    for employer in sorted({row["employer_no"] for row in rows}):
        stretch: list[int] = []
        for month in sorted({row["period"] for row in rows if row["employer_no"] == employer}):
            if stretch and len(months(stretch[-1], month)) - 2 > 3:
                spells.append((employer, stretch[0], stretch[-1], len(stretch)))
                stretch = []
            stretch.append(month)
        spells.append((employer, stretch[0], stretch[-1], len(stretch)))
    return spells
