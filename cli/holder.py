"""`tally holder`: a holder without a wallet, who keeps a key and certificates in files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import click

from certificate.certificate import UnverifiedCertificate, parse_certificate
from certificate.holding import holder_tree
from certificate.holding import present as sign_answer
from certificate.keys import Ed25519CoseSigner
from certificate.numbers import CertificateType
from certificate.policy.asking import day_of_question, months_to_show, policy_asked, slots_for_policy
from certificate.policy.composing import Laid, Shown, compose, lay_down
from certificate.policy.language import Policy
from certificate.policy.wording import answer_word, finding_sentences
from certificate.qr_text import decode_any, decode_any_request, encode_qr_text
from certificate.request import (
    COUNTER_LIFETIME,
    PolicyItem,
    RequestBody,
    SlotsItem,
    UnverifiedRequest,
    matching_digits,
    parse_request,
    verify_request,
)
from certificate.slot_tree import ClaimsTree
from certificate.slots import IDENTITY_SLOTS, REGISTRIES
from certificate.template.retirement import retired_template
from certificate.texts import Language, claim_name
from cli.asking import Askable
from cli.claims import slots_named
from cli.common import (
    emit,
    force_option,
    json_option,
    language_option,
    say,
    utc_now,
    write_new_file,
)
from cli.holder_safe import export_safe, import_safe
from cli.keys import HOLDER_PURPOSE, new_passphrase, open_holder_key
from cli.outputs import form_of, write_code
from cli.shown import read_one
from ledger.errors import ConsentError, VerificationError
from ledger.keyfile import save_key
from ledger.reasons import Reason
from verifier.standing import require_standing
from verifier.trust import TrustBundle

__all__ = ["holder"]

_DEFAULT_MINUTES = 10
_REGISTRY = REGISTRIES[CertificateType.CONTRIBUTION]


@click.group()
def holder() -> None:
    """A holder without a wallet: make a key, answer a request.

    Example: tally holder new-key --out me.key
    """


for _command in (export_safe, import_safe):
    holder.add_command(_command)


@holder.command("new-key")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Key file to write."
)
@click.option(
    "--passphrase-fd", type=int, default=None, help="Seal it with a passphrase from this descriptor."
)
@click.option("--environment", type=click.Choice(["test", "production"]), default="test", show_default=True)
@json_option
def new_key(out: Path, passphrase_fd: int | None, environment: str, as_json: bool) -> None:
    """Make a holder key: OUT is private (mode 0600), OUT.pub goes to the bureau.

    Example: tally holder new-key --out me.key
    """
    passphrase = new_passphrase(passphrase_fd)
    if passphrase is None:
        say("the key is not sealed by a passphrase; whoever can read the file can answer for you")
    seed = os.urandom(32)
    public = Ed25519CoseSigner(seed).public_key
    save_key(out, seed, purpose=HOLDER_PURPOSE, environment=environment, passphrase=passphrase)
    write_new_file(out.with_name(out.name + ".pub"), public.hex().encode() + b"\n", force=False)
    result = {"key": str(out), "public": str(out) + ".pub", "public_key": public.hex()}
    emit(result, f"{out} and {out}.pub written", as_json=as_json)


@holder.command()
@click.option("--request", "request_file", required=True, help="The request: text or file, - for stdin.")
@click.option(
    "--certificate",
    "certificate_files",
    multiple=True,
    required=True,
    help="Your certificate file; repeatable, best first.",
)
@click.option("--key", "key_file", type=click.Path(path_type=Path), required=True, help="Your key file.")
@click.option("--show", multiple=True, help="Claim to show, by name or slot; default: what is asked.")
@click.option("--minutes", type=click.IntRange(1, 1440), default=_DEFAULT_MINUTES, show_default=True)
@click.option(
    "--trust", type=click.Path(path_type=Path), help="Trust bundle: shows who asks, from the register."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="*.png, *.svg, *.b64 or QR text",
)
@click.option("--passphrase-fd", type=int, default=None)
@force_option
@language_option
@json_option
def present(
    request_file: str,
    certificate_files: tuple[str, ...],
    key_file: Path,
    show: tuple[str, ...],
    minutes: int,
    trust: Path | None,
    out: Path,
    passphrase_fd: int | None,
    force: bool,
    language: Language,
    as_json: bool,
) -> None:
    """Answer one request: sign what is shown, to whom, what for, until when.

    Several certificates answer together where none does alone; what is not needed stays unused. Each part is a file of
    its own, the second one OUT-2, and the verifier is given all of them.

    Example: tally holder present --request R.txt --certificate C.txt --key me.key --out P.png
    """
    asked_bytes = decode_any_request(read_one(request_file))
    held = [decode_any(read_one(name)) for name in certificate_files]
    request, certificates = parse_request(asked_bytes), [parse_certificate(one) for one in held]
    bundle = _bundle(trust)
    if bundle is not None:
        for certificate in certificates:
            require_standing(certificate.body, bundle)
    askable = Askable({}, {}) if bundle is None else Askable(bundle.policies, bundle.templates)
    asked, now = request.body, int(utc_now().timestamp())
    if len(held) > 1 and show:
        raise click.UsageError("--show names claims of one --certificate")
    shown = (
        {0: _shown_of_one(request, show, certificates[0], holder_tree(held[0]), askable, language)}
        if len(held) == 1
        else _shown_together(asked, certificates, askable, day_of_question(now))
    )
    registered = _registered_name(request, bundle, language)
    if registered is None and min(min(one.slots) for one in shown.values()) < IDENTITY_SLOTS and not show:
        hint = "check the asker with --trust, or name each claim you want to show with --show"
        raise ConsentError(Reason.ORG_UNREGISTERED, "identity is shown to registered askers only", hint=hint)
    if now > asked.expires:
        raise VerificationError(Reason.PRES_EXPIRED, "the request has run out", hint="ask for a new one")
    if asked.nonce is None:
        minutes = min(minutes, COUNTER_LIFETIME // 60)
    signer = open_holder_key(key_file, passphrase_fd)
    if any(signer.public_key != certificates[at].body.cnf for at in shown):
        hint = "use the key whose .pub file the certificate was minted for"
        raise VerificationError(
            Reason.PRES_BINDING_INVALID, "the certificate is bound to another key", hint=hint
        )
    files, names, size = [], [], 0
    for part, (at, least) in enumerate(shown.items(), start=1):
        data = sign_answer(
            signer, held[at], asked_bytes, least.slots, issued=now, lifetime=minutes, at_least=least.months
        )
        file = out if part == 1 else out.with_stem(f"{out.stem}-{part}")
        write_code(file, form_of(file), encode_qr_text(data), data, force=force)
        files.append(str(file))
        size += len(data)
        cut_off = certificates[at].body.cut_off
        names += [claim_name(_REGISTRY.claim_at(slot), language, cut_off) for slot in least.slots]
    digits = matching_digits(request.digest())
    result = {
        "file": files[0],
        "files": files,
        "bytes": size,
        "shown": names,
        "to": registered or f"organisation {asked.org} (not checked)",
        "purpose": asked.purpose,
        "digits": digits,
    }
    text = (
        f"{', '.join(files)}: {size} bytes for {result['to']}, {asked.purpose}, {minutes} minutes; "
        f"both screens show {digits}\n" + "\n".join(f"  - {name}" for name in names)
    )
    emit(result, text, as_json=as_json)


def _shown_together(
    asked: RequestBody, certificates: Sequence[UnverifiedCertificate], askable: Askable, today: date
) -> dict[int, Shown]:
    """Per certificate that is needed what it shows, for all that is still required."""
    items = _places_required(asked, askable, today)
    policies, templates = askable.policies, askable.templates
    laid = lay_down(asked, items, certificates, policies=policies, templates=templates, today=today)
    parts = [Laid(certificates[at], places) for at, places in laid]
    least = compose(asked, parts, policies=policies, templates=templates, today=today)
    return {at: one for (at, _), one in zip(laid, least, strict=True)}


def _shown_of_one(
    request: UnverifiedRequest,
    show: tuple[str, ...],
    certificate: UnverifiedCertificate,
    tree: ClaimsTree,
    askable: Askable,
    language: Language,
) -> Shown:
    slots = _slots_to_show(request, show, certificate, tree, askable, language)
    today = day_of_question(int(utc_now().timestamp()))
    places = _places_required(request.body, askable, today)
    months = months_to_show(request.body, places, certificate, slots, policies=askable.policies, today=today)
    return Shown(tuple(slots), months)


def _places_required(asked: RequestBody, askable: Askable, today: date) -> list[int]:
    return [
        at
        for at, item in enumerate(asked.items)
        if retired_template(item, askable.templates, today=today) is None
    ]


def _slots_to_show(
    request: UnverifiedRequest,
    show: tuple[str, ...],
    certificate: UnverifiedCertificate,
    tree: ClaimsTree,
    askable: Askable,
    language: Language,
) -> list[int]:
    """The slots named, or the least that answers what is asked and still required."""
    if show:
        return slots_named(show, _REGISTRY, cut_off=certificate.body.cut_off)
    required = _required(request.body.items, askable)
    asked = {slot for item in required if isinstance(item, SlotsItem) for slot in item.slots}
    missing = asked - set(tree.slots)
    for slot in sorted(missing):
        say(f"not in this certificate: {_REGISTRY.claim_at(slot).name}")
    slots = asked - missing
    for item in required:
        if isinstance(item, PolicyItem):
            slots |= _least(
                policy_asked(item, askable.policies, printed=request.body.nonce is None),
                certificate,
                language,
            )
    if not slots:
        raise ConsentError(Reason.DISC_REQUIRED_MISSING, "nothing of what is asked is in this certificate")
    return sorted(slots)


def _least(policy: Policy, certificate: UnverifiedCertificate, language: Language) -> set[int]:
    """What decides the policy and what it shows besides; says to the holder what the answer will be."""
    today = day_of_question(int(utc_now().timestamp()))
    answer, (slots,) = slots_for_policy(policy, [certificate], today=today)
    say(f"{policy.title(language)}: {answer_word(answer.value, language)}")
    for sentence in finding_sentences(answer, language):
        say(f"  {sentence}")
    return set(slots)


def _required(items: Sequence[PolicyItem | SlotsItem], askable: Askable) -> list[PolicyItem | SlotsItem]:
    """What has to be answered; of the rest the holder is told since when, and by which law, it has not.

    Raises:
        ConsentError: `template.retired`: nothing else is asked.
    """
    today = day_of_question(int(utc_now().timestamp()))
    required, retired = [], None
    for item in items:
        gone = retired_template(item, askable.templates, today=today)
        if gone is None:
            required.append(item)
        else:
            retired = gone.retirement()
            say(retired.detail)
    if not required and retired is not None:
        raise retired
    return required


def _bundle(trust: Path | None) -> TrustBundle | None:
    if trust is None:
        return None
    from verifier.trust_dir import load_trust

    return load_trust(trust)


def _registered_name(
    request: UnverifiedRequest, bundle: TrustBundle | None, language: Language
) -> str | None:
    """The asker's name, from a registration that holds; None, with a warning, when it was not or cannot be checked."""
    if bundle is None:
        say("WARNING: who asks was not checked; name a trust bundle with --trust")
        return None
    today = int(utc_now().timestamp()) // 86400
    try:
        registration = verify_request(request, directory=bundle.directory, today=today)
    except VerificationError as exc:
        say(f"WARNING: the asker is not registered for this [{exc.reason.value}]")
        return None
    return registration.name_zh if language == "zh" else registration.name_en
