"""`tally wallet claim|renew|answer|refuse|later|withdraw|log`: a citizen without an app, with a key in a file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from certificate.request import SlotsItem
from certificate.slots import registry_of
from certificate.texts import Language, claim_name
from cli.citizen import citizen_options, logged_in
from cli.common import emit, json_option, language_option, say, utc_now, write_new_file
from cli.keys import open_holder_key
from ledger.errors import ConfigError
from ledger.reasons import Reason

if TYPE_CHECKING:
    from certificate.policy.language import Policy
    from certificate.template.language import Template
    from cli.wallet_client import AskedRequest
    from verifier.trust import TrustBundle
    from wallet_api.access_rows import AccessRow

__all__ = ["COMMANDS"]


@click.command()
@click.argument("offer")
@click.option("--pin", prompt=True, hide_input=True, help="The PIN of the offer; asked for when absent.")
@click.option("--bureau", help="Address of the bureau's service, where OFFER is the letter's plain code.")
@citizen_options
@json_option
def claim(
    offer: str,
    pin: str,
    bureau: str | None,
    key_file: Path,
    wallet_url: str,
    trust: Path,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Claim a certificate onto your key and put it into your safe. OFFER is the letter's QR text or its code.

    With an offer for a lost key, the safe of that key goes over to this one.

    Example: tally wallet claim LETTER-CODE --bureau http://127.0.0.1:8443
    --key me.key --wallet http://127.0.0.1:8470 --trust trust
    """
    from cli import bureau_client
    from cli.web import open_web

    signer, bundle = open_holder_key(key_file, passphrase_fd), _trust(trust)
    offered = (
        bureau_client.parse_offer(offer)
        if "://" in offer
        else bureau_client.CredentialOffer(_address(bureau), bureau_client.CONTRIBUTION, offer)
    )
    with open_web(offered.issuer).http as http:
        claimed = bureau_client.claim_all(offered, pin, signer, http, trust=bundle, now=_now())
    with logged_in(key_file, passphrase_fd, wallet_url, trust) as client:
        number = client.store(claimed.certificate)
        recovered = [client.recover(statement) for statement in claimed.recoveries]
    text = f"certificate {number} is in your safe"
    if any(recovered):
        text += "; the safe of your lost key is yours again"
    emit({"certificate": number, "recovered": any(recovered)}, text, as_json=as_json)


@click.command()
@click.option("--bureau", required=True, help="Address of the bureau's service.")
@citizen_options
@json_option
def renew(
    bureau: str, key_file: Path, wallet_url: str, trust: Path, passphrase_fd: int | None, as_json: bool
) -> None:
    """Fetch the newest certificate of your key into your safe, or a fresh ledger proof for it: no code, no PIN.

    Example: tally wallet renew --bureau http://127.0.0.1:8443 --key me.key --wallet http://127.0.0.1:8470 --trust trust
    """
    from cli import bureau_client
    from cli.web import open_web

    signer, bundle = open_holder_key(key_file, passphrase_fd), _trust(trust)
    with logged_in(key_file, passphrase_fd, wallet_url, trust) as client:
        held = {one.number for one in client.certificates()}
        with open_web(_address(bureau)).http as http:
            data = bureau_client.renew(_address(bureau), signer, http, newer_than=0, trust=bundle, now=_now())
        stored = None if data is None else client.store(data)
    number = None if stored in held else stored
    text = "nothing newer" if number is None else f"certificate {number} is in your safe"
    if stored in held:
        text += "; the ledger proof of the one you hold is fresh again"
    emit({"certificate": number}, text, as_json=as_json)


@click.command()
@click.argument("request")
@click.option("--item", "items", type=click.IntRange(0), multiple=True, help="Answer these items only.")
@click.option(
    "--certificate", help="Answer from this certificate; default: the newest that holds what is asked."
)
@click.option("--minutes", type=click.IntRange(1), default=24 * 60, show_default=True)
@click.option("--yes", is_flag=True, help="Do not ask again.")
@citizen_options
@language_option
@json_option
def answer(
    request: str,
    items: tuple[int, ...],
    certificate: str | None,
    minutes: int,
    yes: bool,
    key_file: Path,
    wallet_url: str,
    trust: Path,
    passphrase_fd: int | None,
    language: Language,
    as_json: bool,
) -> None:
    """Read who asks what for, and consent. REQUEST is the link or its id.

    Example: tally wallet answer REQUEST --key me.key --wallet http://127.0.0.1:8470 --trust trust
    """
    with logged_in(key_file, passphrase_fd, wallet_url, trust) as client:
        asked = client.request(request)
        say(_question(asked, client.retired(asked), client.policies, language))
        if not yes:
            click.confirm("Show this?", abort=True, err=True)
        client.answer(request, items=items or None, certificate=certificate, minutes=minutes)
    result = {"request": asked.id, "organisation": asked.request.body.org, "digits": asked.digits}
    emit(result, f"answered; both screens show {asked.digits}", as_json=as_json)


@click.command()
@click.argument("request")
@citizen_options
@json_option
def refuse(
    request: str, key_file: Path, wallet_url: str, trust: Path, passphrase_fd: int | None, as_json: bool
) -> None:
    """Say no to a request.

    Example: tally wallet refuse REQUEST --key me.key --wallet http://127.0.0.1:8470 --trust trust
    """
    with logged_in(key_file, passphrase_fd, wallet_url, trust) as client:
        client.refuse(request)
    emit({"state": "refused"}, "refused", as_json=as_json)


@click.command()
@click.argument("request", required=False)
@citizen_options
@json_option
def later(
    request: str | None,
    key_file: Path,
    wallet_url: str,
    trust: Path,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Keep a request that your certificate cannot answer yet; without REQUEST: what is kept, and what can be answered.

    An organisation may ask again with more time: that is kept for you, too. What runs out is forgotten.

    Example: tally wallet later --key me.key --wallet http://127.0.0.1:8470 --trust trust
    """
    with logged_in(key_file, passphrase_fd, wallet_url, trust) as client:
        if request is not None:
            client.keep_for_later(request)
        kept = client.kept()
    lines = [f"{id_}  {'can be answered now' if ready else 'waits'}" for id_, ready in kept]
    rows = [{"request": id_, "ready": ready} for id_, ready in kept]
    emit({"requests": rows}, "\n".join(lines) or "nothing is kept", as_json=as_json)


@click.command()
@click.argument("request")
@citizen_options
@json_option
def withdraw(
    request: str, key_file: Path, wallet_url: str, trust: Path, passphrase_fd: int | None, as_json: bool
) -> None:
    """Take a consent back: nothing more is released, and the organisation is told to delete.

    Example: tally wallet withdraw REQUEST --key me.key --wallet http://127.0.0.1:8470 --trust trust
    """
    with logged_in(key_file, passphrase_fd, wallet_url, trust) as client:
        client.withdraw(request)
    emit({"state": "withdrawn"}, "withdrawn", as_json=as_json)


@click.command("log")
@click.option(
    "--export",
    "export_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write it there with all proofs, for tally ledger check --access-log.",
)
@citizen_options
@language_option
@json_option
def access_log(
    export_file: Path | None,
    key_file: Path,
    wallet_url: str,
    trust: Path,
    passphrase_fd: int | None,
    language: Language,
    as_json: bool,
) -> None:
    """Who saw what, every row checked.

    Example: tally wallet log --key me.key --wallet http://127.0.0.1:8470 --trust trust
    """
    with logged_in(key_file, passphrase_fd, wallet_url, trust) as client:
        rows = client.access_log()
        if export_file is not None:
            write_new_file(export_file, client.export_access_log(), force=False, private=True)
    lines = [_line(row, language) for row in rows]
    shown = [
        {
            "row": row.counter,
            "time": row.time,
            "action": row.access.action.name.lower(),
            "organisation": row.access.org,
            "claims": _claims(row, language),
            "details": list(row.access.details),
        }
        for row in rows
    ]
    emit({"rows": shown}, "\n".join(lines) or "nobody saw anything", as_json=as_json)


COMMANDS = (claim, renew, answer, refuse, later, withdraw, access_log)


def _question(
    asked: AskedRequest, retired: Mapping[int, Template], policies: Mapping[str, Policy], language: Language
) -> str:
    body, registered = asked.request.body, asked.registration
    name = registered.name_zh if language == "zh" else registered.name_en
    lines = [
        f"{name} ({registered.contact}) asks for: {body.purpose}",
        f"  {body.legal_basis}; {body.method}",
    ]
    for position, item in enumerate(body.items):
        names = (
            [claim_name(registry_of(item.type).claim_at(slot), language) for slot in item.slots]
            if isinstance(item, SlotsItem)
            else [policies[item.policy].title(language) if item.policy in policies else item.policy]
        )
        if position in retired:
            names.append(
                f"no longer required since {retired[position].retired_since},"
                f" {retired[position].retired_basis}"
            )
        lines.append(f"  item {position}: {', '.join(names)}")
    return "\n".join(lines)


def _line(row: AccessRow, language: Language) -> str:
    access, time = row.access, datetime.fromtimestamp(row.time, UTC)
    told = ", ".join((*_claims(row, language), *access.details))
    return (
        f"{row.counter:>4}  {time:%Y-%m-%d %H:%M}  {access.action.name.lower()}  {access.org or '-'}  {told}"
    )


def _claims(row: AccessRow, language: Language) -> list[str]:
    access = row.access
    return [claim_name(registry_of(access.type).claim_at(slot), language) for slot in access.slots]


def _trust(folder: Path) -> TrustBundle:
    from verifier.trust_dir import load_trust

    return load_trust(folder)


def _address(bureau: str | None) -> str:
    if bureau is None:
        raise ConfigError(Reason.CLI_USAGE, "a plain code needs --bureau", hint="name the bureau's address")
    return bureau.rstrip("/")


def _now() -> int:
    return int(utc_now().timestamp())
