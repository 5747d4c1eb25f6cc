"""The bureau's two main jobs as one call each: take a monthly export in, and mint from it.

Here the parts meet (records, register, ledger, bundle); the command line and, later, the HTTP service call these.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from certificate.numbers import Presenter
from certificate.slots import ClaimValue
from issuer.bureau_ledger import BureauLedger
from issuer.claiming.holder_keys import Proxy
from issuer.claiming.proxies import proxy_claim
from issuer.home import Home
from issuer.import_summary import SummaryBody, sign_import_summary
from issuer.lock import KEYS_LOCK, locked
from issuer.mint import Minted, Minter, MintOrder, MintSettings
from issuer.office_key import office_key_name, office_signer
from issuer.policies import policies_to_mint
from issuer.publish import cut_bundle, load_directory
from issuer.register import PAPER, Register, SnapshotRow
from issuer.snapshot import PersonClaims, Snapshot
from ledger.errors import ConfigError, VerificationError
from ledger.reasons import Reason
from ledger.workers import available_cores

if TYPE_CHECKING:
    from issuer.records import ImportSummary

__all__ = [
    "MintRun",
    "import_records",
    "is_over",
    "mint_all",
    "mint_enrolled",
    "mint_persons",
    "mint_wanted",
    "opened_register",
    "signed_summary",
]

_DAY = 86400


_PATIENCE = 60.0  # seconds
_WORTH_PROCESSES = 5000  # fewer certificates are signed before processes of their own have started


@dataclass(frozen=True, slots=True)
class MintRun:
    """What one run did. `certificates` answers the orders one by one; of a mass run it holds nothing."""

    minted: int
    already: int
    resumed: int
    certificates: tuple[Minted, ...]


def import_records(
    home: Home,
    folder: Path,
    *,
    now: int,
    max_quarantined: int = 0,
    report_path: Path | None = None,
    memory_limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ImportSummary:
    """Check an export and keep it as a snapshot. Nothing is kept if it is refused; the same export twice is one.

    Raises:
        FormatError: `records.…`, naming file, row, column and rule.
        ConflictError: `store.locked` when another import is under way.
    """
    with locked(home.path / "import.lock", what="importing records", timeout=0):
        _sweep(home.path / "snapshots")
        return _import(home, folder, now, max_quarantined, report_path, memory_limit, progress)


def _sweep(snapshots: Path) -> None:
    """Remove what a killed import left. Under the import's lock, so nobody is at work on it."""
    for path in snapshots.glob(".*"):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _import(
    home: Home,
    folder: Path,
    now: int,
    max_quarantined: int,
    report_path: Path | None,
    memory_limit: int | None,
    progress: Callable[[int, int], None] | None,
) -> ImportSummary:
    from issuer.records import import_export  # brings the dataframe library, which nothing else here needs

    offices = frozenset(office.code for office in load_directory(home).offices)
    staging = home.path / "snapshots" / f".import-{os.getpid()}"
    summary = import_export(
        folder,
        staging,
        key=home.snapshot_key(),
        profile=home.profile(),
        known_offices=offices,
        max_quarantined=max_quarantined,
        report_path=report_path,
        memory_limit=memory_limit,
        progress=progress,
    )
    name = f"{summary.cut_off}-{summary.digest.hex()[:16]}.snapshot"
    signed = _sign_summary(home, summary, now)
    staging.replace(home.path / "snapshots" / name)
    with opened_register(home) as register:
        register.add_snapshot(SnapshotRow(summary.digest, name, summary.cut_off, now, signed))
    return summary


def signed_summary(home: Home, digest: bytes) -> bytes:
    """The signed summary of an import, by the digest of its snapshot. Raises ConfigError `home.not_found`."""
    with opened_register(home) as register:
        for row in register.snapshots():
            if row.digest == digest and row.summary is not None:
                return row.summary
    raise ConfigError(Reason.HOME_NOT_FOUND, "no such import", hint="import the records again")


def _sign_summary(home: Home, summary: ImportSummary, now: int) -> bytes:
    settings = home.settings
    body = SummaryBody(
        authority=settings.authority,
        office=settings.office,
        profile=summary.profile_id,
        agency=summary.agency,
        cut_off=summary.cut_off,
        snapshot=summary.digest,
        persons=summary.persons,
        rows=summary.rows,
        quarantined=summary.quarantined,
        findings=summary.findings,
        report=summary.report,
        imported=now,
    )
    name = office_key_name(home, load_directory(home), settings.office)
    return sign_import_summary(home.signer(name), body)


def mint_persons(
    home: Home,
    ledger: BureauLedger,
    persons: Iterable[tuple[str, bytes]],
    *,
    now: int,
    extra: Mapping[int, ClaimValue] | None = None,
    office: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    random: Callable[[int], bytes] = os.urandom,
) -> MintRun:
    """Mint for (person number, holder key or PAPER), from the newest snapshot, in the order given.

    A key that acts for the person (`HolderKeys.proxy`) gets a certificate that says so. What a key held before is
    replaced by it.

    Args:
        extra: claims beside the records, the same for all.
        office: number of the office that signs; None for the home's own.
    Raises:
        ConfigError: `person.not_found`, `home.not_found` (nothing imported yet), `cli.clock_suspect`,
            `cli.key_mismatch`, `cli.key_retired`.
        VerificationError: `key.revoked`: a key that ended, or a proxy that is over; nothing was minted.
            `trust.issuer_not_authorised`: a person of another region than the office's; nothing of the batch was.
    """
    wanted = [(person_no, holder, extra) for person_no, holder in persons]
    return mint_wanted(home, ledger, wanted, now=now, office=office, progress=progress, random=random)


def mint_wanted(
    home: Home,
    ledger: BureauLedger,
    wanted: Sequence[tuple[str, bytes, Mapping[int, ClaimValue] | None]],
    *,
    now: int,
    office: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    random: Callable[[int], bytes] = os.urandom,
) -> MintRun:
    """As `mint_persons`, each with claims of its own."""
    ledger.require_clock(now)
    snapshot = home.snapshot()
    with opened_register(home) as register, _keys_in_use(home):
        for person_no, holder, _ in wanted:
            snapshot.require(person_no)
            _require_current(register, person_no, holder, now)
        minter = _minter(home, ledger, register, snapshot, now, random, office, len(wanted))
        # One after the other: the claims of a whole city's holders would not fit into memory.
        orders = (
            _order(register, snapshot.claims(person_no), holder, extra) for person_no, holder, extra in wanted
        )
        certificates = tuple(minter.mint(orders, progress=_counted(progress, len(wanted))))
        pairs = [(person_no, holder) for person_no, holder, _ in wanted]
        register.enroll((person_no, holder) for person_no, holder in pairs if holder != PAPER)
        register.replace_older(pairs, now=now)
    cut_bundle(home, ledger, now=now)
    new = sum(certificate.is_new for certificate in certificates)
    return MintRun(new, len(certificates) - new, len(minter.resumed), certificates)


def _counted(progress: Callable[[int, int], None] | None, total: int) -> Callable[[int], None]:
    """`progress` for who counts by the batch."""
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done, total)

    return advance


def mint_enrolled(
    home: Home,
    ledger: BureauLedger,
    *,
    now: int,
    office: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> MintRun:
    """Mint for every key that is enrolled and may still hold a certificate. Raises as `mint_persons`.

    With `office`, for the people of its region alone.
    """
    with opened_register(home) as register:
        pairs = [pair for pair in register.enrolled() if not is_over(register.proxy(*pair), now)]
    known = home.snapshot()
    pairs = [pair for pair in pairs if pair[0] in known]
    if office is not None:
        prefix = _region_prefix(home, office)
        pairs = [pair for pair in pairs if str(known.claims(pair[0]).region).startswith(prefix)]
    return mint_persons(home, ledger, pairs, now=now, office=office, progress=progress)


def mint_all(
    home: Home,
    ledger: BureauLedger,
    *,
    now: int,
    office: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    random: Callable[[int], bytes] = os.urandom,
) -> MintRun:
    """Mint paper stock for everyone in the newest snapshot who has none from it yet and is of the office's region."""
    ledger.require_clock(now)
    snapshot = home.snapshot()
    with opened_register(home) as register, _keys_in_use(home):
        done = register.minted_for(snapshot.digest, PAPER)
        places = [at for at, number in enumerate(snapshot.person_nos()) if number not in done]
        minter = _minter(home, ledger, register, snapshot, now, random, office, len(places))
        processes = available_cores() if len(places) >= _WORTH_PROCESSES else 1
        new = 0
        for count in minter.mint_paper(snapshot, places, processes=processes):
            new += count
            if progress is not None:
                progress(len(done) + new, len(snapshot))
    cut_bundle(home, ledger, now=now)
    return MintRun(new, len(done), len(minter.resumed), ())


def _order(
    register: Register,
    person: PersonClaims,
    holder: bytes,
    extra: Mapping[int, ClaimValue] | None,
) -> MintOrder:
    proxy = register.proxy(person.person_no, holder)
    if proxy is None:
        return MintOrder(person, holder, extra)
    return MintOrder(person, holder, {**(extra or {}), **proxy_claim(proxy)}, Presenter.PROXY)


def _require_current(register: Register, person_no: str, holder: bytes, now: int) -> None:
    if register.ended_key(holder) is not None or is_over(register.proxy(person_no, holder), now):
        hint = "prove the identity again and claim with another key"
        raise VerificationError(Reason.KEY_REVOKED, "this holder key ended", hint=hint)


def is_over(proxy: Proxy | None, now: int) -> bool:
    """Whether a proxy there was acts no longer at `now` (POSIX seconds)."""
    return proxy is not None and (proxy.ended_at is not None or now // _DAY > proxy.until)


def _minter(
    home: Home,
    ledger: BureauLedger,
    register: Register,
    snapshot: Snapshot,
    now: int,
    random: Callable[[int], bytes],
    office: int | None,
    count: int,
) -> Minter:
    settings = home.settings
    number = settings.office if office is None else office
    profile = home.profile()
    return Minter(
        register=register,
        ledger=ledger,
        signer=office_signer(home, size=ledger.size, count=count, office=number),
        seal_key=home.seal_key(),
        settings=MintSettings(
            authority=settings.authority,
            office=number,
            profile=profile.id,
            validity_days=profile.validity_days,
            cut_off=snapshot.cut_off,
            snapshot=snapshot.digest,
            region_prefix=_region_prefix(home, number),
            answers=policies_to_mint(home, profile),
            thresholds=profile.threshold_commitments,
        ),
        random=random,
        now=now,
    )


def _region_prefix(home: Home, number: int) -> str:
    office = load_directory(home).office(home.settings.authority, number)
    return "" if office is None else office.region_prefix  # no such office: its key is refused


@contextmanager
def _keys_in_use(home: Home) -> Iterator[None]:
    """Nobody ends an office's key in good order meanwhile."""
    with locked(home.path / KEYS_LOCK, what="changing an office's key", timeout=_PATIENCE, shared=True):
        yield


@contextmanager
def opened_register(home: Home) -> Iterator[Register]:
    """The home's register, closed again afterwards."""
    register = home.register()
    try:
        yield register
    finally:
        register.close()
