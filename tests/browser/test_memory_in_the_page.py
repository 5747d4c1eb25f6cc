"""The page's memory of used answers and newest versions: lasting, and one for all tabs of the origin."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from ledger.reasons import Reason
from tests.attacks.marking import attack
from tests.browser.pages import open_blank, run
from tests.browser.site import Site
from tests.browser.town import DeskTown
from tests.browser.verifying import MODULES as VERIFYING
from tests.world import SECONDS

MODULES = ["/verifier/seen.js", "/verifier/seen_store.js"]
CONTRACT = """async (seen, store, kind) => {
  const memory = {
    memory: () => new seen.MemorySeen(),
    store: () => store.openSeenStore(),
    run: async () => new seen.RunSeen(await store.openSeenStore("run")),
  };
  const one = await memory[kind]();
  const [a, b, c] = [1, 2, 3].map((n) => new Uint8Array(32).fill(n));
  const told = [];
  told.push(await one.isUsed([a]), await one.useOnce([a, b]), await one.isUsed([c, b]), await one.isUsed([c]));
  told.push(await one.useOnce([c, b]), await one.isUsed([c]), await one.useOnce([c, c]), await one.useOnce([c]));
  told.push(await one.isUsed([]), await one.newest("time"));
  for (const value of [5, 3, 7]) await one.advance("time", value);
  told.push(await one.newest("time"), await one.newest("version"));
  const atOnce = await Promise.all(Array.from({ length: 20 }, () => one.useOnce([new Uint8Array(32).fill(9)])));
  told.push(atOnce.filter(Boolean).length);
  await Promise.all([4, 9, 2].map((value) => one.advance("list", value)));
  told.push(await one.newest("list"));
  return told;
}"""
AS_PROMISED = [False, True, True, False, False, False, True, False, False, None, 7, None, 1, 9]


@pytest.mark.parametrize("kind", ["memory", "store", "run"])
def test_every_memory_keeps_the_contract(page: Page, site: Site, kind: str) -> None:
    assert run(page, site, MODULES, CONTRACT, kind) == AS_PROMISED


def test_it_lasts_after_the_page_is_closed(context: BrowserContext, site: Site) -> None:
    use = """async (seen, { openSeenStore }) => {
      const memory = await openSeenStore();
      const told = [await memory.useOnce([new Uint8Array(32)]), await memory.newest("bundle.version")];
      await memory.advance("bundle.version", 4);
      return told;
    }"""
    first = context.new_page()
    assert run(first, site, MODULES, use) == [True, None]
    first.close()
    assert run(context.new_page(), site, MODULES, use) == [False, 4]


VERIFY_AT_ONCE = """async (trust, verify, expect, seen, render, digest, { openSeenStore }, input) => {
  const { fromHex } = digest;
  const files = new Map(Object.entries(input.files).map(([name, data]) => [name, fromHex(data)]));
  const opened = await trust.parseBundle(files, { rootKeys: input.rootKeys.map(fromHex) });
  const memory = await openSeenStore();
  const asked = new expect.Asked(fromHex(input.request));
  const options = { trust: opened, now: input.now, expect: asked, seen: memory };
  await new Promise((done) => {
    new BroadcastChannel("go").addEventListener("message", done);
    window.isListening = true;
  });
  const report = await verify.verify(fromHex(input.answer), options);
  return report.reason;
}"""


@attack("P15", Reason.PRES_NONCE_REPLAYED)
def test_of_two_tabs_that_are_shown_one_answer_at_once_one_takes_it(
    context: BrowserContext, site: Site, town: DeskTown
) -> None:
    """Both tabs verify the same answer in the same moment, again and again: it is taken once each time."""
    files = town.trust_files()
    files.pop("root.keys")
    tabs = [context.new_page() for _ in range(3)]
    for tab in tabs:
        open_blank(tab, site)
    for number in range(6):
        request = town.request(number)
        data: dict[str, Any] = {
            "files": {name: content.hex() for name, content in files.items()},
            "rootKeys": [town.world.root.public_key.hex()],
            "request": request.hex(),
            "answer": town.people[0].answer(request).hex(),
            "now": SECONDS,
        }
        for tab in tabs[:2]:
            start(tab, data)
        for tab in tabs[:2]:
            tab.wait_for_function("() => window.isListening")
        tabs[2].evaluate("() => new BroadcastChannel('go').postMessage(1)")
        told = [tab.evaluate("() => window.told") for tab in tabs[:2]]
        assert sorted(map(str, told)) == ["None", "pres.nonce_replayed"]


START = """([paths, input]) => {
  window.isListening = false;
  window.told = Promise.all(paths.map((path) => import(path))).then((modules) => (SNIPPET)(...modules, input));
}"""


def start(tab: Page, data: dict[str, Any]) -> None:
    """Begin in `tab`, without waiting for the end."""
    paths = [*VERIFYING, "/verifier/seen_store.js"]
    tab.evaluate(START.replace("SNIPPET", VERIFY_AT_ONCE), [paths, data])


def test_a_browser_that_keeps_nothing_says_so(page: Page, site: Site) -> None:
    told = run(
        page,
        site,
        MODULES,
        """async (seen, { openSeenStore }) => {
          const memory = await openSeenStore();
          memory.close();
          const trials = [() => memory.isUsed([new Uint8Array(32)]), () => memory.useOnce([new Uint8Array(32)]),
            () => memory.newest("x"), () => memory.advance("x", 1)];
          return Promise.all(trials.map((trial) => trial().then(() => null, (error) => error.reason)));
        }""",
    )
    assert told == ["store.io_error"] * 4


@attack("P15", Reason.STORE_IO_ERROR)
def test_without_memory_the_page_gives_no_verdict(page: Page, site: Site, town: DeskTown) -> None:
    """A memory that stops in the middle: no report, and not a no."""
    files = town.trust_files()
    files.pop("root.keys")
    request = town.request(1)
    data = {
        "files": {name: content.hex() for name, content in files.items()},
        "rootKeys": [town.world.root.public_key.hex()],
        "request": request.hex(),
        "answer": town.people[0].answer(request).hex(),
        "now": SECONDS,
    }
    snippet = """async (trust, verify, expect, seen, render, digest, { openSeenStore }, input) => {
      const { fromHex } = digest;
      const files = new Map(Object.entries(input.files).map(([name, data]) => [name, fromHex(data)]));
      const opened = await trust.parseBundle(files, { rootKeys: input.rootKeys.map(fromHex) });
      const asked = new expect.Asked(fromHex(input.request));
      const told = [];
      for (const calls of [0, 1, 2, 3, 4]) {
        const store = await openSeenStore(`breaks ${calls}`);
        let left = calls;
        const closing = new Proxy(store, {
          get: (target, name) => (...given) => {
            if (left-- === 0) target.close();
            return target[name](...given);
          },
        });
        const options = { trust: opened, now: input.now, expect: asked, seen: closing };
        told.push(await verify.verify(fromHex(input.answer), options).then(() => "a verdict", (error) => error.reason));
      }
      return told;
    }"""
    told = run(page, site, [*VERIFYING, "/verifier/seen_store.js"], snippet, data)
    assert told == ["store.io_error"] * 5
