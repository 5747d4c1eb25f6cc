"""`tally holder export` and `import`: a safe in one file under a passphrase that no service ever sees."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from certificate.certificate import parse_certificate
from certificate.keys import Ed25519CoseSigner
from certificate.qr_text import decode_any, encode_file_text
from certificate.safe_file import MODERATE, SENSITIVE, SafeContent, encode_safe_file, open_safe_file
from cli.common import emit, force_option, json_option, read_input, read_passphrase, utc_now, write_new_file
from cli.keys import HOLDER_PURPOSE, open_seed
from ledger.errors import ConfigError
from ledger.keyfile import save_key
from ledger.reasons import Reason

if TYPE_CHECKING:
    from verifier.trust import TrustBundle

__all__ = ["export_safe", "import_safe"]

_file_passphrase = click.option(
    "--file-passphrase-fd", type=int, default=None, help="The file's passphrase, from this descriptor."
)
_key_passphrase = click.option(
    "--passphrase-fd", type=int, default=None, help="The key file's passphrase, from this descriptor."
)


@click.command("export")
@click.option("--key", "key_file", type=click.Path(path_type=Path), required=True, help="Your key file.")
@click.option("--certificate", "files", multiple=True, help="A certificate file; repeatable.")
@click.option("--wallet", "wallet_url", help="Also all certificates of your safe at this wallet service.")
@click.option("--trust", type=click.Path(path_type=Path), help="Trust bundle, with --wallet.")
@click.option("--without-key", is_flag=True, help="Leave your key out; the certificates answer only with it.")
@click.option("--cost", type=click.Choice(["moderate", "sensitive"]), default="moderate", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@_file_passphrase
@_key_passphrase
@force_option
@json_option
def export_safe(
    key_file: Path,
    files: tuple[str, ...],
    wallet_url: str | None,
    trust: Path | None,
    without_key: bool,
    cost: str,
    out: Path,
    file_passphrase_fd: int | None,
    passphrase_fd: int | None,
    force: bool,
    as_json: bool,
) -> None:
    """Your certificates and your key in one file under a passphrase (Argon2id, XChaCha20-Poly1305).

    Example: tally holder export --key me.key --certificate C.b64 --out me.safe
    """
    seed = open_seed(key_file, purpose=HOLDER_PURPOSE, descriptor=passphrase_fd)
    held = [decode_any(read_input(name)) for name in files]
    if wallet_url is not None:
        held += _of_wallet(wallet_url, trust, seed)
    passphrase = read_passphrase(file_passphrase_fd, confirm=True)
    data = encode_safe_file(
        SafeContent(tuple(dict.fromkeys(held)), None if without_key else seed),
        passphrase=passphrase,
        salt=os.urandom(16),
        nonce=os.urandom(24),
        cost=SENSITIVE if cost == "sensitive" else MODERATE,
    )
    write_new_file(out, data, force=force, private=True)
    count = len(dict.fromkeys(held))
    emit({"file": str(out), "certificates": count}, f"{out}: {count} certificates", as_json=as_json)


@click.command("import")
@click.argument("file")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for what is in it."
)
@click.option(
    "--wallet", "wallet_url", help="Also put the certificates into your safe at this wallet service."
)
@click.option("--trust", type=click.Path(path_type=Path), help="Trust bundle, with --wallet.")
@click.option("--environment", type=click.Choice(["test", "production"]), default="test", show_default=True)
@_file_passphrase
@json_option
def import_safe(
    file: str,
    out: Path,
    wallet_url: str | None,
    trust: Path | None,
    environment: str,
    file_passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Open such a file: certificates as NUMBER.b64, the key as holder.key, which is not sealed until you seal it.

    Example: tally holder import me.safe --out safe
    """
    content = open_safe_file(read_input(file), passphrase=read_passphrase(file_passphrase_fd))
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    if content.seed is not None:
        save_key(
            out / "holder.key",
            content.seed,
            purpose=HOLDER_PURPOSE,
            environment=environment,
            passphrase=None,
        )
    numbers = []
    for data in content.certificates:
        numbers.append(parse_certificate(data).body.number)
        text = encode_file_text(data).encode("ascii")
        write_new_file(out / f"{numbers[-1]}.b64", text, force=False, private=True)
    if wallet_url is not None:
        _into_wallet(wallet_url, trust, content)
    result = {"certificates": numbers, "key": content.seed is not None, "folder": str(out)}
    emit(result, f"{out}: {len(numbers)} certificates", as_json=as_json)


def _of_wallet(url: str, trust: Path | None, seed: bytes) -> list[bytes]:
    from cli.wallet_client import opened_client

    with opened_client(url, Ed25519CoseSigner(seed), _trust(trust), clock=_now) as client:
        return [held.data for held in client.certificates()]


def _into_wallet(url: str, trust: Path | None, content: SafeContent) -> None:
    from cli.wallet_client import opened_client

    if content.seed is None:
        raise ConfigError(
            Reason.CLI_USAGE, "the file has no key to log in with", hint="import it without --wallet"
        )
    with opened_client(url, Ed25519CoseSigner(content.seed), _trust(trust), clock=_now) as client:
        for data in content.certificates:
            client.store(data)


def _trust(folder: Path | None) -> TrustBundle:
    from verifier.trust_dir import load_trust

    if folder is None:
        raise ConfigError(Reason.CLI_USAGE, "--wallet needs --trust")
    return load_trust(folder)


def _now() -> int:
    return int(utc_now().timestamp())
