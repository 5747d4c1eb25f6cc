/**
 * What the offline keys of a trust root vouch for: the TUF metadata `targets.json`, read again at each load.
 *
 * `tally trust sync` checks a whole repository with a TUF client; here the one document that names directory, tlog-policy
 * and policies is checked once more, against the pinned keys, so that a folder filled by other means than `sync`, or by
 * the thief of the online key, opens with nothing. TUF specification 1.0.33, sections 4.2 to 4.5 and 5.6; the signature is
 * over the canonical JSON of what was parsed, which is also what is returned.
 */

import { checkKey, verifySignature } from "../certificate/keys.js";
import { fromHex, hex, sha256, utf8 } from "../ledger/digest.js";
import { FormatError, ProjectError, VerificationError } from "../ledger/errors.js";
import { canonicalJson, parseJson } from "./json_text.js";

export const TARGETS_NAME = "targets.json";
export const LIVE_ROLE = "live";
/** Names of the bundle's files: no separator, nothing hidden, the same on every disk. */
export const FILE_NAME = /^[a-z0-9][a-z0-9.-]{0,63}$/;

// What the online key alone may replace. Everything else needs the offline keys.
const LIVE =
  /^(?:bundle\.cose|status-[a-z0-9.-]*\.cwt|proof-[a-z0-9.-]*\.cbor|checkpoint-[a-z0-9.-]*\.txt|(?:blocks|milestones)-[a-z0-9.-]*\.cbor)$/;
const MAX_TARGETS = 1 << 20;
const HEX = /^[ \n]*(?:[0-9a-fA-F]{2}[ \n]*)*$/;

/** How many of so many root keys must sign: more than half, 2 of 3. */
export function majority(keys) {
  return Math.floor(keys / 2) + 1;
}

/** Whether the online key alone may replace this file. */
export function isLiveName(name) {
  return LIVE.test(name);
}

/**
 * Check and read `targets.json`: { version, liveKeys, digests }: version grows with each (a BigInt); liveKeys are raw
 * public keys of the online role, to which the bundle's own signature belongs; digests a Map of file name to SHA-256.
 *
 * `rootKeys`: raw Ed25519 public keys, pinned by the caller; more than half of them must have signed. Throws FormatError
 * `trust.malformed`, `enc.too_large`; VerificationError `trust.bundle_sig_invalid` (signed by none of them),
 * `trust.threshold` (by too few).
 */
export async function parseTargets(data, { rootKeys }) {
  if (data.length > MAX_TARGETS) throw new FormatError("enc.too_large", TARGETS_NAME);
  if (!data.every((byte) => byte === 0x0a || (byte >= 0x20 && byte <= 0x7e && byte !== 0x5c))) {
    throw new FormatError("trust.malformed", `${TARGETS_NAME} holds other characters than it may`);
  }
  const { signed, offered } = readable(() => {
    const document = parseJson(new TextDecoder().decode(data));
    return { signed: member(document, "signed"), offered: offeredOf(member(document, "signatures")) };
  });
  await requireMajority(utf8(canonicalJson(signed)), offered, rootKeys);
  return readable(() => endorsedOf(signed));
}

async function requireMajority(message, offered, rootKeys) {
  const keys = [...new Map(rootKeys.map((key) => [hex(key), checkKey(key)])).values()];
  let good = 0;
  for (const key of keys) good += Number(await isSigned(key, message, offered.get(await tufKeyId(key))));
  if (good === 0) {
    throw new VerificationError("trust.bundle_sig_invalid", `${TARGETS_NAME} has no root key's signature`);
  }
  if (good < majority(keys.length)) {
    throw new VerificationError("trust.threshold", `${good} of ${majority(keys.length)} root keys signed`);
  }
}

async function isSigned(publicKey, message, signature) {
  if (signature === undefined) return false;
  try {
    await verifySignature({ publicKey, message, signature });
  } catch (error) {
    if (error instanceof ProjectError) return false;
    throw error;
  }
  return true;
}

/** The key id of an Ed25519 key, as TUF writes it. */
async function tufKeyId(publicKey) {
  const key = `{"keytype":"ed25519","keyval":{"public":"${hex(publicKey)}"},"scheme":"ed25519"}`;
  return hex(await sha256(utf8(key)));
}

function offeredOf(signatures) {
  if (signatures === "" || (signatures instanceof Map && !signatures.size)) return new Map(); // of nobody, to Python
  return new Map(itemsOf(signatures).map((row) => [member(row, "keyid"), bytesOf(member(row, "sig"))]));
}

function endorsedOf(signed) {
  const [version, delegations, targets] = ["version", "delegations", "targets"].map((name) => member(signed, name));
  if (member(signed, "_type") !== "targets" || typeof version !== "bigint") throw new SyntaxError("no targets");
  const roles = itemsOf(member(delegations, "roles"));
  const [role] = roles;
  if (roles.length !== 1 || member(role, "name") !== LIVE_ROLE || !isOne(member(role, "threshold"))) {
    throw new SyntaxError("another delegation");
  }
  const known = member(delegations, "keys");
  const liveKeys = itemsOf(member(role, "keyids")).map((id) =>
    checkKey(bytesOf(member(member(member(known, id), "keyval"), "public"))),
  );
  if (!(targets instanceof Map)) throw new SyntaxError("no targets");
  const digests = new Map(
    [...targets].map(([name, row]) => [name, bytesOf(member(member(row, "hashes"), "sha256"))]),
  );
  const isNamed = (name) => FILE_NAME.test(name) && !isLiveName(name);
  if (!liveKeys.length || ![...digests.keys()].every(isNamed)) throw new SyntaxError("names or keys");
  return Object.freeze({ version, liveKeys, digests });
}

function isOne(number) {
  return number === 1n || number === 1 || number === true;
}

function itemsOf(list) {
  if (!Array.isArray(list)) throw new SyntaxError("no list");
  return list;
}

function member(map, name) {
  if (!(map instanceof Map) || !map.has(name)) throw new SyntaxError("no such member");
  return map.get(name);
}

function bytesOf(text) {
  if (typeof text !== "string" || !HEX.test(text)) throw new SyntaxError("no hex");
  return fromHex(text.replace(/[ \n]/g, ""));
}

function readable(read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof SyntaxError) throw new FormatError("trust.malformed", TARGETS_NAME);
    throw error;
  }
}
