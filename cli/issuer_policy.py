"""`tally issuer policy`: the questions that organisations may ask, as files."""

from __future__ import annotations

from pathlib import Path

import click

from certificate.policy.language import Policy
from certificate.policy.parsing import parse_policy
from certificate.texts import Language
from cli.common import emit, json_option, language_option, read_input, utc_now
from cli.home import home_options, open_home, opened_ledger
from issuer.policies import add_policy, load_policies
from issuer.publish import cut_bundle

__all__ = ["policy"]


@click.group()
def policy() -> None:
    """Questions that organisations may ask, as files; docs/POLICIES.md says how to write one.

    Example: tally issuer policy list --home home
    """


@policy.command()
@click.argument("file")
@language_option
@json_option
def check(file: str, language: Language, as_json: bool) -> None:
    """Check a policy file; a broken one is refused with the line where it is broken.

    Example: tally issuer policy check my.toml
    """
    found = parse_policy(read_input(file))
    emit(
        _row(found, language),
        f"{found.id}, version {found.version}: {found.title(language)}",
        as_json=as_json,
    )


@policy.command()
@click.argument("file")
@home_options
@language_option
@json_option
def add(file: str, home_path: Path, passphrase_fd: int | None, language: Language, as_json: bool) -> None:
    """Publish a policy, or a newer version of one, with a new trust bundle.

    Example: tally issuer policy add my.toml --home home
    """
    home = open_home(home_path, passphrase_fd)
    added = add_policy(home, read_input(file))
    with opened_ledger(home) as ledger:
        version = cut_bundle(home, ledger, now=int(utc_now().timestamp()))
    text = f"{added.id}, version {added.version}, is in trust bundle {version}"
    emit(_row(added, language) | {"bundle": version}, text, as_json=as_json)


@policy.command("list")
@home_options
@language_option
@json_option
def list_(home_path: Path, passphrase_fd: int | None, language: Language, as_json: bool) -> None:
    """The published policies.

    Example: tally issuer policy list --home home
    """
    rows = [_row(found, language) for found in load_policies(open_home(home_path, passphrase_fd)).values()]
    emit({"policies": rows}, "\n".join(f"{row['id']:18}  {row['title']}" for row in rows), as_json=as_json)


def _row(found: Policy, language: Language) -> dict[str, object]:
    return {
        "id": found.id,
        "version": found.version,
        "title": found.title(language),
        "legal_basis": found.legal_basis,
        "valid_from": found.valid_from.isoformat(),
        "valid_to": found.valid_to.isoformat(),
        "digest": found.digest.hex(),
    }
