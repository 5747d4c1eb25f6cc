"""SHA-256 of the page's own hand, and threshold proofs, which hash the most."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from playwright.sync_api import Page

from certificate.numbers import CertificateType
from certificate.slot_tree import Disclosure
from certificate.slots import REGISTRIES
from certificate.threshold import MAX_LEVEL, Opening, commit_months, open_months, verify_openings
from ledger.errors import ProjectError
from tests.browser.pages import run
from tests.browser.site import Site

REGISTRY = REGISTRIES[CertificateType.CONTRIBUTION]
SLOT = REGISTRY.slot_of("ge.run.pension.emp")
SEED, SALT = b"s" * 32, b"t" * 16


def test_every_length_up_to_twenty_blocks(page: Page, site: Site) -> None:
    """Both ways of hashing, and the place where one takes over from the other."""
    dice = random.Random(256)
    rows = [dice.randbytes(length) for length in range(1280)] + [
        b"\xff" * 55,
        b"\x00" * 64,
        dice.randbytes(10**5),
    ]
    snippet = """async ({ sha256, hex, fromHex }, rows) =>
      Promise.all(rows.map(async (row) => hex(await sha256(fromHex(row)))))"""
    told = run(page, site, "/ledger/digest.js", snippet, [row.hex() for row in rows])
    assert told == [sha256(row).hexdigest() for row in rows]


@dataclass(frozen=True)
class Chain:
    """What is shown of a commitment to `months`: the claim, and an opening."""

    commitment: bytes
    openings: Sequence[Opening]

    def python_says(self) -> str | None:
        try:
            verify_openings(self.openings, [Disclosure(SALT, SLOT, self.commitment)], REGISTRY)
        except ProjectError as exc:
            return exc.reason.value
        return None


def test_threshold_proofs(page: Page, site: Site) -> None:
    """Chains of one to 1,200 months, shown in full, lowered, one step too high, beside another claim, damaged."""
    chains = []
    for months in (1, 2, 24, 180, MAX_LEVEL):
        commitment = commit_months(SEED, SALT, SLOT, months)
        top = open_months(SEED, SLOT, months)
        lowered = [top.lowered(level, SALT) for level in {1, max(1, months // 2), months}]
        chains += [Chain(commitment, [opening]) for opening in (top, *lowered)]
        chains.append(Chain(commitment, [Opening(SLOT, top.at_least + 1, top.value)]))
        chains.append(Chain(commitment, [Opening(SLOT, top.at_least, bytes(32))]))
        chains.append(Chain(commitment, [Opening(SLOT + 1, top.at_least, top.value)]))
        chains.append(Chain(bytes(32), [top]))
        chains.append(Chain(commitment, []))
    snippet = """async ({ Opening, verifyOpenings }, { registryOf }, { Disclosure }, { fromHex }, input) => {
      const [slot, salt, rows] = input;
      const told = [];
      for (const [commitment, openings] of rows) {
        const shown = [new Disclosure(fromHex(salt), slot, fromHex(commitment))];
        const opened = openings.map(([at, level, value]) => new Opening(at, level, fromHex(value)));
        const refused = (error) => error.reason;
        told.push(await verifyOpenings(opened, shown, registryOf(1)).then(() => null, refused));
      }
      return told;
    }"""
    modules = ["threshold", "slots", "slot_tree"]
    paths = [*(f"/certificate/{name}.js" for name in modules), "/ledger/digest.js"]
    rows = [
        (chain.commitment.hex(), [(one.slot, one.at_least, one.value.hex()) for one in chain.openings])
        for chain in chains
    ]
    told = run(page, site, paths, snippet, [SLOT, SALT.hex(), rows])
    assert told == [chain.python_says() for chain in chains]
    assert set(told) == {None, "disc.digest_mismatch", "disc.unreferenced"}
