"""What fell with a stolen key is minted again: one run, for everyone who held an honest certificate.

A certificate falls when its key is void at its place in the ledger, or the place itself is disowned. Whoever held it
did nothing wrong: they get one of the same kind from the newest records, signed with the office's new key. Holders of
keys find it at their next renewal; people with paper are named, for somebody has to bring them theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from certificate.certificate import CertificateBody, parse_certificate
from certificate.directory import Directory, KeyRole, check_position
from certificate.numbers import CertificateType
from certificate.slot_tree import SEED_SIZE
from certificate.slots import REGISTRIES, ClaimValue
from certificate.status_list import Status
from issuer.bureau_ledger import BureauLedger
from issuer.home import Home
from issuer.office_key import office_signer
from issuer.publish import load_directory
from issuer.register import Register, RegisterRow
from issuer.seal import open_sealed
from issuer.service import is_over, mint_wanted, opened_register
from issuer.snapshot import Snapshot
from ledger.cbor import decode_cbor
from ledger.errors import VerificationError

__all__ = ["Reissue", "Replacement", "fallen_rows", "reissue_void"]

_DAY = 86400
_PROXY = REGISTRIES[CertificateType.CONTRIBUTION].slot_of("proxy")
_ANSWERS = {
    claim.slot for claim in REGISTRIES[CertificateType.CONTRIBUTION].claims if claim.group == "answer"
}
_Wanted = tuple[str, bytes, Mapping[int, ClaimValue] | None]


@dataclass(frozen=True, slots=True)
class Replacement:
    """One certificate that fell, and the one in its place: numbers, whose, whether paper, whether made now."""

    fallen: str
    number: str
    person_no: str
    is_paper: bool
    is_new: bool


@dataclass(frozen=True, slots=True)
class Reissue:
    """What one run did. `left`: what fell and was not minted again, since it had ended or its person is gone."""

    minted: int
    already: int
    left: int
    replacements: tuple[Replacement, ...]


@dataclass(frozen=True, slots=True)
class _Fallen:
    row: RegisterRow
    body: CertificateBody
    extra: Mapping[int, ClaimValue] | None


def fallen_rows(register: Register, directory: Directory, *, log: int) -> list[RegisterRow]:
    """The logged certificates of the register that count no longer where they stand, and were not set aside."""
    firsts = [key.void_from for key in directory.keys if key.log == log and key.void_from is not None]
    firsts += [void.from_index for void in directory.voids if void.log == log]
    if not firsts:
        return []
    return [row for row in register.logged_from(min(firsts)) if row.log == log and _fell(row, directory)]


def reissue_void(
    home: Home,
    ledger: BureauLedger,
    *,
    now: int,
    progress: Callable[[int, int], None] | None = None,
) -> Reissue:
    """Mint again what fell. A run killed anywhere is completed by the next one, which mints nothing twice.

    Raises:
        ConfigError: `cli.key_retired`: an office that has to sign has no new key yet; nothing was changed.
        And as `issuer.service.mint_persons`.
    """
    settings, directory = home.settings, load_directory(home)
    known = home.snapshot()
    with opened_register(home) as register:
        falling = fallen_rows(register, directory, log=settings.log)
        aside = register.put_aside()
        fallen = [
            one for row in [*aside, *falling] if (one := _honest(home, register, known, row, now)) is not None
        ]
        for office in {one.body.office for one in fallen}:
            office_signer(home, size=ledger.size, count=len(fallen), office=office)
        register.set_aside(row.digest for row in falling)
    replacements: list[Replacement] = []
    minted = already = 0
    for office in sorted({one.body.office for one in fallen}):
        mine = [one for one in fallen if one.body.office == office]
        wanted: list[_Wanted] = [(*_of(one), one.extra) for one in mine]
        run = mint_wanted(home, ledger, wanted, now=now, office=office, progress=progress)
        minted, already = minted + run.minted, already + run.already
        replacements += [
            Replacement(
                one.row.number, made.number, one.row.identity.person_no, one.row.is_paper, made.is_new
            )
            for one, made in zip(mine, run.certificates, strict=True)
        ]
    return Reissue(minted, already, len(aside) + len(falling) - len(fallen), tuple(replacements))


def _fell(row: RegisterRow, directory: Directory) -> bool:
    key = directory.key(KeyRole.CERTIFICATE, parse_certificate(row.signed).sign1.kid)
    if key is None or row.log is None or row.log_index is None:
        return False
    try:
        check_position(directory, key, log=row.log, index=row.log_index)
    except VerificationError:
        return True
    return False


def _honest(home: Home, register: Register, known: Snapshot, row: RegisterRow, now: int) -> _Fallen | None:
    """What is to be minted in the place of `row`; None where its holder has no claim to it any more."""
    body = parse_certificate(row.signed).body
    person_no, holder = row.identity.person_no, row.identity.holder
    ended = register.state(row.number) in (Status.REVOKED, Status.SUSPENDED)
    if ended or body.expires < now // _DAY or row.sealed is None or person_no not in known:
        return None
    if register.ended_key(holder) is not None or is_over(register.proxy(person_no, holder), now):
        return None
    plain = open_sealed(home.seal_key(), row.sealed, bound_to=row.digest)
    extra: dict[int, ClaimValue] = dict(decode_cbor(plain[SEED_SIZE:])) if plain[SEED_SIZE:] else {}
    # The proxy is stated anew, as the register has it now; so are the minted answers, as the records have them.
    kept = {slot: value for slot, value in extra.items() if slot != _PROXY and slot not in _ANSWERS}
    return _Fallen(row, body, kept or None)


def _of(one: _Fallen) -> tuple[str, bytes]:
    return one.row.identity.person_no, one.row.identity.holder
