"""The page's Merkle paths and log proofs: the place, the completed proof or the reason that the Python side has."""

from __future__ import annotations

import json
import random
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from ledger.blocks import LARGE_BLOCK_LEAVES, Blocks
from ledger.cbor import decode_cbor, encode_cbor
from ledger.checkpoint import parse_checkpoint_note
from ledger.entry import encode_entry
from ledger.held_log import HeldLog, smallest_proof, verify_proof
from ledger.merkle import LeafHash, leaf_hash, node_hash, root_from_inclusion_path
from ledger.proof import encode_proof, parse_proof
from ledger.trust_policy import carried_signatures, parse_trust_policy, verify_checkpoint
from tests.attacks.marking import attack
from tests.browser.site import Site
from tests.browser.told import here, there
from tests.ledger.test_held_log import ENTRIES, log_of, node, proof
from tests.world import ORIGIN, SECONDS

VECTORS = Path(__file__).parents[1] / "vectors"
DIGEST = "/ledger/digest.js"
MODULES = [
    "/ledger/held_log.js",
    "/ledger/blocks.js",
    "/ledger/trust_policy.js",
    "/ledger/proof.js",
    "/ledger/cbor.js",
    "/ledger/checkpoint.js",
    DIGEST,
]
POLICY = log_of(1).policy_text()
SIZES = (200, 700, 1300)


@attack("L01")
def test_inclusion_vectors(page: Page, site: Site) -> None:
    """The outside rows, and sizes beyond what a JavaScript number holds."""
    cases = json.loads((VECTORS / "merkle" / "inclusion.json").read_text("utf-8"))["cases"]
    rows: list[tuple[str, str, str, list[str]]] = [
        (
            b64decode(case["leafHash"]).hex(),
            str(case["leafIdx"]),
            str(case["treeSize"]),
            [b64decode(node).hex() for node in case["proof"] or []],
        )
        for case in cases
    ]
    assert len(rows) == 98
    rng = random.Random(1)
    for size in (
        1,
        2,
        3,
        255,
        256,
        257,
        2**31,
        2**32 + 5,
        2**53 - 1,
        2**53 + 1,
        2**62 + 12345,
        2**63 - 1,
        2**63,
    ):
        for index in {0, size // 2, size - 1, size}:
            for count in range(0, 64, 3) if index == size // 2 else (0, 1, 9, 31, 32, 53, 62, 63, 64):
                path = [rng.randbytes(32).hex()] * count
                rows.append((rng.randbytes(32).hex(), str(index), str(size), path))

    def judge(row: tuple[str, str, str, list[str]]) -> str:
        leaf, index, size, path = row
        return root_from_inclusion_path(
            leaf_hash=LeafHash(bytes.fromhex(leaf)),
            index=int(index),
            size=int(size),
            path=[bytes.fromhex(node) for node in path],
        ).hex()

    snippet = """async ([leaf, index, size, path], { rootFromInclusionPath }, { fromHex, hex }, { plainInteger }) => {
      const [at, of] = [index, size].map((number) => plainInteger(BigInt(number)));
      const numbers = { leafHash: fromHex(leaf), index: at, size: of };
      return hex(await rootFromInclusionPath({ ...numbers, path: path.map(fromHex) }));
    }"""
    expected = here(judge, rows)
    assert there(page, site, ["/ledger/merkle.js", DIGEST, "/ledger/cbor.js"], snippet, rows) == expected
    said = Counter(str(answer)[:1] for answer in expected)
    assert said["!"] > 150
    assert len(expected) - said["!"] > 30


JUDGE = """async ([shown, entry, holding], logs, { Blocks }, trust, proofs, cbor, { parseCheckpointNote }, bytes) => {
  const { decodeCbor, encodeCbor } = cbor;
  const { fromHex, hex, utf8 } = bytes;
  const policy = await trust.parseTrustPolicy(utf8(holding.policy));
  const now = holding.now;
  let held = null;
  if (holding.note) {
    const note = fromHex(holding.note);
    const blocks = await Blocks.ofBytes(holding.size, holding.start, ...holding.rows.map(fromHex));
    const checkpoint = await trust.verifyCheckpoint(note, { policy, now });
    const [, signatures] = parseCheckpointNote(note);
    const carried = trust.carriedSignatures(signatures, { logKey: checkpoint.logKey, policy });
    held = await logs.makeHeldLog(blocks, checkpoint, carried);
  }
  const proof = proofs.parseProof(decodeCbor(fromHex(shown)));
  const asked = { entry: fromHex(entry), origin: holding.origin, policy, now, held };
  const [place, full] = await logs.verifyProof(proof, asked);
  const { log, index, size, rootHash, leafHash, checkpoint } = place;
  const times = checkpoint.cosignatureTimes.length;
  const again = hex(encodeCbor(proofs.encodeProof(full)));
  return [log, String(index), String(size), hex(rootHash), hex(leafHash), times, again];
}"""


def holding(size: int | None, start: int = 0, *, policy: str = POLICY, now: int = SECONDS) -> dict[str, Any]:
    """What a verifier has: a policy, a clock, and (unless `size` is None) the blocks of a log of that size."""
    base: dict[str, Any] = {"policy": policy, "now": now, "origin": ORIGIN, "note": ""}
    if size is None:
        return base
    blocks = Blocks.read(size, start, node)
    rows = [row.hex() for row in blocks.to_bytes()]
    return base | {"size": size, "start": blocks.start, "rows": rows, "note": log_of(size).note().hex()}


def judge(row: Sequence[Any]) -> list[object]:
    shown, entry, has = row
    policy = parse_trust_policy(has["policy"].encode())
    held = None
    if has["note"]:
        note = bytes.fromhex(has["note"])
        blocks = Blocks.of_bytes(has["size"], has["start"], *map(bytes.fromhex, has["rows"]))
        verified = verify_checkpoint(note, policy=policy, now=has["now"])
        carried = carried_signatures(parse_checkpoint_note(note)[1], log_key=verified.log_key, policy=policy)
        held = HeldLog(blocks, verified, carried)
    place, full = verify_proof(
        parse_proof(decode_cbor(bytes.fromhex(shown))),
        entry=bytes.fromhex(entry),
        origin=has["origin"],
        policy=policy,
        now=has["now"],
        held=held,
    )
    times = len(place.checkpoint.cosignature_times)
    root, leaf = place.root_hash.hex(), place.leaf_hash.hex()
    again = encode_cbor(encode_proof(full)).hex()
    return [place.log, str(place.index), str(place.size), root, leaf, times, again]


def proofs() -> Iterator[tuple[int, list[object]]]:
    """Entries with their proofs in all forms, from trees of several sizes and for several holdings."""
    for size in SIZES:
        for index in {0, 5, 255, 256, 600, size - 1} & set(range(size)):
            full = proof(index, size)
            seen = []
            for holds in (0, *SIZES):
                shown = encode_proof(smallest_proof(full, holds=holds))
                if shown not in seen:
                    seen.append(shown)
                    yield index, shown


def damaged(shown: list[object], rng: random.Random) -> Iterator[object]:
    """The proof with one thing about it changed."""
    at = rng.randrange(len(shown))
    others: dict[type, list[object]] = {
        int: [0, 1, -1, 2**32 - 1, 2**32, 2**53, 2**63 - 1, 2**63, 300, None, True, b""],
        bytes: [b"", b"\0" * 32, b"\0" * 31, b"\0" * 64 * 32, None, 1],
        list: [[], [b""], [b"1234"], [b"12345"], [b"x" * 4097], [b"12345"] * 33, [1], b""],
    }
    for other in rng.sample(others[type(shown[at])], 3):
        yield [*shown[:at], other, *shown[at + 1 :]]
    for part, field in enumerate(shown):
        if isinstance(field, bytes) and field:
            cut = rng.randrange(len(field))
            yield [
                *shown[:part],
                field[:cut] + bytes((field[cut] ^ 1,)) + field[cut + 1 :],
                *shown[part + 1 :],
            ]
            yield [*shown[:part], field[32:], *shown[part + 1 :]]
            yield [*shown[:part], field + field[:32], *shown[part + 1 :]]
        if isinstance(field, list):
            yield [*shown[:part], field[:-1], *shown[part + 1 :]]
            yield [*shown[:part], [*field, *field], *shown[part + 1 :]]
            changed = [blob[:-1] + bytes((blob[-1] ^ 1,)) for blob in field]
            yield [*shown[:part], [*field[1:], *changed[:1]], *shown[part + 1 :]]
            yield [*shown[:part], changed, *shown[part + 1 :]]
    yield shown[:-1]
    yield [*shown, 0]


@attack("L01")
def test_proofs_in_every_form(page: Page, site: Site, full: bool) -> None:
    """Every form for every holding, right entry and wrong; then each with one thing changed."""
    rng = random.Random(3)
    late = POLICY.replace("quorum", "# quorum") + "quorum none\n"
    retired = POLICY + "".join(f"#tallystick retired w{number} {SECONDS + 600}\n" for number in (1, 2, 3, 4))
    holdings = [
        holding(None),
        *map(holding, SIZES),
        holding(None, policy=late),
        holding(700, now=SECONDS - 10**6),
        holding(1300, policy=retired),
    ]
    rows: list[list[object]] = []
    for index, shown in proofs():
        for has in holdings:
            rows.append([encode_cbor(shown).hex(), ENTRIES[index].hex(), has])
        rows.append([encode_cbor(shown).hex(), ENTRIES[index + 1].hex(), rng.choice(holdings)])
        for other in [one for _ in range(10 if full else 1) for one in damaged(shown, rng)]:
            rows.append([encode_cbor(other).hex(), ENTRIES[index].hex(), rng.choice(holdings[:4])])
    damaged_blocks = holding(700)
    damaged_blocks["rows"][1] = "00" * 64
    cut = holding(700)
    cut["rows"][2] = ""
    other_size = {**holding(700), "note": log_of(701).note().hex()}
    last = rows[-1][0]
    rows += [[last, ENTRIES[0].hex(), has] for has in (damaged_blocks, cut, other_size)]
    expected = here(judge, rows)
    assert there(page, site, MODULES, JUDGE, rows) == expected
    said = Counter(answer if isinstance(answer, str) else "ok" for answer in expected)
    assert said["ok"] > 100
    words = ("inclusion_invalid", "proof_malformed", "subtree_unknown", "index_range")
    assert {f"!log.{word}" for word in words} < set(said)
    assert {"!ckpt.quorum_unmet", "!ckpt.cosig_future", "!enc.number_range", "!schema.field_type"} < set(said)


def test_blocks_of_an_old_log(page: Page, site: Site) -> None:
    """Large blocks for the old part: the root, the blocks of entries, and the numbers that do not fit."""

    def made(level: int, index: int) -> bytes:
        if level == 8:
            return leaf_hash(index.to_bytes(4, "big"))
        return node_hash(made(level - 1, 2 * index), made(level - 1, 2 * index + 1))

    size = 2 * LARGE_BLOCK_LEAVES + 5 * 256
    rows = []
    for start in (0, LARGE_BLOCK_LEAVES, 2 * LARGE_BLOCK_LEAVES):
        parts = [part.hex() for part in Blocks.read(size, start, made).to_bytes()]
        rows += [
            [size, start, parts],
            [size + 1, start, parts],
            [size, start + 1, parts],
            [size, 2**40, parts],
        ]
        rows += [[size, start, [part[64:] for part in parts]], [size, start, [part[2:] for part in parts]]]
    numbers = [0, 255, 256, LARGE_BLOCK_LEAVES - 1, LARGE_BLOCK_LEAVES, size - 257, size - 1, size]

    def ask(row: Sequence[Any]) -> list[object]:
        blocks = Blocks.of_bytes(row[0], row[1], *map(bytes.fromhex, row[2]))
        found = [blocks.block_of(number) for number in numbers]
        return [blocks.root_hash().hex(), [None if one is None else [one[0], one[1].hex()] for one in found]]

    snippet = """async ([size, start, parts], { Blocks }, { fromHex, hex }) => {
      const blocks = await Blocks.ofBytes(size, start, ...parts.map(fromHex));
      const found = NUMBERS.map((number) => blocks.blockOf(number));
      return [hex(await blocks.rootHash()), found.map((one) => one && [one[0], hex(one[1])])];
    }""".replace("NUMBERS", str(numbers))
    expected = here(ask, rows)
    assert there(page, site, ["/ledger/blocks.js", DIGEST], snippet, rows) == expected
    assert sum(answer == "!log.proof_malformed" for answer in expected) == 15
    assert len({str(answer) for answer in expected}) == 4


def test_entries(page: Page, site: Site) -> None:
    rows = [
        [kind, str(authority), size]
        for kind in (0, 1, 5, 6, -1)
        for size in (31, 32)
        for authority in (0, 1, 23, 24, 65535, 2**32, 2**53 + 1, 2**63 - 1, 2**63, -1)
    ]

    def ask(row: Sequence[Any]) -> str:
        kind, authority, size = row
        return encode_entry(kind, int(authority), bytes(size)).hex()

    snippet = """([kind, authority, size], { encodeEntry }, { hex }, { plainInteger }) =>
      hex(encodeEntry(kind, plainInteger(BigInt(authority)), new Uint8Array(size)))"""
    expected = here(ask, rows)
    assert there(page, site, ["/ledger/entry.js", DIGEST, "/ledger/cbor.js"], snippet, rows) == expected
    assert sum(not str(answer).startswith("!") for answer in expected) == 24
