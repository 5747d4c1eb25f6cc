"""`tally init`: a bureau's home."""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from pathlib import Path

import click

from certificate.numbers import Environment
from cli.common import emit, json_option, read_input, read_passphrase, say, utc_now
from issuer.sample import OFFICES
from issuer.setup import Bureau, FarLog, OfficeDetails, create_home
from ledger.trust_policy import parse_trust_policy

__all__ = ["example_bureau", "init"]


def example_bureau() -> Bureau:
    """The bureau of DOMAIN section 8 in region 99."""
    offices = tuple(OfficeDetails(*office) for office in OFFICES)
    return Bureau(
        authority=1,
        name_zh="示例市社保局(测试)",
        name_en="Example City Social Insurance Bureau (test)",
        offices=offices,
        profile="example-city",
        origin="log.example-city.test/2026",
        environment=Environment.TEST,
    )


@click.command()
@click.argument("home_path", metavar="HOME", type=click.Path(path_type=Path, file_okay=False))
@click.option("--production", is_flag=True, help="A real bureau: needs the options below and a passphrase.")
@click.option("--authority", type=int, help="The authority's number in the directory; test homes: 1.")
@click.option("--name-zh", help="Production: the bureau's name in Chinese.")
@click.option("--name-en", help="Production: the bureau's name in English.")
@click.option("--office-code", help="Production: the agency code of the minting office.")
@click.option("--region", help="Production: prefix of the regions it certifies, such as 3710.")
@click.option("--profile", help="Production: name of the bureau's profile file (without .toml).")
@click.option("--origin", help="Production: the log's name, such as log.example.gov.cn/2026.")
@click.option(
    "--ledger", "url", metavar="URL", help="A log that another organisation runs; default: one in HOME."
)
@click.option(
    "--log", type=click.IntRange(0), default=1, show_default=True, help="Its number in the directory."
)
@click.option("--ledger-policy", type=click.Path(path_type=Path, exists=True), help="Its tlog-policy file.")
@click.option("--ledger-credential", type=click.Path(path_type=Path, exists=True), help="To append with.")
@click.option(
    "--passphrase-fd", type=int, default=None, help="Read the passphrase from this file descriptor."
)
@json_option
def init(
    home_path: Path,
    production: bool,
    url: str | None,
    log: int,
    ledger_policy: Path | None,
    ledger_credential: Path | None,
    passphrase_fd: int | None,
    as_json: bool,
    **details: str | None,
) -> None:
    """Set up HOME: keys, ledger, register, four local witnesses, directory, trust bundle.

    A test home (the default) stands in region 99, keeps its passphrase beside the keys and has a demo organisation.
    With --ledger HOME writes to a log that another organisation runs; its operator gives the policy and the credential.

    Example: tally init home
    """
    far = _far_log(url, log, ledger_policy, ledger_credential)
    if far is not None:
        details["origin"] = details["origin"] or _origin(far)
    if production:
        bureau, passphrase = _production(details), read_passphrase(passphrase_fd, confirm=True)
    else:
        bureau, passphrase = _test_bureau(details), secrets.token_hex(16).encode()
        say("test home: the passphrase is kept in HOME/passphrase; do not use it for real people")
    home = create_home(
        home_path,
        bureau,
        passphrase=passphrase,
        random=os.urandom,
        now=int(utc_now().timestamp()),
        far=far,
    )
    if far is None:
        say("the four witnesses are local: they protect against accidents, not against this bureau itself")
    say(
        "the three root keys of its trust bundle stand in HOME/keys"
        + (": rotate to keys of their holders, then destroy these (docs/TRUST.md)" if production else "")
    )
    result = {
        "home": str(home_path),
        "environment": bureau.environment.name.lower(),
        "trust": str(home.trust_dir),
        "origin": bureau.origin,
    }
    emit(result, f"home {home_path} is ready; verifiers need {home.trust_dir}", as_json=as_json)


def _far_log(url: str | None, log: int, policy: Path | None, credential: Path | None) -> FarLog | None:
    if url is None and policy is None and credential is None:
        return None
    if url is None or policy is None or credential is None:
        raise click.UsageError("--ledger, --ledger-policy and --ledger-credential go together")
    if not url.startswith(("http://", "https://")):
        raise click.UsageError("--ledger takes an address, http:// or https://")
    secret = read_input(str(credential), at_most=4096).decode("ascii", "replace")
    return FarLog(url.rstrip("/"), log, read_input(str(policy), at_most=2**20), secret)


def _origin(far: FarLog) -> str:
    """The log's name, where its policy names one log only."""
    names = {log.key.name for log in parse_trust_policy(far.policy).logs}
    if len(names) != 1:
        raise click.UsageError("the policy names several logs; say which one with --origin")
    return names.pop()


def _test_bureau(details: dict[str, str | None]) -> Bureau:
    bureau = example_bureau()
    authority, origin = details["authority"], details["origin"]
    return replace(
        bureau,
        authority=bureau.authority if authority is None else int(authority),
        origin=origin or bureau.origin,
    )


def _production(details: dict[str, str | None]) -> Bureau:
    missing = [name for name, value in details.items() if value is None]
    if missing:
        raise click.UsageError(
            f"--production needs --{', --'.join(name.replace('_', '-') for name in missing)}"
        )
    given = {name: str(value) for name, value in details.items()}
    office = OfficeDetails(given["office_code"], given["name_zh"], given["name_en"], None, given["region"])
    return Bureau(
        authority=int(given["authority"]),
        name_zh=given["name_zh"],
        name_en=given["name_en"],
        offices=(office,),
        profile=given["profile"],
        origin=given["origin"],
        environment=Environment.PRODUCTION,
    )
