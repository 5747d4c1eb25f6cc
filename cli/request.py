"""`tally request`: what an organisation asks."""

from __future__ import annotations

import os
from pathlib import Path

import click

from certificate.numbers import CertificateType
from certificate.qr_text import encode_request_text
from certificate.request import (
    NONCE_SIZE,
    RequestBody,
    SlotsItem,
    matching_digits,
    parse_request,
    sign_request,
)
from certificate.slots import REGISTRIES
from certificate.texts import Language, claim_name
from cli.claims import slots_named
from cli.common import emit, force_option, json_option, language_option, utc_now
from cli.home import home_options, open_home
from cli.outputs import form_of, write_code
from issuer.organisations import DEFAULT_PURPOSE, registration_of
from issuer.setup import DEMO_ORG

__all__ = ["QUESTIONS", "request"]

_REGISTRY = REGISTRIES[CertificateType.CONTRIBUTION]
_PENSION = ("settled.pension.emp", "strip.pension.emp.-0", "strip.pension.emp.-1", "strip.pension.emp.-2")
_MEDICAL = ("settled.medical.emp", "strip.medical.emp.-0", "strip.medical.emp.-1", "strip.medical.emp.-2")
# Which claims answer a common question. Policies will name the question itself.
QUESTIONS = {
    "months.24": _PENSION,
    "months.24.medical": _MEDICAL,
    "identity.24": ("name", "id_tail", *_PENSION),
}


@click.group()
def request() -> None:
    """An organisation's request, as text or QR.

    Example: tally request new --home home --out R.png
    """


@request.command("new")
@click.option("--template", type=click.Choice(sorted(QUESTIONS)), default="months.24", show_default=True)
@click.option("--ask", multiple=True, help="Claims to ask instead of a template, by name; repeatable.")
@click.option("--org", "number", type=int, default=DEMO_ORG, show_default=True, help="Who asks.")
@click.option("--purpose", default=DEFAULT_PURPOSE, show_default=True)
@click.option("--legal-basis", default="个人信息保护法第十三条第一款第一项(本人同意)", show_default=True)
@click.option("--method", default="当场核验，只留核验结果", show_default=True)
@click.option("--retention", type=click.IntRange(0, 36500), default=30, show_default=True, help="Days.")
@click.option(
    "--hours", type=click.IntRange(1, 24 * 366), default=24, show_default=True, help="Until when to answer."
)
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
    template: str,
    ask: tuple[str, ...],
    number: int,
    purpose: str,
    legal_basis: str,
    method: str,
    retention: int,
    hours: int,
    desk: str | None,
    out: Path,
    home_path: Path,
    passphrase_fd: int | None,
    force: bool,
    language: Language,
    as_json: bool,
) -> None:
    """Sign a new request of a registered organisation.

    Example: tally request new --template months.24 --home home --out R.txt
    """
    home = open_home(home_path, passphrase_fd)
    slots = tuple(slots_named(ask or QUESTIONS[template], _REGISTRY))
    body = RequestBody(
        org=number,
        nonce=None if desk else os.urandom(NONCE_SIZE),
        desk=desk,
        items=(SlotsItem(CertificateType.CONTRIBUTION, slots),),
        purpose=purpose,
        legal_basis=legal_basis,
        method=method,
        retention=retention,
        expires=int(utc_now().timestamp()) + 3600 * hours,
    )
    data = sign_request(home.signer(f"org-{number}"), body, registration_of(home, number))
    digest = parse_request(data).digest()
    write_code(out, form_of(out), encode_request_text(data), data, force=force)
    names = [claim_name(_REGISTRY.claim_at(slot), language) for slot in slots]
    digits = matching_digits(digest)
    result = {"file": str(out), "bytes": len(data), "digest": digest.hex(), "digits": digits, "asks": names}
    text = f"{out}: asks {len(names)} claims; both screens show {digits}\n" + "\n".join(
        f"  - {n}" for n in names
    )
    emit(result, text, as_json=as_json)
