"""Attacks on the status list: S01 to S11, each through the one public call, against the list in the bundle."""

from __future__ import annotations

import base64
import gzip
import zlib
from dataclasses import replace
from datetime import timedelta

import pytest

from certificate.cose import sign_object
from certificate.directory import Authority, DirectoryKey, KeyRole
from certificate.status_list import Status, status_list_uri
from ledger.reasons import Reason
from tests.attacks.forging import forged_paper, paper
from tests.attacks.marking import attack
from tests.world import DAY, NOW, SECONDS, World, signer
from verifier.expect import STATIC
from verifier.report import Outcome, Report
from verifier.seen import MemorySeen, Seen
from verifier.verify import verify

INDEX = 1234  # of the world's certificate
URI = status_list_uri(1, 0)


def judged(
    world: World, token: bytes | None, *, seen: Seen | None = None, days: int = 0, **body: object
) -> Report:
    """What a verifier says of an honest paper certificate beside this status list; None: beside none."""
    data = paper(world, **body)
    trust = world.bundle(token=token) if token is not None else world.bundle(with_list=False)
    return verify(data, trust=trust, now=NOW + timedelta(days=days), expect=STATIC, seen=seen or MemorySeen())


def refused(report: Report, reason: Reason, outcome: Outcome = Outcome.INVALID) -> None:
    assert (report.outcome, report.reason, report.step(8).reason) == (outcome, reason, reason)


def signed_claims(world: World, *, inner: object = None, without: int | None = None) -> bytes:
    """A list token with any list in it, or without one of its claims, rightly signed."""
    if inner is None:
        inner = {"bits": 2, "lst": zlib.compress(PACKED, 9)}
    claims = {2: URI, 4: SECONDS + 30 * DAY, 6: SECONDS - DAY, 65533: inner, 65534: 8 * DAY}
    kept = {label: value for label, value in claims.items() if label != without}
    return sign_object(world.status_key, "application/statuslist+cwt", kept)


STATES = {1: Reason.STATUS_REVOKED, 2: Reason.STATUS_SUSPENDED, 3: Reason.STATUS_REPLACED}


@attack("S01", Reason.STATUS_REVOKED, Reason.STATUS_SUSPENDED, Reason.STATUS_REPLACED)
@pytest.mark.parametrize("value", STATES)
@pytest.mark.parametrize("index", [0, 1, 2, 3, INDEX, 4095])
def test_S01_its_own_place_in_a_byte_and_no_other(index: int, value: int) -> None:
    """Each of a byte's four places, the first and the last of the list: the lowest bits come first."""
    world = World()
    refused(judged(world, world.status_token(statuses={index: value}), status_index=index), STATES[value])


@attack("S01")
@pytest.mark.parametrize("index", [4, 5, 6, 7])
def test_S01_a_neighbours_bits(index: int) -> None:
    """All its neighbours ended, in its byte and beside: it is valid, whatever order of bits one reads by."""
    world = World()
    others = {at: Status.REVOKED for at in range(12) if at != index}
    assert judged(world, world.status_token(statuses=others), status_index=index).outcome is Outcome.VALID


@attack("S02", Reason.STATUS_SUSPENDED)
def test_S02_suspended_then_lifted() -> None:
    """Refused while it is suspended, by the same verifier accepted under the newer list that lifts it."""
    world, seen = World(), MemorySeen()
    suspended = world.status_token(statuses={INDEX: Status.SUSPENDED}, issued=SECONDS - 200)
    refused(judged(world, suspended, seen=seen), Reason.STATUS_SUSPENDED)
    assert judged(world, world.status_token(issued=SECONDS - 100), seen=seen).outcome is Outcome.VALID


@attack("S03", Reason.STATUS_LIST_MALFORMED)
@pytest.mark.parametrize("bits", [1, 4, 8])
def test_S03_a_value_without_a_meaning(bits: int) -> None:
    """All four values of two bits have one; a list whose entries could hold others is refused as a whole."""
    world = World()
    token = signed_claims(world, inner={"bits": bits, "lst": zlib.compress(b"\xff" * 4096, 9)})
    refused(judged(world, token), Reason.STATUS_LIST_MALFORMED)


@attack("S04", Reason.STATUS_LIST_MISSING)
def test_S04_no_list() -> None:
    """Undetermined, never valid."""
    refused(judged(World(), None), Reason.STATUS_LIST_MISSING, Outcome.UNDETERMINED)


@attack("S04", Reason.STATUS_LIST_MISSING)
@pytest.mark.parametrize("number", [1, 2**31 - 1])
def test_S04_another_list_than_the_one_that_is_there(number: int) -> None:
    """A certificate that names a list which was never published."""
    world = World()
    report = judged(world, world.status_token(), status_list=number)
    refused(report, Reason.STATUS_LIST_MISSING, Outcome.UNDETERMINED)


AGES = {
    "at its exp": ({"expires": SECONDS}, Reason.STATUS_LIST_EXPIRED),
    "past its exp": ({"expires": SECONDS - 1}, Reason.STATUS_LIST_EXPIRED),
    "at its ttl": ({"issued": SECONDS - 8 * DAY}, Reason.STATUS_LIST_STALE),
    "a ttl of nothing": ({"ttl": 0}, Reason.STATUS_LIST_STALE),
    "from 301 seconds ahead": ({"issued": SECONDS + 301}, Reason.STATUS_LIST_FUTURE),
    "from 2038": ({"issued": 2**31, "expires": 2**32}, Reason.STATUS_LIST_FUTURE),
}


@attack("S05", Reason.STATUS_LIST_EXPIRED, Reason.STATUS_LIST_STALE, Reason.STATUS_LIST_FUTURE)
@pytest.mark.parametrize(("changes", "reason"), AGES.values(), ids=AGES.keys())
def test_S05_a_list_that_is_too_old_or_too_new(changes: dict[str, int], reason: Reason) -> None:
    """Undetermined; and a revocation in it is not looked at, for its signer did not stand by it today."""
    world = World()
    for statuses in ({}, {INDEX: Status.REVOKED}):
        token = world.status_token(statuses=statuses, **changes)  # type: ignore[arg-type]  # its own keywords
        refused(judged(world, token), reason, Outcome.UNDETERMINED)


@attack("S05")
@pytest.mark.parametrize(
    "changes", [{"expires": SECONDS + 1}, {"issued": SECONDS - 8 * DAY + 1}, {"issued": SECONDS + 300}]
)
def test_S05_the_last_second_of_a_list(changes: dict[str, int]) -> None:
    """One second before each of those ends it counts."""
    world = World()
    token = world.status_token(**changes)  # type: ignore[arg-type]  # its own keywords
    assert judged(world, token).outcome is Outcome.VALID


@attack("S06", Reason.STATUS_LIST_WRONG_ISSUER)
@pytest.mark.parametrize("key", ["office", "registrar", "root", "holder"])
def test_S06_a_list_signed_by_a_key_for_something_else(key: str) -> None:
    """The office's own key, the registrar's, the root's, a citizen's."""
    world = World()
    refused(judged(world, world.status_token(key=getattr(world, key))), Reason.STATUS_LIST_WRONG_ISSUER)


@attack("S06", Reason.STATUS_LIST_WRONG_ISSUER)
def test_S06_a_list_signed_by_the_status_key_of_another_authority() -> None:
    """A neighbour's status key is a trusted one, but not for us."""
    world, neighbour = World(), signer("status of a neighbour")
    directory = world.directory()
    directory = replace(
        directory,
        authorities=(*directory.authorities, Authority(2, "邻市社保局(测试)", "Neighbour (test)")),
        offices=(*directory.offices, replace(directory.offices[0], authority=2)),
        keys=(*directory.keys, DirectoryKey(KeyRole.STATUS, 2, 1, neighbour.public_key, 1)),
    )
    data = paper(world)
    trust = world.bundle(directory=directory, token=world.status_token(key=neighbour))
    report = verify(data, trust=trust, now=NOW, expect=STATIC, seen=MemorySeen())
    refused(report, Reason.STATUS_LIST_WRONG_ISSUER)


@attack("S07", Reason.STATUS_LIST_URI_MISMATCH)
@pytest.mark.parametrize(
    "uri",
    [status_list_uri(1, 1), status_list_uri(2, 0), "", URI + "0", URI.upper(), "https://example.test/0"],
)
def test_S07_one_list_under_the_name_of_another(uri: str) -> None:
    """Rightly signed and fresh, but it is list B in the place of list A."""
    world = World()
    refused(judged(world, world.status_token(uri=uri)), Reason.STATUS_LIST_URI_MISMATCH)


@attack("S08", Reason.STATUS_LIST_ROLLBACK)
@pytest.mark.parametrize("days", [0, 3])
def test_S08_an_older_list_after_a_newer_one(days: int) -> None:
    """The list from before the revocation, put back into the bundle; on the same day and later."""
    world, seen = World(), MemorySeen()
    newer = world.status_token(statuses={INDEX: Status.REVOKED}, issued=SECONDS - 100)
    refused(judged(world, newer, seen=seen), Reason.STATUS_REVOKED)
    older = world.status_token(issued=SECONDS - 101)
    refused(judged(world, older, seen=seen, days=days), Reason.STATUS_LIST_ROLLBACK)


@attack("S08", Reason.STATUS_LIST_ROLLBACK)
@pytest.mark.parametrize("ended", [Status.REVOKED, Status.REPLACED])
@pytest.mark.parametrize("then", [Status.VALID, Status.SUSPENDED])
@pytest.mark.parametrize("later", [0, 50])
def test_S08_a_list_that_lifts_what_is_for_good(ended: Status, then: Status, later: int) -> None:
    """A newer list, or another of the same second, in which the certificate is no longer ended."""
    world, seen = World(), MemorySeen()
    judged(world, world.status_token(statuses={INDEX: ended}, issued=SECONDS - 100), seen=seen)
    undone = world.status_token(statuses={INDEX: then}, issued=SECONDS - 100 + later)
    refused(judged(world, undone, seen=seen), Reason.STATUS_LIST_ROLLBACK)
    # Its neighbour, of whom nothing was seen, is judged by the list.
    assert judged(world, undone, seen=seen, status_index=INDEX + 1).outcome is Outcome.VALID


@attack("S08", Reason.STATUS_REVOKED)
def test_S08_replaced_then_revoked() -> None:
    """From replaced to revoked nothing is lifted."""
    world, seen = World(), MemorySeen()
    for state, reason in ((Status.REPLACED, Reason.STATUS_REPLACED), (Status.REVOKED, Reason.STATUS_REVOKED)):
        refused(judged(world, world.status_token(statuses={INDEX: state}), seen=seen), reason)


PACKED = bytes(1024)
MALFORMED = {
    **{f"width {bits}": {"bits": bits, "lst": zlib.compress(PACKED, 9)} for bits in (0, 3, 16, -1)},
    "width as text": {"bits": "2", "lst": zlib.compress(PACKED, 9)},
    "width as true": {"bits": True, "lst": zlib.compress(PACKED, 9)},
    "gzip": {"bits": 2, "lst": gzip.compress(PACKED)},
    "raw deflate": {"bits": 2, "lst": zlib.compress(PACKED, 9)[2:-4]},
    "not compressed": {"bits": 2, "lst": PACKED},
    "base64": {"bits": 2, "lst": base64.urlsafe_b64encode(zlib.compress(PACKED, 9))},
    "text": {"bits": 2, "lst": base64.urlsafe_b64encode(zlib.compress(PACKED, 9)).decode()},
    "cut": {"bits": 2, "lst": zlib.compress(PACKED, 9)[:-1]},
    "padded": {"bits": 2, "lst": zlib.compress(PACKED, 9) + b"\0"},
    "two streams": {"bits": 2, "lst": zlib.compress(PACKED, 9) * 2},
    "nothing": {"bits": 2, "lst": b""},
    "no list": {"bits": 2},
    "more beside": {"bits": 2, "lst": zlib.compress(PACKED, 9), "aggregation_uri": "https://example.test"},
    "not a map": [2, zlib.compress(PACKED, 9)],
}


@attack("S09", Reason.STATUS_LIST_MALFORMED)
@pytest.mark.parametrize("inner", MALFORMED.values(), ids=MALFORMED.keys())
def test_S09_a_list_of_another_shape(inner: object) -> None:
    """Widths that do not exist, other containers and alphabets, cut short, padded."""
    world = World()
    refused(judged(world, signed_claims(world, inner=inner)), Reason.STATUS_LIST_MALFORMED)


@attack("S09", Reason.STATUS_LIST_MALFORMED)
@pytest.mark.parametrize("gone", [2, 4, 6, 65533, 65534])
def test_S09_a_list_without_one_of_its_claims(gone: int) -> None:
    """Name, end, time, list, ttl: each is due, and nothing stands in for it."""
    world = World()
    refused(judged(world, signed_claims(world, without=gone)), Reason.STATUS_LIST_MALFORMED)


@attack("S10", Reason.STATUS_LIST_TOO_LARGE)
@pytest.mark.parametrize("size", [4 * 2**20 + 1, 20 * 2**20])
def test_S10_a_list_that_grows(size: int) -> None:
    """20 MB in 20 KB: inflating stops at 4 MiB."""
    world = World()
    lst = zlib.compress(bytes(size), 9)
    assert len(lst) < 2**15
    refused(judged(world, signed_claims(world, inner={"bits": 2, "lst": lst})), Reason.STATUS_LIST_TOO_LARGE)


@attack("S10")
def test_S10_the_largest_list() -> None:
    """2^24 certificates."""
    world = World()
    token = world.status_token(size=2**24, statuses={2**24 - 1: Status.REVOKED})
    assert judged(world, token).outcome is Outcome.VALID
    refused(judged(world, token, status_index=2**24 - 1), Reason.STATUS_REVOKED)


@attack("S11", Reason.STATUS_INDEX_RANGE)
@pytest.mark.parametrize("index", [4096, 4097, 2**31 - 1])
def test_S11_a_place_behind_the_end(index: int) -> None:
    """The length of the list itself, and beyond."""
    world = World()
    refused(judged(world, world.status_token(), status_index=index), Reason.STATUS_INDEX_RANGE)


@attack("S11", Reason.ENC_NUMBER_RANGE)
@pytest.mark.parametrize("index", [-1, 2**40])
def test_S11_a_place_that_no_list_has(index: int) -> None:
    """Refused as a number before any list is opened."""
    world = World()
    payload = world.body(paper=True).encode()
    payload[9] = [0, index]
    report = judged_bytes(world, forged_paper(world, payload=payload))
    assert (report.outcome, report.reason) == (Outcome.INVALID, Reason.ENC_NUMBER_RANGE)


def judged_bytes(world: World, data: bytes) -> Report:
    return verify(data, trust=world.bundle(), now=NOW, expect=STATIC, seen=MemorySeen())
