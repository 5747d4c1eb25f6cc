"""`tally wallet`: run the citizens' wallet service, and what its operator does beside it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.common import emit, json_option, say, utc_now
from cli.wallet_citizen import COMMANDS
from cli.wallet_db import db_option, migrate
from cli.wallet_devices import DEVICE_COMMANDS
from cli.wallet_operator import OPERATOR_COMMANDS, head_options, sending_heads
from cli.wallet_orgs import org_resume, org_suspend
from ledger.errors import ConfigError
from ledger.keyfile import load_key, save_key
from ledger.reasons import Reason

if TYPE_CHECKING:
    from verifier.trust import TrustBundle
    from wallet_api.hook_address import Network
    from wallet_api.sealing import Keyring

__all__ = ["wallet"]

_PURPOSE = "wallet-master"
_GRACE_SECONDS = 25  # longer than the longest poll


def _now() -> int:
    return int(utc_now().timestamp())


key_option = click.option(
    "--master-key",
    "master_key",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="Key file that everything at rest is sealed under.",
)
old_key_option = click.option(
    "--old-master-key",
    "old_keys",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    help="A master key that is being replaced; repeatable.",
)
passphrase_option = click.option(
    "--passphrase-fd", type=int, default=None, help="The key files' passphrase, from this descriptor."
)


@click.group()
def wallet() -> None:
    """The citizens' wallet: safes, consents, and who saw what.

    Example: tally wallet init --db wallet.db --master-key master.key
    """


for _command in (migrate, org_suspend, org_resume):
    wallet.add_command(_command)


@wallet.command()
@db_option
@key_option
@click.option("--environment", type=click.Choice(["test", "production"]), default="test", show_default=True)
@passphrase_option
@json_option
def init(db: str, master_key: Path, environment: str, passphrase_fd: int | None, as_json: bool) -> None:
    """Make an empty database, and a master key unless the key file exists.

    Example: tally wallet init --db wallet.db --master-key master.key
    """
    from wallet_api.store.opening import create_store, database_name

    if not master_key.exists():
        _new_master_key(master_key, environment, _passphrase(passphrase_fd))
    create_store(db)
    emit(
        {"db": database_name(db), "master_key": str(master_key)},
        f"{database_name(db)} is ready; keep {master_key} apart from it",
        as_json=as_json,
    )


@wallet.command("new-key")
@key_option
@click.option("--environment", type=click.Choice(["test", "production"]), default="test", show_default=True)
@passphrase_option
@json_option
def new_key(master_key: Path, environment: str, passphrase_fd: int | None, as_json: bool) -> None:
    """Make a master key, to replace the present one with `rotate`.

    Example: tally wallet new-key --master-key new.key
    """
    _new_master_key(master_key, environment, _passphrase(passphrase_fd))
    emit({"master_key": str(master_key)}, f"{master_key} written", as_json=as_json)


@wallet.command()
@db_option
@key_option
@old_key_option
@passphrase_option
@json_option
def rotate(
    db: str, master_key: Path, old_keys: tuple[Path, ...], passphrase_fd: int | None, as_json: bool
) -> None:
    """Wrap every safe's key under a new master key; the service runs on if it was started with both.

    Example: tally wallet rotate --db wallet.db --master-key new.key --old-master-key old.key
    """
    from wallet_api.safe import rotate_master_key
    from wallet_api.store.opening import open_store

    store = open_store(db)
    keyring = _keyring(master_key, old_keys, passphrase_fd)
    count = rotate_master_key(store, keyring, random=os.urandom)
    store.close()
    emit({"safes": count}, f"{count} safes are under the new master key", as_json=as_json)


@wallet.command("org-token")
@db_option
@click.option("--org", type=click.IntRange(1, 2**31), required=True, help="The organisation's number.")
@click.option("--end-others", is_flag=True, help="End the tokens it had before.")
@json_option
def org_token(db: str, org: int, end_others: bool, as_json: bool) -> None:
    """Make a token for an organisation. It is shown once and stored as a hash.

    Example: tally wallet org-token --db wallet.db --org 1
    """
    from wallet_api.login import end_org_tokens, make_org_token
    from wallet_api.store.opening import open_store

    store = open_store(db)
    if end_others:
        end_org_tokens(store, org)
    token = make_org_token(store, org, secret=os.urandom(32), now=_now())
    store.close()
    emit({"org": org, "token": token}, token, as_json=as_json)


@wallet.command()
@db_option
@key_option
@old_key_option
@passphrase_option
@json_option
def check(
    db: str, master_key: Path, old_keys: tuple[Path, ...], passphrase_fd: int | None, as_json: bool
) -> None:
    """Count the access log anew: every citizen's chain and the whole tree.

    Example: tally wallet check --db wallet.db --master-key master.key
    """
    from wallet_api.access_log import check_access_log
    from wallet_api.store.opening import open_store

    store = open_store(db)
    size, root_hash = check_access_log(store, _keyring(master_key, old_keys, passphrase_fd))
    store.close()
    emit(
        {"size": size, "root": root_hash.hex()},
        f"{size} access rows, root {root_hash.hex()}",
        as_json=as_json,
    )


@wallet.command()
@db_option
@key_option
@old_key_option
@passphrase_option
@click.option("--trust", type=click.Path(path_type=Path), required=True, help="Folder of the trust bundle.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), required=True)
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes; about one a core."
)
@click.option("--public-url", default=None, help="Where citizens reach it; default from host and port.")
@click.option(
    "--webhook-allow",
    "hook_networks",
    multiple=True,
    help="Private network (CIDR) webhooks may go to; repeatable.",
)
@click.option("--tls-cert", type=click.Path(path_type=Path, dir_okay=False), default=None)
@click.option("--tls-key", type=click.Path(path_type=Path, dir_okay=False), default=None)
@head_options
def serve(
    db: str,
    master_key: Path,
    old_keys: tuple[Path, ...],
    passphrase_fd: int | None,
    trust: Path,
    host: str,
    port: int,
    workers: int,
    public_url: str | None,
    hook_networks: tuple[str, ...],
    tls_cert: Path | None,
    tls_key: Path | None,
    bureau: str | None,
    token_file: Path | None,
    head_minutes: int,
) -> None:
    """Serve the wallet until stopped. The trust bundle is read again when it changes.

    Example: tally wallet serve --port 8470 --db wallet.db --trust trust --master-key master.key
    """
    from wallet_api.hook_address import resolve_host
    from wallet_api.hook_delivery import HookDelivery
    from wallet_api.http.app import create_app
    from wallet_api.http.server import run_server
    from wallet_api.http.workers import bind, run_workers
    from wallet_api.limits import Limits
    from wallet_api.safe import check_master_key
    from wallet_api.service import Service
    from wallet_api.store.opening import open_store

    if (tls_cert is None) is not (tls_key is None):
        raise ConfigError(Reason.CLI_USAGE, "one of --tls-cert and --tls-key", hint="give both, or none")
    keyring = _keyring(master_key, old_keys, passphrase_fd)
    source = _trust_source(trust)
    source()
    with closing(open_store(db)) as store:
        check_master_key(store, keyring)
    listening = bind(host, port)
    scheme = "http" if tls_cert is None else "https"
    url = (public_url or f"{scheme}://{host}:{listening.getsockname()[1]}").rstrip("/")
    networks = _networks(hook_networks)

    def work() -> None:
        with closing(open_store(db)) as store:
            service = Service(
                store=store,
                keyring=keyring,
                audience=url.partition("://")[2],
                trust=source,
                clock=_now,
                random=os.urandom,
                limits=Limits(),
            )
            delivery = HookDelivery(service, resolve=resolve_host, allowed=networks)
            app = create_app(service, public_url=url, hook_networks=networks, background=[delivery.run])
            with sending_heads(service, bureau, token_file, head_minutes):
                run_server(app, listening, tls_cert=tls_cert, tls_key=tls_key, grace_seconds=_GRACE_SECONDS)

    say(f"wallet at {url}; stop it with Ctrl-C")
    if workers == 1:
        work()
    elif run_workers(work, count=workers):
        raise ConfigError(Reason.STORE_IO_ERROR, "the workers end as soon as they begin", hint="see above")


for command in (*COMMANDS, *DEVICE_COMMANDS, *OPERATOR_COMMANDS):
    wallet.add_command(command)


def _networks(texts: tuple[str, ...]) -> list[Network]:
    try:
        return [ip_network(text) for text in texts]
    except ValueError as exc:
        raise ConfigError(Reason.CLI_USAGE, "--webhook-allow", hint="give a network as 10.1.0.0/16") from exc


def _trust_source(folder: Path) -> Callable[[], TrustBundle]:
    """The bundle in `folder`, opened again when its manifest changed."""
    from verifier.trust import BUNDLE_NAME
    from verifier.trust_dir import load_trust

    held: list[tuple[int, TrustBundle]] = []

    def current() -> TrustBundle:
        try:
            changed = (folder / BUNDLE_NAME).stat().st_mtime_ns
        except OSError:
            changed = -1
        if not held or held[0][0] != changed:
            held[:] = [(changed, load_trust(folder))]
        return held[0][1]

    return current


def _keyring(master_key: Path, old_keys: tuple[Path, ...], passphrase_fd: int | None) -> Keyring:
    from wallet_api.sealing import Keyring

    passphrase = _passphrase(passphrase_fd)
    current, *older = (
        load_key(path, purpose=_PURPOSE, passphrase=passphrase).seed for path in (master_key, *old_keys)
    )
    return Keyring(current, tuple(older))


def _new_master_key(path: Path, environment: str, passphrase: bytes | None) -> None:
    if passphrase is None:
        say("the master key is not sealed by a passphrase; whoever can read the file can open every safe")
    save_key(path, os.urandom(32), purpose=_PURPOSE, environment=environment, passphrase=passphrase)


def _passphrase(descriptor: int | None) -> bytes | None:
    if descriptor is None:
        return None
    with os.fdopen(descriptor, "rb", closefd=False) as stream:
        return stream.read(4096).rstrip(b"\n") or None
