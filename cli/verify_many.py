"""Many objects judged one by one on all cores, as JSON lines in the order they were given."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

from certificate.texts import Language
from cli.common import utc_now
from cli.progress import progress
from cli.shown import read_shown
from ledger.errors import ConfigError, ConflictError, ProjectError
from ledger.reasons import Reason
from ledger.workers import Workers, available_cores
from verifier.expect import STATIC, Asked
from verifier.render import report_json
from verifier.report import Outcome
from verifier.seen import RunSeen
from verifier.seen_file import FileSeen
from verifier.trust_dir import load_trust
from verifier.verify import verify

__all__ = ["verify_many"]

_TEXTS = ("TS1:", "0o")  # a line of a list that is an object itself, and not the name of a file
_CHUNK = 200
_WORTH_PROCESSES = 1000
_MAX_LINE = 2**17  # longer than any object; the rest of such a line is refused as an object of its own
_BLOCK = 2**20

Task = tuple[datetime, Sequence[str]]
Judging = Callable[[Task], list[tuple[str, str]]]


def verify_many(
    names: Sequence[str],
    *,
    list_name: str | None,
    trust: Path,
    request: bytes | None,
    seen: Path,
    language: Language,
    full: bool,
) -> Outcome:
    """Judge each of `names` and each line of the list on its own; prints a line of JSON for each.

    Args:
        list_name: a file (`-` for stdin) of one QR text, file text or file name a line.
        full: whole reports instead of outcome, reason and certificate number.
    Returns:
        the worst outcome.
    """
    total = len(names) + (0 if list_name is None else _count_lines(list_name))
    inputs = chain(names, () if list_name is None else _lines(list_name))
    first = list(islice(inputs, _WORTH_PROCESSES))
    digest = load_trust(trust).digest
    count = available_cores() if len(first) == _WORTH_PROCESSES else 1
    outcomes: set[str] = set()
    done = 0
    arguments = (trust, digest, request, seen, language, full)
    with progress("verifying") as advance, Workers(judging, arguments, count=count) as workers:
        for chunk in workers.map(_chunks(chain(first, inputs))):
            outcomes.update(outcome for outcome, _ in chunk)
            sys.stdout.write("".join(line for _, line in chunk))
            done += len(chunk)
            advance(done, max(done, total))
    sys.stdout.flush()
    severity = (Outcome.INVALID, Outcome.UNDETERMINED)
    return next((outcome for outcome in severity if outcome in outcomes), Outcome.VALID)


def judging(
    trust: Path, digest: bytes, request: bytes | None, seen: Path, language: Language, full: bool
) -> Judging:
    """What a worker does: outcome and JSON line of each input.

    Raises:
        ConflictError: `store.locked` when the bundle is not the one with `digest` any more.
    """
    bundle, memory = load_trust(trust), RunSeen(FileSeen(seen))
    if bundle.digest != digest:
        raise ConflictError(Reason.STORE_LOCKED, "the trust bundle was replaced meanwhile", hint="run again")
    expect = STATIC if request is None else Asked(request)

    def judge(name: str, now: datetime) -> tuple[str, dict[str, Any]]:
        try:
            shown = [name.encode()] if name.startswith(_TEXTS) else read_shown(name)
        except ProjectError as exc:
            return Outcome.INVALID, {"outcome": Outcome.INVALID, "reason": exc.reason}
        report = verify(
            shown[0] if len(shown) == 1 else shown, trust=bundle, now=now, expect=expect, seen=memory
        )
        if full:
            return report.outcome, report_json(report, language)
        number = None if report.certificate is None else report.certificate.body.number
        return report.outcome, {"outcome": report.outcome, "reason": report.reason, "number": number}

    def work(task: Task) -> list[tuple[str, str]]:
        now, chunk = task
        lines = []
        for name in chunk:
            outcome, result = judge(name, now)
            named = {} if name.startswith(_TEXTS) else {"file": name}
            lines.append((str(outcome), json.dumps(named | result, ensure_ascii=False) + "\n"))
        return lines

    return work


def _lines(list_name: str) -> Iterator[str]:
    """The lines one by one: a list of half a year is larger than this machine's memory."""
    with _opened(list_name) as stream:
        while line := stream.readline(_MAX_LINE):
            if text := line.decode("utf-8", "replace").rstrip("\r\n"):
                yield text


def _count_lines(list_name: str) -> int:
    """How many, for the progress bar; of stdin nobody knows."""
    if list_name == "-":
        return 0
    with _opened(list_name) as stream:
        return sum(block.count(b"\n") for block in iter(lambda: stream.read(_BLOCK), b""))


@contextmanager
def _opened(list_name: str) -> Iterator[BinaryIO]:
    if list_name == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(list_name).open("rb") as stream:
            yield stream
    except OSError as exc:
        raise ConfigError(Reason.CLI_NOT_FOUND, f"{list_name}: {exc.strerror}") from exc


def _chunks(inputs: Iterable[str]) -> Iterator[Task]:
    rest = iter(inputs)
    while chunk := list(islice(rest, _CHUNK)):
        yield utc_now(), chunk
