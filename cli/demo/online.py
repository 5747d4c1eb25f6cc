"""Through the services: a citizen claims, an employer asks, consent, fetch, the month after, withdrawal."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import httpx

from certificate.certificate import parse_certificate
from certificate.keys import Ed25519CoseSigner
from certificate.qr_text import decode_file_text, encode_file_text
from certificate.request import sign_request
from cli.bureau_client import CredentialOffer, claim, renew
from cli.demo.bureau import Bureau
from cli.demo.counter import question
from cli.demo.narrator import Narrator
from cli.demo.services import DemoClock, WalletOperator, bureau_running
from cli.wallet_client import WalletClient
from cli.web import Web, open_web
from issuer.http.configurations import CONFIGURATION
from issuer.organisations import register_organisation
from ledger.errors import ConsentError
from ledger.reasons import Reason
from verifier.expect import Asked
from verifier.report import Outcome, Report
from verifier.seen import MemorySeen
from verifier.trust import TrustBundle
from verifier.trust_dir import load_trust
from verifier.verify import verify

__all__ = ["Online"]

_EMPLOYER: Final = 12
_MONTH_SECONDS: Final = 30 * 86400
_DAY_MINUTES: Final = 1440


@dataclass(slots=True)
class Online:
    """One citizen, one employer, the bureau's service and a wallet service, and what passes between them."""

    tell: Narrator
    bureau: Bureau
    wallet: WalletOperator
    clock: DemoClock
    holder: Ed25519CoseSigner = field(default_factory=lambda: Ed25519CoseSigner(os.urandom(32)))
    employer: Ed25519CoseSigner = field(default_factory=lambda: Ed25519CoseSigner(os.urandom(32)))

    def run(self) -> bytes | None:
        """The whole exchange; the citizen's renewed certificate, or None when anything went otherwise than it must."""
        person_no = self.bureau.someone_with_24_months()
        with bureau_running(self.bureau.home, self.clock) as url:
            first = self._claim(url, person_no)
        with self._organisation() as employer:
            link, request = self._ask(employer)
            self._consent(link)
            report = self._fetch(employer, link, request)
            renewed = self._renew(first)
            refused = self._withdraw(employer, link)
        held = parse_certificate(renewed).body.cut_off > parse_certificate(first).body.cut_off
        return renewed if report.outcome is Outcome.VALID and refused and held else None

    def _claim(self, url: str, person_no: str) -> bytes:
        offer = self.bureau.home.offers().make([person_no], now=self.clock(), days=30, random=os.urandom)[0]
        with httpx.Client(base_url=url, timeout=60) as http:
            certificate = claim(
                CredentialOffer(url, CONFIGURATION, offer.code),
                offer.pin,
                self.holder,
                http,
                trust=self._trust(),
                now=self.clock(),
            )
        with self._citizen() as client:
            number = client.store(certificate)
        self.tell.say(
            "参保人用信里的领取码和短信里的 PIN 领取证明，绑定到自己手机上的密钥，存入钱包",
            "With the code of a letter and a PIN a citizen claims a certificate onto a key of the phone's own",
            (
                f"编号 {number}；签发、入账本、会签之后才交付，并加密存入钱包服务",
                f"number {number}: minted, logged and cosigned before it left; kept encrypted by a wallet service",
            ),
        )
        return certificate

    def _ask(self, employer: Web) -> tuple[str, bytes]:
        home, now = self.bureau.home, self.clock()
        registration = register_organisation(
            home,
            org=_EMPLOYER,
            name_zh="示例制造有限公司(测试)",
            name_en="Example Works Ltd (test)",
            contact="示例路12号",
            request_key=self.employer.public_key,
            now=now,
        )
        request = sign_request(self.employer, question(_EMPLOYER, now, days=60), registration)
        link = employer.call("POST", "/requests", body={"request": encode_file_text(request)}).text("link")
        self.tell.say(
            "新单位入职核验：留下一份签名的请求，把链接发给本人",
            "A new employer leaves a signed request and sends the link",
            (
                "问什么、为什么、依据哪条法律、保存多久，都在签名之内；问谁，只有单位自己知道",
                "what, what for, by which law, kept how long: all under its signature; whom it asks, only itself knows",
            ),
        )
        return link, request

    def _consent(self, link: str) -> None:
        with self._citizen() as client:
            asked = client.request(link)
            client.answer(link, minutes=_DAY_MINUTES)
        who = asked.registration
        self.tell.say(
            "手机先核对请求者的登记，再用自己算出的字节签名：一次同意，一个单位，一个用途",
            "The phone checks who asks, then signs bytes that it composed itself: one consent, one asker, one purpose",
            (
                f"{who.name_zh}：{asked.request.body.purpose}；双方屏幕都显示 {asked.digits}",
                f"{who.name_en}: {asked.request.body.purpose}; both screens show {asked.digits}",
            ),
        )

    def _fetch(self, employer: Web, link: str, request: bytes) -> Report:
        path = f"/requests/{link.rpartition('/')[2]}"
        presentation = decode_file_text(employer.call("POST", f"{path}/fetch").text("presentation"))
        report = verify(
            presentation,
            trust=self._trust(),
            now=datetime.fromtimestamp(self.clock(), UTC),
            expect=Asked(request),
            seen=MemorySeen(),
        )
        employer.call("POST", f"{path}/acknowledge")
        self.tell.say(
            "单位取回答复，离线核验，确认收到；钱包服务随即删除它那一份",
            "The employer fetches the answer, verifies it offline and acknowledges; the wallet deletes its copy",
            (
                f"{len(presentation)} 字节，{len(report.disclosed)} 项内容：{self._outcome(report)}",
                f"{len(presentation)} bytes, {len(report.disclosed)} facts shown: {self._outcome(report)}",
            ),
        )
        return report

    def _renew(self, first: bytes) -> bytes:
        self.clock.now += _MONTH_SECONDS
        minted = self.bureau.next_month(self.clock())
        held = parse_certificate(first).body.cut_off
        with (
            bureau_running(self.bureau.home, self.clock) as url,
            httpx.Client(base_url=url, timeout=60) as http,
        ):
            renewed = renew(url, self.holder, http, newer_than=held, trust=self._trust(), now=self.clock())
        assert renewed is not None
        with self._citizen() as client:
            client.store(renewed)
        cut_off = parse_certificate(renewed).body.cut_off
        self.tell.say(
            "一个月后：新数据导入，已领取的人自动换发；手机凭密钥取回，不用领取码，不用点按",
            "A month later: new records, new certificates for all who hold a key; the phone picks up its own",
            (
                f"换发 {minted} 份；数据截至 {held} → {cut_off}",
                f"{minted} minted; data up to {held} → {cut_off}; no code, no PIN, no tap",
            ),
        )
        return renewed

    def _withdraw(self, employer: Web, link: str) -> bool:
        path = f"/requests/{link.rpartition('/')[2]}"
        with self._citizen() as client:
            client.withdraw(link)
            reason = _refusal(employer, f"{path}/fetch")
            employer.call("POST", f"{path}/deletion-confirmed")
            rows = client.access_log()
        seen = ", ".join(row.access.action.name.lower().replace("_", " ") for row in rows)
        self.tell.say(
            "参保人撤回同意：立即生效",
            "The citizen takes the consent back: it bites at once",
            (f"单位再取：被拒绝 [{reason}]", f"the employer fetches again: refused [{reason}]"),
            (
                f"访问记录 {len(rows)} 行，逐行成链，整体成树，手机已核对：{seen}",
                f"access log, {len(rows)} rows, chained and in a tree, checked on the phone: {seen}",
            ),
        )
        return reason is Reason.CONSENT_REVOKED

    def _outcome(self, report: Report) -> str:
        return self.tell.word("有效", "valid") if report.outcome is Outcome.VALID else str(report.reason)

    def _trust(self) -> TrustBundle:
        return load_trust(self.bureau.home.trust_dir)

    @contextmanager
    def _citizen(self) -> Iterator[WalletClient]:
        client = WalletClient(self.wallet.url, self.holder, trust=self._trust(), clock=self.clock)
        try:
            client.login()
            yield client
        finally:
            client.close()

    @contextmanager
    def _organisation(self) -> Iterator[Web]:
        web = open_web(self.wallet.url)
        web.token = self.wallet.org_token(_EMPLOYER)
        try:
            yield web
        finally:
            web.http.close()


def _refusal(web: Web, path: str) -> Reason | None:
    try:
        web.call("POST", path)
    except ConsentError as exc:
        return exc.reason
    return None
