"""Who copied an office's key and can append to the ledger: certificates about whom he likes, dated as he likes."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

from certificate.certificate import encode_certificate, issue_certificate, parse_certificate
from certificate.keys import Ed25519CoseSigner
from certificate.numbers import CertificateType
from certificate.qr_text import encode_qr_text
from certificate.slot_tree import ClaimsTree
from certificate.slots import ClaimValue
from issuer.home import Home
from issuer.register import RegisterRow
from ledger.keyfile import load_key

__all__ = ["Thief"]

DAY = 86400


class Thief:
    """Holds a copy of a key file and its passphrase, and an honest certificate to imitate."""

    def __init__(self, home: Path, *, key: str, like: RegisterRow) -> None:
        stored = load_key(
            home / "keys" / f"{key}.key",
            purpose=key,
            passphrase=(home / "passphrase").read_bytes().strip(),
        )
        self._signer = Ed25519CoseSigner(stored.seed)
        self._home = home
        self._like = like

    def forge(
        self, *, days_back: int = 0, holder: bytes | None = None, log: bool = True, **changes: object
    ) -> tuple[bytes, int]:
        """A certificate of sixty paid months, dated back, logged and cosigned if told so; and its index.

        `changes` are fields of its signed body.
        """
        body = replace(parse_certificate(self._like.signed).body, **changes)  # type: ignore[arg-type]  # its fields
        shown: dict[str, ClaimValue] = {"name": "测试丙", "id_tail": "0017", "months.pension.emp": 60}
        if body.type is CertificateType.EMPLOYER:
            shown = {"employer_name": "样例制造有限公司(测试)", "headcount": 60}
        claims = {body.registry.slot_of(name): value for name, value in shown.items()}
        tree = ClaimsTree.from_seed(body.registry, os.urandom(32), claims)
        forged = replace(
            body,
            issued=int(time.time()) // DAY - days_back,
            claims_root=tree.root(),
            status_index=int.from_bytes(os.urandom(2)),
            cnf=holder,
        )
        signed = parse_certificate(issue_certificate(self._signer, forged))
        disclosures, multiproof = tree.disclose(tree.slots)
        if not log:
            return encode_certificate(signed.sign1, disclosures, multiproof, None), -1
        ledger = Home(self._home).ledger()
        try:
            (index,) = ledger.append([signed.entry()])
            ledger.checkpoint(int(time.time()))
            proof = ledger.prove(index)
        finally:
            ledger.close()
        return encode_certificate(signed.sign1, disclosures, multiproof, proof), index

    def write(self, folder: Path, certificate: bytes) -> Path:
        """The forged paper as a file of text."""
        path = folder / f"forged-{parse_certificate(certificate).body.number}.txt"
        path.write_text(encode_qr_text(certificate))
        return path
