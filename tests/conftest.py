"""Options of all tests: `--full` takes the counts that `make torture` names instead of the short ones, `--pictures`
draws the pictures of docs/ anew."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="Take the full counts of `make torture`.")
    parser.addoption("--pictures", action="store_true", help="Draw docs/pictures anew.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `--full` only the tests that have a full count are run; what draws pictures, with `--pictures` only."""
    if config.getoption("--full"):
        _keep(config, items, [item for item in items if "full" in getattr(item, "fixturenames", ())])
    if not config.getoption("--pictures"):
        _keep(config, items, [item for item in items if "pictures" not in getattr(item, "fixturenames", ())])


def _keep(config: pytest.Config, items: list[pytest.Item], kept: list[pytest.Item]) -> None:
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """Whether the full counts were asked for."""
    return bool(request.config.getoption("--full"))


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where the pictures of docs/ stand; what asks for it runs with `--pictures` only."""
    return Path(__file__).parents[1] / "docs" / "pictures"
