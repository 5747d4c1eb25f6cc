"""Every command documents itself with an example that names real commands and options."""

from __future__ import annotations

import re

import click
import pytest
from click.testing import CliRunner

from cli.main import cli


def commands(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The paths of all commands below `command`, groups included."""
    found = [path]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            found += commands(child, (*path, name))
    return found


ALL = commands(cli)


@pytest.mark.parametrize("path", ALL, ids=lambda path: " ".join(path) or "tally")
def test_help_ends_in_an_example_of_a_real_command(path: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(cli, [*path, "--help"])
    assert shown.exit_code == 0, shown.output
    text = " ".join(shown.output.split())
    match = re.search(r"Example: tally (.+?)(?: Options:| Commands:|$)", text)
    assert match is not None, shown.output
    words = match[1].split()
    assert any(tuple(words[: len(known)]) == known for known in ALL if known)
    if path:
        assert tuple(words[: len(path)]) == path
    options = {option for line in shown.output.splitlines() for option in re.findall(r"--[a-z-]+", line)}
    assert {word for word in words if word.startswith("--")} <= options | {"--help"} or isinstance_group(path)


def isinstance_group(path: tuple[str, ...]) -> bool:
    command: click.Command = cli
    for name in path:
        assert isinstance(command, click.Group)
        child = command.get_command(click.Context(command), name)
        assert child is not None
        command = child
    return isinstance(command, click.Group)


def test_there_are_all_commands_of_this_stage() -> None:
    assert {
        ("sample",), ("init",), ("issuer", "import"), ("issuer", "mint"), ("issuer", "show"), ("issuer", "export"),
        ("holder", "new-key"), ("holder", "present"), ("org", "register"), ("request", "new"), ("ledger", "check"),
        ("ledger", "checkpoint"), ("ledger", "prove"), ("verify",), ("demo",),
    } <= set(ALL)  # fmt: skip
