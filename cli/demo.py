"""`tally demo`: the whole way on a small synthetic city, from the bureau's records to a forger's disappointment."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import click

from certificate.holding import present
from certificate.keys import Ed25519CoseSigner
from certificate.numbers import CertificateType
from certificate.qr_draw import draw_qr_png
from certificate.qr_text import decode_request_text, encode_qr_text, encode_request_text
from certificate.request import (
    NONCE_SIZE,
    RequestBody,
    SlotsItem,
    matching_digits,
    parse_request,
    sign_request,
)
from certificate.slots import REGISTRIES
from certificate.texts import Language, reason_text
from cli.attacks import ATTACKS, Scene
from cli.common import language_option, utc_now
from cli.init import example_bureau
from cli.request import QUESTIONS
from issuer.export import find_row, full_certificate
from issuer.home import Home
from issuer.organisations import DEFAULT_PURPOSE, registration_of
from issuer.sample import write_sample
from issuer.service import import_records, mint_all, mint_persons
from issuer.setup import DEMO_ORG, create_home
from ledger.sequencer import Sequencer
from verifier.expect import Asked
from verifier.images import read_codes
from verifier.render import report_text
from verifier.report import Outcome, Report
from verifier.trust_dir import load_trust
from verifier.verify import verify

__all__ = ["demo"]

_REGISTRY = REGISTRIES[CertificateType.CONTRIBUTION]
_SEED = 20261101
_MINUTES = 10
_PASSPHRASE = b"only for the demo"


@click.command()
@click.option("--people", type=click.IntRange(20, 100_000), default=1000, show_default=True)
@click.option(
    "--keep", type=click.Path(path_type=Path, file_okay=False), help="Work there and keep everything."
)
@language_option
def demo(people: int, keep: Path | None, language: Language) -> None:
    """All of it on a small synthetic city, saying what happens and why it can be trusted.

    Example: tally demo --people 200
    """
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        ok = _Demo(keep, people, language).run()
    else:
        with tempfile.TemporaryDirectory(prefix="tallystick-demo-") as folder:
            ok = _Demo(Path(folder), people, language).run()
    raise click.exceptions.Exit(0 if ok else 1)


@dataclass
class _Demo:
    folder: Path
    people: int
    language: Language
    step: int = 0

    def run(self) -> bool:
        now = utc_now()
        home = self.bureau(now)
        ledger = home.ledger()
        try:
            person_no = self.mint(home, ledger, now)
            scene = self.counter(home, ledger, person_no, now)
            report = self.verify(scene)
            refused = self.attacks(scene)
        finally:
            ledger.close()
        right = report and refused
        click.echo("")
        if right:
            click.echo(
                self.word("一切如常。没有询问任何人。", "All as it should be. Nothing was asked of anybody.")
            )
        else:
            click.echo(self.word("出了问题。", "SOMETHING IS WRONG."))
        return right

    def say(self, zh: str, en: str, *lines: tuple[str, str]) -> None:
        """One numbered step with its lines, each in both languages; the reader's is printed."""
        self.step += 1
        click.echo(f"\n{self.step}. {self.word(zh, en)}")
        for line in lines:
            click.echo(f"   {self.word(*line)}")

    def word(self, zh: str, en: str) -> str:
        return zh if self.language == "zh" else en

    def bureau(self, now: datetime) -> Home:
        seconds = int(now.timestamp())
        city = write_sample(self.folder / "city", people=self.people, seed=_SEED)
        self.say(
            "社保局导出参保缴费记录",
            "A bureau exports its contribution records",
            (
                f"虚构的 {city.people:,} 人，{city.rows:,} 行，{city.employers:,} 家单位，地区 99(不存在)",
                f"{city.people:,} invented people, {city.rows:,} rows, {city.employers:,} employers, region 99",
            ),
        )
        bureau = example_bureau()
        home = create_home(
            self.folder / "home", bureau, passphrase=_PASSPHRASE, random=os.urandom, now=seconds
        )
        summary = import_records(home, self.folder / "city", now=seconds)
        self.say(
            "建立工作目录并导入；每一行都按规则检查，包括校验位",
            "It sets up and imports them; every row is checked against the rules, check digits included",
            (
                f"{summary.persons:,} 人，数据截至 {summary.cut_off}，没有人因错误被搁置",
                f"{summary.persons:,} people, data up to {summary.cut_off}; nobody was set aside",
            ),
        )
        return home

    def mint(self, home: Home, ledger: Sequencer, now: datetime) -> str:
        seconds = int(now.timestamp())
        run = mint_all(home, ledger, now=seconds)
        self.say(
            "为每人签发一份证明：一个签名覆盖全部加盐的内容，并全部记入账本",
            "It mints a certificate for each, salted claims under one signature, and logs all of them",
            (
                f"签发 {run.minted:,} 份；账本里只有各含 128 位随机数的散列，没有任何个人信息",
                f"{run.minted:,} minted; the ledger holds hashes with 128 random bits each, nothing about a person",
            ),
        )
        self.holder = Ed25519CoseSigner(os.urandom(32))
        person_no = self.someone_with_24_months(home)
        mine = mint_persons(home, ledger, [(person_no, self.holder.public_key)], now=seconds)
        self.number = mine.certificates[0].number
        found = home.check_ledger()
        root = found.root_hash.hex()[:16]
        self.say(
            "参保人在手机上生成密钥；一份证明绑定到这把密钥",
            "A citizen makes a key on the phone; one certificate is minted to it",
            (
                f"编号 {self.number}，账本第 {mine.certificates[0].index} 条",
                f"number {self.number}, entry {mine.certificates[0].index} of the ledger",
            ),
            (
                f"由 {found.size:,} 条条目重新计算账本：根 {root}…，四个见证方中三个会签",
                f"ledger recomputed from its {found.size:,} entries: root {root}…, cosigned by three of four witnesses",
            ),
        )
        return person_no

    def someone_with_24_months(self, home: Home) -> str:
        """The first person whose newest three pension strips are there and who has a name in Chinese."""
        snapshot = home.snapshot()
        due = {_REGISTRY.slot_of(name) for name in QUESTIONS["identity.24"]}
        run = _REGISTRY.slot_of("run.pension.emp")
        for person_no in snapshot.person_nos():
            claims = snapshot.claims(person_no).claims
            months = claims.get(run, 0)
            if due <= claims.keys() and isinstance(months, int) and months >= 24:
                return person_no
        raise click.ClickException("this small city has nobody with 24 months; try more people")

    def counter(self, home: Home, ledger: Sequencer, person_no: str, now: datetime) -> Scene:
        seconds = int(now.timestamp())
        slots = tuple(sorted(_REGISTRY.slot_of(name) for name in QUESTIONS["identity.24"]))
        body = RequestBody(
            org=DEMO_ORG,
            nonce=os.urandom(NONCE_SIZE),
            desk=None,
            items=(SlotsItem(CertificateType.CONTRIBUTION, slots),),
            purpose=DEFAULT_PURPOSE,
            legal_basis="个人信息保护法第十三条",
            method="当场核验",
            retention=30,
            expires=seconds + 3600,
        )
        signer = home.signer(f"org-{DEMO_ORG}")
        request = sign_request(signer, body, registration_of(home, DEMO_ORG))
        request_png = self.folder / "request.png"
        request_png.write_bytes(draw_qr_png(encode_request_text(request), ecc="L"))
        scanned = decode_request_text(read_codes(request_png.read_bytes())[0])
        asked = parse_request(scanned)
        digits = matching_digits(asked.digest())
        who = asked.registration.body
        self.say(
            "银行以二维码出示请求，参保人的手机读取",
            "A bank shows its request as a QR code; the citizen's phone reads it",
            (
                f"{who.name_zh}：{asked.body.purpose}；双方屏幕都显示 {digits}",
                f"{who.name_en}: {asked.body.purpose}; both screens show {digits}",
            ),
        )
        certificate = full_certificate(home, ledger, find_row(home, self.number))
        presentation = present(self.holder, certificate, scanned, slots, issued=seconds)
        picture = self.folder / "presentation.png"
        picture.write_bytes(draw_qr_png(encode_qr_text(presentation), ecc="L"))
        read = read_codes(picture.read_bytes())[0]
        self.say(
            "参保人同意向这家银行、为此用途、在十分钟内出示六项内容",
            "The citizen agrees to show six claims, to this bank, for this purpose, for ten minutes",
            (
                f"一个签名，{len(presentation)} 字节，一个二维码({picture.name})，由真正的解码器读回",
                f"one signature, {len(presentation)} bytes, one QR code ({picture.name}), read back by a real decoder",
            ),
        )
        return Scene(
            home=home,
            ledger=ledger,
            now=now,
            holder=self.holder,
            request=scanned,
            request_body=body,
            certificate=certificate,
            slots=slots,
            presentation=presentation,
            text=read,
            person_no=person_no,
        )

    def verify(self, scene: Scene) -> bool:
        trust = load_trust(scene.home.trust_dir)
        report = verify(
            scene.text.encode(), trust=trust, now=scene.now, expect=Asked(scene.request), seen=scene.seen
        )
        self.say(
            "银行离线核验：不联网，只用事先取得的信任包",
            "The bank verifies offline: no connection, only the trust bundle it fetched before",
        )
        click.echo("")
        click.echo("\n".join(f"   {line}" for line in report_text(report, self.language).splitlines()))
        return report.outcome is Outcome.VALID

    def attacks(self, scene: Scene) -> bool:
        self.say("现在轮到造假者", "Now the forgers try")
        reasons, all_refused = set(), True
        for attack in ATTACKS:
            report: Report = attack.run(scene)
            reason = report.reason
            as_expected = report.outcome is not Outcome.VALID and reason is attack.expected
            all_refused &= as_expected
            reasons.add(reason)
            refused = report.outcome is Outcome.INVALID
            mark = self.word("拒绝", "refused") if refused else self.word("不予采信", "not accepted")
            title = self.word(attack.title_zh, attack.title_en)
            said = reason_text(reason, self.language) if reason is not None else "ACCEPTED"
            click.echo(f"   {mark if as_expected else 'WRONG'}: {title}")
            click.echo(f"      {said} [{reason}]")
        count, kinds = len(ATTACKS), len(reasons)
        click.echo(
            self.word(
                f"   {count} 种攻击，{kinds} 个不同原因", f"   {count} attacks, {kinds} different reasons"
            )
        )
        return all_refused and len(reasons) == len(ATTACKS)
