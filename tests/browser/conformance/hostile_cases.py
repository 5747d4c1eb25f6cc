"""Hostile inputs, run where they are listened to (`recording`): whatever is expensive to read, as it is held up.

No test by itself: `test_verdicts` names this file to the run that it hears.
"""

from __future__ import annotations

import pytest

from tests.torture.hostile import GROUPS


@pytest.mark.parametrize("group", ["shown", "bundles"])
def test_hostile_inputs_are_refused(group: str) -> None:
    for name, run in GROUPS[group]().items():
        assert run() not in ("None", "accepted"), name
