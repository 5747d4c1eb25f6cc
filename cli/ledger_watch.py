"""`tally ledger monitor|audit`: is the log one history, and is what it holds ours?"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from cli.common import EXIT_NO, emit, json_option, read_input, utc_now
from cli.home import home_options, open_home
from ledger.errors import ConfigError
from ledger.note import parse_vkey
from ledger.reasons import Reason
from ledger.trust_policy import TrustPolicy, parse_trust_policy, policy_of_keys

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
@json_option
def monitor(source: str, state: Path, policy: str | None, vkeys: tuple[str, ...], as_json: bool) -> None:
    """Follow any log in C2SP tlog-tiles form: is its checkpoint an extension of the last one seen?

    Run it from a timer. A fork ends in exit code 3, and both notes are kept in the evidence folder.

    Example: tally ledger monitor http://127.0.0.1:8444 --state seen --policy policy.txt
    """
    from ledger.log_source import open_source
    from ledger.monitor import follow_log

    trusted = _policy(policy, vkeys)
    with closing(open_source(source)) as log:
        seen = follow_log(log, policy=trusted, folder=state, now=int(utc_now().timestamp()))
    entries = [
        {
            "type": None if kind is None else kind[0],
            "authority": None if kind is None else kind[1],
            "count": count,
        }
        for kind, count in sorted(seen.entries.items(), key=lambda item: item[0] or (-1, -1))
    ]
    result = {
        "origin": seen.origin,
        "old_size": seen.old_size,
        "size": seen.size,
        "cosigned_by": list(seen.cosigned_by),
        "new_entries": entries,
    }
    text = f"{seen.origin}: one history, {seen.old_size:,} → {seen.size:,} entries"
    emit(result, f"{text}, cosigned by {len(seen.cosigned_by)}", as_json=as_json)


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
