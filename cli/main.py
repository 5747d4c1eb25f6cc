"""`tally`: one command, a group per role. A group's module, and what it needs, is loaded only when it is called."""

from __future__ import annotations

import sys

import click

from cli.common import fail, language_of_environment
from cli.lazy import LazyGroup
from ledger.errors import ProjectError

__all__ = ["cli", "main"]

# command -> (module, attribute, line for --help)
_COMMANDS = {
    "demo": ("cli.demo.command", "demo", "All of it on a small synthetic city, saying what happens and why."),
    "sample": ("cli.sample", "sample", "Write a synthetic bureau export."),
    "init": ("cli.init", "init", "Set up a bureau's home."),
    "home": ("cli.upkeep", "home", "A bureau's home: status, backup, restore, upgrade."),
    "issuer": ("cli.issuer", "issuer", "Import records, mint, show and export certificates."),
    "holder": ("cli.holder", "holder", "A holder without a wallet: make a key, answer a request."),
    "org": ("cli.org", "org", "Registered organisations."),
    "request": ("cli.request", "request", "An organisation's request."),
    "ledger": ("cli.ledger", "ledger", "Check the ledger, prove entries, publish the log."),
    "witness": ("cli.witness", "witness", "Cosign other departments' logs."),
    "wallet": ("cli.wallet", "wallet", "The citizens' wallet: safes, consents, and who saw what."),
    "trust": ("cli.trust", "trust", "The trust bundle: root keys, publishing, fetching."),
    "template": ("cli.template", "template", "Forms of organisations, and what they ask to fill them."),
    "verify": ("cli.verify", "verify", "Verify what someone shows, offline."),
    "desk": ("cli.desk", "desk", "The page on which a clerk verifies: export it, or serve it."),
}


@click.command(cls=LazyGroup, places=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tallystick", prog_name="tally")
def cli() -> None:
    """Verifiable social-insurance contribution certificates.

    Exit codes: 0 yes, 3 verified no, 4 cannot tell, 2 usage, 1 our fault.

    Example: tally demo
    """


def main() -> None:
    """Entry point: project errors become one sentence and an exit code, everything else is our bug."""
    _leave_no_core()
    try:
        code = cli.main(standalone_mode=False)  # what a command passes to `Exit`, else None
        sys.exit(code if isinstance(code, int) else 0)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as exc:
        exc.show()
        sys.exit(2)
    except ProjectError as exc:
        sys.exit(fail(exc, language_of_environment(), as_json="--json" in sys.argv))
    except ModuleNotFoundError as exc:
        sys.exit(_missing_extra(exc))


def _leave_no_core() -> None:
    """A process that opens keys leaves no image of its memory behind when it is killed."""
    try:
        import resource
    except ModuleNotFoundError:  # not a Unix
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _missing_extra(exc: ModuleNotFoundError) -> int:
    extra = {
        "polars": "issuer", "numpy": "issuer", "reportlab": "issuer", "sqlite_utils": "issuer",
        "fastapi": "wallet", "prometheus_client": "wallet", "pydantic": "wallet", "starlette": "wallet",
        "psycopg": "postgres", "uvicorn": "wallet", "httpx": "client",
        "securesystemslib": "sync", "tomlkit": "issuer", "tuf": "sync",
    }.get(exc.name or "")  # fmt: skip
    if extra is None:
        raise exc
    click.echo(f"This command needs more packages: pip install 'tallystick[{extra}]'", err=True)
    return 2
