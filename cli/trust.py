"""`tally trust`: the trust bundle on its way: the publisher's ceremonies and repository, the verifier's sync."""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from certificate.keys import Ed25519CoseSigner
from cli.common import emit, json_option, read_input, say, utc_now, write_new_file
from cli.home import home_options, open_home, opened_ledger
from cli.keys import new_passphrase, open_signer, read_public_key
from ledger.keyfile import save_key

__all__ = ["trust"]

_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)
_PURPOSE = "trust-root"


@click.group()
def trust() -> None:
    """The trust bundle: keys of its root, publishing it, fetching it.

    Example: tally trust sync https://trust.example.gov.cn --trust trust
    """


@trust.group()
def keys() -> None:
    """The holders' keys of a trust root.

    Example: tally trust keys new --out holder-a.key
    """


@keys.command("new")
@click.option("--out", type=_FILE, required=True, help="Key file to write; OUT.pub goes to the publisher.")
@click.option(
    "--environment", type=click.Choice(["test", "production"]), default="production", show_default=True
)
@click.option(
    "--passphrase-fd", type=int, default=None, help="Seal it with a passphrase from this descriptor."
)
@json_option
def new_key(out: Path, environment: str, passphrase_fd: int | None, as_json: bool) -> None:
    """Make the key of one holder, on that holder's own machine.

    Example: tally trust keys new --out holder-a.key
    """
    passphrase = new_passphrase(passphrase_fd)
    if passphrase is None:
        say("the key is not sealed by a passphrase; whoever can read the file signs in your place")
    seed = os.urandom(32)
    public_key = Ed25519CoseSigner(seed).public_key
    save_key(out, seed, purpose=_PURPOSE, environment=environment, passphrase=passphrase)
    write_new_file(out.with_name(out.name + ".pub"), public_key.hex().encode() + b"\n", force=False)
    emit({"key": str(out), "public_key": public_key.hex()}, f"{out} written", as_json=as_json)


@trust.group()
def live() -> None:
    """The online key, which signs what is published each day.

    Example: tally trust live replace --home home --out draft
    """


@live.command("replace")
@click.option("--out", type=_FOLDER, required=True, help="Folder of the draft, for the holders to sign.")
@home_options
@json_option
def replace_live(out: Path, home_path: Path, passphrase_fd: int | None, as_json: bool) -> None:
    """Draft the next root with a new online key, for one that was stolen or lost. More than half of the holders sign.

    Example: tally trust live replace --home home --out draft
    """
    from issuer.live_key import next_live_key
    from issuer.trust_root import draft_root

    home = open_home(home_path, passphrase_fd)
    live_key = next_live_key(home, random=os.urandom)
    version = draft_root(home, (), out, now=int(utc_now().timestamp()), live=live_key)
    text = f"root version {version} is drafted in {out}; holders: tally trust root sign {out} --key KEY"
    result = {"root": version, "draft": str(out), "live": live_key.public_key.hex()}
    emit(result, text, as_json=as_json)


@trust.group()
def root() -> None:
    """The trust root: which keys, and the next version of it.

    Example: tally trust root rotate --home home --key a.pub --key b.pub --key c.pub --out draft
    """


@root.command("new")
@home_options
@json_option
def new_root(home_path: Path, passphrase_fd: int | None, as_json: bool) -> None:
    """Give a home of an earlier version a root of three keys. Its verifiers then need HOME/tuf/1.root.json once.

    Example: tally trust root new --home home
    """
    from issuer.publish import cut_bundle, load_directory
    from issuer.trust_root import add_root

    home, now = open_home(home_path, passphrase_fd), int(utc_now().timestamp())
    directory = load_directory(home)
    add_root(home, random=os.urandom, now=now)
    with opened_ledger(home) as ledger:
        version = cut_bundle(home, ledger, now=now, directory=directory)
    say("the three root keys stand in HOME/keys: rotate to keys of their holders, then destroy these")
    place = home.tuf_dir / "1.root.json"
    emit({"root": str(place), "bundle": version}, f"verifiers need {place}", as_json=as_json)


@root.command("rotate")
@click.option(
    "--key", "key_files", type=_FILE, multiple=True, help="KEY.pub of each holder; none: the same keys."
)
@click.option("--out", type=_FOLDER, required=True, help="Folder of the draft, for the holders to sign.")
@home_options
@json_option
def rotate(
    key_files: tuple[Path, ...], out: Path, home_path: Path, passphrase_fd: int | None, as_json: bool
) -> None:
    """Draft the next root, with these keys. More than half of the old and of the new keys must sign it.

    Without --key the keys stay, and root and targets are good for another term.

    Example: tally trust root rotate --home home --key a.pub --key b.pub --key c.pub --out draft
    """
    from issuer.trust_root import draft_root

    home = open_home(home_path, passphrase_fd)
    public_keys = [read_public_key(path) for path in key_files]
    version = draft_root(home, public_keys, out, now=int(utc_now().timestamp()))
    text = f"root version {version} is drafted in {out}; holders: tally trust root sign {out} --key KEY"
    emit({"root": version, "draft": str(out)}, text, as_json=as_json)


@root.command("sign")
@click.argument("draft", type=_FOLDER)
@click.option("--key", "key_file", type=_FILE, required=True, help="The holder's key.")
@click.option(
    "--home-key", type=click.Choice(["root-1", "root-2", "root-3"]), help="KEY is this one, made by init."
)
@click.option("--passphrase-fd", type=int, default=None, help="The key's passphrase, from this descriptor.")
@json_option
def sign(draft: Path, key_file: Path, home_key: str | None, passphrase_fd: int | None, as_json: bool) -> None:
    """Sign what is in DRAFT, a root or a changed directory, and show what that was.

    Example: tally trust root sign draft --key holder-a.key
    """
    from issuer.trust_root import sign_draft

    signer = open_signer(key_file, purpose=home_key or _PURPOSE, descriptor=passphrase_fd)
    shown = sign_draft(draft, signer)
    text = "\n".join(("signed:", *(f"  {name}  {what}" for name, what in shown)))
    emit({"signed": dict(shown)}, text, as_json=as_json)


@trust.command()
@home_options
@json_option
def status(home_path: Path, passphrase_fd: int | None, as_json: bool) -> None:
    """Until when root, targets and bundle are good, and what to do in time. Needs no passphrase.

    Example: tally trust status --home home
    """
    from issuer.status_key import missing_status_key
    from issuer.trust_terms import due_terms, trust_terms

    home, now = open_home(home_path, passphrase_fd), int(utc_now().timestamp())
    terms = trust_terms(home)
    due = due_terms(terms, now=now) + missing_status_key(home)
    lines = [
        f"{term.name} {term.version}: until {datetime.fromtimestamp(term.expires, UTC):%Y-%m-%d}, "
        f"{(term.expires - now) // 86400} days"
        for term in terms
    ]
    for warning in due:
        say(warning)
    emit({"terms": [asdict(term) for term in terms], "due": due}, "\n".join(lines), as_json=as_json)


@trust.command()
@click.option(
    "--out", type=_FOLDER, required=True, help="The repository: a folder for a web server, or a stick."
)
@click.option("--draft", type=_FOLDER, help="A root or directory that enough holders have signed.")
@home_options
@json_option
def publish(out: Path, draft: Path | None, home_path: Path, passphrase_fd: int | None, as_json: bool) -> None:
    """Cut the bundle and write it as a TUF repository. Verifiers get it within the eight days it is good for.

    Example: tally trust publish --home home --out public
    """
    from issuer.publish import cut_bundle
    from issuer.repository import publish_repository
    from issuer.status_key import missing_status_key
    from issuer.trust_root import accept_root, read_draft, root_keys
    from issuer.trust_terms import due_terms, trust_terms

    home = open_home(home_path, passphrase_fd)
    root_keys(home)  # before anything is cut: a home without a root has nothing to publish
    signed = None
    if draft is not None:
        accept_root(home, draft)
        signed = read_draft(draft)
    with opened_ledger(home) as ledger:
        cut_bundle(home, ledger, now=int(utc_now().timestamp()), draft=signed)
    done = publish_repository(home, out)
    for warning in due_terms(trust_terms(home), now=int(utc_now().timestamp())) + missing_status_key(home):
        say(warning)
    text = f"{out}: bundle {done.bundle} under root {done.root}, {done.size:,} bytes"
    emit(
        {"out": str(out), "bundle": done.bundle, "root": done.root, "size": done.size}, text, as_json=as_json
    )


@trust.command()
@click.argument("source")
@click.option("--trust", "folder", type=_FOLDER, required=True, help="Trust folder, which may be new.")
@click.option("--root", "root_file", help="At first: the bureau's root, handed over by other means.")
@click.option("--seen", type=_FILE, help="Memory of used answers and newest versions.")
@json_option
def sync(source: str, folder: Path, root_file: str | None, seen: Path | None, as_json: bool) -> None:
    """Fetch the newest trust bundle from SOURCE, an address or a folder. Whatever is refused, the old one stays.

    Example: tally trust sync public --trust trust --root 1.root.json
    """
    from verifier.sync import sync_trust
    from verifier.trust_dir import SEEN_NAME

    done = sync_trust(
        source,
        folder,
        root=None if root_file is None else read_input(root_file, at_most=1 << 16),
        now=int(utc_now().timestamp()),
        seen_path=seen or folder / SEEN_NAME,
    )
    until = datetime.fromtimestamp(done.bundle.expires, UTC)
    result = {
        "bundle": done.bundle.version,
        "root": done.root_version,
        "environment": done.bundle.environment.name.lower(),
        "expires": until.isoformat(),
        "fetched": done.fetched,
    }
    text = f"{folder}: bundle {done.bundle.version} under root {done.root_version}, until {until:%Y-%m-%d %H:%M} UTC"
    emit(result, text, as_json=as_json)
