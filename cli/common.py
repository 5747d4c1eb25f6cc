"""What all commands share: output as text or JSON, exit codes, the reader's language, safe writing of files."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from certificate.texts import Language, reason_text
from ledger.errors import (
    ConfigError,
    ConflictError,
    IntegrityError,
    ProjectError,
    UndeterminedError,
)
from ledger.reasons import Reason

__all__ = [
    "EXIT_CANNOT_TELL",
    "EXIT_NO",
    "EXIT_OK",
    "emit",
    "fail",
    "force_option",
    "json_option",
    "language_of_environment",
    "language_option",
    "read_input",
    "read_passphrase",
    "require_writable",
    "say",
    "utc_now",
    "write_new_file",
]

EXIT_OK, EXIT_OUR_FAULT, EXIT_USAGE, EXIT_NO, EXIT_CANNOT_TELL = 0, 1, 2, 3, 4

_F = TypeVar("_F", bound=Callable[..., Any])


def json_option(function: _F) -> _F:
    """`--json`: one JSON document on stdout and nothing else."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")(
        function
    )


def force_option(function: _F) -> _F:
    """`--force`: overwrite an existing output file."""
    return click.option("--force", is_flag=True, help="Overwrite the output file if it exists.")(function)


def language_option(function: _F) -> _F:
    """`--lang`: the reader's language; default from the environment."""
    return click.option(
        "--lang",
        "language",
        type=click.Choice(["zh", "en"]),
        default=language_of_environment,
        help="zh or en.",
    )(function)


def language_of_environment() -> Language:
    """zh when the environment's language is Chinese, else en."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return "zh" if value.startswith("zh") else "en"
    return "en"


def utc_now() -> datetime:
    return datetime.now(UTC)


def say(text: str) -> None:
    """Talk to the person at the keyboard: stderr."""
    click.echo(text, err=True)


def emit(result: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    """Print the result on stdout, as one JSON document or as text."""
    click.echo(json.dumps(result, ensure_ascii=False, indent=2) if as_json else text)


def fail(error: ProjectError, language: Language, *, as_json: bool) -> int:
    """Tell one error, in one sentence with its code, and return the exit code."""
    sentence = reason_text(error.reason, language)
    if as_json:
        detail = {"reason": error.reason.value, "text": sentence, "detail": error.detail, "hint": error.hint}
        click.echo(json.dumps({"error": detail}, ensure_ascii=False, indent=2))
    else:
        say(f"{sentence}\n  [{error.reason.value}] {error.detail}".rstrip())
        if error.hint:
            say(f"  → {error.hint}")
    return _exit_code(error)


def write_new_file(path: Path, content: bytes, *, force: bool, private: bool = False) -> None:
    """Write an output file; never through a link, and over an existing one only with `force`.

    Raises:
        ConfigError: `cli.exists`, `cli.path_unsafe`, `store.io_error`.
    """
    require_writable(path, force=force)
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | (os.O_TRUNC if force else os.O_EXCL)
    try:
        descriptor = os.open(path, flags, 0o600 if private else 0o644)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
    except OSError as exc:
        raise ConfigError(Reason.STORE_IO_ERROR, f"{path.name}: {exc.strerror}") from exc


def require_writable(path: Path, *, force: bool) -> None:
    """Raise ConfigError `cli.exists` or `cli.path_unsafe` where `write_new_file` would refuse."""
    if path.is_symlink():
        raise ConfigError(Reason.CLI_PATH_UNSAFE, f"{path.name} is a link")
    if path.exists() and not force:
        raise ConfigError(Reason.CLI_EXISTS, path.name, hint="choose another name, or --force to overwrite")


def read_input(name: str, *, at_most: int = 64 * 2**20) -> bytes:
    """The bytes of a file, or of stdin for `-`. Raises ConfigError `cli.not_found`, `enc.too_large`."""
    try:
        if name == "-":
            content = sys.stdin.buffer.read(at_most + 1)
        else:
            with Path(name).open("rb") as stream:
                content = stream.read(at_most + 1)
    except OSError as exc:
        raise ConfigError(Reason.CLI_NOT_FOUND, f"{name}: {exc.strerror}") from exc
    if len(content) > at_most:
        raise ConfigError(Reason.ENC_TOO_LARGE, f"more than {at_most} bytes")
    return content


def read_passphrase(descriptor: int | None, *, confirm: bool = False) -> bytes:
    """The passphrase from a descriptor or a prompt; never from the command line or the environment.

    Raises:
        ConfigError: `key.passphrase` when there is neither.
    """
    if descriptor is not None:
        try:
            with os.fdopen(descriptor, "rb", closefd=False) as stream:
                given = stream.read(4096).rstrip(b"\n")
        except OSError as exc:
            raise ConfigError(Reason.KEY_PASSPHRASE, "the descriptor cannot be read") from exc
    elif sys.stdin.isatty():
        given = str(
            click.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True)
        ).encode()
    else:
        raise ConfigError(Reason.KEY_PASSPHRASE, "no terminal to ask at", hint="use --passphrase-fd N")
    if not given:
        raise ConfigError(Reason.KEY_PASSPHRASE, "an empty passphrase")
    return given


def _exit_code(error: ProjectError) -> int:
    if isinstance(error, UndeterminedError | ConflictError):
        return EXIT_CANNOT_TELL
    if isinstance(error, ConfigError):
        return EXIT_USAGE
    return EXIT_OUR_FAULT if isinstance(error, IntegrityError) else EXIT_NO
