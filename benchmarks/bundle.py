"""Size of a trust bundle and how long it takes to load and to sync it, by the number of live certificates.

    python -m benchmarks.bundle [--most 10000000]

The log's blocks, one status list of 2^20 places for each 2^20 certificates (one in a hundred revoked), a directory of
one office. The tree is made up of hashes; its checkpoint is signed and cosigned. `sync` is `tally trust sync` from a
folder, into a new one and again a day later, when lists and checkpoint are new ones and the log has grown by a tenth of
a percent; with the bytes that are fetched then. Times are of the processor.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

from certificate.status_list import STATUS_BITS, StatusList, sign_status_token, status_list_uri
from issuer.tuf_metadata import (
    add_signature,
    encode_metadata,
    make_live,
    make_root,
    make_snapshot,
    make_targets,
    make_timestamp,
)
from ledger.blocks import BLOCK_LEVEL
from ledger.merkle import node_hash
from tests.world import DAY, SECONDS, Log, World, signer
from verifier.endorsed import TARGETS_NAME, is_live_name
from verifier.held import blocks_file_name
from verifier.sync import sync_trust
from verifier.trust import (
    BUNDLE_NAME,
    DIRECTORY_NAME,
    POLICY_NAME,
    parse_bundle,
    sign_bundle,
    status_file_name,
)

__all__ = ["bundle_of"]

LIST_SIZE = 2**20
_REVOKED = 100
_SUSPENDED = 2  # it may be another one a day later, as no revoked one may
_NOTHING: Mapping[str, bytes] = MappingProxyType({})


@cache
def _node(level: int, index: int) -> bytes:
    if level <= BLOCK_LEVEL:
        return sha256(b"%d %d" % (level, index)).digest()
    return node_hash(_node(level - 1, 2 * index), _node(level - 1, 2 * index + 1))


class _MadeUpLog(Log):
    """So many entries, of which only the hashes of blocks exist."""

    def __init__(self, size: int) -> None:
        super().__init__([])
        self.entries = [b""] * size  # only their number counts

    def node(self, level: int, index: int) -> bytes:
        return _node(level, index)


def bundle_of(
    live: int, *, day: int = 0, more: Mapping[str, bytes] = _NOTHING
) -> tuple[World, dict[str, bytes]]:
    """A world and its bundle's files, with `live` unexpired certificates in the log, cut so many days later."""
    world = World()
    world.log = _MadeUpLog(live)
    time_ = SECONDS + day * DAY
    files = world.bundle_files(others={**world.log.held_files(time=time_ - 7200), **more})
    chance = random.Random(live + day)
    for number in range(-(-live // LIST_SIZE)):
        packed = bytearray(LIST_SIZE * STATUS_BITS // 8)
        for _ in range(min(LIST_SIZE, live - number * LIST_SIZE) // _REVOKED):
            packed[chance.randrange(len(packed))] |= _SUSPENDED << 2 * chance.randrange(4)
        files[status_file_name(1, number)] = sign_status_token(
            world.status_key,
            uri=status_list_uri(1, number),
            issued=time_ - 3600,
            expires=time_ + 30 * DAY,
            ttl=8 * DAY,
            statuses=StatusList(STATUS_BITS, bytes(packed)),
        )
    del files[BUNDLE_NAME]
    files[BUNDLE_NAME] = sign_bundle(
        world.root,
        files,
        environment=world.directory().environment,
        version=1 + day,
        issued=time_ - 3600,
        expires=time_ + 8 * DAY,
    )
    return world, files


def _repository(live: int, out: Path, *, day: int) -> bytes:
    """The same bundle as a TUF repository under three root keys, added to the folder `out`; returns the root."""
    roots = [signer(f"root {n}") for n in range(3)]
    online, now = World().root, int(time.time())
    offline = World().bundle_files()
    offline = {name: offline[name] for name in (DIRECTORY_NAME, POLICY_NAME)}
    root = make_root(1, root_keys=[key.public_key for key in roots], live_key=online.public_key, now=now)
    targets = make_targets(1, offline, live_key=online.public_key, now=now)
    said = encode_metadata(add_signature(targets, roots))
    _, files = bundle_of(live, day=day, more={TARGETS_NAME: said})
    version, until = 1 + day, now + 8 * DAY
    listed = {name: data for name, data in files.items() if is_live_name(name)}
    signed = encode_metadata(add_signature(make_live(version, listed, expires=until), [online]))
    roles = {"targets": (1, said), "live": (version, signed)}
    snapshot = encode_metadata(add_signature(make_snapshot(version, roles, expires=until), [online]))
    stamp = encode_metadata(add_signature(make_timestamp(version, snapshot, expires=until), [online]))
    first = encode_metadata(add_signature(root, roots))
    content = {
        "metadata/1.root.json": first,
        "metadata/1.targets.json": said,
        f"metadata/{version}.live.json": signed,
        f"metadata/{version}.snapshot.json": snapshot,
        "metadata/timestamp.json": stamp,
        **{f"targets/{sha256(data).hexdigest()}.{name}": data for name, data in files.items()},
    }
    for name, data in content.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(data)
    return first


def _synced(live: int) -> list[tuple[float, int]]:
    """Processor seconds and fetched bytes of a first sync, and of the one a day later."""
    found = []
    with TemporaryDirectory(prefix="tally-bundle-") as folder:
        out, trust = Path(folder) / "public", Path(folder) / "trust"
        for day in (0, 1):
            root = _repository(live + day * (live // 1000), out, day=day)
            started = time.process_time()
            done = sync_trust(
                str(out),
                trust,
                root=None if day else root,
                now=SECONDS + day * DAY,
                seen_path=trust / "seen.db",
            )
            found.append((time.process_time() - started, done.fetched))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=10**7)
    most = parser.parse_args().most
    print(
        "| live certificates | blocks | status lists | whole bundle | load | first sync | sync a day later |\n"
        "| --- | --- | --- | --- | --- | --- | --- |"
    )
    live = 10**5
    while live <= most:
        world, files = bundle_of(live)
        blocks = len(files[blocks_file_name(1)])
        lists = sum(len(data) for name, data in files.items() if name.startswith("status-"))
        started = time.process_time()
        parse_bundle(files, root_keys=[world.root.public_key])
        taken = time.process_time() - started
        whole = sum(map(len, files.values()))
        first, later = (f"{1000 * spent:.0f} ms, {size:,} bytes" for spent, size in _synced(live))
        row = (f"{live:,}", f"{blocks:,}", f"{lists:,}", f"{whole:,}", f"{1000 * taken:.0f} ms", first, later)
        print(f"| {' | '.join(row)} |", flush=True)
        live *= 10


if __name__ == "__main__":
    main()
