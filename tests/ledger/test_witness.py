"""What a witness accepts, in the order of tlog-witness, and what it remembers (ATTACKS W07–W13, W16)."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from ledger.checkpoint import Checkpoint, cosign, encode_checkpoint, sign_checkpoint, verify_cosignature
from ledger.ed25519 import Ed25519Signer
from ledger.errors import ConfigError, FormatError, IntegrityError, ProjectError
from ledger.merkle import (
    EMPTY_ROOT,
    LeafHash,
    RootHash,
    leaf_hash,
    node_hash,
    prove_consistency,
    root_from_leaf_hashes,
)
from ledger.note import (
    Note,
    NoteSignature,
    SignatureType,
    VerifierKey,
    encode_base64,
    encode_note,
    parse_signature_lines,
)
from ledger.reasons import Reason
from ledger.trust_policy import LogKey, TrustPolicy, WitnessKey
from ledger.witness import MARKER_NAME, STATE_NAME, LocalWitness
from ledger.witness_protocol import (
    WitnessConflictError,
    encode_add_checkpoint,
    parse_add_checkpoint,
)
from tests.attacks.marking import attack

ORIGIN = "test.example/log"
NOW = 1_790_000_000
LOG = Ed25519Signer(bytes(range(32)))
WITNESS = Ed25519Signer(bytes(32))
NAME = "test.example/witness"
LOG_KEY = VerifierKey(ORIGIN, SignatureType.ED25519, LOG.public_key)
LEAVES: list[bytes] = [leaf_hash(b"%d" % number) for number in range(64)]
FORK: list[bytes] = [leaf_hash(b"fork %d" % number) for number in range(64)]


def node_of(leaves: list[bytes], level: int, index: int) -> bytes:
    if level == 0:
        return leaves[index]
    return node_hash(node_of(leaves, level - 1, 2 * index), node_of(leaves, level - 1, 2 * index + 1))


def checkpoint_of(size: int, leaves: list[bytes] = LEAVES, origin: str = ORIGIN) -> Checkpoint:
    return Checkpoint(origin, size, root_from_leaf_hashes(LeafHash(leaf) for leaf in leaves[:size]))


def signed(checkpoint: Checkpoint, signer: Ed25519Signer = LOG, *more: NoteSignature) -> bytes:
    text = encode_checkpoint(checkpoint)
    return encode_note(Note(text, (sign_checkpoint(checkpoint, signer), *more)))


def path_between(old_size: int, size: int, leaves: list[bytes] = LEAVES) -> list[bytes]:
    if not 0 < old_size < size:
        return []
    return prove_consistency(old_size, size, lambda level, index: node_of(leaves, level, index))


def body(old_size: int, size: int, *, note: bytes | None = None, path: list[bytes] | None = None) -> bytes:
    return encode_add_checkpoint(
        old_size=old_size,
        path=path_between(old_size, size) if path is None else path,
        note=signed(checkpoint_of(size)) if note is None else note,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "witness"


class Witnesses:
    """Opens the one witness in `folder`, as often as asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.opened: list[LocalWitness] = []

    def open(self, marker: Path | None = None) -> LocalWitness:
        self.opened.append(
            LocalWitness(self.folder, signer=WITNESS, name=NAME, log_keys=[LOG_KEY], marker=marker)
        )
        return self.opened[-1]


@pytest.fixture
def witnesses(folder: Path) -> Iterator[Witnesses]:
    made = Witnesses(folder)
    yield made
    for witness in made.opened:
        witness.close()


@pytest.fixture
def witness(witnesses: Witnesses) -> LocalWitness:
    return witnesses.open()


def reason_of(call: Callable[[], object]) -> Reason:
    with pytest.raises(ProjectError) as caught:
        call()
    return caught.value.reason


def refused(witness: LocalWitness, request: bytes) -> Reason:
    """The reason, after making sure that nothing changed."""
    before = witness.witnessed_size(ORIGIN)
    reason = reason_of(lambda: witness.add_checkpoint(request, now=NOW))
    assert witness.witnessed_size(ORIGIN) == before
    return reason


def test_a_growing_log_is_cosigned(witness: LocalWitness) -> None:
    for old_size, size in ((0, 1), (1, 1), (1, 7), (7, 8), (8, 33), (33, 64)):
        answer = witness.add_checkpoint(body(old_size, size), now=NOW + size)
        [line] = parse_signature_lines(answer.decode())
        assert line.is_by(witness.key)
        assert verify_cosignature(checkpoint_of(size), line.blob, key=witness.key) == NOW + size
        assert witness.witnessed_size(ORIGIN) == size


def test_the_first_time_may_be_at_any_size(witness: LocalWitness) -> None:
    assert witness.add_checkpoint(body(0, 33), now=NOW)
    assert witness.witnessed_size(ORIGIN) == 33


def other_log() -> bytes:
    return signed(checkpoint_of(9, origin="other.example"))


def forged() -> bytes:
    text = encode_checkpoint(checkpoint_of(9))
    return encode_note(Note(text, (NoteSignature(ORIGIN, LOG_KEY.key_id, WITNESS.sign(text.encode())),)))


@pytest.mark.parametrize(
    ("request_body", "reason"),
    [
        (lambda: body(5, 9, note=other_log()), Reason.WIT_UNKNOWN_LOG),
        (lambda: body(5, 9, note=signed(checkpoint_of(9), WITNESS)), Reason.WIT_UNAUTHORISED),
        (lambda: body(5, 9, note=forged()), Reason.WIT_UNAUTHORISED),
        (lambda: body(10, 9), Reason.WIT_BAD_REQUEST),
        (lambda: body(4, 9), Reason.WIT_CONFLICT),
        (lambda: body(0, 9), Reason.WIT_CONFLICT),
        (lambda: body(9, 9), Reason.WIT_CONFLICT),
        (lambda: body(6, 9), Reason.WIT_CONFLICT),
        (lambda: body(5, 9, path=[]), Reason.WIT_PROOF_INVALID),
        (lambda: body(5, 9, path=path_between(5, 9)[:-1]), Reason.WIT_PROOF_INVALID),
        (lambda: body(5, 9, path=[*path_between(5, 9), bytes(32)]), Reason.WIT_PROOF_INVALID),
        (lambda: body(5, 9, path=[bytes(32), *path_between(5, 9)[1:]]), Reason.WIT_PROOF_INVALID),
        (lambda: body(5, 9, note=signed(checkpoint_of(9, FORK))), Reason.WIT_PROOF_INVALID),
        (lambda: body(5, 5, path=[bytes(32)]), Reason.WIT_PROOF_INVALID),
        (lambda: body(5, 5, note=signed(checkpoint_of(5, FORK))), Reason.WIT_PROOF_INVALID),
        (lambda: body(0, 4), Reason.WIT_CONFLICT),
        # Where several things are wrong the first step decides.
        (lambda: body(10, 9, note=other_log(), path=[]), Reason.WIT_UNKNOWN_LOG),
        (lambda: body(10, 9, note=forged()), Reason.WIT_UNAUTHORISED),
        (lambda: body(10, 9, path=[bytes(32)]), Reason.WIT_BAD_REQUEST),
        (lambda: body(4, 9, path=[bytes(32)]), Reason.WIT_CONFLICT),
    ],
)
@attack("W08", Reason.WIT_CONFLICT, Reason.WIT_BAD_REQUEST, Reason.WIT_PROOF_INVALID)
@attack("W08", Reason.WIT_UNAUTHORISED, Reason.WIT_UNKNOWN_LOG)
def test_refusals(witness: LocalWitness, request_body: Callable[[], bytes], reason: Reason) -> None:
    """Old sizes, proofs, keys and logs that are wrong, alone and together: the first step decides"""
    witness.add_checkpoint(body(0, 5), now=NOW)
    assert refused(witness, request_body()) == reason
    assert witness.add_checkpoint(body(5, 9), now=NOW)


def test_a_conflict_tells_the_size(witness: LocalWitness) -> None:
    witness.add_checkpoint(body(0, 5), now=NOW)
    for request in (body(4, 9), body(0, 5)):
        with pytest.raises(WitnessConflictError) as caught:
            witness.add_checkpoint(request, now=NOW)
        assert caught.value.size == 5


@pytest.mark.parametrize(
    ("size", "root", "path", "reason"),
    [
        (0, EMPTY_ROOT, [bytes(32)], Reason.WIT_PROOF_INVALID),
        (0, bytes(32), [], Reason.WIT_PROOF_INVALID),
        (5, LEAVES[0], [bytes(32)], Reason.WIT_PROOF_INVALID),
    ],
)
@attack("W13", Reason.WIT_PROOF_INVALID)
def test_from_size_zero(
    witness: LocalWitness, size: int, root: bytes, path: list[bytes], reason: Reason
) -> None:
    note = signed(Checkpoint(ORIGIN, size, RootHash(root)))
    assert refused(witness, body(0, size, note=note, path=path)) == reason
    assert witness.add_checkpoint(body(0, 0), now=NOW)
    assert witness.witnessed_size(ORIGIN) == 0
    assert witness.add_checkpoint(body(0, 5), now=NOW)


GOOD = body(5, 9)


@pytest.mark.parametrize(
    ("request_body", "reason"),
    [
        (b"", Reason.WIT_BAD_REQUEST),
        (b"\n\n", Reason.WIT_BAD_REQUEST),
        (GOOD.replace(b"old 5", b"old 05"), Reason.WIT_BAD_REQUEST),
        (GOOD.replace(b"old 5", b"old -5"), Reason.WIT_BAD_REQUEST),
        (GOOD.replace(b"old 5", b"old  5"), Reason.WIT_BAD_REQUEST),
        (GOOD.replace(b"old 5", b"old"), Reason.WIT_BAD_REQUEST),
        (GOOD.replace(b"old 5", b"new 5"), Reason.WIT_BAD_REQUEST),
        (GOOD.replace(b"old 5", "old ５".encode()), Reason.WIT_BAD_REQUEST),
        (GOOD.replace(b"old 5", b"old " + b"9" * 30), Reason.WIT_BAD_REQUEST),
        (GOOD.replace(b"old 5\n", b""), Reason.WIT_BAD_REQUEST),
        (GOOD.replace(b"\n", b"\r\n"), Reason.WIT_BAD_REQUEST),
        (GOOD.replace(b"\n\n", b"\n", 1), Reason.WIT_BAD_REQUEST),
        (GOOD.replace(b"=\n", b"\n", 1), Reason.WIT_BAD_REQUEST),
        (
            GOOD.replace(b"old 5\n", b"old 5\n" + encode_base64(bytes(31)).encode() + b"\n"),
            Reason.WIT_BAD_REQUEST,
        ),
        (
            b"old 5\n" + (encode_base64(bytes(32)) + "\n").encode() * 64 + GOOD[GOOD.index(b"\n\n") + 1 :],
            Reason.WIT_BAD_REQUEST,
        ),
        (GOOD[: GOOD.index(b"\n\n") + 2], Reason.WIT_BAD_REQUEST),
        (GOOD[:-1], Reason.WIT_BAD_REQUEST),
        (GOOD + b"more\n", Reason.WIT_BAD_REQUEST),
        (GOOD.replace(b"\n9\n", b"\n09\n"), Reason.WIT_BAD_REQUEST),
        (GOOD.replace("—".encode(), b"-"), Reason.WIT_BAD_REQUEST),
        (GOOD.replace(ORIGIN.encode() + b"\n", b"\xff\n"), Reason.WIT_BAD_REQUEST),
        (GOOD + GOOD[GOOD.rindex("—".encode()) :] * 2000, Reason.ENC_TOO_LARGE),
        (GOOD + b"x" * 1_100_000, Reason.ENC_TOO_LARGE),
    ],
)
@attack("W16", Reason.WIT_BAD_REQUEST, Reason.ENC_TOO_LARGE)
def test_malformed_requests(witness: LocalWitness, request_body: bytes, reason: Reason) -> None:
    """2,000 signature lines, a megabyte, 64 proof lines, and a table of other spellings"""
    witness.add_checkpoint(body(0, 5), now=NOW)
    assert refused(witness, request_body) == reason
    with pytest.raises(FormatError) as caught:
        parse_add_checkpoint(request_body)
    assert caught.value.reason == reason


@attack("W12", Reason.WIT_BAD_REQUEST)
def test_cosignatures_sent_along(witness: LocalWitness) -> None:
    """A forged cosignature of its own sent along; one of a stranger is nobody's business"""
    checkpoint = checkpoint_of(5)
    key_id = witness.key.key_id
    mine = cosign(checkpoint, WITNESS, name=NAME, time=NOW)
    lie = NoteSignature(NAME, key_id, NOW.to_bytes(8) + LOG.sign(b"forged"))
    assert refused(witness, body(0, 5, note=signed(checkpoint, LOG, lie))) == Reason.WIT_BAD_REQUEST
    stranger = cosign(checkpoint, LOG, name="stranger", time=NOW)
    assert witness.add_checkpoint(body(0, 5, note=signed(checkpoint, LOG, stranger)), now=NOW)
    assert witness.add_checkpoint(body(5, 5, note=signed(checkpoint, LOG, mine)), now=NOW)


def test_state_survives_reopening(witnesses: Witnesses, folder: Path) -> None:
    first = witnesses.open()
    first.add_checkpoint(body(0, 5), now=NOW)
    first.close()
    again = witnesses.open()
    assert again.witnessed_size(ORIGIN) == 5
    assert refused(again, body(0, 9)) == Reason.WIT_CONFLICT
    assert (folder / MARKER_NAME).read_bytes() == b"1\n"


@attack("W10", Reason.WIT_STATE_LOST)
def test_a_lost_state_is_noticed(witnesses: Witnesses, folder: Path) -> None:
    """The state is gone"""
    first = witnesses.open()
    first.add_checkpoint(body(0, 5), now=NOW)
    first.close()
    for name in folder.glob(f"{STATE_NAME}*"):
        name.unlink()
    assert reason_of(witnesses.open) == Reason.WIT_STATE_LOST
    assert not (folder / STATE_NAME).exists()


@pytest.mark.parametrize("damage", ["gone", "garbage", "ahead"])
@attack("W10", Reason.WIT_STATE_LOST)
def test_a_lost_marker_is_noticed(witnesses: Witnesses, folder: Path, damage: str) -> None:
    """The marker kept apart is gone, garbage, or ahead"""
    first = witnesses.open()
    first.add_checkpoint(body(0, 5), now=NOW)
    marker = folder / MARKER_NAME
    if damage == "gone":
        marker.unlink()
    else:
        marker.write_bytes(b"2\n" if damage == "ahead" else b"x")
    assert refused(first, body(5, 9)) == Reason.WIT_STATE_LOST
    first.close()
    assert reason_of(witnesses.open) == Reason.WIT_STATE_LOST


@attack("W10", Reason.WIT_STATE_LOST)
def test_yesterdays_state_is_noticed(witnesses: Witnesses, folder: Path, tmp_path: Path) -> None:
    """The state of yesterday is put in place"""
    first = witnesses.open()
    first.add_checkpoint(body(0, 5), now=NOW)
    first.close()
    shutil.copy(folder / STATE_NAME, tmp_path / "backup")
    second = witnesses.open()
    second.add_checkpoint(body(5, 9), now=NOW)
    second.close()
    for name in folder.glob(f"{STATE_NAME}*"):
        name.unlink()
    shutil.copy(tmp_path / "backup", folder / STATE_NAME)
    assert reason_of(witnesses.open) == Reason.WIT_STATE_LOST


def test_its_own_newer_cosignature_gives_a_lost_state_away(
    witnesses: Witnesses, folder: Path, tmp_path: Path
) -> None:  # W10: state and marker restored together
    first = witnesses.open()
    first.add_checkpoint(body(0, 5), now=NOW)
    first.close()
    shutil.copytree(folder, tmp_path / "backup")
    second = witnesses.open()
    [line] = parse_signature_lines(second.add_checkpoint(body(5, 9), now=NOW).decode())
    second.close()
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "backup", folder)
    restored = witnesses.open()
    shown = body(9, 9, note=signed(checkpoint_of(9), LOG, line))
    assert refused(restored, shown) == Reason.WIT_STATE_LOST


def test_the_marker_may_stand_elsewhere(witnesses: Witnesses, folder: Path, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    first = witnesses.open(marker)
    first.add_checkpoint(body(0, 5), now=NOW)
    first.close()
    assert not (folder / MARKER_NAME).exists()
    shutil.rmtree(folder)
    assert reason_of(lambda: witnesses.open(marker)) == Reason.WIT_STATE_LOST


@attack("W11")
def test_killed_between_state_and_answer(witness: LocalWitness, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ledger.witness.replace_durably", crash)
        with pytest.raises(KeyboardInterrupt):
            witness.add_checkpoint(body(0, 5), now=NOW)
    assert witness.witnessed_size(ORIGIN) == 5
    # The log asks again, as it did not hear: from the old size it is told where the witness is, from there it goes on.
    assert refused(witness, body(0, 5)) == Reason.WIT_CONFLICT
    assert refused(witness, body(5, 5, note=signed(checkpoint_of(5, FORK)))) == Reason.WIT_PROOF_INVALID
    assert witness.add_checkpoint(body(5, 5), now=NOW)


def test_a_failing_disk_gives_no_cosignature(witness: LocalWitness, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        assert reason_of(lambda: witness.add_checkpoint(body(0, 5), now=NOW)) == Reason.STORE_IO_ERROR
    assert witness.add_checkpoint(body(5, 5), now=NOW)


@attack("W09")
def test_two_submissions_at_once(witnesses: Witnesses) -> None:
    """Two submissions in parallel; the stored size never falls"""
    """Sizes N and N+K from two threads: the stored size never falls, and every cosigned size was stored first."""
    rounds = 15
    witnesses.open().add_checkpoint(body(0, 1), now=NOW)
    cosigned: list[int] = []

    def submit(step: int) -> None:
        witness = LocalWitness(witnesses.folder, signer=WITNESS, name=NAME, log_keys=[LOG_KEY])
        for _ in range(rounds):
            old_size = witness.witnessed_size(ORIGIN)
            size = min(old_size + step, 64)
            try:
                witness.add_checkpoint(body(old_size, size), now=NOW)
            except WitnessConflictError as exc:
                assert exc.size > old_size  # noqa: PT017
            else:
                cosigned.append(size)
        witness.close()

    threads = [threading.Thread(target=submit, args=(step,)) for step in (1, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert witnesses.opened[0].witnessed_size(ORIGIN) == max(cosigned)
    assert len(cosigned) >= rounds


def test_opened_by_policy(folder: Path) -> None:
    key = VerifierKey(NAME, SignatureType.COSIGNATURE, WITNESS.public_key)
    policy = TrustPolicy((LogKey(LOG_KEY),), (WitnessKey("w", key),), (), "w")
    witness = LocalWitness.open(folder, signer=WITNESS, policy=policy)
    assert witness.key == key
    assert witness.add_checkpoint(body(0, 5), now=NOW)
    witness.close()
    stranger = Ed25519Signer(sha256(b"stranger").digest())
    with pytest.raises(ConfigError) as caught:
        LocalWitness.open(folder, signer=stranger, policy=policy)
    assert caught.value.reason == Reason.CLI_KEY_MISMATCH


def test_a_logs_key_is_no_witness(folder: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        LocalWitness(folder, signer=LOG, name=NAME, log_keys=[LOG_KEY])
    assert caught.value.reason == Reason.KEY_PURPOSE_MISMATCH
    assert not folder.exists()


def test_the_state_file_refuses_to_go_back(witness: LocalWitness) -> None:
    witness.add_checkpoint(body(0, 5), now=NOW)
    for sql in (
        "UPDATE witnessed SET size = 4",
        "UPDATE witnessed SET root_hash = zeroblob(32)",
        "DELETE FROM witnessed",
    ):
        with pytest.raises(Exception, match="a witness never"):
            witness._db.execute(sql)
    assert witness.witnessed_size(ORIGIN) == 5


def test_locked_state(witnesses: Witnesses, folder: Path) -> None:
    witnesses.open()
    hasty = LocalWitness(folder, signer=WITNESS, name=NAME, log_keys=[LOG_KEY], lock_timeout=0.05)
    witnesses.opened.append(hasty)
    witnesses.opened[0]._db.conn.execute("BEGIN IMMEDIATE")
    assert reason_of(lambda: hasty.add_checkpoint(body(0, 5), now=NOW)) == Reason.STORE_LOCKED
    witnesses.opened[0]._db.conn.execute("ROLLBACK")
    assert hasty.add_checkpoint(body(0, 5), now=NOW)


def test_integrity_error_is_what_a_lost_state_raises(witnesses: Witnesses, folder: Path) -> None:
    witnesses.open().close()
    (folder / STATE_NAME).write_bytes(b"garbage" * 1000)
    with pytest.raises(IntegrityError) as caught:
        witnesses.open()
    assert caught.value.reason == Reason.STORE_CORRUPT
