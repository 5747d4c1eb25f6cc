"""Answers filed for a later day: request, presentation and signed proof of each, and the trust bundle they need.

`tally verify --proof 0002.proof --presentation 0002.presentation --request 0002.request --trust trust-<digest>` judges
one again. The files hold what was shown: keep them no longer than the request says.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from certificate.keys import CoseSigner
from certificate.presentation import parse_answer
from certificate.qr_text import encode_file_text
from ledger.errors import ConfigError
from ledger.reasons import Reason
from verifier.bulk.state import AskedPerson
from verifier.proof_of_verification import prove_verification
from verifier.report import Report
from verifier.trust import TrustBundle
from verifier.trust_dir import ROOT_KEYS_NAME, SEEN_NAME

__all__ = ["Archive"]


class Archive:
    """A folder, mode 0700. Called with an answer and its report, it has filed them when it returns."""

    def __init__(self, folder: Path, *, trust_dir: Path, trust: TrustBundle, key: CoseSigner) -> None:
        """Copy the bundle, once for each that was used. Raises ConfigError `store.io_error`."""
        self._folder, self._trust, self._key = folder, trust, key
        bundle = folder / f"trust-{trust.digest.hex()[:16]}"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            bundle.mkdir(mode=0o700, exist_ok=True)
            # The newest files first, the pinned keys last: a copy that was cut short opens with nothing.
            for file in sorted(trust_dir.iterdir(), key=lambda path: path.name == ROOT_KEYS_NAME):
                if file.is_file() and not file.name.startswith((".", SEEN_NAME)):
                    _write(bundle / file.name, file.read_bytes())
        except OSError as exc:
            raise ConfigError(Reason.STORE_IO_ERROR, f"{folder.name}: {exc.strerror}") from exc

    def __call__(self, asked: AskedPerson, presentation: bytes, report: Report, moment: datetime) -> None:
        parts = parse_answer(presentation)
        proof = prove_verification(
            report, parts, request=asked.request, trust=self._trust, now=moment, key=self._key
        )
        files = {"request": asked.request, "proof": proof} | {
            "presentation" if at == 1 else f"presentation-{at}": part for at, part in enumerate(parts, 1)
        }
        try:
            for ending, data in files.items():
                path = self._folder / f"{asked.person.row:04d}.{ending}"
                _write(path, encode_file_text(data).encode("ascii"))
        except OSError as exc:
            raise ConfigError(Reason.STORE_IO_ERROR, f"{self._folder.name}: {exc.strerror}") from exc


def _write(path: Path, content: bytes) -> None:
    """Durable, private, whole or not at all; a file of the same name is from a run that was cut short."""
    new = path.with_name(f".{path.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
