"""Options of all tests: `--full` takes the counts that `make torture` names instead of the short ones, `--pictures`
draws the pictures of docs/ anew.

Where there is memory for it, all temporary files of the short ones are kept in it: the same calls are made, nothing in
this suite outlives the machine, and waiting for a disk to sync would be a third of its time. The full ones use
the disk.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

_MEMORY = Path("/dev/shm")  # looked for, never relied on
_NEEDED = 4 * 2**30  # bytes free; a run of everything has under one in use


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="Take the full counts of `make torture`.")
    parser.addoption("--pictures", action="store_true", help="Draw docs/pictures anew.")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Before pytest decides where temporary folders are; the workers of a run inherit it."""
    if hasattr(config, "workerinput") or config.getoption("--full") or "TMPDIR" in os.environ:
        return
    if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free >= _NEEDED:
        folder = tempfile.mkdtemp(prefix="tallystick-", dir=_MEMORY)
        os.chmod(folder, 0o711)  # noqa: S103  # a database server that may not be root goes through it
        os.environ["TMPDIR"], tempfile.tempdir = folder, None
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `--full` only the tests that have a full count are run; what draws pictures, with `--pictures` only."""
    if config.getoption("--full"):
        _keep(config, items, [item for item in items if "full" in getattr(item, "fixturenames", ())])
    if not config.getoption("--pictures"):
        _keep(config, items, [item for item in items if "pictures" not in getattr(item, "fixturenames", ())])


def _keep(config: pytest.Config, items: list[pytest.Item], kept: list[pytest.Item]) -> None:
    stay = set(kept)
    config.hook.pytest_deselected(items=[item for item in items if item not in stay])
    items[:] = kept


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """Whether the full counts were asked for."""
    return bool(request.config.getoption("--full"))


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where the pictures of docs/ stand; what asks for it runs with `--pictures` only."""
    return Path(__file__).parents[1] / "docs" / "pictures"
