"""Minting: claims in, signed and logged certificates out. All-or-nothing per batch, never twice, resumable.

The order that must hold (DESIGN 8.1): seed sealed and row written, then entry durable in the ledger, then the index
noted; a certificate leaves only with a proof under a cosigned checkpoint. A run killed anywhere is completed by the
next one: rows without an index are logged again, which the ledger answers with the index they already have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from certificate.certificate import parse_certificate
from certificate.keys import CoseSigner
from certificate.slot_tree import SEED_SIZE, ClaimsTree
from certificate.slots import ClaimValue
from certificate.threshold import Opening
from issuer.answers import openings
from issuer.register import MintIdentity, Register, RegisterRow
from issuer.seal import open_sealed
from issuer.signing import (
    CHANCE_SIZE,
    CertificateSigning,
    Drawn,
    MintOrder,
    MintSettings,
    PaperTask,
    SignedBatch,
    paper_signing,
)
from issuer.snapshot import Snapshot
from issuer.status_places import StatusPlaces
from ledger.cbor import decode_cbor
from ledger.entry import EntryType, encode_entry
from ledger.errors import ConfigError, ConflictError, IntegrityError
from ledger.reasons import Reason
from ledger.workers import Workers

__all__ = [
    "BATCH_SIZE",
    "Ledger",
    "MintOrder",
    "MintSettings",
    "Minted",
    "Minter",
    "claims_tree_of",
    "openings_of",
]

BATCH_SIZE = 1000  # a night that is killed loses no more work than this
_MAX_TRIES = 20


class Ledger(Protocol):
    """What minting needs of a ledger: durable append, and its number in the directory."""

    @property
    def log(self) -> int: ...

    def append(self, entries: Sequence[bytes]) -> list[int]: ...


@dataclass(frozen=True, slots=True)
class Minted:
    """One certificate of the register: certificate number, and its ledger index."""

    number: str
    index: int
    is_new: bool


class Minter:
    """Mints for one office. The key, the clock and the source of randomness are handed in."""

    def __init__(
        self,
        *,
        register: Register,
        ledger: Ledger,
        signer: CoseSigner,
        seal_key: bytes,
        settings: MintSettings,
        random: Callable[[int], bytes],
        now: int,
    ) -> None:
        """`now` is POSIX seconds. Rows that an earlier run signed but did not log are logged first."""
        self._register = register
        self._ledger = ledger
        self._signing = CertificateSigning(signer=signer, seal_key=seal_key, settings=settings, now=now)
        self._random = random
        self._places = StatusPlaces(register, random)
        self.resumed = self._log([row.digest for row in register.unlogged()])

    def mint(
        self, orders: Iterable[MintOrder], *, progress: Callable[[int], None] | None = None
    ) -> Iterator[Minted]:
        """Mint `orders`, batch by batch; yields the certificates of a batch once all of it is logged.

        An order whose mint identity exists is answered with the certificate that exists.

        Raises:
            ConflictError: `store.locked`; nothing of the batch at hand was minted, run again.
            IntegrityError: `store.…`; the ledger refused, nothing of the batch left.
            FormatError: a claim value that the format refuses; nothing of the batch was minted.
            VerificationError: `trust.issuer_not_authorised`: a person of another region, as before.
        """
        stream = iter(orders)
        while batch := list(islice(stream, BATCH_SIZE)):
            yield from self._mint_batch(batch)
            if progress is not None:
                progress(len(batch))

    def mint_paper(
        self, snapshot: Snapshot, places: Sequence[int], *, processes: int, batch_size: int = BATCH_SIZE
    ) -> Iterator[int]:
        """Mint paper for the persons at `places` of `snapshot`; yields how many of each batch are new, once logged.

        The signing is done in `processes` processes. Raises as `mint`.
        """
        tasks = (self._paper_task(places[at : at + batch_size]) for at in range(0, len(places), batch_size))
        with Workers(paper_signing, (self._signing, snapshot), count=processes) as workers:
            for batch in workers.map(tasks):
                yield self._keep_batch(batch, snapshot)

    def _paper_task(self, places: Sequence[int]) -> PaperTask:
        drawn = [self._places.draw() for _ in places]
        return PaperTask(places, self._random(CHANCE_SIZE * len(places)), drawn)

    def _keep_batch(self, batch: SignedBatch, snapshot: Snapshot) -> int:
        try:
            self._register.add_signed(batch.rows)
        except IntegrityError as exc:
            if exc.reason is not Reason.CLI_DUPLICATE_ID:
                raise
            # Another run was first with one of them: one by one, what it left.
            people = (snapshot.person_at(at) for at in batch.task.places)
            orders = [MintOrder(person) for person in people if self._signing.settings.may_certify(person)]
            return sum(minted.is_new for minted in self._mint_batch(orders))
        self._log(batch.digests)
        return len(batch.rows)

    def _mint_batch(self, orders: Sequence[MintOrder]) -> list[Minted]:
        identities = [self._signing.identity(order) for order in orders]
        rows, new = self._registered(orders, identities)
        # Another run may have written a row and not logged it yet: the ledger gives both of us the same index.
        index_of = self._log([row.digest for row in rows.values() if row.log_index is None])
        return [_minted(rows[identity], index_of, is_new=identity in new) for identity in identities]

    def _registered(
        self, orders: Sequence[MintOrder], identities: Sequence[MintIdentity]
    ) -> tuple[dict[MintIdentity, RegisterRow], set[MintIdentity]]:
        """The register's row of each identity, signed now where there is none; and which are new."""
        for _ in range(_MAX_TRIES):
            found = {identity: self._register.by_identity(identity) for identity in identities}
            rows = {identity: row for identity, row in found.items() if row is not None}
            made: dict[MintIdentity, RegisterRow] = {}
            for order, identity in zip(orders, identities, strict=True):
                if identity not in rows and identity not in made:
                    drawn = Drawn(self._random(CHANCE_SIZE), *self._places.draw())
                    made[identity] = self._signing.sign(order, drawn)
            try:
                if made:
                    self._register.add_signed(row.values() for row in made.values())
            except IntegrityError as exc:
                if exc.reason is not Reason.CLI_DUPLICATE_ID:
                    raise
                # Another run was first with a certificate or with a place: look again, sign what is still missing.
                self._places = StatusPlaces(self._register, self._random)
                continue
            return rows | made, set(made)
        raise ConflictError(Reason.STORE_LOCKED, "other runs keep minting the same certificates; try again")

    def _log(self, digests: Sequence[bytes]) -> dict[bytes, int]:
        """Log certificates sorted by digest, so that their order says nothing about who; note their indices."""
        if not digests:
            return {}
        digests = sorted(digests)
        authority = self._signing.settings.authority
        entries = [encode_entry(EntryType.CERTIFICATE, authority, digest) for digest in digests]
        index_of = dict(zip(digests, self._ledger.append(entries), strict=True))
        self._register.mark_logged(self._ledger.log, index_of.items())
        return index_of


def _minted(row: RegisterRow, index_of: Mapping[bytes, int], *, is_new: bool) -> Minted:
    index = index_of[row.digest] if row.log_index is None else row.log_index
    return Minted(row.number, index, is_new=is_new)


def claims_tree_of(row: RegisterRow, claims: Mapping[int, ClaimValue], *, seal_key: bytes) -> ClaimsTree:
    """The claims tree under a register row, from its sealed seed and the snapshot's `claims`.

    Raises:
        ConfigError: `certificate.not_found` when the seed was erased.
        IntegrityError: `store.corrupt` when seed and claims do not give the signed root.
    """
    seed, every = _unsealed(row, claims, seal_key)
    return ClaimsTree.from_seed(parse_certificate(row.signed).body.registry, seed, every)


def openings_of(row: RegisterRow, claims: Mapping[int, ClaimValue], *, seal_key: bytes) -> list[Opening]:
    """What lets the holder show "at least so many months". Raises as `claims_tree_of`."""
    seed, every = _unsealed(row, claims, seal_key)
    return openings(every, seed)


def _unsealed(
    row: RegisterRow, claims: Mapping[int, ClaimValue], seal_key: bytes
) -> tuple[bytes, dict[int, ClaimValue]]:
    """The seed of a row and all claims under it."""
    if row.sealed is None:
        raise ConfigError(Reason.CERTIFICATE_NOT_FOUND, "its seed was erased; nothing can be shown any more")
    plain = open_sealed(seal_key, row.sealed, bound_to=row.digest)
    extra: dict[int, ClaimValue] = dict(decode_cbor(plain[SEED_SIZE:])) if plain[SEED_SIZE:] else {}
    return plain[:SEED_SIZE], {**claims, **extra}
