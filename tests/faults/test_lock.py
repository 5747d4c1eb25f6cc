"""A writer that is killed while it holds the ledger's lock (ATTACKS D14)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from ledger.errors import ConflictError
from ledger.reasons import Reason
from ledger.store.sqlite import SqliteStore
from tests.attacks.marking import attack
from tests.faults.conftest import BEFORE
from tests.faults.history import History
from tests.ledger.tampering import reason_of
from tests.ledger_http.conftest import Published

_HOLDER = """
import sys
from pathlib import Path
from ledger.store.sqlite import SqliteStore
from ledger.store.tree import append_entries
store = SqliteStore(Path(sys.argv[1]))
with store.writing():
    append_entries(store, [bytes.fromhex(entry) for entry in sys.argv[2:]])
    print("held", flush=True)
    sys.stdin.readline()
"""


@attack("D14", Reason.STORE_LOCKED)
def test_a_writer_killed_with_the_lock_in_its_hand(copied: Callable[[], Published]) -> None:
    """Others are told `store.locked` while it lives; dead, it left no lock and none of its entries"""
    world, history = copied(), History()
    lost = [world.entry(number).hex() for number in range(9000, 9400)]
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(world.path), *lost],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert reason_of(lambda: world.open(lock_timeout=0.05), ConflictError) is Reason.STORE_LOCKED
        with closing(SqliteStore(world.path)) as store:
            assert store.size() == BEFORE  # readers are not held up
        holder.kill()
    history.look(world)
    assert history.require_one(world) == BEFORE
    ledger = world.open(lock_timeout=0.05)
    assert ledger.append([world.entry(9000)]) == [BEFORE]
    history.saw(ledger.checkpoint(world.now + 1))
    assert history.require_one(world) == BEFORE + 1
