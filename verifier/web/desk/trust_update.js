/**
 * The trust bundle's way onto this device: from the site, or from a folder such as a USB stick. The same rules for both,
 * those of `tally trust sync` (verifier/successor.py); what does not pass them leaves the old bundle in use.
 */

import { parseSign1 } from "../certificate/cose.js";
import { Typ } from "../certificate/numbers.js";
import { reasonText } from "../certificate/texts.js";
import { bytesEqual, fromHex, hex } from "../ledger/digest.js";
import { FormatError, ProjectError, UndeterminedError } from "../ledger/errors.js";
import { checkSuccessor, rememberBundle } from "../verifier/successor.js";
import { BUNDLE_NAME, parseBundle } from "../verifier/trust.js";
import { loadKept, saveKept } from "./trust_keep.js";

const ROOT_KEYS = "root.keys";
const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*\.(?:cbor|cose|cwt|json|toml|txt)$/;
const ROOT_LINE = /^[0-9a-f]{64}$/;
const MAX_FILES = 4096;
const MAX_FILE = 64 * 2 ** 20;
const AT_ONCE = 8;

/** The site could not be asked; nothing is wrong with the bundle in use. */
class Unreachable extends Error {}

/** The root keys that the site names are not those this device pinned. */
class RootChanged extends Error {}

/**
 * When the page opens: put the kept bundle in use, then look whether the site has a newer one.
 * A first opening waits for the site, a later one does not.
 */
export async function openTrust(desk) {
  const kept = await readKept(desk);
  const updated = updateFromSite(desk);
  if (!kept) await updated;
}

/**
 * Fetch the site's bundle if it is another one, and put it in use.
 * @returns {Promise<{changed: boolean, text: string}>} what a person is told; never rejects
 */
export async function updateFromSite(desk) {
  return told(desk, async () => {
    const manifest = await fetchFile(BUNDLE_NAME);
    const held = desk.trustFiles.get(BUNDLE_NAME);
    if (held !== undefined && bytesEqual(held, manifest)) return false;
    const names = listedNames(manifest);
    const files = new Map([[BUNDLE_NAME, manifest]]);
    const left = [...names];
    const worker = async () => {
      for (let name = left.pop(); name !== undefined; name = left.pop()) files.set(name, await fetchFile(name));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    await take(desk, files, parseRootKeys(await fetchFile(ROOT_KEYS)));
    return true;
  });
}

/**
 * The same from files that a person chose.
 * @param {Iterable<File>} chosen those whose name a bundle may have are read, the others left alone
 */
export async function updateFromFiles(desk, chosen) {
  return told(desk, async () => {
    const files = new Map();
    let rootKeys = null;
    for (const file of chosen) {
      if (file.size > MAX_FILE) throw new FormatError("enc.too_large", "a file of the bundle");
      if (file.name === ROOT_KEYS) rootKeys = parseRootKeys(new Uint8Array(await file.arrayBuffer()));
      else if (FILE_NAME.test(file.name)) files.set(file.name, new Uint8Array(await file.arrayBuffer()));
    }
    const manifest = files.get(BUNDLE_NAME);
    if (manifest === undefined) throw new UndeterminedError("trust.missing", BUNDLE_NAME);
    const held = desk.trustFiles.get(BUNDLE_NAME);
    if (held !== undefined && bytesEqual(held, manifest)) return false;
    const listed = new Set([...listedNames(manifest), BUNDLE_NAME]);
    for (const name of files.keys()) if (!listed.has(name)) files.delete(name);
    // A stick never says whom to trust: that is pinned already, or said by the site the page came from.
    await take(desk, files, desk.rootKeys ?? parseRootKeys(await fetchFile(ROOT_KEYS)), rootKeys);
    return true;
  });
}

async function readKept(desk) {
  try {
    const kept = await loadKept();
    if (kept === null) return false;
    desk.rootKeys = kept.rootKeys;
    desk.setTrust(await parseBundle(kept.files, { rootKeys: kept.rootKeys.map(fromHex) }), kept.files);
    return true;
  } catch (error) {
    desk.trustTrouble = error instanceof ProjectError ? error.reason : "store.io_error";
    return false;
  }
}

/** Check a fetched bundle by all rules, keep it, and put it in use. */
async function take(desk, files, named, alsoNamed = null) {
  const rootKeys = desk.rootKeys ?? named;
  for (const keys of [named, alsoNamed]) {
    if (keys !== null && keys.join() !== rootKeys.join()) throw new RootChanged();
  }
  const now = desk.now();
  const bundle = await parseBundle(files, { rootKeys: rootKeys.map(fromHex) });
  await checkSuccessor(bundle, files, {
    held: desk.trust,
    heldFiles: desk.trustFiles,
    newRoot: false,
    seen: desk.seen,
    now,
  });
  await saveKept({ files, rootKeys });
  await rememberBundle(bundle, desk.seen, { now });
  desk.rootKeys = rootKeys;
  desk.trustTrouble = null;
  desk.setTrust(bundle, files);
}

async function told(desk, update) {
  try {
    const changed = await update();
    const date = dayOf(desk.trust.issued);
    return { changed, text: desk.word(changed ? "trust_updated" : "trust_same", { date }) };
  } catch (error) {
    return { changed: false, text: failureText(desk, error) };
  }
}

function failureText(desk, error) {
  if (error instanceof Unreachable) return desk.word("trust_unreachable");
  if (error instanceof RootChanged) return desk.word("root_changed");
  const reason = error instanceof ProjectError ? error.reason : "store.io_error";
  return desk.word("trust_failed", { text: `${reasonText(reason, desk.language)} [${reason}]` });
}

/** The names that a bundle lists, before anything of it is checked: only to know what to fetch. */
function listedNames(manifest) {
  const listing = parseSign1(manifest, Typ.BUNDLE).payload[5];
  if (!Array.isArray(listing) || listing.length > MAX_FILES) throw new FormatError("trust.malformed", "its list");
  return listing.map((row) => {
    if (!Array.isArray(row) || typeof row[0] !== "string" || !FILE_NAME.test(row[0])) {
      throw new FormatError("trust.malformed", "file names of the bundle");
    }
    return row[0];
  });
}

async function fetchFile(name) {
  let answer;
  try {
    answer = await fetch(`trust/${name}`, { cache: "no-store", credentials: "same-origin", redirect: "error" });
  } catch {
    throw new Unreachable();
  }
  if (!answer.ok) throw name === BUNDLE_NAME ? new Unreachable() : new UndeterminedError("trust.missing", name);
  const content = new Uint8Array(await answer.arrayBuffer());
  if (content.length > MAX_FILE) throw new FormatError("enc.too_large", "a file of the bundle");
  return content;
}

function parseRootKeys(content) {
  const lines = new TextDecoder().decode(content).split("\n").filter((line) => line !== "");
  if (lines.length === 0 || !lines.every((line) => ROOT_LINE.test(line))) {
    throw new FormatError("trust.malformed", `${ROOT_KEYS} holds one key in hex a line`);
  }
  return lines;
}

function dayOf(seconds) {
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}
