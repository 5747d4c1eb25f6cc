/**
 * The trust bundle: all that a verifier holds before it goes offline (DESIGN 3.6), from bytes to look-ups.
 *
 * A bundle is a set of named files. `bundle.cose` names every other file with its SHA-256, so that a mixture of old and
 * new files, or a changed one, is noticed:
 *
 *   payload = [1, environment, version, issued, expires, [[name, sha256], ...]]      times in POSIX seconds
 *
 *   directory.cose          the directory (certificate/directory.js)
 *   policy.txt              the C2SP tlog-policy: logs, witnesses, quorum
 *   status-<A>-<L>.cwt      status list L of authority A
 *   policy-<id>.toml        a policy that organisations may ask (certificate/policy)
 *   template-<id>.toml      a form, and what is asked to fill it (certificate/template)
 *   checkpoint-<log>.txt, blocks-<log>.cbor, milestones-<log>.cbor    what is held of a log (verifier/held.js)
 *   targets.json            what the offline keys vouch for (verifier/endorsed.js)
 *
 * Under several root keys, directory, tlog-policy and policies count as `targets.json` names them, signed by more than half
 * of those keys, and `bundle.cose` is signed by an online key that it lists. Under a single root key, that key signs
 * `bundle.cose` and directory itself. Why a browser needs no TUF client: docs/adr/0018.
 */

import { parseSign1 } from "../certificate/cose.js";
import { parseDirectory } from "../certificate/directory.js";
import { checkKey, keyId, verifySignature } from "../certificate/keys.js";
import { Environment, Typ } from "../certificate/numbers.js";
import { parsePolicy } from "../certificate/policy/parsing.js";
import { takeArray, takeBytes, takeInt, takeVersion } from "../certificate/schema.js";
import { parseTemplate } from "../certificate/template/parsing.js";
import { bytesEqual, hex, sha256 } from "../ledger/digest.js";
import { FormatError, ProjectError, UndeterminedError, VerificationError } from "../ledger/errors.js";
import { parseTrustPolicy } from "../ledger/trust_policy.js";
import { isLiveName, parseTargets, TARGETS_NAME } from "./endorsed.js";
import { checkEnvironment } from "./environment.js";
import { placeKey } from "./expect.js";
import { parseHeldLogs } from "./held.js";
import { Known } from "./known.js";

export const BUNDLE_NAME = "bundle.cose";
export const DIRECTORY_NAME = "directory.cose";
export const POLICY_NAME = "policy.txt";
const STATUS_NAME = /^status-([1-9][0-9]{0,4})-(0|[1-9][0-9]{0,9})\.cwt$/;
const POLICY_FILE = /^policy-([a-z0-9.]{1,32})\.toml$/;
const TEMPLATE_FILE = /^template-([a-z0-9.]{1,32})\.toml$/;
const MAX_FILE = 64 * 2 ** 20;
const MAX_MANIFEST = 256 * 2 ** 10; // what is read before any signature is checked; some 4,000 files
const MAX_SECONDS = 2 ** 40;

/**
 * A bundle whose signatures and digests hold: { environment, version, issued, expires, directory, policy, statusTokens,
 * digest, policies, templates, held, endorsed, facts, known }; `endorsed` is the version of what the offline keys signed, 0
 * under a single root key. Status lists are judged when a certificate points at one.
 */
export class TrustBundle {
  constructor(fields) {
    const { environment, version, issued, expires, digest } = fields;
    const name = environment === Environment.TEST ? "test" : "production";
    const facts = Object.freeze({ environment: name, version, issued, expires, digest: hex(digest) });
    Object.assign(this, fields, { facts, known: new Known() });
    Object.freeze(this);
  }

  /** The published list. Throws UndeterminedError `status.list_missing`. */
  statusToken(authority, number) {
    const token = this.statusTokens.get(placeKey(authority, number));
    if (token === undefined) {
      throw new UndeterminedError("status.list_missing", `list ${number} of authority ${authority}`);
    }
    return token;
  }
}

/**
 * Check and open a bundle.
 *
 * `files`: a Map of name to content (bytes); a name that `bundle.cose` does not list is refused. `rootKeys`: raw Ed25519
 * public keys of the trust root, pinned by the caller. Empty refuses everything; of several, more than half must have
 * signed. Throws UndeterminedError `trust.missing` (no `bundle.cose`, or a listed file is absent); VerificationError
 * `trust.bundle_sig_invalid`, `trust.threshold`, `key.env_test`; FormatError `trust.malformed`, `enc.too_large`,
 * `key.weak`, `key.kid_ambiguous` and what the parsers throw.
 */
export async function parseBundle(files, { rootKeys }) {
  if (!files.has(BUNDLE_NAME)) {
    throw new UndeterminedError("trust.missing", BUNDLE_NAME, { hint: "name the folder that holds the trust bundle" });
  }
  if ([...files.values()].some((content) => content.length > MAX_FILE)) {
    throw new FormatError("enc.too_large", "a file of the bundle");
  }
  if (files.get(BUNDLE_NAME).length > MAX_MANIFEST) throw new FormatError("enc.too_large", BUNDLE_NAME);
  const manifest = parseSign1(files.get(BUNDLE_NAME), Typ.BUNDLE);
  const endorsed = rootKeys.length > 1 ? await endorsedBy(files, rootKeys) : null;
  const signers = endorsed === null ? rootKeys : endorsed.liveKeys;
  await checkSignature(manifest, signers);
  takeVersion(takeArray(manifest.payload, 6)[0]);
  const [, environment, version, issued, expires, listing] = manifest.payload;
  await checkListing(listing, files);
  if (endorsed !== null) await checkEndorsed(files, endorsed);
  for (const due of [DIRECTORY_NAME, POLICY_NAME]) {
    if (!files.has(due)) throw new UndeterminedError("trust.missing", due);
  }
  const parsed = await parseDirectory(files.get(DIRECTORY_NAME));
  await checkSignature(parsed.sign1, signers);
  const { directory } = parsed;
  const policy = await parseTrustPolicy(files.get(POLICY_NAME));
  if (directory.environment !== takeInt(environment, 0, 1)) {
    throw new VerificationError("key.env_test", "directory and bundle are of different environments");
  }
  await checkEnvironment(directory, policy, { signers: [...rootKeys, ...signers] });
  const cut = takeInt(issued, 0, MAX_SECONDS);
  return new TrustBundle({
    environment: directory.environment,
    version: Number(takeInt(version, 1, 2 ** 53)), // 2^53 is read as a BigInt, which no memory compares
    issued: cut,
    expires: takeInt(expires, 0, MAX_SECONDS),
    directory,
    policy,
    statusTokens: statusTokensOf(files),
    digest: await manifest.digest(),
    policies: await named(files, POLICY_FILE, parsePolicy),
    templates: await named(files, TEMPLATE_FILE, parseTemplate),
    held: await parseHeldLogs(files, { directory, policy, now: cut }),
    endorsed: endorsed === null ? 0 : Number(endorsed.version),
  });
}

async function endorsedBy(files, rootKeys) {
  if (!files.has(TARGETS_NAME)) throw new UndeterminedError("trust.missing", TARGETS_NAME);
  return parseTargets(files.get(TARGETS_NAME), { rootKeys });
}

/** The online key alone replaces only what is its own, and leaves nothing of the rest out. */
async function checkEndorsed(files, endorsed) {
  for (const [name, content] of files) {
    if (name === TARGETS_NAME || isLiveName(name)) continue;
    const digest = endorsed.digests.get(name);
    if (digest === undefined || !bytesEqual(digest, await sha256(content))) {
      throw new VerificationError("trust.bundle_sig_invalid", `${name} is not what the offline keys signed`);
    }
  }
  for (const name of endorsed.digests.keys()) {
    if (!files.has(name)) throw new UndeterminedError("trust.missing", name);
  }
}

async function checkSignature(sign1, keys) {
  const { kid } = sign1;
  for (const publicKey of keys) {
    if (!bytesEqual(await keyId(checkKey(publicKey)), kid)) continue;
    try {
      await verifySignature({ publicKey, message: sign1.toBeSigned, signature: sign1.signature });
    } catch (error) {
      if (error instanceof ProjectError) throw new VerificationError("trust.bundle_sig_invalid", hex(kid));
      throw error;
    }
    return;
  }
  throw new VerificationError("trust.bundle_sig_invalid", `key ${hex(kid)} may not sign it`);
}

async function checkListing(listing, files) {
  const listed = new Map();
  for (const row of takeArray(listing, null, { atMost: 100_000 })) {
    const [name, digest] = takeArray(row, 2);
    if (typeof name !== "string" || listed.has(name)) {
      throw new FormatError("trust.malformed", "file names of the bundle");
    }
    listed.set(name, takeBytes(digest, 32));
  }
  for (const [name, digest] of listed) {
    if (!files.has(name)) throw new UndeterminedError("trust.missing", name, { hint: "fetch the bundle again" });
    if (!bytesEqual(await sha256(files.get(name)), digest)) {
      throw new VerificationError("trust.bundle_sig_invalid", `${name} is not the file the bundle lists`);
    }
  }
  const unlisted = [...files.keys()].filter((name) => name !== BUNDLE_NAME && !listed.has(name));
  if (unlisted.length) {
    throw new FormatError("trust.malformed", `${unlisted.length} files that the bundle does not list`);
  }
}

function statusTokensOf(files) {
  const tokens = new Map();
  for (const [name, content] of files) {
    const match = STATUS_NAME.exec(name);
    if (match !== null) tokens.set(placeKey(Number(match[1]), Number(match[2])), content);
  }
  return tokens;
}

/** Id to policy or template; a file is named for what is in it. */
async function named(files, pattern, parse) {
  const found = new Map();
  for (const [name, content] of files) {
    const match = pattern.exec(name);
    if (match === null) continue;
    found.set(match[1], await parse(content));
    if (found.get(match[1]).id !== match[1]) throw new FormatError("trust.malformed", `${name} holds something else`);
  }
  return found;
}
