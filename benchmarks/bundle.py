"""Size of a trust bundle and how long it takes to load it, by the number of live certificates.

    python -m benchmarks.bundle [--most 10000000]

The log's blocks, one status list of 2^20 places for each 2^20 certificates (one in a hundred revoked), a directory of
one office. The tree is made up of hashes; its checkpoint is signed and cosigned.
"""

from __future__ import annotations

import argparse
import random
import time
from functools import cache
from hashlib import sha256

from certificate.status_list import STATUS_BITS, StatusList, sign_status_token, status_list_uri
from ledger.blocks import BLOCK_LEVEL
from ledger.merkle import node_hash
from tests.world import DAY, SECONDS, Log, World
from verifier.held import blocks_file_name
from verifier.trust import BUNDLE_NAME, parse_bundle, sign_bundle, status_file_name

__all__ = ["bundle_of"]

LIST_SIZE = 2**20
_REVOKED = 100


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


def bundle_of(live: int) -> tuple[World, dict[str, bytes]]:
    """A world and its bundle's files, with `live` unexpired certificates in the log."""
    world = World()
    world.log = _MadeUpLog(live)
    files = world.bundle_files(others=world.log.held_files())
    chance = random.Random(live)
    for number in range(-(-live // LIST_SIZE)):
        packed = bytearray(LIST_SIZE * STATUS_BITS // 8)
        for _ in range(min(LIST_SIZE, live - number * LIST_SIZE) // _REVOKED):
            packed[chance.randrange(len(packed))] |= 1 << 2 * chance.randrange(4)
        files[status_file_name(1, number)] = sign_status_token(
            world.status_key,
            uri=status_list_uri(1, number),
            issued=SECONDS - DAY,
            expires=SECONDS + 30 * DAY,
            ttl=8 * DAY,
            statuses=StatusList(STATUS_BITS, bytes(packed)),
        )
    del files[BUNDLE_NAME]
    files[BUNDLE_NAME] = sign_bundle(
        world.root,
        files,
        environment=world.directory().environment,
        version=1,
        issued=SECONDS - 3600,
        expires=SECONDS + 8 * DAY,
    )
    return world, files


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=10**7)
    most = parser.parse_args().most
    print(
        "| live certificates | blocks | status lists | whole bundle | load |\n| --- | --- | --- | --- | --- |"
    )
    live = 10**5
    while live <= most:
        world, files = bundle_of(live)
        blocks = len(files[blocks_file_name(1)])
        lists = sum(len(data) for name, data in files.items() if name.startswith("status-"))
        started = time.perf_counter()
        parse_bundle(files, root_keys=[world.root.public_key])
        taken = time.perf_counter() - started
        whole = sum(map(len, files.values()))
        print(f"| {live:,} | {blocks:,} | {lists:,} | {whole:,} | {1000 * taken:.0f} ms |", flush=True)
        live *= 10


if __name__ == "__main__":
    main()
