"""At a bank's counter: a request as QR, an answer as QR, and a verification that asks nobody."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

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
from certificate.template.shipped import shipped_templates
from cli.demo.forgers import Scene
from cli.demo.narrator import Narrator
from issuer.bureau_ledger import BureauLedger
from issuer.home import Home
from issuer.organisations import DEFAULT_PURPOSE, registration_of
from issuer.setup import DEMO_ORG
from verifier.expect import Asked
from verifier.images import read_codes
from verifier.report import Outcome
from verifier.trust_dir import load_trust
from verifier.verify import verify

__all__ = ["SLOTS_24", "question", "show_at_counter", "verify_at_counter"]

SLOTS_24 = shipped_templates()["identity.24"].slots


def question(org: int, now: int, *, days: int) -> RequestBody:
    """Name, last four digits and 24 months, asked by `org` once, to be answered within `days`."""
    return RequestBody(
        org=org,
        nonce=os.urandom(NONCE_SIZE),
        desk=None,
        items=(SlotsItem(CertificateType.CONTRIBUTION, SLOTS_24),),
        purpose=DEFAULT_PURPOSE,
        legal_basis="个人信息保护法第十三条",
        method="核验后只留结果",
        retention=30,
        expires=now + 86400 * days,
    )


def show_at_counter(
    tell: Narrator,
    folder: Path,
    home: Home,
    ledger: BureauLedger,
    *,
    holder: Ed25519CoseSigner,
    certificate: bytes,
    now: int,
) -> Scene:
    """From QR code to QR code, both through a real decoder."""
    body = question(DEMO_ORG, now, days=1)
    request = sign_request(home.signer(f"org-{DEMO_ORG}"), body, registration_of(home, DEMO_ORG))
    picture = folder / "request.png"
    picture.write_bytes(draw_qr_png(encode_request_text(request), ecc="L"))
    scanned = decode_request_text(read_codes(picture.read_bytes())[0])
    asked = parse_request(scanned)
    digits = matching_digits(asked.digest())
    who = asked.registration.body
    tell.say(
        "到了柜台，没有网络：银行以二维码出示请求，手机读取",
        "At the counter, without a network: a bank shows its request as a QR code; the phone reads it",
        (
            f"{who.name_zh}：{asked.body.purpose}；双方屏幕都显示 {digits}",
            f"{who.name_en}: {asked.body.purpose}; both screens show {digits}",
        ),
    )
    presentation = present(holder, certificate, scanned, SLOTS_24, issued=now)
    picture = folder / "presentation.png"
    picture.write_bytes(draw_qr_png(encode_qr_text(presentation), ecc="L"))
    read = read_codes(picture.read_bytes())[0]
    tell.say(
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
        now=datetime.fromtimestamp(now, UTC),
        holder=holder,
        request=scanned,
        request_body=body,
        certificate=certificate,
        slots=SLOTS_24,
        presentation=presentation,
        text=read,
    )


def verify_at_counter(tell: Narrator, scene: Scene) -> bool:
    """The bank's verification of what it scanned; whether it is valid."""
    trust = load_trust(scene.home.trust_dir)
    report = verify(
        scene.text.encode(), trust=trust, now=scene.now, expect=Asked(scene.request), seen=scene.seen
    )
    tell.say(
        "银行离线核验：不联网，只用事先取得的信任包",
        "The bank verifies offline: no connection, only the trust bundle it fetched before",
    )
    tell.report(report)
    return report.outcome is Outcome.VALID
