"""{the step is lost, it is kept but reported lost} at each step of append, checkpoint and export, in pairs too.

Whatever fails: nothing acknowledged is missing, the next attempt goes on with one history, and the steps in between
refuse to go on (ATTACKS D01, D07).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from itertools import product

import pytest

from ledger.errors import IntegrityError, ProjectError
from ledger.export import export_log
from ledger.publication import Publication
from ledger.reasons import Reason
from ledger.sequencer import Sequencer
from ledger.store.sqlite import SqliteStore
from tests.attacks.marking import attack
from tests.faults.conftest import BEFORE, CROSSING
from tests.faults.history import History, Overheard
from tests.faults.steps import Fate, FaultyStore, Steps
from tests.ledger_http.conftest import Published

FATES: tuple[Fate, ...] = ("lost", "kept")
Plan = Mapping[int, Fate]
_PASSED_OVER = ("witness commit", "replace signed-through")  # a witness that fails is done without


def attempt(world: Published, history: History, plan: Plan) -> Steps:
    """Open, append over the tile's edge, sign, export, with the faults of `plan`; says which steps there were."""
    steps = Steps(plan)
    stopped: Reason | None = None
    with pytest.MonkeyPatch.context() as patch:
        try:
            witnesses = [Overheard(world.witness(number), history) for number in range(4)]
            steps.install(patch)  # how a witness is made has a test of its own
            store = FaultyStore(SqliteStore(world.path), steps)
            ledger = Sequencer(
                store,
                origin=world.origin,
                log=world.log,
                signer=world.signer,
                mldsa_signer=world.mldsa,
                witnesses=witnesses,
                policy=world.policy,
                anchor=world.anchor,
            )
            world._opened.append(ledger)
            run(world, history, ledger)
            export_log(Publication(store), world.folder / "exported")
            assert not steps.failed or all(name.startswith(_PASSED_OVER) for name in steps.failed)
        except ProjectError as exc:
            stopped = exc.reason
        finally:
            world.close()
    if stopped is not None:
        assert steps.failed
        # Two witnesses that failed are one too many of four.
        assert stopped in (Reason.STORE_IO_ERROR, Reason.CKPT_QUORUM_UNMET)
    history.look(world, world.folder / "exported")
    return steps


def run(world: Published, history: History, ledger: Sequencer) -> None:
    entries = [world.entry(number) for number in CROSSING]
    try:
        history.was_told(dict(zip(entries, ledger.append(entries), strict=True)))
        history.saw(ledger.checkpoint(world.now + 1))
    except IntegrityError:
        for more in (lambda: ledger.append([world.entry(999)]), lambda: ledger.checkpoint(world.now + 1)):
            with pytest.raises(IntegrityError) as caught:
                more()
            assert caught.value.reason is Reason.STORE_IO_ERROR
        raise


def complete(world: Published, history: History) -> None:
    """Without faults everything is there afterwards, once."""
    steps = attempt(world, history, {})
    assert not steps.failed
    assert sorted(history.acknowledged.values()) == list(CROSSING)
    assert history.require_one(world) == CROSSING.stop
    assert {checkpoint.size for checkpoint in history.signed} == {BEFORE, CROSSING.stop}


def number_of_steps(world: Published) -> int:
    steps = attempt(world, History(), {})
    kinds = {name.split()[0] for name in steps.names}
    assert kinds == {"add", "commit", "replace", "witness", "place", "sync"}
    return len(steps.names)


@attack("D01", Reason.STORE_IO_ERROR)
@attack("D07", Reason.STORE_IO_ERROR)
@pytest.mark.parametrize("fate", FATES)
def test_each_step_of_append_checkpoint_and_export_fails_once(
    copied: Callable[[], Published], fate: Fate
) -> None:
    """Each write is lost, or kept and reported lost: the sequencer stops, and opened again goes on as one history"""
    for at in range(number_of_steps(copied())):
        world, history = copied(), History()
        assert attempt(world, history, {at: fate}).failed
        history.require_one(world)
        complete(world, history)


@attack("D07", Reason.STORE_IO_ERROR)
def test_two_steps_fail(copied: Callable[[], Published], full: bool) -> None:
    """Two faults: both in one attempt, or one in the attempt and one in the next (all pairs in `make torture`)"""
    count = number_of_steps(copied())
    cases = [
        (first, second, later)
        for first, second in product(product(range(count), FATES), repeat=2)
        for later in (False, True)
        if later or first[0] < second[0]
    ]
    for first, second, later in cases if full else random.Random(7).sample(cases, 15):
        world, history = copied(), History()
        attempt(world, history, dict([first]) if later else dict([first, second]))
        history.require_one(world)
        if later:
            attempt(world, history, dict([second]))
            history.require_one(world)
        complete(world, history)
