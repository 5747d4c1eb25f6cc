"""The page's checkpoints and trust policies: the answer or the reason that the Python side has."""

from __future__ import annotations

import json
import random
from base64 import b64decode
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from ledger.checkpoint import (
    Checkpoint,
    cosign_mldsa,
    encode_checkpoint,
    parse_checkpoint_note,
    sign_checkpoint,
)
from ledger.merkle import LeafHash, root_from_leaf_hashes
from ledger.mldsa import MlDsa44Signer
from ledger.note import Note, NoteSignature, SignatureType, VerifierKey, encode_note, encode_vkey, parse_note
from ledger.trust_policy import carried_signatures, parse_trust_policy, verify_checkpoint
from tests.attacks.marking import attack
from tests.browser.site import Site
from tests.browser.told import here, there
from tests.ledger.test_trust_policy import (
    BASE,
    CHECKPOINT,
    LOG_LINE,
    NOW,
    ORIGIN,
    cosignature,
    signer,
    witness_vkey,
)

VECTORS = Path(__file__).parents[1] / "vectors"
DIGEST = "/ledger/digest.js"
PQ = MlDsa44Signer(bytes(range(32)))


CHECKPOINT_OF = """async ([note, policy, now], trust, { parseCheckpointNote }, { fromHex, hex, utf8 }) => {
  const { parseTrustPolicy, verifyCheckpoint, carriedSignatures, verifySignatures } = trust;
  const trusted = await parseTrustPolicy(utf8(policy));
  const [checkpoint, signatures] = parseCheckpointNote(fromHex(note));
  const verified = await verifyCheckpoint(fromHex(note), { policy: trusted, now });
  const carried = carriedSignatures(signatures, { logKey: verified.logKey, policy: trusted });
  const again = await verifySignatures(checkpoint, carried, { policy: trusted, now })
    .then(() => "ok", (error) => error.reason);
  const { origin, size, rootHash } = verified.checkpoint;
  const times = verified.cosignatureTimes.map(([name, time]) => [name, String(time)]);
  return [origin, String(size), hex(rootHash), hex(verified.logKey.keyId), times, carried.map(hex), again];
}"""


def checkpoint_here(row: Sequence[Any]) -> list[object]:
    note, text, now = row
    policy = parse_trust_policy(text.encode())
    data = bytes.fromhex(note)
    checkpoint, signatures = parse_checkpoint_note(data)
    verified = verify_checkpoint(data, policy=policy, now=now)
    carried = carried_signatures(signatures, log_key=verified.log_key, policy=policy)
    [again] = here(lambda blobs: verify_signatures_ok(checkpoint, blobs, policy, now), [carried])
    times = [[name, str(time)] for name, time in verified.cosignature_times]
    signed = verified.checkpoint
    key = verified.log_key.key_id.hex()
    told = str(again).removeprefix("!")
    return [
        signed.origin,
        str(signed.size),
        signed.root_hash.hex(),
        key,
        times,
        [b.hex() for b in carried],
        told,
    ]


def verify_signatures_ok(checkpoint: Checkpoint, blobs: Sequence[bytes], policy: Any, now: int) -> str:
    from ledger.trust_policy import verify_signatures

    verify_signatures(checkpoint, blobs, policy=policy, now=now)
    return "ok"


def agree_on_notes(page: Page, site: Site, rows: list[list[object]]) -> Counter[str]:
    expected = here(checkpoint_here, rows)
    modules = ["/ledger/trust_policy.js", "/ledger/checkpoint.js", DIGEST]
    assert there(page, site, modules, CHECKPOINT_OF, rows) == expected
    return Counter(answer if isinstance(answer, str) else "ok" for answer in expected)


def note_of(*lines: NoteSignature, checkpoint: Checkpoint = CHECKPOINT) -> str:
    return encode_note(Note(encode_checkpoint(checkpoint), lines)).hex()


@attack("W04")
@attack("W05")
def test_checkpoints_under_policies(page: Page, site: Site) -> None:
    """Quorums, groups, retired witnesses, clocks, foreign lines, post-quantum keys; and every note damaged."""
    pq_log = encode_vkey(VerifierKey(ORIGIN, SignatureType.ML_DSA_44, PQ.public_key))
    pq_witness = encode_vkey(VerifierKey("p", SignatureType.ML_DSA_44, MlDsa44Signer(bytes(32)).public_key))
    policies = [
        f"{BASE}{rules}\n"
        for rules in (
            "quorum none",
            "quorum a",
            "group g 2 a b c d\nquorum g",
            "group g all a b\nquorum g",
            "group x any a b\ngroup y all c d\ngroup z 2 x y\nquorum z",
            f"#tallystick retired a {NOW - 5}\ngroup g 2 a b c d\nquorum g",
            f"log {pq_log}\nquorum none\n#tallystick pq require",
            f"witness p {pq_witness}\ngroup g 2 a p\nquorum g",
            f"witness e {witness_vkey('a')}\n" + "quorum none",
            f"witness e {witness_vkey('a', 'a2')}\ngroup g 2 a e\nquorum g",
        )
    ]
    lines = {
        "log": LOG_LINE,
        "pq": cosign_mldsa(CHECKPOINT, PQ, name=ORIGIN, time=NOW),
        "pq0": cosign_mldsa(CHECKPOINT, PQ, name=ORIGIN, time=2**40),
        "p": cosign_mldsa(CHECKPOINT, MlDsa44Signer(bytes(32)), name="p", time=NOW - 1),
        "a": cosignature("a", time=NOW - 9),
        "a2": cosignature("a", time=NOW),
        "e": cosignature("a", name="a2"),
        "b": cosignature("b", time=NOW + 300),
        "b2": cosignature("b", time=NOW + 301),
        "c": cosignature("c", time=2**63 - 1),
        "d": cosignature("d", time=0),
        "x": cosignature("x"),
        "wrong": NoteSignature("a", cosignature("a").key_id, cosignature("b").blob),
        "short": NoteSignature("a", cosignature("a").key_id, b"\0" * 71),
        "long": NoteSignature("a", cosignature("a").key_id, b"\xff" + bytes(71)),
        "forged": NoteSignature(ORIGIN, LOG_LINE.key_id, bytes(64)),
    }
    sets = [
        "log",
        "log a",
        "log a2 b",
        "log a a2 x",
        "log b2",
        "log c",
        "log a d",
        "log a b d x",
        "a b",
        "log forged",
        "log wrong",
        "log short",
        "log long",
        "log pq",
        "log pq0",
        "log a e",
        "log a p",
        "log p",
        "pq",
        "log x",
    ]
    rows: list[list[object]] = [
        [note_of(*(lines[name] for name in names.split())), policy, NOW]
        for policy in policies
        for names in sets
    ]
    said = agree_on_notes(page, site, rows)
    assert said["ok"] > 20
    assert {"!ckpt.quorum_unmet", "!ckpt.sig_missing", "!ckpt.sig_invalid", "!ckpt.cosig_invalid"} < set(said)
    assert {"!ckpt.cosig_future", "!alg.downgrade"} < set(said)


def test_damaged_and_odd_notes(page: Page, site: Site, full: bool) -> None:
    policy = f"{BASE}group g 2 a b c d\nquorum g\n"
    whole = bytes.fromhex(note_of(LOG_LINE, cosignature("a"), cosignature("b")))
    rng = random.Random(4)
    notes = [whole, b"", b"\n\n", b"\xff\n\n", whole[:-1], whole * 2, whole + b"\n", b"\xef\xbb\xbf" + whole]
    for old, new in [
        (b"\n5\n", n)
        for n in (
            b"\n05\n",
            b"\n+5\n",
            b"\n\n",
            b"\n9223372036854775807\n",
            b"\n9223372036854775808\n",
            b"\n9007199254740993\n",
            b"\n0\n",
            b"\n5 \n",
            b"\n5\nmore\n",
            b"\n5\n\n",
        )
    ]:
        notes.append(whole.replace(old, new))
    for text in ("\u2028", "\u0085", "\x00", "\u00a0", "\u3000", "\ufeff", "+", "\U0001f600" * 300, "\t"):
        notes.append(whole.replace(ORIGIN.encode(), f"{ORIGIN}{text}".encode()))
        notes.append(whole.replace("\u2014 a ".encode(), f"\u2014 a{text} ".encode()))
    signature_lines = [line + b"\n" for line in whole.split(b"\n")[4:-1]]
    notes += [whole + line for line in signature_lines]
    notes += [
        whole + "\u2014 x AAAAAAA=\n".encode(),
        whole + "\u2014 x AAAAAA==\n".encode(),
        whole + "\u2014 x AAAAAAB=\n".encode(),
    ]
    notes += [whole + "".join(f"\u2014 x{n} AAAAAAAA\n" for n in range(count)).encode() for count in (97, 98)]
    for _ in range(3000 if full else 300):
        at = rng.randrange(len(whole))
        notes.append(
            whole[:at]
            + bytes((rng.choice((whole[at] ^ 1, rng.randrange(256))),))
            + whole[at + rng.randrange(2) :]
        )
    said = agree_on_notes(page, site, [[note.hex(), policy, NOW] for note in notes])
    assert len(said) > 8


def test_their_checkpoints(page: Page, site: Site) -> None:
    """The outside log: its three cosigned checkpoints, the two damaged ones, and the root over its leaves."""
    vectors = json.loads((VECTORS / "tlog" / "interop.json").read_text("utf-8"))
    leaves = [LeafHash(bytes.fromhex(leaf)) for leaf in vectors["tree"]["leaf_hashes_hex"]]
    assert root_from_leaf_hashes(leaves) == b64decode(vectors["tree"]["root_b64"])
    rows: list[list[object]] = []
    for case in vectors["checkpoints"]:
        note = parse_note(case["note"].encode())
        checkpoint, _ = parse_checkpoint_note(case["note"].encode())
        ours = sign_checkpoint(checkpoint, signer("log"))
        key = VerifierKey(checkpoint.origin, SignatureType.ED25519, signer("log").public_key)
        policy = f"log {encode_vkey(key)}\nwitness w {case['vkey']}\nquorum w\n"
        rows.append([encode_note(Note(note.text, (*note.signatures, ours))).hex(), policy, 1_800_000_000])
    said = agree_on_notes(page, site, rows)
    assert said == {"ok": 3, "!ckpt.quorum_unmet": 1, "!ckpt.cosig_invalid": 1}


POLICY_OF = """async (text, { parseTrustPolicy }, { fromHex, hex }) => {
  const policy = await parseTrustPolicy(fromHex(text));
  return [
    policy.logs.map((log) => [hex(log.key.keyId), log.url]),
    policy.witnesses.map((w) => [w.name, hex(w.key.keyId), w.url, w.until]),
    policy.groups.map((g) => [g.name, g.threshold, g.members]),
    policy.quorum,
    policy.pqRequired,
  ];
}"""


def policy_here(data: bytes) -> list[object]:
    policy = parse_trust_policy(data)
    return [
        [[log.key.key_id.hex(), log.url] for log in policy.logs],
        [[w.name, w.key.key_id.hex(), w.url, w.until] for w in policy.witnesses],
        [[group.name, group.threshold, list(group.members)] for group in policy.groups],
        policy.quorum,
        policy.pq_required,
    ]


def test_policy_files(page: Page, site: Site, full: bool) -> None:
    """Files with lines removed, doubled, moved, joined and letters changed."""
    whole = f"{BASE}# a comment\n\n\tgroup\tx 1 a b https\ngroup y 2 c d\ngroup g any x y\nquorum g\n"
    whole = whole.replace(" https", "") + f"#tallystick retired b {NOW}\n#tallystick pq require\n"
    good = whole.split("\n")[:-1]
    rng = random.Random(2)
    words = [
        "none",
        "any",
        "all",
        "0",
        "1",
        "01",
        "9999",
        "10000",
        "+1",
        "a",
        "g",
        "nobody",
        "#",
        "#tallystick",
        "retired",
        "pq",
        "quorum",
        "log",
        "https://x.example",
        "a+b",
        "\u00a0",
        "\ufeff",
        "\x0b",
        "\u2003",
        good[0].split()[1],
        witness_vkey("a"),
        witness_vkey("z"),
        "x+00000000+AA==",
        "x+6f9e8c2a+BAAA",
        f"x{witness_vkey('z')}",
        good[0].split()[1][:-1],
    ]
    rows = [
        whole.encode(),
        b"",
        b"\n",
        b"quorum none",
        b"quorum none\n",
        b"\xff\n",
        b"#\r\n",
        (whole + "x").encode(),
    ]
    for _ in range(7000 if full else 500):
        lines = list(good)
        at = rng.randrange(len(lines))
        match rng.randrange(6):
            case 0:
                del lines[at]
            case 1:
                lines.insert(rng.randrange(len(lines)), lines[at])
            case 2:
                lines.insert(rng.randrange(len(lines)), lines.pop(at))
            case 3:
                lines[at] += " " + rng.choice(words)
            case _:
                parts = lines[at].split() or [""]
                parts[rng.randrange(len(parts))] = rng.choice(words)
                lines[at] = " ".join(parts)
        rows.append(("\n".join(lines) + "\n").encode())
    rows.append(
        (f"{BASE}quorum none\n" + "".join(f"group n{n} 1 n{n - 1}\n" for n in range(1, 300))).encode()
    )
    rows.append(
        (
            BASE
            + "".join(f"group n{n} 1 {'a' if n == 1 else f'n{n - 1}'}\n" for n in range(1, 300))
            + "quorum a\n"
        ).encode()
    )
    expected = here(policy_here, rows)
    assert (
        there(page, site, ["/ledger/trust_policy.js", DIGEST], POLICY_OF, [row.hex() for row in rows])
        == expected
    )
    said = Counter(answer if isinstance(answer, str) else "ok" for answer in expected)
    assert said["ok"] > 50
    assert {"!trust.malformed", "!key.malformed", "!enc.utf8_invalid", "!enc.too_large"} < set(said)
