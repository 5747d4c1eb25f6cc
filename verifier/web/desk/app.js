/**
 * The desk page opens: words, trust bundle, parts, and the offline copy. Whatever fails here is said on the page.
 */

import { Desk } from "./desk.js";
import { el, fill } from "./dom.js";
import { allowOwnWorkers, watchOffline } from "./offline.js";
import { mountTabs } from "./tabs.js";
import { showTrust } from "./trust_line.js";
import { LANGUAGES, applyWords, rememberedLanguage } from "./words.js";

const PARTS = [
  ["ask", () => import("./requests.js"), "mountRequests"],
  ["scan", () => import("./scan.js"), "mountScan"],
  ["queue", () => import("./queue.js"), "mountQueue"],
  ["batch-body", () => import("./batch.js"), "mountBatch"],
  ["later-body", () => import("./later.js"), "mountLater"],
  ["about-body", () => import("./about.js"), "mountAbout"],
];

const HOUR = 3_600_000;

const place = (id) => document.getElementById(id);

await open();

async function open() {
  allowOwnWorkers();
  const language = rememberedLanguage();
  applyWords(document, language);
  mountTabs(place("main"));
  const desk = new Desk({
    language,
    seen: await openSeen(),
    settings: await readSettings(),
    announce: (text) => fill(place("announce"), text),
  });
  mountLanguages(desk);
  showTrust(place("trust"), place("banner"), desk);
  const loading = PARTS.map(([id, load, mount]) => ({ id, mount, part: load().catch(() => null) }));
  const trust = import("./trust_update.js").then(async ({ openTrust, updateFromSite }) => {
    setInterval(() => updateFromSite(desk), HOUR); // a desk may stay open for days
    await openTrust(desk);
  });
  for (const each of loading) await mountPart(desk, each);
  await trust;
  document.documentElement.dataset.desk = "open";
  watchOffline(desk);
}

async function openSeen() {
  const { openSeenStore } = await import("../verifier/seen_store.js");
  return openSeenStore();
}

/** What the host lays beside the page; a page without it works as well. */
async function readSettings() {
  try {
    const answer = await fetch("settings.json", { cache: "no-cache" });
    return answer.ok ? await answer.json() : {};
  } catch {
    return {};
  }
}

async function mountPart(desk, { id, mount, part }) {
  try {
    await (await part)[mount](place(id), desk);
  } catch {
    fill(place(id), el("p", { class: "note note--no" }, desk.word("trouble")));
  }
}

function mountLanguages(desk) {
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === desk.language));
    button.addEventListener("click", () => desk.setLanguage(button.dataset.language));
  }
  desk.addEventListener("language", () => {
    applyWords(document, desk.language);
    for (const language of LANGUAGES) {
      const button = document.querySelector(`[data-language="${language}"]`);
      button.setAttribute("aria-pressed", String(language === desk.language));
    }
  });
}
