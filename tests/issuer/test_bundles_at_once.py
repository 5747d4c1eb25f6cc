"""Several processes cut trust bundles of one home: each version once, and what lies there is always whole."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from issuer.home import Home
from issuer.lock import locked
from issuer.publish import cut_bundle
from ledger.errors import ConflictError
from ledger.reasons import Reason
from tests.issuer.conftest import Bureau
from tests.world import SECONDS
from verifier.trust_dir import load_trust


def test_no_two_bundles_have_one_version(bureau: Bureau) -> None:
    def cut_some(path: Path) -> list[int]:
        home = Home(path)  # each on a thread of its own, with files of its own, as a process would
        ledger = home.ledger()
        try:
            return [cut_bundle(home, ledger, now=SECONDS + 1) for _ in range(4)]
        finally:
            ledger.close()

    with ThreadPoolExecutor(4) as pool:
        versions = [v for made in pool.map(cut_some, [bureau.home.path] * 4) for v in made]
    assert len(set(versions)) == 16
    assert load_trust(bureau.home.trust_dir).version == max(versions)


def test_who_waits_in_vain_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    with (
        locked(path, what="first", timeout=0),
        pytest.raises(ConflictError) as refusal,
        locked(path, what="first", timeout=0.05),
    ):
        pytest.fail("two hold one lock")
    assert refusal.value.reason is Reason.STORE_LOCKED
    with locked(path, what="second", timeout=0):
        pass
