"""Many objects judged at once: a line each, in their order, the same whatever number of processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from certificate.qr_text import encode_qr_text
from cli import verify_many
from cli.main import cli
from ledger.reasons import Reason
from tests.world import NOW, SECONDS, World
from verifier.trust_dir import ROOT_KEYS_NAME, save_bundle_files


@pytest.fixture
def papers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[World, list[str], list[str | None]]:
    """A trust folder at `trust`, and texts of papers with what is due for each."""
    world = World()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(verify_many, "utc_now", lambda: NOW)
    good = encode_qr_text(world.certificate(world.body(paper=True)))
    bound = encode_qr_text(world.certificate())
    texts = [good, good[:-3], bound, "", good, "no-such-file.png"]
    due: list[str | None] = [None, "", Reason.PRES_BINDING_MISSING, None, Reason.CLI_NOT_FOUND]
    save_bundle_files(Path("trust"), world.bundle_files(issued=SECONDS - 60))
    (Path("trust") / ROOT_KEYS_NAME).write_text(world.root.public_key.hex() + "\n")
    return world, texts, due


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["verify", *arguments, "--trust", "trust", "--static"], input=stdin)


def judged(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_each_line_of_a_list_is_judged_in_its_place(
    papers: tuple[World, list[str], list[str | None]],
) -> None:
    _, texts, due = papers
    Path("list").write_text("\n".join(texts) + "\n")
    result = run("--list", "list")
    lines = judged(result)
    assert len(lines) == len(due)
    for line, reason in zip(lines, due, strict=True):
        assert (line["outcome"] == "valid") is (reason is None)
        assert reason in ("", line["reason"])
    assert lines[-1]["file"] == "no-such-file.png"
    assert result.exit_code == 3
    assert judged(run("--list", "-", stdin="\n".join(texts))) == lines


def test_several_processes_say_the_same(
    papers: tuple[World, list[str], list[str | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, texts, _ = papers
    Path("list").write_text("\n".join(texts * 40))
    alone = run("--list", "list")
    monkeypatch.setattr(verify_many, "_WORTH_PROCESSES", 10)
    monkeypatch.setattr(verify_many, "_CHUNK", 7)
    monkeypatch.setattr(verify_many, "available_cores", lambda: 2)
    assert run("--list", "list").stdout == alone.stdout
    assert len(judged(alone)) == 40 * 5


def test_files_are_judged_one_by_one_and_reports_are_whole_with_json(
    papers: tuple[World, list[str], list[str | None]],
) -> None:
    _, texts, _ = papers
    for name, text in (("a.txt", texts[0]), ("b.txt", texts[2])):
        Path(name).write_text(text + "\n")
    result = run("a.txt", "b.txt", "--each", "--json")
    lines = judged(result)
    assert [line["file"] for line in lines] == ["a.txt", "b.txt"]
    assert [line["outcome"] for line in lines] == ["valid", "invalid"]
    assert len(lines[0]["steps"]) == 11  # type: ignore[arg-type]  # a list in JSON
    assert result.exit_code == 3
    assert run("a.txt", "--each").exit_code == 0


def test_an_answer_counts_once_in_a_list_too(papers: tuple[World, list[str], list[str | None]]) -> None:
    """P: the same presentation twice in one list, and again in the next run."""
    world, _, _ = papers
    request = world.request()
    Path("request").write_bytes(request)
    answer = encode_qr_text(world.presentation(request=request))
    save_bundle_files(Path("trust"), world.bundle_files(issued=SECONDS - 60, version=2))
    Path("list").write_text(f"{answer}\n{answer}\n")
    arguments = ["verify", "--list", "list", "--trust", "trust", "--request", "request"]
    reasons = [judged(CliRunner().invoke(cli, arguments)) for _ in range(2)]
    assert [line["reason"] for line in reasons[0]] == [None, Reason.PRES_NONCE_REPLAYED]
    assert [line["reason"] for line in reasons[1]] == [Reason.PRES_NONCE_REPLAYED] * 2
