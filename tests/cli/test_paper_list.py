"""Paper for a list: each file verifies, a second run draws only what is missing, and processes agree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.main import cli
from issuer import paper_stock
from issuer.home import Home
from ledger.reasons import Reason


@pytest.fixture(scope="module")
def persons(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A home with twelve imported people, of whom two have paper."""
    folder = tmp_path_factory.mktemp("stock")
    home = folder / "home"
    for command in (
        ["sample", "--people", "12", "--seed", "5", "--out", str(folder / "city")],
        ["init", str(home)],
        ["issuer", "import", str(folder / "city"), "--home", str(home)],
    ):
        assert CliRunner().invoke(cli, command).exit_code == 0
    numbers = list(Home(home).snapshot().person_nos())
    for number in numbers[:2]:
        assert (
            CliRunner().invoke(cli, ["issuer", "mint", "--person", number, "--home", str(home)]).exit_code
            == 0
        )
    return home, numbers


def export(home: Path, numbers: list[str], out: Path, form: str, *more: str) -> Result:
    arguments = [
        "issuer",
        "export",
        "--list",
        "-",
        "--as",
        form,
        "--out-dir",
        str(out),
        "--home",
        str(home),
        *more,
    ]
    return CliRunner().invoke(cli, arguments, input="\n".join(numbers))


def lines(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize("form", ["png", "pdf"])
def test_each_file_verifies_and_a_second_run_draws_what_is_missing(
    persons: tuple[Path, list[str]], tmp_path: Path, form: str
) -> None:
    home, numbers = persons
    first = lines(export(home, numbers, tmp_path, form))
    assert [line["no"] for line in first] == numbers
    assert not any(line["kept"] for line in first)
    files = [str(line["file"]) for line in first]
    judged = CliRunner().invoke(cli, ["verify", *files, "--each", "--trust", str(home / "trust"), "--static"])
    assert [json.loads(line)["outcome"] for line in judged.stdout.splitlines()] == ["valid"] * len(numbers)
    # One is lost, another cut short as by a crash of the machine.
    Path(files[3]).unlink()
    Path(files[5]).write_bytes(Path(files[5]).read_bytes()[:-20])
    again = lines(export(home, numbers, tmp_path, form))
    assert [at for at, line in enumerate(again) if not line["kept"]] == [3, 5]
    assert [line["number"] for line in again] == [line["number"] for line in first]


def test_several_processes_draw_the_same(
    persons: tuple[Path, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, numbers = persons
    alone = lines(export(home, numbers, tmp_path / "alone", "svg"))
    monkeypatch.setattr(paper_stock, "_WORTH_PROCESSES", 2)
    monkeypatch.setattr(paper_stock, "_CHUNK", 5)
    monkeypatch.setattr(paper_stock, "available_cores", lambda: 2)
    several = lines(export(home, numbers, tmp_path / "several", "svg"))
    for one, other in zip(alone, several, strict=True):
        assert Path(str(one["file"])).read_bytes() == Path(str(other["file"])).read_bytes()


def test_a_number_nobody_has_stops_before_anything_is_drawn(
    persons: tuple[Path, list[str]], tmp_path: Path
) -> None:
    home, numbers = persons
    result = export(home, [*numbers, "9912345678"], tmp_path / "out", "png")
    assert result.exception is not None
    assert getattr(result.exception, "reason", None) is Reason.PERSON_NOT_FOUND
    assert list((tmp_path / "out").iterdir()) == []
    assert export(home, numbers, tmp_path / "out", "text").exit_code == 2
