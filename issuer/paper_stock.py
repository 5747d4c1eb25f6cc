"""Paper in bulk: a file for each person or certificate of a list, drawn in processes of their own, resumable.

A file is put in place whole, so that what is there under its name was finished; it is looked at again all the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Literal

from certificate.qr_draw import draw_qr_png, draw_qr_svg
from certificate.qr_text import ErrorCorrection, encode_qr_text
from certificate.slots import ClaimValue
from certificate.texts import Language
from issuer.bureau_ledger import BureauLedger
from issuer.export import encode_shown, paper_slots, proof_of_row, published_size
from issuer.home import Home
from issuer.mint import claims_tree_of
from issuer.register import PAPER, Register, RegisterRow
from issuer.service import mint_persons, opened_register
from issuer.signing import mint_identity
from issuer.snapshot import Snapshot
from ledger.durable import map_os_error
from ledger.errors import ConfigError
from ledger.held_log import smallest_proof
from ledger.proof import Proof
from ledger.reasons import Reason
from ledger.workers import Workers, available_cores

__all__ = ["PaperFile", "PaperForm", "draw_certificate", "export_paper"]

PaperForm = Literal["png", "svg", "pdf"]

_CHUNK = 50
_MINT_CHUNK = 10_000
_WORTH_PROCESSES = 200
_MEDIUM_FITS = 1326  # bytes of version 30 at level M
_ENDS = {"png": b"IEND\xaeB`\x82", "svg": b"</svg>\n", "pdf": b"%%EOF\n"}


@dataclass(frozen=True, slots=True)
class PaperFile:
    """One file: what was asked for, the certificate's number, where it lies, whether it lay there before."""

    asked: str
    number: str
    path: Path
    kept: bool


@dataclass(frozen=True, slots=True)
class _Job:
    asked: str
    row: RegisterRow
    proof: Proof


def export_paper(
    home: Home,
    ledger: BureauLedger,
    asked: Sequence[str],
    *,
    folder: Path,
    form: PaperForm,
    show: Sequence[int],
    language: Language,
    now: int,
    extra: Mapping[int, ClaimValue] | None = None,
    short: bool = False,
) -> Iterator[PaperFile]:
    """Write a file into `folder` for each certificate or person number, in their order; paper is minted where due.

    Args:
        show: the slots to show; empty for the sensible default set.
        extra: claims that stand on paper only.
        short: with short proofs, for readers who hold the newest bundle; paper newer than it keeps its full proof.
    Raises:
        ConfigError: `person.not_found` before anything is minted or drawn; `store.io_error` and the like.
    """
    with opened_register(home) as register:
        persons = [_person(register, number) for number in asked]
    snapshot = home.snapshot()
    unknown = sum(person not in snapshot for person in persons)
    if unknown:
        hint = "correct the list: numbers of certificates, or of persons in the newest snapshot"
        raise ConfigError(Reason.PERSON_NOT_FOUND, f"{unknown} numbers of the list", hint=hint)
    stock = _Stock(home, ledger, snapshot, folder, form, extra)
    stock.mint_missing(persons, now)
    if short:
        stock = replace(stock, holds=published_size(home, ledger.log))
    count = available_cores() if len(asked) >= _WORTH_PROCESSES else 1
    arguments = (home.seal_key(), snapshot, folder, form, tuple(show), language)
    with Workers(_drawing, arguments, count=count) as workers:
        for chunk in workers.map(stock.jobs(asked, persons)):
            yield from chunk


def draw_certificate(data: bytes, form: PaperForm, language: Language) -> bytes:
    """A paper certificate, given as its tagged bytes, as a picture of its code or as a page.

    Raises:
        FormatError, ConfigError: as `draw_qr_png` and `issuer.paper.draw_paper`.
    """
    return _draw_all([data], form, language)[0]


def _draw_all(certificates: Sequence[bytes], form: PaperForm, language: Language) -> list[bytes]:
    if form == "pdf":
        from issuer.paper import draw_papers

        return draw_papers(certificates, language)
    drawn = []
    for data in certificates:
        level: ErrorCorrection = "M" if len(data) <= _MEDIUM_FITS else "L"
        text = encode_qr_text(data)
        drawn.append(draw_qr_png(text, ecc=level) if form == "png" else draw_qr_svg(text, ecc=level).encode())
    return drawn


def _person(register: Register, number: str) -> str:
    row = register.by_number(number)
    return number if row is None else row.identity.person_no


@dataclass(frozen=True, slots=True)
class _Stock:
    """What paper of one kind is there, and what is to be drawn."""

    home: Home
    ledger: BureauLedger
    snapshot: Snapshot
    folder: Path
    form: PaperForm
    extra: Mapping[int, ClaimValue] | None
    holds: int = 0  # of the log, by those who will read it

    def mint_missing(self, persons: Sequence[str], now: int) -> None:
        with opened_register(self.home) as register:
            missing = [
                (person, PAPER) for person in dict.fromkeys(persons) if self._row(register, person) is None
            ]
        for at in range(0, len(missing), _MINT_CHUNK):
            mint_persons(self.home, self.ledger, missing[at : at + _MINT_CHUNK], now=now, extra=self.extra)

    def jobs(self, asked: Sequence[str], persons: Sequence[str]) -> Iterator[list[_Job | PaperFile]]:
        """Chunk by chunk what is to be drawn, or that it lies there already."""
        with opened_register(self.home) as register:
            wanted = zip(asked, persons, strict=True)
            while chunk := list(islice(wanted, _CHUNK)):
                yield [self._job(register, number, person) for number, person in chunk]

    def _job(self, register: Register, number: str, person: str) -> _Job | PaperFile:
        row = self._row(register, person)
        assert row is not None
        path = self.folder / f"{row.number}.{self.form}"
        if _is_whole(path, self.form):
            return PaperFile(number, row.number, path, kept=True)
        return _Job(number, row, smallest_proof(proof_of_row(self.ledger, row), holds=self.holds))

    def _row(self, register: Register, person: str) -> RegisterRow | None:
        snapshot = self.snapshot
        row = register.by_identity(
            mint_identity(person, PAPER, self.extra, snapshot.cut_off, snapshot.digest)
        )
        return None if row is None or row.log_index is None else row


def _drawing(
    seal_key: bytes,
    snapshot: Snapshot,
    folder: Path,
    form: PaperForm,
    show: tuple[int, ...],
    language: Language,
) -> Callable[[list[_Job | PaperFile]], list[PaperFile]]:
    """What a worker does."""

    def encode(job: _Job) -> bytes:
        claims = snapshot.claims(job.row.identity.person_no).claims
        tree = claims_tree_of(job.row, claims, seal_key=seal_key)
        return encode_shown(job.row, tree, paper_slots(tree, show), job.proof)

    def work(jobs: list[_Job | PaperFile]) -> list[PaperFile]:
        due = [job for job in jobs if isinstance(job, _Job)]
        drawn = iter(_draw_all([encode(job) for job in due], form, language))
        files = []
        for job in jobs:
            if isinstance(job, _Job):
                path = folder / f"{job.row.number}.{form}"
                _write_whole(path, next(drawn))
                files.append(PaperFile(job.asked, job.row.number, path, kept=False))
            else:
                files.append(job)
        return files

    return work


def _is_whole(path: Path, form: PaperForm) -> bool:
    end = _ENDS[form]
    try:
        with path.open("rb") as stream:
            stream.seek(-len(end), os.SEEK_END)
            return stream.read() == end
    except OSError:  # not there, or shorter than its own end
        return False


def _write_whole(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.part")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        os.replace(temporary, path)
    except OSError as exc:
        raise map_os_error(exc) from exc
