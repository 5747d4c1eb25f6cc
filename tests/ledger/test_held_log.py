"""Blocks of a log and proofs that lean on them, compared with trees computed from the leaves."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certificate.log_files import Milestones, encode_blocks, encode_milestones, parse_blocks, parse_milestones
from ledger.blocks import BLOCK_LEAVES, LARGE_BLOCK_LEAVES, Blocks
from ledger.cbor import encode_cbor
from ledger.errors import FormatError, ProjectError, UndeterminedError, VerificationError
from ledger.held_log import HeldLog, complete_recent, smallest_proof, verify_proof
from ledger.merkle import leaf_hash, node_hash, prove_inclusion, root_at, sibling_ranges
from ledger.proof import FullProof, Proof, RecentProof, ShortProof, encode_proof, parse_proof
from ledger.reasons import Reason
from ledger.trust_policy import parse_trust_policy
from tests.attacks.marking import attack
from tests.world import ORIGIN, SECONDS, Log, other_entries

MOST = 1_600
ENTRIES = other_entries(MOST)
WHOLE = Log(ENTRIES)
_NODES: dict[tuple[int, int], bytes] = {}


def node(level: int, index: int) -> bytes:
    """Any complete subtree over ENTRIES; each is computed once."""
    if (level, index) not in _NODES:
        if level == 0:
            _NODES[0, index] = leaf_hash(ENTRIES[index])
        else:
            _NODES[level, index] = node_hash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))
    return _NODES[level, index]


def log_of(size: int) -> Log:
    log = Log([])
    log.entries = ENTRIES[:size]
    log.node = node  # type: ignore[method-assign]  # the same hashes, remembered
    return log


POLICY = parse_trust_policy(WHOLE.policy_text())


def held(size: int) -> HeldLog:
    from ledger.trust_policy import verify_checkpoint

    log = log_of(size)
    verified = verify_checkpoint(log.note(), policy=POLICY, now=SECONDS)
    return HeldLog(Blocks.read(size, 0, node), verified, log.signatures())


def proof(index: int, size: int) -> FullProof:
    path = prove_inclusion(index, size, node)
    return FullProof(1, index, size, tuple(path), log_of(size).signatures())


def judge(shown: Proof, knows: HeldLog | None, *, entry: bytes | None = None) -> FullProof:
    entry = ENTRIES[shown.index] if entry is None else entry
    _, full = verify_proof(
        parse_proof(tuple(encode_proof(shown))),
        entry=entry,
        origin=ORIGIN,
        policy=POLICY,
        now=SECONDS,
        held=knows,
    )
    return full


def reason(run: object) -> Reason:
    with pytest.raises(ProjectError) as caught:
        run()  # type: ignore[operator]  # a lambda
    return caught.value.reason


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 513, 767, 768, 1023, 1024, 1025, MOST])
def test_blocks_lead_to_the_root(size: int) -> None:
    blocks = Blocks.read(size, 0, node)
    assert blocks.root_hash() == root_at(size, node)
    assert parse_blocks(encode_blocks(7, blocks)) == (7, blocks)
    for index in range(0, size, 100):
        expected = (8, node(8, index >> 8)) if (index >> 8) + 1 <= size >> 8 else None
        assert blocks.block_of(index) == expected


def test_old_parts_are_kept_in_large_blocks() -> None:
    """A made-up tree of three large blocks: what stands in them has no block of its own, but the root is the same."""

    def made(level: int, index: int) -> bytes:
        if level == 8:
            return leaf_hash(index.to_bytes(4, "big"))
        return node_hash(made(level - 1, 2 * index), made(level - 1, 2 * index + 1))

    size = 3 * LARGE_BLOCK_LEAVES + 5 * BLOCK_LEAVES
    all_small = Blocks.read(size, 0, made)
    for start in (LARGE_BLOCK_LEAVES, 2 * LARGE_BLOCK_LEAVES + 17, 3 * LARGE_BLOCK_LEAVES):
        blocks = Blocks.read(size, start, made)
        assert blocks.root_hash() == all_small.root_hash()
        assert blocks.start == start // LARGE_BLOCK_LEAVES * LARGE_BLOCK_LEAVES
        assert blocks.block_of(blocks.start - 1) == (16, made(16, (blocks.start >> 16) - 1))
        assert blocks.block_of(size - 1) == all_small.block_of(size - 1) == (8, made(8, (size - 1) >> 8))
        assert reason(lambda kept=blocks: kept.read_node(9, 0)) is Reason.LOG_SUBTREE_UNKNOWN
    assert len(encode_blocks(1, Blocks.read(size, size, made))) < 400


@pytest.mark.parametrize(
    "fields",
    [
        [1, 1, 256, 0, b"", bytes(32)],
        [2, 1, 256, 0, b"", bytes(32), b""],
        [1, 1, 256, 0, b"", bytes(31), b""],
        [1, 1, 256, 0, b"", bytes(64), b""],
        [1, 1, 257, 0, b"", bytes(32), b""],
        [1, 1, 256, 256, b"", b"", b""],
        [1, 1, 65536, 65536, b"", b"", b""],
        [1, 1, 256, 65536, bytes(32), b"", b""],
        [1, 1, -1, 0, b"", b"", b""],
        [1, 1, 256, 0, "", bytes(32), b""],
    ],
)
def test_hostile_blocks_are_refused(fields: list[object]) -> None:
    with pytest.raises(FormatError):
        parse_blocks(encode_cbor(fields))


@given(st.integers(1, MOST), st.integers(0, MOST), st.data())
@settings(max_examples=300, deadline=None)
def test_the_smallest_form_decides_and_completes(size: int, known: int, data: st.DataObject) -> None:
    """Whatever the verifier holds, the smallest form is accepted, is never larger, and its completion stands alone."""
    index = data.draw(st.integers(0, size - 1))
    full = proof(index, size)
    shown = smallest_proof(full, holds=known)
    knows = held(known) if known else None
    completed = judge(shown, knows)
    assert len(encode_cbor(encode_proof(shown))) <= len(encode_cbor(encode_proof(full)))
    assert judge(completed, None) == completed
    if isinstance(shown, RecentProof):
        assert complete_recent(shown, knows) == full
    assert isinstance(shown, ShortProof) == ((index // 256 + 1) * 256 <= min(size, known))


def test_one_changed_bit_is_never_accepted() -> None:
    chance = random.Random(3)
    knows = held(1_300)
    for shown in (
        smallest_proof(proof(700, 1_400), holds=1_300),
        smallest_proof(proof(1_390, 1_400), holds=1_300),
    ):
        judge(shown, knows)
        for level, hash_ in enumerate(shown.path):
            flipped = bytearray(hash_)
            flipped[chance.randrange(32)] ^= 1 << chance.randrange(8)
            path = (*shown.path[:level], bytes(flipped), *shown.path[level + 1 :])
            assert (
                reason(lambda p=path, s=shown: judge(replace(s, path=p), knows))
                is Reason.LOG_INCLUSION_INVALID
            )
        assert reason(lambda s=shown: judge(s, knows, entry=ENTRIES[5])) is Reason.LOG_INCLUSION_INVALID
        for length in range(len(shown.path)):
            with pytest.raises((VerificationError, FormatError)):
                judge(replace(shown, path=shown.path[:length]), knows)


def test_what_is_not_held_cannot_be_told() -> None:
    short = smallest_proof(proof(1_100, MOST), holds=MOST)
    recent = smallest_proof(proof(1_599, MOST), holds=1_300)
    assert isinstance(short, ShortProof)
    assert isinstance(recent, RecentProof)
    for knows in (None, held(1_100)):
        for shown in (short, recent):
            with pytest.raises(UndeterminedError) as caught:
                judge(shown, knows)
            assert caught.value.reason is Reason.LOG_SUBTREE_UNKNOWN


@attack("A39a", Reason.LOG_INCLUSION_INVALID)
def test_stolen_log_keys_cannot_put_an_entry_into_a_held_past() -> None:
    """Log and witness keys sign a false old tree in which a forged entry stands low: the block that is held decides"""
    forged = list(ENTRIES[:1_024])
    forged[300] = ENTRIES[1_500]
    false_log = Log(forged)
    path = prove_inclusion(300, 1_024, false_log.node)
    false = FullProof(1, 300, 1_024, tuple(path), false_log.signatures())
    judge(false, None, entry=forged[300])  # without blocks the stolen keys are believed
    assert reason(lambda: judge(false, held(1_024), entry=forged[300])) is Reason.LOG_INCLUSION_INVALID


@attack("A39a", Reason.CKPT_QUORUM_UNMET)
def test_retired_witnesses_do_not_count_below_a_held_block() -> None:
    """The false tree ends within the block, so that the block cannot speak: retired keys do not count then"""
    text = WHOLE.policy_text() + "".join(f"#tallystick retired w{n} {SECONDS}\n" for n in (1, 2, 3))
    retired = parse_trust_policy(text)
    forged = [*ENTRIES[:1_000], ENTRIES[1_500]]
    false_log = Log(forged)
    path = prove_inclusion(1_000, 1_001, false_log.node)
    false = FullProof(1, 1_000, 1_001, tuple(path), false_log.signatures())

    def judged(knows: HeldLog | None) -> object:
        return verify_proof(
            false, entry=forged[1_000], origin=ORIGIN, policy=retired, now=SECONDS, held=knows, known=None
        )

    judged(None)  # they cosigned before they were retired, or say so
    assert reason(lambda: judged(held(1_024))) is Reason.CKPT_QUORUM_UNMET


def test_blocks_of_another_history_are_no_blocks() -> None:
    true = held(1_024)
    other = Blocks(1_024, 0, (), (*true.blocks.small[:3], bytes(32)))
    with pytest.raises(VerificationError):
        HeldLog(other, true.checkpoint, true.signatures)
    with pytest.raises(FormatError):
        HeldLog(Blocks.read(768, 0, node), true.checkpoint, true.signatures)


def test_sibling_ranges_are_those_of_the_path() -> None:
    for size in (1, 2, 3, 7, 8, 300, 1_024, 1_025):
        for index in {0, size // 2, size - 1}:
            path = prove_inclusion(index, size, node)
            ranges = sibling_ranges(index, size)
            assert len(path) == len(ranges)
            covered = sorted([*ranges, (index, index + 1)])
            assert covered[0][0] == 0
            assert covered[-1][1] == size
            assert all(a[1] == b[0] for a, b in pairwise(covered))


def test_milestones() -> None:
    day = 86_400
    marks = Milestones(1, ()).extended(100, 5 * day).extended(100, 6 * day).extended(120, 5 * day + 9)
    marks = marks.extended(200, 7 * day)
    assert marks.marks == ((100, 5 * day), (200, 7 * day))
    assert [marks.reached_before(at) for at in (0, 99, 100, 199, 200)] == [
        None,
        None,
        5 * day,
        5 * day,
        7 * day,
    ]
    assert [marks.size_by(at * day) for at in (4, 5, 6, 7)] == [0, 100, 100, 200]
    assert parse_milestones(encode_milestones(marks)) == marks
    for bad in ([[100, 5], [100, 6]], [[100, 5], [101, 5]], [[1]], [[-1, 2]], [["1", 2]]):
        with pytest.raises(FormatError):
            parse_milestones(encode_cbor([1, 1, bad]))
