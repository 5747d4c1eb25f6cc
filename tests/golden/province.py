"""A province for golden cases: three bureaus of three profiles, certificates in one log, one trust bundle."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from typing import Any

from certificate.certificate import (
    CertificateBody,
    UnverifiedCertificate,
    encode_certificate,
    issue_certificate,
    parse_certificate,
)
from certificate.directory import (
    Authority,
    Directory,
    DirectoryKey,
    KeyRole,
    LogRecord,
    Office,
    VoidRange,
    sign_directory,
)
from certificate.keys import CoseSigner
from certificate.log_files import Milestones, encode_milestones
from certificate.numbers import CertificateType, Environment
from certificate.request import RegistrationBody, RequestBody, SlotsItem, sign_registration, sign_request
from certificate.slot_tree import ClaimsTree
from certificate.slots import ClaimValue
from certificate.status_list import STATUS_BITS, StatusList, sign_status_token, status_list_uri
from ledger.merkle import prove_inclusion
from ledger.proof import FullProof, Proof
from tests.world import DAY, PURPOSE, REGISTRY, Log, claims_of_60_months, other_entries, signer
from verifier.held import milestones_file_name
from verifier.trust import BUNDLE_NAME, DIRECTORY_NAME, POLICY_NAME, sign_bundle, status_file_name

__all__ = ["BUREAUS", "PEOPLE", "Issued", "Province"]

PEOPLE = 90  # per bureau
LOG_SIZE = 768  # three whole blocks
STATUS_SIZE = 4096
CUT_OFF = 202610


@dataclass(frozen=True, slots=True)
class Bureau:
    """An authority with one office, and what is peculiar to its certificates."""

    number: int
    region: str
    profile: int
    kinds: tuple[str, ...]

    @property
    def key(self) -> CoseSigner:
        return signer(f"office of bureau {self.number}")

    @property
    def status_key(self) -> CoseSigner:
        return signer(f"status of bureau {self.number}")


BUREAUS = (
    Bureau(1, "9901", 1, ("pension.emp", "medical.emp")),
    Bureau(2, "9902", 2, ("pension.emp",)),
    Bureau(3, "9903", 3, ("medical.emp",)),
)


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate as its holder has it: signed, its claims tree, its key if it is bound."""

    bureau: Bureau
    signed: UnverifiedCertificate
    tree: ClaimsTree
    holder: CoseSigner | None

    def show(self, proof: Proof | None) -> bytes:
        """With every claim of it shown."""
        disclosures, multiproof = self.tree.disclose(self.tree.slots)
        return encode_certificate(self.signed.sign1, disclosures, multiproof, proof)


class Province:
    """Everything from one seed and one moment (POSIX seconds)."""

    def __init__(self, seed: int, now: int) -> None:
        self.now = now
        self.chance = random.Random(seed)
        self.issued = [self.issue(bureau, n) for bureau in BUREAUS for n in range(PEOPLE)]
        self.special = {
            name: [self._special(bureau, n, **made) for n, bureau in enumerate(BUREAUS, start=1000 * at)]
            for at, (name, made) in enumerate(self._wrongs().items(), start=1)
        }
        everyone = [*self.issued, *(one for row in self.special.values() for one in row)]
        entries = [one.signed.entry() for one in everyone]
        # Somebody else's entry is the first, so that a key can end after it and before all of these.
        self.log = Log([*other_entries(1), *sorted([*entries, *other_entries(LOG_SIZE - len(entries))[1:]])])
        self.nodes: dict[tuple[int, int], bytes] = {}
        self._signatures = self.log.signatures(time=now - 7200)

    # --- bureaus ----------------------------------------------------------------------------------------------

    def issue(
        self,
        bureau: Bureau,
        number: int,
        *,
        key: CoseSigner | None = None,
        bound: bool | None = None,
        **changes: object,
    ) -> Issued:
        """Certificate `number` of a bureau; every second one is bound to a key of its own."""
        tree = ClaimsTree.from_seed(
            REGISTRY, sha256(b"%d %d" % (bureau.number, number)).digest(), _claims(bureau, number)
        )
        holder = (
            signer(f"holder {bureau.number} {number}") if (number % 2 if bound is None else bound) else None
        )
        today = self.now // DAY
        body = CertificateBody(
            type=CertificateType.CONTRIBUTION,
            authority=bureau.number,
            office=bureau.number,
            region=int(bureau.region) * 100 + number % 100,
            profile=bureau.profile,
            cut_off=CUT_OFF,
            issued=today - 1,
            expires=today + 89,
            status_list=0,
            status_index=number,
            claims_root=tree.root(),
            cnf=None if holder is None else holder.public_key,
        )
        body = replace(body, **changes)  # type: ignore[arg-type]  # fields of CertificateBody
        return Issued(bureau, parse_certificate(issue_certificate(key or bureau.key, body)), tree, holder)

    def _special(
        self, bureau: Bureau, number: int, *, key: CoseSigner | None = None, **changes: object
    ) -> Issued:
        if key is not None:  # a stolen key is one office's
            bureau = BUREAUS[0]
        return self.issue(bureau, number, key=key, bound=False, **changes)

    def _wrongs(self) -> dict[str, dict[str, Any]]:
        """Rightly signed and logged, and yet to be refused: what is wrong with each."""
        today = self.now // DAY
        return {
            "expired": {"expires": today - 1, "issued": today - 20},
            "future": {"issued": today + 2},
            "backwards": {"issued": today - 1, "expires": today - 2},
            "dated back": {"issued": today - 60},
            "revoked": {"status_index": 4000},
            "suspended": {"status_index": 4001},
            "replaced": {"status_index": 4002},
            "unlisted": {"status_list": 5},
            "stolen": {"key": signer("stolen")},
        }

    # --- the log ----------------------------------------------------------------------------------------------

    def index(self, issued: Issued) -> int:
        return self.log.entries.index(issued.signed.entry())

    def prove(self, issued: Issued) -> FullProof:
        index = self.index(issued)
        path = prove_inclusion(index, LOG_SIZE, self._node)
        return FullProof(1, index, LOG_SIZE, tuple(path), self._signatures)

    def _node(self, level: int, index: int) -> bytes:
        if (level, index) not in self.nodes:
            self.nodes[level, index] = self.log.node(level, index)
        return self.nodes[level, index]

    # --- the bundle -------------------------------------------------------------------------------------------

    def directory(self, **changes: object) -> Directory:
        keys = [
            DirectoryKey(role, bureau.number, bureau.number, key.public_key, 1)
            for bureau in BUREAUS
            for role, key in ((KeyRole.CERTIFICATE, bureau.key), (KeyRole.STATUS, bureau.status_key))
        ]
        stolen = DirectoryKey(
            KeyRole.CERTIFICATE, 1, 1, signer("stolen").public_key, 1, to_index=2**40, void_from=1
        )
        directory = Directory(
            environment=Environment.TEST,
            version=1,
            authorities=tuple(
                Authority(b.number, f"第{b.number}社保局(测试)", f"Bureau {b.number} (test)") for b in BUREAUS
            ),
            offices=tuple(
                Office(
                    b.number, b.number, f"{b.region}0200", f"第{b.number}办事处(测试)", f"Office {b.number} (test)",
                    None, b.region, (CertificateType.CONTRIBUTION,),
                )
                for b in BUREAUS
            ),
            keys=(*keys, stolen, DirectoryKey(KeyRole.REGISTRAR, 1, 1, signer("registrar").public_key, 1)),
            logs=(LogRecord(1, self.log.origin),),
            voids=tuple(VoidRange(3, 1, at, at + 1) for at in self.voided),
        )  # fmt: skip
        return replace(directory, **changes)  # type: ignore[arg-type]  # fields of Directory

    @cached_property
    def voided(self) -> list[int]:
        """The places of the last two certificates of bureau 3, which it disowned."""
        return sorted(self.index(one) for one in self.issued[-2:])

    def files(self) -> dict[str, bytes]:
        """The bundle; of each bureau index 4000 is revoked, 4001 suspended, 4002 replaced."""
        marks = encode_milestones(Milestones(1, ((1, self.now - 30 * DAY), (LOG_SIZE, self.now - 7200))))
        files = {
            DIRECTORY_NAME: sign_directory(signer("root"), self.directory()),
            POLICY_NAME: self.log.policy_text().encode(),
            **self.log.held_files(time=self.now - 7200),
            milestones_file_name(1): marks,
        }
        for bureau in BUREAUS:
            packed = bytearray(STATUS_SIZE * STATUS_BITS // 8)
            packed[1000] = 0b111001
            files[status_file_name(bureau.number, 0)] = sign_status_token(
                bureau.status_key,
                uri=status_list_uri(bureau.number, 0),
                issued=self.now - DAY,
                expires=self.now + 30 * DAY,
                ttl=8 * DAY,
                statuses=StatusList(STATUS_BITS, bytes(packed)),
            )
        files[BUNDLE_NAME] = sign_bundle(
            signer("root"), files, environment=Environment.TEST, version=1, issued=self.now - 3600,
            expires=self.now + 8 * DAY,
        )  # fmt: skip
        return files

    # --- the asker --------------------------------------------------------------------------------------------

    def request(self, *, nonce: bytes | None = None, org: int = 1) -> bytes:
        """The name, asked at a counter; everything is shown anyway."""
        today = self.now // DAY
        everything = ((CertificateType.CONTRIBUTION, (0, REGISTRY.slot_count - 1)),)
        registration = RegistrationBody(
            org, "示例银行(测试)", "Example Bank (test)", "示例路1号", signer("asker").public_key, (PURPOSE,),
            everything, (), today - 30, today + 335,
        )  # fmt: skip
        body = RequestBody(
            org=org,
            nonce=nonce,
            desk=None if nonce else "3号窗口",
            items=(SlotsItem(CertificateType.CONTRIBUTION, (REGISTRY.slot_of("name"),)),),
            purpose=PURPOSE,
            legal_basis="个人信息保护法第十三条",
            method="当场核验",
            retention=30,
            expires=self.now + 3600,
            holds=((1, LOG_SIZE),),
        )
        return sign_request(signer("asker"), body, sign_registration(signer("registrar"), registration))


def _claims(bureau: Bureau, number: int) -> Mapping[int, ClaimValue]:
    """Of the person of the test world what this bureau records."""
    whole = dict(claims_of_60_months())
    for kind in ("pension.emp", "medical.emp"):
        if kind not in bureau.kinds:
            for claim in list(whole):
                if REGISTRY.claim_at(claim).name.split(".", 1)[-1].startswith(kind):
                    del whole[claim]
    whole[REGISTRY.slot_of("name")] = "测试" + "甲乙丙丁戊己庚辛壬癸"[number % 10]
    return whole
