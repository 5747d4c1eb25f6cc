"""`tally request`: what an organisation asks."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from certificate.numbers import CertificateType
from certificate.qr_text import decode_any_request, encode_request_text
from certificate.request import (
    NONCE_SIZE,
    PolicyItem,
    RegistrationBody,
    RequestBody,
    SlotsItem,
    matching_digits,
    parse_registration,
    parse_request,
    sign_request,
)
from certificate.slots import REGISTRIES
from certificate.texts import Language, claim_name
from cli.asking import Askable, asking_options, pattern_of
from cli.common import emit, force_option, json_option, language_option, require_writable, utc_now
from cli.home import home_options, open_home
from cli.outputs import form_of, write_code
from cli.shown import read_one
from issuer.organisations import registration_of
from issuer.policies import load_policies
from issuer.setup import DEMO_ORG
from issuer.templates import load_templates
from ledger.durable import map_os_error
from ledger.errors import ConfigError
from ledger.reasons import Reason
from verifier.trust_dir import load_trust

__all__ = ["request"]

_DAY = 86400
_LONGEST = 90 * _DAY  # a wallet keeps no request longer
_REGISTRY = REGISTRIES[CertificateType.CONTRIBUTION]
_MOST_STACKED = 2000  # as many as the desk page reads


@click.group()
def request() -> None:
    """An organisation's request, as text or QR.

    Example: tally request new --home home --out R.png
    """


@request.command("new")
@asking_options()
@click.option(
    "--follow-up", "earlier", help="Ask again what this request asked, with the time that --until gives."
)
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day (UTC) to answer a follow-up on.")
@click.option("--org", "number", type=int, default=DEMO_ORG, show_default=True, help="Who asks.")
@click.option("--desk", help="A printed counter request: no nonce, answers live five minutes.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="*.png, *.svg, *.b64 or QR text",
)
@home_options
@force_option
@language_option
@json_option
def new(
    earlier: str | None,
    until: datetime | None,
    number: int,
    desk: str | None,
    out: Path,
    home_path: Path,
    passphrase_fd: int | None,
    force: bool,
    language: Language,
    as_json: bool,
    **asking: Any,
) -> None:
    """Sign a new request of a registered organisation.

    A follow-up is for whom you accept for now, because a month is not posted yet: leave it at the wallet service as one
    that follows the first, and it is offered when a newer certificate decides it. It runs out by itself.

    Example: tally request new --template housing.24 --home home --out R.txt
    """
    home = open_home(home_path, passphrase_fd)
    policies, registration = load_policies(home), registration_of(home, number)
    nonce = None if desk else os.urandom(NONCE_SIZE)
    holds = load_trust(home.trust_dir).held.sizes()
    if (earlier is None) is not (until is None) or (earlier is not None and desk is not None):
        raise click.UsageError("--follow-up and --until belong together, and to no desk")
    if earlier is not None and until is not None:
        before = parse_request(decode_any_request(read_one(earlier))).body
        body = _follow_up(before, until, org=number, nonce=nonce, holds=holds)
    else:
        askable = Askable(policies, load_templates(home))
        body = pattern_of(asking, org=number, nonce=nonce, desk=desk, askable=askable, holds=holds)
    _check_allowed(body, parse_registration(registration).body)
    data = sign_request(home.signer(f"org-{number}"), body, registration)
    digest = parse_request(data).digest()
    write_code(out, form_of(out), encode_request_text(data), data, force=force)
    asked = [policies[item.policy].title(language) for item in body.items if isinstance(item, PolicyItem)]
    names = asked + [
        claim_name(_REGISTRY.claim_at(slot), language)
        for item in body.items
        if isinstance(item, SlotsItem)
        for slot in item.slots
    ]
    digits = matching_digits(digest)
    result = {"file": str(out), "bytes": len(data), "digest": digest.hex(), "digits": digits, "asks": names}
    text = f"{out}: asks {len(names)} things; both screens show {digits}\n" + "\n".join(
        f"  - {n}" for n in names
    )
    emit(result, text, as_json=as_json)


@request.command("stack")
@asking_options()
@click.option("--org", "number", type=int, default=DEMO_ORG, show_default=True, help="Who asks.")
@click.option(
    "--count", type=click.IntRange(1, _MOST_STACKED), default=50, show_default=True, help="How many."
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="A new folder.")
@home_options
@json_option
def stack(
    number: int,
    count: int,
    out: Path,
    home_path: Path,
    passphrase_fd: int | None,
    as_json: bool,
    **asking: Any,
) -> None:
    """Sign many requests that ask the same, each for one applicant: a desk without a key hands them out.

    Example: tally request stack --template housing.24 --count 200 --home home --out requests
    """
    home = open_home(home_path, passphrase_fd)
    registration = registration_of(home, number)
    body = pattern_of(
        asking,
        org=number,
        nonce=os.urandom(NONCE_SIZE),
        desk=None,
        askable=Askable(load_policies(home), load_templates(home)),
        holds=load_trust(home.trust_dir).held.sizes(),
    )
    _check_allowed(body, parse_registration(registration).body)
    require_writable(out, force=False)
    try:
        out.mkdir(parents=True)
    except OSError as exc:
        raise map_os_error(exc) from exc
    signer = home.signer(f"org-{number}")
    for at in range(1, count + 1):
        data = sign_request(signer, replace(body, nonce=os.urandom(NONCE_SIZE)), registration)
        write_code(out / f"{at:04d}.txt", "text", encode_request_text(data), data, force=False)
    emit({"folder": str(out), "requests": count}, f"{out}: {count} requests", as_json=as_json)


def _follow_up(
    before: RequestBody, until: datetime, *, org: int, nonce: bytes | None, holds: tuple[tuple[int, int], ...]
) -> RequestBody:
    """What `before` asked, once more, until the end of a day."""
    if before.org != org:
        raise ConfigError(
            Reason.CLI_USAGE, f"a request of organisation {before.org}", hint="name it with --org"
        )
    expires = int((until.replace(tzinfo=UTC) + timedelta(days=1)).timestamp())
    if not before.expires < expires <= int(utc_now().timestamp()) + _LONGEST:
        hint = f"a day after the first request's last one, and at most {_LONGEST // _DAY} days from now"
        raise ConfigError(Reason.CONSENT_WINDOW_TOO_LONG, f"until {until:%Y-%m-%d}", hint=hint)
    return replace(before, nonce=nonce, desk=None, expires=expires, holds=holds)


def _check_allowed(body: RequestBody, registration: RegistrationBody) -> None:
    """Say now what every wallet would say."""
    if body.purpose not in registration.purposes:
        hint = "register it for this purpose, or name an allowed one with --purpose"
        raise ConfigError(Reason.ORG_PURPOSE_NOT_ALLOWED, "the purpose is not in the registration", hint=hint)
    if not all(registration.allows(item) for item in body.items):
        hint = "register it for these policies: tally org register --template T"
        raise ConfigError(Reason.ORG_PURPOSE_NOT_ALLOWED, "asks more than the registration allows", hint=hint)
