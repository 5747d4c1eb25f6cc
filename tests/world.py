"""A small honest world for tests: one authority with keys, a log of a few hundred entries, four witnesses, a bundle.

Everything is derived from fixed seeds, so the same world has the same bytes; nothing touches disk, clock or network.
A test changes one thing and asks `verify` what it says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256

from certificate.certificate import (
    CertificateBody,
    encode_certificate,
    issue_certificate,
    parse_certificate,
)
from certificate.cose import sign_object
from certificate.delegation import DelegationBody, DelegationEnd, parse_delegation
from certificate.directory import (
    Authority,
    Directory,
    DirectoryKey,
    KeyRole,
    LogRecord,
    Office,
    sign_directory,
)
from certificate.holding import disclose, present
from certificate.journal import FIRST_PREVIOUS, JournalEntry
from certificate.key_event import Delegation, Disowning, End, KeyEvent, Standing, Void, sign_key_event
from certificate.keys import CoseSigner, Ed25519CoseSigner
from certificate.log_files import encode_blocks
from certificate.numbers import CertificateType, Environment, Typ
from certificate.policy.parsing import parse_policy
from certificate.request import (
    RegistrationBody,
    RequestBody,
    SlotsItem,
    sign_registration,
    sign_request,
)
from certificate.slot_tree import ClaimsTree
from certificate.slots import REGISTRIES, ClaimValue
from certificate.status_list import STATUS_BITS, StatusList, sign_status_token, status_list_uri
from certificate.succession import (
    SuccessionBody,
    SuccessionReason,
    encode_succession,
    parse_succession,
    sign_succession,
)
from certificate.template.parsing import parse_template
from ledger.blocks import Blocks
from ledger.checkpoint import Checkpoint, cosign, encode_checkpoint, sign_checkpoint
from ledger.entry import EntryType, encode_entry
from ledger.merkle import leaf_hash, node_hash, prove_inclusion, root_at
from ledger.note import Note, SignatureType, VerifierKey, encode_note, encode_vkey
from ledger.proof import FullProof
from verifier.expect import Asked, Expectation
from verifier.held import blocks_file_name, checkpoint_file_name
from verifier.report import Report
from verifier.seen import MemorySeen, Seen
from verifier.trust import (
    BUNDLE_NAME,
    DIRECTORY_NAME,
    POLICY_NAME,
    TrustBundle,
    parse_bundle,
    policy_file_name,
    sign_bundle,
    status_file_name,
    template_file_name,
)
from verifier.verify import verify

REGISTRY = REGISTRIES[CertificateType.CONTRIBUTION]
ORIGIN = "log.example-city.test/2026"
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
TODAY = SECONDS // 86400
DAY = 86400
PURPOSE = "核验参保缴费情况"


def signer(name: str) -> Ed25519CoseSigner:
    """The key called `name`, the same in every run."""
    return Ed25519CoseSigner(sha256(b"test key " + name.encode()).digest())


def claims_of_60_months() -> dict[int, ClaimValue]:
    """A person with every month of employee pension and medical insurance from 2021-11 to 2026-10."""
    claims: dict[str, ClaimValue] = {"name": "测试甲", "id_tail": "0017", "id_no": "990000199001010017"}
    for kind in ("pension.emp", "medical.emp"):
        claims |= {
            f"settled.{kind}": 202610,
            f"strip.{kind}.2026": bytes.fromhex("055555"),
            **{f"strip.{kind}.{year}": bytes.fromhex("555555") for year in range(2022, 2026)},
            f"strip.{kind}.2021": bytes.fromhex("500000"),
            f"status.{kind}": 1,
            f"months.{kind}": 60,
            f"run.{kind}": 60,
        }
    claims["employer"] = ["91990000T0000001X7", "样例制造有限公司(测试)", 202111, 60]
    return {REGISTRY.slot_of(name, cut_off=202610): value for name, value in claims.items()}


SLOTS_24 = tuple(
    sorted(
        REGISTRY.slot_of(name, cut_off=202610)
        for name in (
            "settled.pension.emp",
            "strip.pension.emp.2026",
            "strip.pension.emp.2025",
            "strip.pension.emp.2024",
        )
    )
)


class Log:
    """A log in memory: entries, the hashes of its complete subtrees, its key and four witnesses."""

    def __init__(self, entries: Sequence[bytes], *, origin: str = ORIGIN) -> None:
        self.origin = origin
        self.entries = list(entries)
        self.signer = signer("log")
        self.witnesses = [signer(f"witness {n}") for n in range(1, 5)]
        self._leaves = [leaf_hash(entry) for entry in self.entries]

    def node(self, level: int, index: int) -> bytes:
        if level == 0:
            return self._leaves[index]
        return node_hash(self.node(level - 1, 2 * index), self.node(level - 1, 2 * index + 1))

    def checkpoint(self) -> Checkpoint:
        return Checkpoint(self.origin, len(self.entries), root_at(len(self.entries), self.node))

    def signatures(self, *, cosigned_by: int = 3, time: int = SECONDS) -> tuple[bytes, ...]:
        checkpoint = self.checkpoint()
        blobs = [sign_checkpoint(checkpoint, self.signer).keyed_blob]
        for number, key in enumerate(self.witnesses[:cosigned_by], start=1):
            blobs.append(cosign(checkpoint, key, name=f"witness-{number}.test", time=time).keyed_blob)
        return tuple(blobs)

    def prove(self, entry: bytes) -> FullProof:
        index = self.entries.index(entry)
        path = prove_inclusion(index, len(self.entries), self.node)
        return FullProof(1, index, len(self.entries), tuple(path), self.signatures())

    def note(self, *, time: int = SECONDS - 7200) -> bytes:
        """The cosigned checkpoint as a signed note."""
        checkpoint = self.checkpoint()
        lines = [sign_checkpoint(checkpoint, self.signer)]
        for number, key in enumerate(self.witnesses[:3], start=1):
            lines.append(cosign(checkpoint, key, name=f"witness-{number}.test", time=time))
        return encode_note(Note(encode_checkpoint(checkpoint), tuple(lines)))

    def held_files(self, *, start: int = 0, time: int = SECONDS - 7200) -> dict[str, bytes]:
        """What a bundle cut now says of this log."""
        blocks = Blocks.read(len(self.entries), start, self.node)
        return {checkpoint_file_name(1): self.note(time=time), blocks_file_name(1): encode_blocks(1, blocks)}

    def policy_text(self, *, quorum: int = 3) -> str:
        lines = [
            f"log {encode_vkey(VerifierKey(self.origin, SignatureType.ED25519, self.signer.public_key))}"
        ]
        for number, key in enumerate(self.witnesses, start=1):
            vkey = VerifierKey(f"witness-{number}.test", SignatureType.COSIGNATURE, key.public_key)
            lines.append(f"witness w{number} {encode_vkey(vkey)}")
        lines += [f"group all4 {quorum} w1 w2 w3 w4", "quorum all4"]
        return "\n".join(lines) + "\n"


@dataclass
class World:
    """One authority, one office, one log; `bundle()` and `certificate()` take what a test wants different."""

    office: Ed25519CoseSigner = field(default_factory=lambda: signer("office"))
    holder: CoseSigner = field(default_factory=lambda: signer("holder"))
    asker: Ed25519CoseSigner = field(default_factory=lambda: signer("asker"))
    registrar: Ed25519CoseSigner = field(default_factory=lambda: signer("registrar"))
    status_key: Ed25519CoseSigner = field(default_factory=lambda: signer("status"))
    root: Ed25519CoseSigner = field(default_factory=lambda: signer("root"))

    def __post_init__(self) -> None:
        self.log = Log([])

    # --- the issuer's side ------------------------------------------------------------------------------------

    def directory(self, **changes: object) -> Directory:
        keys = tuple(
            DirectoryKey(role, 1, 1, key.public_key, 1)
            for role, key in (
                (KeyRole.CERTIFICATE, self.office),
                (KeyRole.STATUS, self.status_key),
                (KeyRole.REGISTRAR, self.registrar),
            )
        )
        directory = Directory(
            environment=Environment.TEST,
            version=1,
            authorities=(Authority(1, "示例市社保局(测试)", "Example City Bureau (test)"),),
            offices=(
                Office(
                    1, 1, "99010200", "示例县社保局(测试)", "Example County Office (test)", None, "9901",
                    (CertificateType.CONTRIBUTION,),
                ),
            ),
            keys=keys,
            logs=(LogRecord(1, ORIGIN),),
        )  # fmt: skip
        return replace(directory, **changes)  # type: ignore[arg-type]  # fields of Directory

    def status_token(
        self,
        *,
        statuses: Mapping[int, int] | None = None,
        issued: int = SECONDS - DAY,
        ttl: int = 8 * DAY,
        expires: int = SECONDS + 30 * DAY,
        uri: str = status_list_uri(1, 0),
        size: int = 4096,
        key: Ed25519CoseSigner | None = None,
    ) -> bytes:
        packed = bytearray(size * STATUS_BITS // 8)
        for index, value in (statuses or {}).items():
            packed[index // 4] |= value << (2 * (index % 4))
        values = StatusList(STATUS_BITS, bytes(packed))
        return sign_status_token(
            key or self.status_key, uri=uri, issued=issued, expires=expires, ttl=ttl, statuses=values
        )

    def bundle_files(
        self,
        *,
        directory: Directory | None = None,
        token: bytes | None = None,
        with_list: bool = True,
        quorum: int = 3,
        issued: int = SECONDS - 3600,
        expires: int = SECONDS + 8 * DAY,
        version: int = 1,
        policies: Sequence[bytes] = (),
        templates: Sequence[bytes] = (),
        others: Mapping[str, bytes] | None = None,
    ) -> dict[str, bytes]:
        directory = directory or self.directory()
        files = {
            DIRECTORY_NAME: sign_directory(self.root, directory),
            POLICY_NAME: self.log.policy_text(quorum=quorum).encode(),
        }
        files |= {policy_file_name(parse_policy(text).id): text for text in policies}
        files |= {template_file_name(parse_template(text).id): text for text in templates}
        if with_list:
            files[status_file_name(1, 0)] = token or self.status_token()
        files |= others or {}
        files[BUNDLE_NAME] = sign_bundle(
            self.root,
            files,
            environment=directory.environment,
            version=version,
            issued=issued,
            expires=expires,
        )
        return files

    def bundle(
        self,
        *,
        directory: Directory | None = None,
        token: bytes | None = None,
        with_list: bool = True,
        quorum: int = 3,
        issued: int = SECONDS - 3600,
        expires: int = SECONDS + 8 * DAY,
        version: int = 1,
        policies: Sequence[bytes] = (),
        templates: Sequence[bytes] = (),
        others: Mapping[str, bytes] | None = None,
    ) -> TrustBundle:
        files = self.bundle_files(
            directory=directory,
            token=token,
            with_list=with_list,
            quorum=quorum,
            issued=issued,
            expires=expires,
            version=version,
            policies=policies,
            templates=templates,
            others=others,
        )
        return parse_bundle(files, root_keys=[self.root.public_key])

    def tree(self, claims: Mapping[int, ClaimValue] | None = None, *, seed: bytes = b"s" * 32) -> ClaimsTree:
        return ClaimsTree.from_seed(REGISTRY, seed, claims_of_60_months() if claims is None else claims)

    def body(self, *, paper: bool = False, **changes: object) -> CertificateBody:
        body = CertificateBody(
            type=CertificateType.CONTRIBUTION,
            authority=1,
            office=1,
            region=990102,
            profile=1,
            cut_off=202610,
            issued=TODAY - 1,
            expires=TODAY + 89,
            status_list=0,
            status_index=1234,
            claims_root=self.tree().root(),
            cnf=None if paper else self.holder.public_key,
        )
        return replace(body, **changes)  # type: ignore[arg-type]  # fields of CertificateBody

    def certificate(
        self,
        body: CertificateBody | None = None,
        *,
        tree: ClaimsTree | None = None,
        slots: Sequence[int] | None = None,
        key: CoseSigner | None = None,
        logged: bool = True,
        neighbours: int = 300,
    ) -> bytes:
        """A signed, logged certificate that shows `slots` (default: everything it holds)."""
        tree = tree or self.tree()
        signed = parse_certificate(issue_certificate(key or self.office, body or self.body()))
        disclosures, multiproof = tree.disclose(tree.slots if slots is None else slots)
        proof = None
        if logged:
            self.log = Log(sorted([*other_entries(neighbours), signed.entry()]))
            proof = self.log.prove(signed.entry())
        return encode_certificate(signed.sign1, disclosures, multiproof, proof)

    def succession(
        self,
        *,
        key: CoseSigner | None = None,
        authority: int = 1,
        logged: bool = True,
        neighbours: int = 300,
        **changes: object,
    ) -> bytes:
        """The office's word, logged, that the key `new holder` took the place of the holder's."""
        body = SuccessionBody(
            old_key=self.holder.public_key,
            new_key=signer("new holder").public_key,
            time=SECONDS - 60,
            reason=SuccessionReason.LOST,
        )
        body = replace(body, **changes)  # type: ignore[arg-type]  # fields of SuccessionBody
        signed = parse_succession(sign_succession(key or self.office, body))
        proof = None
        if logged:
            self.log = Log(sorted([*other_entries(neighbours), signed.entry(authority)]))
            proof = self.log.prove(signed.entry(authority))
        return encode_succession(signed.sign1, proof)

    def delegation(self, **changes: object) -> bytes:
        """The holder lets the key `proxy` act for 30 days."""
        body = DelegationBody(
            self.holder.public_key,
            signer("proxy").public_key,
            (CertificateType.CONTRIBUTION,),
            TODAY,
            TODAY + 29,
            b"d" * 16,
        )
        body = replace(body, **changes)  # type: ignore[arg-type]  # fields of DelegationBody
        return sign_object(self.holder, Typ.DELEGATION, body.encode(), with_kid=False)

    def delegation_end(self, *, time: int = SECONDS) -> bytes:
        """The end of that delegation."""
        end = DelegationEnd(parse_delegation(self.delegation()).digest(), time)
        return sign_object(self.holder, Typ.DELEGATION_END, end.encode(), with_kid=False)

    def journal_entry(self, **changes: object) -> bytes:
        """The first entry of the holder's journal."""
        entry = JournalEntry(1, FIRST_PREVIOUS, SECONDS, 1, bytes(range(32)), 1, SLOTS_24)
        entry = replace(entry, **changes)  # type: ignore[arg-type]  # fields of JournalEntry
        return sign_object(self.holder, Typ.JOURNAL, entry.encode(), with_kid=False)

    # --- the asker's and the holder's side ----------------------------------------------------------------------

    def key_event(self, said: Delegation | End | Void | Disowning | Standing | None = None) -> bytes:
        """What the office says about a key below it: by default that a village gets one."""
        if said is None:
            village = Office(
                1, 2, "99010211", "示例村代办点(测试)", "Example Village (test)", 1, "990102",
                (CertificateType.CONTRIBUTION,),
            )  # fmt: skip
            said = Delegation(village, signer("village").public_key, 256)
        return sign_key_event(self.office, KeyEvent(1, 1, SECONDS, ("first",), said))

    def registration(self, **changes: object) -> bytes:
        body = RegistrationBody(
            org=1,
            name_zh="示例银行(测试)",
            name_en="Example Bank (test)",
            contact="示例路1号",
            request_key=self.asker.public_key,
            purposes=(PURPOSE,),
            slots=((CertificateType.CONTRIBUTION, (0, REGISTRY.slot_count - 1)),),
            policies=(),
            valid_from=TODAY - 30,
            valid_to=TODAY + 335,
        )
        return sign_registration(self.registrar, replace(body, **changes))  # type: ignore[arg-type]  # its fields

    def request_body(self, **changes: object) -> RequestBody:
        body = RequestBody(
            org=1,
            nonce=b"n" * 16,
            desk=None,
            items=(SlotsItem(CertificateType.CONTRIBUTION, SLOTS_24),),
            purpose=PURPOSE,
            legal_basis="个人信息保护法第十三条",
            method="当场核验",
            retention=30,
            expires=SECONDS + 3600,
        )
        return replace(body, **changes)  # type: ignore[arg-type]  # fields of RequestBody

    def request(self, *, registration: bytes | None = None, **changes: object) -> bytes:
        return sign_request(self.asker, self.request_body(**changes), registration or self.registration())

    def presentation(
        self,
        *,
        certificate: bytes | None = None,
        request: bytes | None = None,
        slots: Sequence[int] = SLOTS_24,
        issued: int = SECONDS - 30,
        lifetime: int = 10,
    ) -> bytes:
        return present(
            self.holder,
            certificate or self.certificate(),
            request or self.request(),
            slots,
            issued=issued,
            lifetime=lifetime,
        )

    def shown(self, slots: Sequence[int] = SLOTS_24) -> bytes:
        """The certificate with `slots` shown, without the holder's signature."""
        return disclose(self.certificate(), slots)

    # --- the verifier's side --------------------------------------------------------------------------------------

    def verify(
        self,
        data: bytes | Sequence[bytes],
        *,
        expect: Expectation | None = None,
        trust: TrustBundle | None = None,
        now: datetime = NOW,
        seen: Seen | None = None,
    ) -> Report:
        return verify(
            data,
            trust=trust or self.bundle(),
            now=now,
            expect=expect or Asked(self.request()),
            seen=seen or MemorySeen(),
        )


def other_entries(count: int) -> list[bytes]:
    return [encode_entry(EntryType.CERTIFICATE, 1, sha256(b"other %d" % n).digest()) for n in range(count)]
