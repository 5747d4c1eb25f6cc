"""The head of the access log: signed, given to the bureau to log, kept with the proof that it was.

A head is a C2SP checkpoint (origin `<audience>/access-log`) with the wallet's signature. Its digest becomes an entry of
type 4 in the bureau's ledger; from then on no row under it can be changed unseen, by the wallet operator either.
"""

from __future__ import annotations

from ledger.cbor import decode_cbor
from ledger.checkpoint import Checkpoint, encode_checkpoint, sign_checkpoint
from ledger.note import Note, encode_note
from ledger.proof import parse_proof
from wallet_api.access_log import grown_from, head_of, read_page
from wallet_api.access_rows import AccessPage, AccessRow
from wallet_api.log_export import LogExport, LoggedHead, encode_log_export, log_origin, verify_head
from wallet_api.log_key import log_signer
from wallet_api.service import Citizen, Service
from wallet_api.store.rows import HeadRow

__all__ = ["due_head", "export_log", "keep_proof"]

_PAGE = 1000


def due_head(service: Service, *, every: int) -> HeadRow | None:
    """The head to give to the bureau now; None while nothing changed, or the last one is younger than `every` seconds.

    One that is not logged yet comes again until it is, and no newer one is made meanwhile.
    """
    signer, now = log_signer(service), service.clock()
    with service.store.write() as tx:
        newest, size = tx.newest_head(), tx.log_size()
        if newest is not None and newest.proof is None:
            return newest
        if size == 0 or (newest is not None and (newest.size == size or now < newest.made + every)):
            return None
        checkpoint = Checkpoint(log_origin(service.audience), size, head_of(tx, size))
        note = encode_note(Note(encode_checkpoint(checkpoint), (sign_checkpoint(checkpoint, signer),)))
        head = HeadRow(size, now, note)
        tx.add_head(head)
    return head


def keep_proof(service: Service, head: HeadRow, proof: bytes) -> None:
    """Keep the bureau's proof (CBOR) that it logged `head`, after checking it.

    Raises:
        FormatError: as `parse_proof`.
        VerificationError, UndeterminedError: as `verify_head`.
    """
    now = service.clock()
    trust = service.fresh_trust(now)
    parsed = parse_proof(decode_cbor(proof))
    verify_head(head.note, parsed, directory=trust.directory, policy=trust.policy, now=now)
    with service.store.write() as tx:
        tx.set_head_proof(head.size, proof)


def export_log(service: Service, citizen: Citizen) -> str:
    """The citizen's whole log as one signed file (`log_export`)."""
    signer, now = log_signer(service), service.clock()
    with service.store.read() as tx:
        rows: list[AccessRow] = []
        while True:
            after = rows[-1].counter if rows else 0
            page = read_page(tx, citizen.safe, data_key=citizen.data_key, after=after, limit=_PAGE)
            rows += page.rows
            if len(page.rows) < _PAGE:
                break
        head, logged = tx.newest_logged_head(), None
        if head is not None:
            assert head.proof is not None
            growth = grown_from(tx, head.size, page.size)
            logged = LoggedHead(head.note, parse_proof(decode_cbor(head.proof)), growth)
    whole = AccessPage(tuple(rows), page.size, page.root_hash)
    return encode_log_export(LogExport(service.audience, whole, now, logged), signer)
