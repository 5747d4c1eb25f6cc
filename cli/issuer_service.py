"""`tally issuer offer` and `tally issuer serve`: claim offers for citizens, and the bureau's HTTP service."""

from __future__ import annotations

import csv
import io
import json
import logging
import os
from pathlib import Path
from urllib.parse import quote

import click

from cli.common import emit, force_option, json_option, read_input, say, utc_now, write_new_file
from cli.home import home_options, open_home, opened_ledger
from issuer.claiming.counter import Counter
from issuer.claiming.identity import Terms, Way
from issuer.home import Home
from ledger.entry import EntryType, encode_entry
from ledger.errors import ConfigError
from ledger.reasons import Reason

__all__ = ["offer", "serve", "wallet_token"]

_DAY = 86400


@click.command()
@click.argument("persons", metavar="PERSON...", nargs=-1)
@click.option("--file", "list_file", help="Person numbers, one a line; - for stdin.")
@click.option(
    "--days", type=click.IntRange(1, 366), default=30, show_default=True, help="How long it can be claimed."
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="CSV for letters: number, code, PIN."
)
@click.option(
    "--url", default="http://127.0.0.1:8443", show_default=True, help="Address of the bureau's service."
)
@click.option(
    "--qr", "qr_folder", type=click.Path(path_type=Path, file_okay=False), help="Also a QR for each wallet."
)
@click.option("--lost-key", is_flag=True, help="The keys held until now end with the claim.")
@click.option("--proxy-for", metavar="PRINCIPAL", help="PERSON acts for this person.")
@click.option(
    "--proxy-days", type=click.IntRange(1, 366), default=90, show_default=True, help="For how long they act."
)
@click.option("--operator", default="command-line", help="With the two above: who saw the documents.")
@click.option("--reason", default="at the person's request", help="And why; the person's wallet shows it.")
@home_options
@force_option
@json_option
def offer(
    persons: tuple[str, ...],
    list_file: str | None,
    days: int,
    lost_key: bool,
    proxy_for: str | None,
    proxy_days: int,
    operator: str,
    reason: str,
    out: Path | None,
    url: str,
    qr_folder: Path | None,
    home_path: Path,
    passphrase_fd: int | None,
    force: bool,
    as_json: bool,
) -> None:
    """Make claim offers: a code for the letter and a PIN that goes another way.

    With --lost-key or --proxy-for a row is written to the operator log.

    Example: tally issuer offer 9900000001 --home home
    """
    home = open_home(home_path, passphrase_fd)
    wanted = [*persons, *(read_input(list_file).decode("utf-8").split() if list_file else ())]
    if not wanted:
        raise click.UsageError("name a PERSON, or --file")
    if lost_key and proxy_for is not None:
        raise click.UsageError("--lost-key or --proxy-for, not both")
    if proxy_for in wanted:
        raise click.UsageError("nobody acts for themselves")
    snapshot = home.snapshot()
    named = wanted if proxy_for is None else [*wanted, proxy_for]
    unknown = sum(person not in snapshot for person in named)
    if unknown:
        raise ConfigError(Reason.PERSON_NOT_FOUND, f"{unknown} of {len(named)} numbers; no offer was made")
    now = int(utc_now().timestamp())
    terms = Terms(lost_key, proxy_for, now // _DAY + proxy_days if proxy_for is not None else 0)
    way = Way.LETTER
    if lost_key or proxy_for is not None:
        way = Way.COUNTER
        action = "offer.lost_key" if lost_key else "offer.proxy"
        _note(home, named, operator=operator, action=action, reason=reason, now=now)
    made = home.offers().make(
        wanted, now=now, days=days, random=os.urandom, way=way, by=operator, terms=terms
    )
    rows = [{"person_no": o.person_no, "code": o.code, "pin": o.pin} for o in made]
    if qr_folder is not None:
        _write_codes(qr_folder, url, [(o.person_no, o.code) for o in made], force=force)
    if out is not None:
        text = io.StringIO()
        writer = csv.DictWriter(text, ["person_no", "code", "pin"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_new_file(out, text.getvalue().encode(), force=force, private=True)
        emit({"offers": len(rows), "file": str(out)}, f"{len(rows):,} offers in {out}", as_json=as_json)
    else:
        shown = "\n".join(f"{row['person_no']}  code {row['code']}  PIN {row['pin']}" for row in rows)
        emit({"offers": rows}, shown, as_json=as_json)


def _note(home: Home, persons: list[str], *, operator: str, action: str, reason: str, now: int) -> None:
    """Write the operator log, and log its heads, before an offer is made."""
    counter = Counter(home, home.offers(), random=os.urandom)
    with opened_ledger(home) as ledger:
        for person_no in persons:
            digest = counter.note(person_no, operator=operator, action=action, reason=reason, now=now)
            ledger.append([encode_entry(EntryType.ACCESS_LOG_HEAD, home.settings.authority, digest)])
        ledger.checkpoint(now)


def _write_codes(folder: Path, url: str, codes: list[tuple[str, str]], *, force: bool) -> None:
    """One SVG a person with the standard credential offer; it is for wallets, our own codes never hold an address."""
    import qrcode
    from qrcode.image.svg import SvgPathImage

    from issuer.http.configurations import credential_offer

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for person_no, code in codes:
        text = "openid-credential-offer://?credential_offer=" + quote(json.dumps(credential_offer(url, code)))
        out = io.BytesIO()
        qrcode.make(text, image_factory=SvgPathImage).save(out)
        write_new_file(folder / f"{person_no}.svg", out.getvalue(), force=force, private=True)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8443, show_default=True)
@click.option("--url", help="The service's public address; default from host and port.")
@click.option("--tls-cert", type=click.Path(path_type=Path, exists=True))
@click.option("--tls-key", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--trusted-proxy",
    "trusted_proxies",
    multiple=True,
    metavar="ADDRESS",
    help="A proxy before the service, whose word is taken for callers' addresses; repeatable.",
)
@click.option("--log-requests", is_flag=True, help="A line of JSON per request on stderr.")
@home_options
def serve(
    host: str,
    port: int,
    url: str | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    trusted_proxies: tuple[str, ...],
    log_requests: bool,
    home_path: Path,
    passphrase_fd: int | None,
) -> None:
    """Serve claims and renewals over HTTP (OpenID4VCI 1.0). The only process that writes this home's ledger.

    Example: tally issuer serve --home home --port 8443
    """
    import uvicorn

    from issuer.http.app import create_app

    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key go together")
    home = open_home(home_path, passphrase_fd)
    scheme = "http" if tls_cert is None else "https"
    address = url or f"{scheme}://{host}:{port}"
    app = create_app(home, url=address, clock=lambda: int(utc_now().timestamp()), random=os.urandom)
    if log_requests:
        logging.basicConfig(level=logging.INFO, format="%(message)s")
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it would write addresses with codes in them
    say(f"serving {address}; stop with Ctrl-C")
    uvicorn.run(
        app,
        host=host,
        port=port,
        ssl_certfile=tls_cert,
        ssl_keyfile=tls_key,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies),
        limit_concurrency=512,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=10,
    )


@click.command("wallet-token")
@home_options
@json_option
def wallet_token(home_path: Path, passphrase_fd: int | None, as_json: bool) -> None:
    """Make a token for a wallet operator, who has the heads of its access log logged here. Shown once.

    Example: tally issuer wallet-token --home home
    """
    token = open_home(home_path, passphrase_fd).wallet_tokens().add(os.urandom)
    emit({"token": token}, token, as_json=as_json)
