"""What hostile inputs cost, measured where nothing else runs: each in a process of its own, under limits.

python -m tests.torture.costs GROUP [NAME]

Prints one JSON line per input: name, what was said, CPU seconds, and bytes by which the peak of resident memory rose
above what the warm process held. The process may use 20 CPU seconds and 512 MiB of address space more than it has;
beyond that it is killed, which counts as a failure.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.torture.hostile import GROUPS

__all__: list[str] = []

_MIB = 2**20
_SPARE_ADDRESSES = 512 * _MIB
_SPARE_SECONDS = 20


def main(group: str, only: str | None = None) -> None:
    inputs = GROUPS[group]()
    for name, run in inputs.items():
        if only in (None, name):
            print(json.dumps(_measured(name, run)), flush=True)


def _measured(name: str, run: Callable[[], str]) -> dict[str, object]:
    """The cost of one input in a fork of this process, whose libraries are loaded and warm."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, json.dumps(_run(run)).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        said = stream.read()
    _, status = os.waitpid(child, 0)
    if not said:
        return {"name": name, "said": f"ended with status {status}", "seconds": 1e9, "bytes": 1e9}
    seconds, grown, outcome = json.loads(said)
    return {"name": name, "said": outcome, "seconds": seconds, "bytes": grown}


def _run(run: Callable[[], str]) -> tuple[float, int, str]:
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + _SPARE_ADDRESSES,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (_SPARE_SECONDS,) * 2)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts here
    before, started = _status("VmRSS"), time.process_time()
    try:
        said = run()
    except BaseException as exc:  # a crash is a result of the measurement
        said = f"crash: {type(exc).__name__}"
    seconds = time.process_time() - started
    return seconds, _status("VmHWM") - before, said


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise AssertionError(name)


if __name__ == "__main__":
    main(*sys.argv[1:])
