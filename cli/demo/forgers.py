"""The demo's forgers: each changes one thing about an honest answer, and each is to be refused for its own reason."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import click

from certificate.certificate import (
    CertificateBody,
    encode_certificate,
    issue_certificate,
    parse_certificate,
)
from certificate.holding import disclose, holder_tree, present
from certificate.keys import Ed25519CoseSigner
from certificate.numbers import CertificateType
from certificate.presentation import PresentationBody, sign_presentation
from certificate.qr_text import encode_qr_text
from certificate.request import RequestBody, parse_request, sign_request
from certificate.slot_tree import Disclosure
from certificate.slots import REGISTRIES
from certificate.texts import reason_text
from cli.demo.narrator import Narrator
from issuer.bureau_ledger import BureauLedger
from issuer.home import Home
from issuer.organisations import register_organisation, registration_of
from issuer.publish import cut_bundle
from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.merkle import leaf_hash, root_from_inclusion_path
from ledger.proof import FullProof
from ledger.reasons import Reason
from verifier.expect import STATIC, Asked
from verifier.held import HeldLogs
from verifier.report import Outcome, Report
from verifier.seen import MemorySeen
from verifier.trust_dir import load_trust
from verifier.verify import verify

__all__ = ["ATTACKS", "Attack", "Scene", "run_forgers"]


@dataclass(slots=True)
class Scene:
    """An honest showing that worked, and everything a forger might get hold of."""

    home: Home
    ledger: BureauLedger
    now: datetime
    holder: Ed25519CoseSigner
    request: bytes
    request_body: RequestBody
    certificate: bytes
    slots: tuple[int, ...]
    presentation: bytes
    text: str
    seen: MemorySeen = field(default_factory=MemorySeen)

    def judge(
        self,
        data: bytes,
        *,
        request: bytes | None = None,
        now: datetime | None = None,
        seen: MemorySeen | None = None,
        holds_blocks: bool = True,
    ) -> Report:
        """What the bank says to `data`, with a fresh memory unless one is given.

        Without blocks it is as if it had synced before the certificate was made: then signatures decide.
        """
        trust = load_trust(self.home.trust_dir)
        return verify(
            data,
            trust=trust if holds_blocks else replace(trust, held=HeldLogs()),
            now=now or self.now,
            expect=Asked(request or self.request),
            seen=seen or MemorySeen(),
        )

    def answer(self, certificate: bytes, *, holder: Ed25519CoseSigner | None = None) -> bytes:
        """A presentation of `certificate` just as it is given, signed by the holder."""
        asked = parse_request(self.request)
        body = PresentationBody(asked.body.org, asked.digest(), int(self.now.timestamp()), 10)
        return sign_presentation(holder or self.holder, body, certificate)

    def with_shown(self, change: Callable[[list[Disclosure]], list[Disclosure]]) -> bytes:
        """The answer with changed disclosures, even signed again by the holder."""
        shown = parse_certificate(disclose(self.certificate, self.slots))
        forged = encode_certificate(
            shown.sign1, change(list(shown.disclosures)), shown.multiproof, shown.proof
        )
        return self.answer(forged)

    def with_proof(self, change: Callable[[FullProof], FullProof | None]) -> bytes:
        shown = parse_certificate(disclose(self.certificate, self.slots))
        assert isinstance(shown.proof, FullProof)
        forged = encode_certificate(shown.sign1, shown.disclosures, shown.multiproof, change(shown.proof))
        return self.answer(forged)


@dataclass(frozen=True, slots=True)
class Attack:
    """One forgery and the reason it must be refused for."""

    title_en: str
    title_zh: str
    expected: Reason
    run: Callable[[Scene], Report]


def _changed_claim(scene: Scene) -> Report:
    """The oldest strip shown becomes a full year, or, if it was one, loses a month."""

    def change(shown: list[Disclosure]) -> list[Disclosure]:
        full, gap = bytes.fromhex("555555"), bytes.fromhex("555455")
        last = shown[-1]
        return [*shown[:-1], replace(last, value=gap if last.value == full else full)]

    return scene.judge(scene.with_shown(change))


def _extra_claim(scene: Scene) -> Report:
    """Thirty years of employee pension, which the certificate does not show."""
    months = Disclosure(
        os.urandom(16), REGISTRIES[CertificateType.CONTRIBUTION].slot_of("months.pension.emp"), 360
    )
    return scene.judge(scene.with_shown(lambda shown: [*shown, months]))


def _other_holder(scene: Scene) -> Report:
    thief = Ed25519CoseSigner(os.urandom(32))
    stolen = present(thief, scene.certificate, scene.request, scene.slots, issued=int(scene.now.timestamp()))
    return scene.judge(stolen)


def _stripped(scene: Scene) -> Report:
    cut_out = disclose(scene.certificate, scene.slots)
    return verify(
        encode_qr_text(cut_out).encode(),
        trust=load_trust(scene.home.trust_dir),
        now=scene.now,
        expect=STATIC,
        seen=MemorySeen(),
    )


def _other_organisation(scene: Scene) -> Report:
    key = Ed25519CoseSigner(os.urandom(32))
    registration = register_organisation(
        scene.home,
        org=2,
        name_zh="示例学校(测试)",
        name_en="Example School (test)",
        contact="示例路2号",
        request_key=key.public_key,
        now=int(scene.now.timestamp()),
    )
    request = sign_request(key, replace(scene.request_body, org=2), registration)
    return scene.judge(scene.presentation, request=request)


def _replayed(scene: Scene) -> Report:
    return scene.judge(scene.text.encode(), seen=scene.seen)


def _other_request(scene: Scene) -> Report:
    body = replace(scene.request_body, nonce=os.urandom(16))
    signer = scene.home.signer(f"org-{body.org}")
    request = sign_request(signer, body, registration_of(scene.home, body.org))
    return scene.judge(scene.presentation, request=request)


def _photographed(scene: Scene) -> Report:
    return scene.judge(scene.presentation, now=scene.now + timedelta(minutes=11))


def _expired(scene: Scene) -> Report:
    later = scene.now + timedelta(days=120)
    cut_bundle(scene.home, scene.ledger, now=int(later.timestamp()))
    return scene.judge(scene.presentation, now=later)


def _unlogged(scene: Scene) -> Report:
    """Minted behind the ledger's back with the real office key, with the proof of another certificate."""
    parsed = parse_certificate(scene.certificate)
    signer = scene.home.signer(f"office-{scene.home.settings.office}")
    body: CertificateBody = replace(parsed.body, status_index=parsed.body.status_index ^ 1)
    signed = parse_certificate(issue_certificate(signer, body))
    disclosures, multiproof = holder_tree(scene.certificate).disclose(scene.slots)
    return scene.judge(scene.answer(encode_certificate(signed.sign1, disclosures, multiproof, parsed.proof)))


def _no_proof(scene: Scene) -> Report:
    return scene.judge(scene.with_proof(lambda proof: None))


def _forged_checkpoint(scene: Scene) -> Report:
    """A log of the forger's own, with the right name and a key of his."""
    forger = Ed25519CoseSigner(os.urandom(32))

    def change(proof: FullProof) -> FullProof:
        entry = parse_certificate(scene.certificate).entry()
        root = root_from_inclusion_path(
            leaf_hash=leaf_hash(entry), index=proof.index, size=proof.size, path=proof.path
        )
        signed = sign_checkpoint(Checkpoint(scene.home.settings.origin, proof.size, root), forger)
        return replace(proof, signatures=(signed.keyed_blob, *proof.signatures[1:]))

    return scene.judge(scene.with_proof(change), holds_blocks=False)


def _no_quorum(scene: Scene) -> Report:
    forged = scene.with_proof(lambda proof: replace(proof, signatures=proof.signatures[:2]))
    return scene.judge(forged, holds_blocks=False)


def _unknown_issuer(scene: Scene) -> Report:
    parsed = parse_certificate(scene.certificate)
    signed = parse_certificate(issue_certificate(Ed25519CoseSigner(os.urandom(32)), parsed.body))
    disclosures, multiproof = holder_tree(scene.certificate).disclose(scene.slots)
    return scene.judge(scene.answer(encode_certificate(signed.sign1, disclosures, multiproof, parsed.proof)))


def _web_address(scene: Scene) -> Report:
    return scene.judge(b"https://verify.example.test/?code=12345")


def _stale_bundle(scene: Scene) -> Report:
    return scene.judge(scene.presentation, now=scene.now + timedelta(days=3650))


# The order matters for one of them only: `_expired` publishes a bundle of a later day, so it stands last.
ATTACKS = (
    Attack("a claim changed", "改动一项内容", Reason.DISC_DIGEST_MISMATCH, _changed_claim),
    Attack("a claim added", "添加一项内容", Reason.DISC_MALFORMED, _extra_claim),
    Attack("signed with another's key", "用别人的密钥签名", Reason.PRES_BINDING_INVALID, _other_holder),
    Attack(
        "the holder's signature cut off, offered as paper",
        "去掉本人签名，当纸质证明出示",
        Reason.PRES_BINDING_MISSING,
        _stripped,
    ),
    Attack(
        "shown again at another organisation",
        "拿到另一家单位再次出示",
        Reason.PRES_AUDIENCE_MISMATCH,
        _other_organisation,
    ),
    Attack("shown again at the same one", "在同一家单位再次出示", Reason.PRES_NONCE_REPLAYED, _replayed),
    Attack(
        "an answer to yesterday's request", "对另一次请求的回答", Reason.PRES_REQUEST_MISMATCH, _other_request
    ),
    Attack("a photo of it, eleven minutes later", "翻拍，十一分钟后出示", Reason.PRES_EXPIRED, _photographed),
    Attack(
        "minted with the stolen key, never logged",
        "用盗取的密钥签发，未入账本",
        Reason.LOG_INCLUSION_INVALID,
        _unlogged,
    ),
    Attack("no ledger proof at all", "没有账本证明", Reason.LOG_INCLUSION_MISSING, _no_proof),
    Attack(
        "a checkpoint of the forger's own log",
        "伪造的账本检查点",
        Reason.CKPT_SIG_MISSING,
        _forged_checkpoint,
    ),
    Attack("a checkpoint with too few witnesses", "见证部门不足", Reason.CKPT_QUORUM_UNMET, _no_quorum),
    Attack("an issuer nobody knows", "名录中没有的机构", Reason.KEY_UNKNOWN, _unknown_issuer),
    Attack("a QR code with a web address", "二维码里是网址", Reason.ENC_PREFIX_UNKNOWN, _web_address),
    Attack(
        "a verifier whose clock is ten years ahead",
        "核验方时钟快了十年",
        Reason.TRUST_BUNDLE_STALE,
        _stale_bundle,
    ),
    Attack("an expired certificate", "过期的证明", Reason.TIME_EXPIRED, _expired),
)


def run_forgers(tell: Narrator, scene: Scene) -> bool:
    """All attacks; whether each was refused for the reason it must be refused for."""
    tell.say("现在轮到造假者", "Now the forgers try")
    reasons, all_refused = set(), True
    for attack in ATTACKS:
        report = attack.run(scene)
        reason = report.reason
        as_expected = report.outcome is not Outcome.VALID and reason is attack.expected
        all_refused &= as_expected
        reasons.add(reason)
        refused = report.outcome is Outcome.INVALID
        mark = tell.word("拒绝", "refused") if refused else tell.word("不予采信", "not accepted")
        title = tell.word(attack.title_zh, attack.title_en)
        said = reason_text(reason, tell.language) if reason is not None else "ACCEPTED"
        click.echo(f"   {mark if as_expected else 'WRONG'}: {title}")
        click.echo(f"      {said} [{reason}]")
    count, kinds = len(ATTACKS), len(reasons)
    tell.line(f"{count} 种攻击，{kinds} 个不同原因", f"{count} attacks, {kinds} different reasons")
    return all_refused and kinds == count
