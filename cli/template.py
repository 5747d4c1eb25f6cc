"""`tally template`: the forms of organisations, and what they ask to fill them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from certificate.policy.asking import day_of_question
from certificate.template.language import Template
from certificate.template.parsing import parse_template
from certificate.texts import Language
from cli.common import emit, json_option, language_option, read_input, utc_now
from cli.home import home_options, open_home, opened_ledger
from issuer.home import Home
from issuer.organisations import list_organisations
from issuer.publish import cut_bundle
from issuer.templates import add_template, load_templates, retire_template

__all__ = ["template"]


@click.group()
def template() -> None:
    """Forms of organisations as files: what is asked, and which fields it fills; docs/POLICIES.md says how.

    Example: tally template list --home home
    """


@template.command()
@click.argument("file")
@language_option
@json_option
def check(file: str, language: Language, as_json: bool) -> None:
    """Check a template file; a broken one is refused with the line where it is broken.

    Example: tally template check my.toml
    """
    found = parse_template(read_input(file))
    text = f"{found.id}, version {found.version}: {found.title(language)}, {len(found.fields)} fields"
    emit(_row(found, language), text, as_json=as_json)


@template.command()
@click.argument("file")
@home_options
@language_option
@json_option
def add(file: str, home_path: Path, passphrase_fd: int | None, language: Language, as_json: bool) -> None:
    """Publish a template, or a newer version of one, with a new trust bundle.

    Example: tally template add my.toml --home home
    """
    home = open_home(home_path, passphrase_fd)
    added = add_template(home, read_input(file))
    bundle = _publish(home)
    text = f"{added.id}, version {added.version}, is in trust bundle {bundle}"
    emit(_row(added, language) | {"bundle": bundle}, text, as_json=as_json)


@template.command("list")
@home_options
@language_option
@json_option
def list_(home_path: Path, passphrase_fd: int | None, language: Language, as_json: bool) -> None:
    """The published templates; a retired one says since when.

    Example: tally template list --home home
    """
    known = load_templates(open_home(home_path, passphrase_fd)).values()
    lines = [
        f"{one.id:18}  {one.title(language)}"
        + (f"  ({_since(one)})" if one.retired_since is not None else "")
        for one in known
    ]
    emit({"templates": [_row(one, language) for one in known]}, "\n".join(lines), as_json=as_json)


@template.command()
@home_options
@language_option
@json_option
def report(home_path: Path, passphrase_fd: int | None, language: Language, as_json: bool) -> None:
    """What the templates save people from typing, who may use each, and what is required no longer.

    Example: tally template report --home home
    """
    home = open_home(home_path, passphrase_fd)
    today = day_of_question(int(utc_now().timestamp()))
    known = load_templates(home).values()
    users = [item.body for item in list_organisations(home) if not item.suspended]
    rows, lines = [], []
    for one in known:
        organisations = [
            body.org
            for body in users
            if one.purpose in body.purposes and set(one.policies) <= set(body.policies)
        ]
        rows.append(_row(one, language) | {"retired": one.is_retired(today), "organisations": organisations})
        lines.append(f"{one.id:18}  {len(one.fields):>2} fields, {len(organisations)} organisations")
    retired = sum(one.is_retired(today) for one in known)
    fields = sum(len(one.fields) for one in known if not one.is_retired(today))
    lines.insert(
        0, f"{len(known) - retired} templates fill {fields} fields; {retired} are required no longer"
    )
    lines += [f"{one.id}: {_since(one)}, {one.retired_basis}" for one in known if one.is_retired(today)]
    emit({"templates": rows, "retired": retired, "fields": fields}, "\n".join(lines), as_json=as_json)


@template.command()
@click.argument("name", metavar="ID")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), required=True, help="From this day on.")
@click.option("--legal-basis", required=True, help="The law by which it is required no longer.")
@home_options
@language_option
@json_option
def retire(
    name: str,
    since: datetime,
    legal_basis: str,
    home_path: Path,
    passphrase_fd: int | None,
    language: Language,
    as_json: bool,
) -> None:
    """Stop asking people for what a template asks; whoever asks is told since when, and by which law.

    Example: tally template retire unemp.12 --since 2026-12-01 --legal-basis 示例市减证便民清单第三条 --home home
    """
    home = open_home(home_path, passphrase_fd)
    retired = retire_template(home, name, since=since.date(), legal_basis=legal_basis)
    bundle = _publish(home)
    text = f"{retired.id}: {_since(retired)}, {retired.retired_basis}; in trust bundle {bundle}"
    emit(_row(retired, language) | {"bundle": bundle}, text, as_json=as_json)


def _publish(home: Home) -> int:
    with opened_ledger(home) as ledger:
        return cut_bundle(home, ledger, now=int(utc_now().timestamp()))


def _since(found: Template) -> str:
    return f"no longer required since {found.retired_since}"


def _row(found: Template, language: Language) -> dict[str, object]:
    return {
        "id": found.id,
        "version": found.version,
        "title": found.title(language),
        "purpose": found.purpose,
        "legal_basis": found.legal_basis,
        "policies": list(found.policies),
        "ask": list(found.ask),
        "fields": len(found.fields),
        "retired_since": None if found.retired_since is None else found.retired_since.isoformat(),
        "retired_basis": found.retired_basis,
        "digest": found.digest.hex(),
    }
