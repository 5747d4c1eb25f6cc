from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from issuer.profile import Profile, parse_profile
from tests.issuer_records.exports import Bureau


@pytest.fixture(scope="session")
def profile() -> Profile:
    return parse_profile((files("issuer") / "profiles" / "example-city.toml").read_bytes())


@pytest.fixture
def bureau(tmp_path: Path, profile: Profile) -> Bureau:
    return Bureau(tmp_path, profile)
