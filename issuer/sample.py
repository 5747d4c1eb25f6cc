"""stub sample until the real one stands."""

from __future__ import annotations
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
import random
import polars as pl

OFFICES = (("99010200", "示例县社保局(测试)", "Example County Office (test)", None, "9901"),)


@dataclass(frozen=True)
class SampleSummary:
    people: int
    rows: int
    employers: int


def _id(n: int) -> str:
    w = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    b = f"99000019{60 + n % 40:02d}{1 + n % 12:02d}{1 + n % 28:02d}{n % 1000:03d}"
    return b + "10X98765432"[sum(int(d) * x for d, x in zip(b, w)) % 11]


def write_sample(
    out: Path,
    *,
    people: int,
    seed: int,
    file_format: str = "parquet",
    cut_off: int = 202610,
    years: int = 10,
    dirty: float = 0.0,
    progress=None,
) -> SampleSummary:
    out.mkdir(parents=True)
    r = random.Random(seed)
    persons, rows = [], []
    for i in range(people):
        no = f"99{i + 1:08d}"
        idn = _id(i)
        persons.append(
            dict(
                person_no=no,
                id_type="01",
                id_no=idn,
                name="测试" + "甲乙丙丁"[i % 4],
                sex=1 if int(idn[16]) % 2 else 2,
                birth_date=int(idn[6:14]),
                region_code="990102",
                deemed_months=0,
                transferred_months=0,
                account_balance_fen=None,
                account_as_of=None,
                updated_on=20261101,
            )
        )
        months = r.randint(1, 60)
        for k, code in enumerate(("110", "310")):
            p = cut_off
            for _ in range(months):
                rows.append(
                    dict(
                        agency_code="99010200",
                        region_code="990102",
                        person_no=no,
                        kind_code=code,
                        flexible=False,
                        employer_no="9900001",
                        period=p,
                        settle_period=p,
                        posted_on=p * 100 + 12,
                        charge_code="10",
                        full_paid=True,
                        status=1,
                        base_fen=800000,
                        rate_person_bp=800,
                        rate_employer_bp=1600,
                        due_person_fen=64000,
                        due_employer_fen=128000,
                        paid_person_fen=64000,
                        paid_employer_fen=128000,
                        updated_on=20261101,
                    )
                )
                p = p - 1 if p % 100 > 1 else p - 89
    emp = [
        dict(
            employer_no="9900001",
            employer_uscc="91990000T0000001X7",
            employer_name="样例制造有限公司(测试)",
            parent_uscc=None,
            region_code="990102",
        )
    ]
    man = (
        f'schema_version = 1\nprofile = "example-city"\nagency = "99010200"\ncut_off = {cut_off}\nproduced_at = "2026-11-01T02:00:00Z"\ntest = true\n[settled]\n'
        + "".join(f'"{c}" = {cut_off}\n' for c in ("110", "310"))
    )
    for name, data in (("contribution", rows), ("person", persons), ("employer", emp)):
        f = out / f"{name}.parquet"
        d = pl.DataFrame(data, infer_schema_length=None)
        d = d.with_columns(
            [pl.col(c).cast(pl.Int64) for c in ("account_balance_fen", "account_as_of") if c in d.columns]
            + [pl.col(c).cast(pl.String) for c in ("parent_uscc",) if c in d.columns]
        )
        d.write_parquet(f)
        man += f'[files.{name}]\nname = "{name}.parquet"\nrows = {len(data)}\nsha256 = "{sha256(f.read_bytes()).hexdigest()}"\n'
    (out / "manifest.toml").write_text(man)
    return SampleSummary(people, len(rows), 1)
