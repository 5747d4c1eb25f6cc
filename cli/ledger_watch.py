"""`tally ledger monitor|audit`: is the log one history, and is what it holds ours?"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import click

from certificate.directory import Directory
from certificate.texts import reason_text
from cli.common import EXIT_NO, emit, json_option, language_of_environment, read_input, utc_now
from cli.home import home_options, open_home
from ledger.errors import ConfigError
from ledger.note import parse_vkey
from ledger.reasons import Reason
from ledger.trust_policy import TrustPolicy, parse_trust_policy, policy_of_keys
from verifier.list_watch import Watched, watch_lists
from verifier.trust_dir import load_trust

__all__ = ["audit", "monitor"]


@click.command()
@click.argument("source", metavar="URL|FOLDER")
@click.option(
    "--state", type=click.Path(path_type=Path, file_okay=False), required=True, help="What was seen."
)
@click.option("--policy", help="A tlog-policy file: keys, witnesses, quorum.")
@click.option(
    "--vkey", "vkeys", multiple=True, help="A log's key, where there is no policy; may be repeated."
)
@click.option(
    "--trust",
    type=click.Path(path_type=Path, file_okay=False),
    help="The bureau's bundle: its status lists are watched too.",
)
@click.option(
    "--lists",
    "more_lists",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    multiple=True,
    help="With --trust: a folder of more published lists (*.cwt), wherever they were handed out; may be repeated.",
)
@json_option
@click.pass_context
def monitor(
    context: click.Context,
    source: str,
    state: Path,
    policy: str | None,
    vkeys: tuple[str, ...],
    trust: Path | None,
    more_lists: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Follow any log in C2SP tlog-tiles form: is its checkpoint an extension of the last one seen?

    Run it from a timer. A fork ends in exit code 3, and both notes are kept in the evidence folder. With --trust also:
    was each published status list logged, and does none lift what an earlier one ended for good?

    Example: tally ledger monitor http://127.0.0.1:8444 --state seen --policy policy.txt --trust bundle
    """
    from ledger.log_source import open_source
    from ledger.monitor import follow_log

    trusted = _policy(policy, vkeys)
    published = _published_lists(trust, more_lists)  # before the log: what is published now is in it
    now = int(utc_now().timestamp())
    with closing(open_source(source)) as log:
        seen = follow_log(log, policy=trusted, folder=state, now=now)
    entries = [
        {
            "type": None if kind is None else kind[0],
            "authority": None if kind is None else kind[1],
            "count": count,
        }
        for kind, count in sorted(seen.entries.items(), key=lambda item: item[0] or (-1, -1))
    ]
    result: dict[str, Any] = {
        "origin": seen.origin,
        "old_size": seen.old_size,
        "size": seen.size,
        "cosigned_by": list(seen.cosigned_by),
        "new_entries": entries,
    }
    text = f"{seen.origin}: one history, {seen.old_size:,} → {seen.size:,} entries"
    text += f", cosigned by {len(seen.cosigned_by)}"
    watched = None
    if published is not None:
        directory, tokens = published
        watched = watch_lists(
            tokens,
            directory=directory,
            logged=seen.status_lists,
            log_time=now if seen.time is None else seen.time,
            folder=state / "lists",
        )
        result["status_lists"] = _told(watched)
        text += f"\n{_sentences(watched, state)}"
    emit(result, text, as_json=as_json)
    if watched is not None and watched.findings:
        context.exit(EXIT_NO)


def _published_lists(trust: Path | None, folders: tuple[Path, ...]) -> tuple[Directory, list[bytes]] | None:
    if trust is None:
        if folders:
            raise click.UsageError("--lists goes with --trust, which says whose lists they are")
        return None
    bundle = load_trust(trust)
    tokens = set(bundle.status_tokens.values())
    for folder in folders:
        tokens |= {read_input(str(path)) for path in sorted(folder.rglob("*.cwt"))}
    return bundle.directory, sorted(tokens)


def _told(watched: Watched) -> dict[str, Any]:
    findings = [
        {
            "reason": one.reason.value,
            "list": one.name,
            "places": list(one.places),
            "count": one.count,
            "evidence": list(one.evidence),
        }
        for one in watched.findings
    ]
    return {
        "in_order": not findings,
        "lists": watched.lists,
        "waiting": watched.waiting,
        "unshown": watched.unshown,
        "findings": findings,
    }


def _sentences(watched: Watched, state: Path) -> str:
    lines = [f"{watched.lists} status lists are in the log, {watched.waiting} wait for its next checkpoint"]
    if watched.unshown:
        lines.append(f"{watched.unshown} logged lists were never shown here")
    for one in watched.findings:
        kept = ", ".join(one.evidence)
        what = reason_text(one.reason, language_of_environment())
        places = f" {one.count} certificates." if one.count else ""
        lines.append(
            f"{one.name}: {what}{places} [{one.reason.value}] {state / 'lists' / 'evidence'}: {kept}"
        )
    return "\n".join(lines)


def _policy(file: str | None, vkeys: tuple[str, ...]) -> TrustPolicy:
    if (file is None) is not bool(vkeys):
        raise ConfigError(Reason.CLI_USAGE, "one of --policy and --vkey", hint="Give one of the two.")
    if file is not None:
        return parse_trust_policy(read_input(file, at_most=2**20))
    return policy_of_keys([parse_vkey(vkey) for vkey in vkeys])


@click.command()
@home_options
@json_option
@click.pass_context
def audit(context: click.Context, home_path: Path, passphrase_fd: int | None, as_json: bool) -> None:
    """Compare the certificate entries under this bureau's authority with its register. Exit code 3 if they differ.

    Example: tally ledger audit --home home
    """
    from issuer.ledger_audit import audit_ledger
    from issuer.publish import load_directory

    home = open_home(home_path, passphrase_fd)
    with closing(home.log_entries()) as store, closing(home.register()) as register:
        found = audit_ledger(
            store,
            register,
            authority=home.settings.authority,
            log=home.settings.log,
            directory=load_directory(home),
        )
    result = {
        "in_order": found.in_order,
        "entries": found.size,
        "matched": found.matched,
        "unknown": [
            {"index": one.index, "digest": one.digest.hex(), "possible": one.possible.value}
            for one in found.unknown
        ],
        "misplaced": list(found.misplaced),
        "unmarked": list(found.unmarked),
        "missing": list(found.missing),
        "others": {kind.name.lower(): count for kind, count in sorted(found.others.items())},
        "foreign": found.foreign,
    }
    lines = [f"{found.matched:,} of {found.size:,} entries are certificates of this register"]
    lines += [f"entry {one.index} is not ours: {one.possible}" for one in found.unknown]
    lines += [f"entry {index} stands elsewhere in the register" for index in found.misplaced]
    lines += [f"the register has a certificate at {index}, the ledger has not" for index in found.missing]
    lines += [f"entry {index} is ours and will be marked by the next mint" for index in found.unmarked]
    emit(result, "\n".join(lines), as_json=as_json)
    if not found.in_order:
        context.exit(EXIT_NO)
