"""The access log: rows with proofs, the signed export, what the bureau tells, and phones' journals."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from ledger.errors import FormatError
from ledger.note import SignatureType, VerifierKey, encode_vkey
from ledger.reasons import Reason
from wallet_api import journal, lookups
from wallet_api.access_log import read_page
from wallet_api.http import log_models, models, views
from wallet_api.http.auth import BureauCaller, CitizenCaller, TheService
from wallet_api.http.models import unb64
from wallet_api.log_export import log_origin
from wallet_api.log_head import export_log
from wallet_api.log_key import log_signer

__all__ = ["router"]

router = APIRouter()
_Page = Annotated[models.PageQuery, Query()]


@router.get("/access-log")
def access_log(page: _Page, caller: CitizenCaller, service: TheService) -> models.AccessLog:
    """Who saw what: rows in order, each with what proves that none was changed or left out."""
    if not (page.after or "0").isdigit() or len(page.after) > 12:
        raise FormatError(Reason.API_VALIDATION, "after is a row's counter")
    with service.store.read() as tx:
        found = read_page(
            tx, caller.safe, data_key=caller.data_key, after=int(page.after or "0"), limit=page.limit
        )
    return views.access_log(found, limit=page.limit)


@router.get("/access-log/export")
def export(caller: CitizenCaller, service: TheService) -> log_models.ExportModel:
    """The whole log as one signed file with all proofs, for `tally ledger check`."""
    return log_models.ExportModel(export=export_log(service, caller))


@router.get("/access-log/key")
def log_key(service: TheService) -> log_models.LogKey:
    """The key that signs heads and exports of the access log. Needs no token."""
    key = VerifierKey(log_origin(service.audience), SignatureType.ED25519, log_signer(service).public_key)
    return log_models.LogKey(vkey=encode_vkey(key), public_key=key.public_key.hex())


@router.post("/journal")
def take_journal(
    body: log_models.JournalUpload, caller: CitizenCaller, service: TheService
) -> log_models.JournalTaken:
    """Entries of the phone's own signed journal, in order. Those known already change nothing."""
    added, counter = journal.take_journal(service, caller, [unb64(entry) for entry in body.entries])
    return log_models.JournalTaken(added=added, counter=counter)


@router.post("/lookups", status_code=204)
def record_lookup(body: log_models.LookupModel, _: BureauCaller, service: TheService) -> Response:
    """The bureau tells that its staff looked somebody up. The answer is the same whether the key is known or not."""
    lookup = lookups.Lookup(unb64(body.holder_key), body.operator, body.reason, tuple(body.claims), body.time)
    lookups.record_lookup(service, lookup)
    return Response(status_code=204)
