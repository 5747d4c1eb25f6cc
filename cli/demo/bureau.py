"""The bureau's part of the story: a month's records come in, a city is minted, and a month later it comes again."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click

from certificate.numbers import CertificateType
from certificate.slots import REGISTRIES
from certificate.template.shipped import shipped_templates
from cli.demo.narrator import Narrator
from cli.init import example_bureau
from issuer.home import Home
from issuer.sample import write_sample
from issuer.service import import_records, mint_all, mint_persons, opened_register
from issuer.setup import create_home

__all__ = ["Bureau"]

_REGISTRY: Final = REGISTRIES[CertificateType.CONTRIBUTION]
_SEED: Final = 20261101
_PASSPHRASE: Final = b"only for the demo"
_MONTH, _NEXT_MONTH = 202610, 202611


@dataclass(slots=True)
class Bureau:
    """A bureau with a city of `people` in `folder`."""

    tell: Narrator
    folder: Path
    people: int
    home: Home = field(init=False)

    def set_up(self, now: int) -> None:
        """Records, keys, ledger, witnesses, and a certificate for everyone."""
        city = write_sample(self.folder / "city", people=self.people, seed=_SEED, cut_off=_MONTH)
        self.tell.say(
            "社保局导出参保缴费记录",
            "A bureau exports its contribution records",
            (
                f"虚构的 {city.people:,} 人，{city.rows:,} 行，{city.employers:,} 家单位，地区 99(不存在)",
                f"{city.people:,} invented people, {city.rows:,} rows, {city.employers:,} employers, region 99",
            ),
        )
        self.home = create_home(
            self.folder / "home", example_bureau(), passphrase=_PASSPHRASE, random=os.urandom, now=now
        )
        summary = import_records(self.home, self.folder / "city", now=now)
        self.tell.say(
            "建立工作目录并导入；每一行都按规则检查，包括校验位",
            "It sets up and imports them; every row is checked against the rules, check digits included",
            (
                f"{summary.persons:,} 人，数据截至 {summary.cut_off}，没有人因错误被搁置",
                f"{summary.persons:,} people, data up to {summary.cut_off}; nobody was set aside",
            ),
        )
        ledger = self.home.ledger()
        try:
            run = mint_all(self.home, ledger, now=now)
        finally:
            ledger.close()
        found = self.home.check_ledger()
        root = found.root_hash.hex()[:16]
        self.tell.say(
            "为每人签发一份证明：一个签名覆盖全部加盐的内容，并全部记入账本",
            "It mints a certificate for each, salted claims under one signature, and logs all of them",
            (
                f"签发 {run.minted:,} 份；账本里只有各含 128 位随机数的散列，没有任何个人信息",
                f"{run.minted:,} minted; the ledger holds hashes with 128 random bits each, nothing about a person",
            ),
            (
                f"由 {found.size:,} 条条目重新计算账本：根 {root}…，四个见证方中三个会签",
                f"ledger recomputed from its {found.size:,} entries: root {root}…, cosigned by three of four witnesses",
            ),
        )

    def next_month(self, now: int) -> int:
        """The next month's export, and new certificates for everyone who holds a key; how many."""
        write_sample(self.folder / "next", people=self.people, seed=_SEED, cut_off=_NEXT_MONTH)
        import_records(self.home, self.folder / "next", now=now)
        ledger = self.home.ledger()
        try:
            with opened_register(self.home) as register:
                pairs = register.enrolled()
            return mint_persons(self.home, ledger, pairs, now=now).minted
        finally:
            ledger.close()

    def someone_with_24_months(self) -> str:
        """The first person whose newest three pension strips are there and who has a name."""
        snapshot = self.home.snapshot()
        due = {_REGISTRY.slot_of(name) for name in shipped_templates()["identity.24"].ask}
        run = _REGISTRY.slot_of("run.pension.emp")
        for person_no in snapshot.person_nos():
            claims = snapshot.claims(person_no).claims
            months = claims.get(run, 0)
            if due <= claims.keys() and isinstance(months, int) and months >= 24:
                return person_no
        raise click.ClickException("this small city has nobody with 24 months; try more people")
