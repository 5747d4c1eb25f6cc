"""`tally wallet org-suspend|org-resume`: the operator stops an organisation at once, and lets it go on."""

from __future__ import annotations

from pathlib import Path

import click

from certificate.qr_text import decode_any
from cli.common import emit, json_option, utc_now
from cli.shown import read_one
from cli.wallet_db import db_option

__all__ = ["org_resume", "org_suspend"]


@click.command("org-suspend")
@db_option
@click.option("--org", type=click.IntRange(1, 2**31), required=True, help="The organisation's number.")
@json_option
def org_suspend(db: str, org: int, as_json: bool) -> None:
    """Stop an organisation at once: its tokens end, nothing of it can be answered or fetched.

    Example: tally wallet org-suspend --db wallet.db --org 7
    """
    from wallet_api.organisations import suspend_organisation
    from wallet_api.store.opening import open_store

    store = open_store(db)
    try:
        suspend_organisation(store, org, now=int(utc_now().timestamp()))
    finally:
        store.close()
    emit({"org": org, "suspended": True}, f"organisation {org} is stopped; its tokens ended", as_json=as_json)


@click.command("org-resume")
@db_option
@click.option("--registration", "registration_file", required=True, help="The registration it goes on with.")
@click.option("--trust", type=click.Path(path_type=Path), required=True, help="Folder of the trust bundle.")
@json_option
def org_resume(db: str, registration_file: str, trust: Path, as_json: bool) -> None:
    """Let an organisation go on, with the key of this registration and no other. It needs a new token.

    Example: tally wallet org-resume --db wallet.db --registration org-7.registration --trust trust
    """
    from verifier.trust_dir import load_trust
    from wallet_api.organisations import resume_organisation
    from wallet_api.store.opening import open_store

    registration = decode_any(read_one(registration_file))
    today = int(utc_now().timestamp()) // 86400
    store = open_store(db)
    try:
        body = resume_organisation(store, registration, directory=load_trust(trust).directory, today=today)
    finally:
        store.close()
    result = {"org": body.org, "request_key": body.request_key.hex()}
    emit(result, f"organisation {body.org} goes on; make it a new token", as_json=as_json)
