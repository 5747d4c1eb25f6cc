/**
 * Which logs and witnesses count, and how many witnesses suffice (C2SP tlog-policy).
 *
 *     log <vkey> [<url>]
 *     witness <name> <vkey> [<url>]
 *     group <name> <k|any|all> <member>...
 *     quorum <name|none>
 *
 * and two lines of our own, which are comments to other programs:
 *
 *     #tallystick retired <name> <time>     the witness's cosignatures count if they state this POSIX second or earlier
 *     #tallystick pq require                a checkpoint without the log's ML-DSA-44 signature is refused
 *
 * Numbered steps of a verification:
 *
 * 1. The checkpoint's origin is the name of a listed log key. Else `log.unknown_origin`.
 * 2. A signature by that key is there (`ckpt.sig_missing`), and every one naming it verifies (`ckpt.sig_invalid`).
 * 3. Every cosignature naming a listed witness verifies (`ckpt.cosig_invalid`) and is not from the future
 *    (`ckpt.cosig_future`). What names other keys is ignored.
 * 4. The witnesses found, each public key counted once, make up the quorum; one that was retired before the time it
 *    states does not count. Else `ckpt.quorum_unmet`.
 * 5. A note under a policy that requires post-quantum signatures has the log's. Else `alg.downgrade`. A proof carries no
 *    such signature (ADR 0013), so that this is asked of notes alone.
 */

import { parseCheckpointNote, verifyCosignature, verifyLogSignature } from "./checkpoint.js";
import { bytesEqual, hex } from "./digest.js";
import { FormatError, UndeterminedError, VerificationError } from "./errors.js";
import { KEY_ID_SIZE, SignatureType, decodeUtf8, isBy, keyedBlob, parseVkey } from "./note.js";

/** Seconds by which a witness's clock may be ahead of ours. */
const COSIGNATURE_SKEW = 300;

const NO_QUORUM = "none";
const MAX_ITEMS = 256;
const MAX_BLOBS = 100;
const OURS = "#tallystick";
const MAX_POLICY = 1_000_000;
const FORBIDDEN = /[\x00-\x08\x0b-\x1f\x7f]/;
const TIME = /^[1-9][0-9]{0,11}$/;
const THRESHOLD = /^[1-9][0-9]{0,3}$/;
const FORBIDDEN_IN_NAME = /[\x00-\x20\x7f]/;

/**
 * A parsed policy. Without logs it trusts nothing.
 *
 * logs: [{key, url}], the key's name is the log's origin; witnesses: [{name, key, url, until}], cosignatures later than
 * `until` (POSIX seconds or null) do not count; groups: [{name, threshold, members}]; quorum: name of a witness or
 * group, or `none`; pqRequired: whether a note has to carry the log's ML-DSA-44 signature.
 *
 * Throws FormatError `trust.malformed` for names that do not fit together or keys listed twice, `key.purpose_mismatch`
 * for a key that is listed for the other role or cannot play its role, `enc.too_large`.
 */
class TrustPolicy {
  constructor({ logs, witnesses, groups, quorum, pqRequired = false }) {
    this.logs = logs;
    this.witnesses = witnesses;
    this.groups = groups;
    this.quorum = quorum;
    this.pqRequired = pqRequired;
    checkKeys(this);
    checkNames(this);
    Object.freeze(this);
  }

  /** The same without what retired witnesses cosigned, at whatever time they say. */
  ofToday() {
    const witnesses = this.witnesses.map((witness) => (witness.until === null ? witness : { ...witness, until: 0 }));
    return new TrustPolicy({ ...this, witnesses });
  }

  /** The keys trusted for the log named `origin`. */
  logKeys(origin) {
    return this.logs.map((log) => log.key).filter((key) => key.name === origin);
  }

  /** Whether these witness keys (a Set of raw public keys in hexadecimal) suffice. */
  quorumMet(cosignedBy) {
    const satisfied = new Set();
    const counted = new Set();
    for (const witness of this.witnesses) {
      // One key under two names is one witness: the first name has it.
      const key = hex(witness.key.publicKey);
      if (cosignedBy.has(key) && !counted.has(key)) {
        counted.add(key);
        satisfied.add(witness.name);
      }
    }
    for (const group of this.groups) {
      if (group.members.filter((member) => satisfied.has(member)).length >= group.threshold) satisfied.add(group.name);
    }
    return this.quorum === NO_QUORUM || satisfied.has(this.quorum);
  }
}

/**
 * Read a policy file (bytes).
 *
 * Throws FormatError `trust.malformed`, `enc.too_large`, `enc.utf8_invalid`, `key.weak`, `key.malformed`,
 * `key.purpose_mismatch`, `alg.not_allowed` or `enc.base64_noncanonical`.
 */
export async function parseTrustPolicy(data) {
  if (data.length > MAX_POLICY) throw new FormatError("enc.too_large", `a policy of ${data.length} bytes`);
  const text = decodeUtf8(data, "a policy that is not UTF-8");
  if (FORBIDDEN.test(text) || (text && !text.endsWith("\n"))) {
    throw malformed("a control character, or a last line without newline");
  }
  const reader = new PolicyReader();
  for (const [at, line] of text.split("\n").entries()) {
    const words = line.split(/[ \t]+/).filter(Boolean);
    if (words.length && (words[0] === OURS || !words[0].startsWith("#"))) await reader.line(at + 1, words);
  }
  return reader.policy();
}

/**
 * Check a signed checkpoint in note form, steps 1 to 5 above. A line counts by name and key id both.
 *
 * Returns {checkpoint, logKey, cosignatureTimes: [[witness name, POSIX seconds], ...]}. Throws FormatError as
 * `parseCheckpointNote`, UndeterminedError and VerificationError as the steps say.
 */
export async function verifyCheckpoint(note, { policy, now }) {
  const [checkpoint, signatures] = parseCheckpointNote(note);
  const blobsOf = (key) => signatures.filter((line) => isBy(line, key)).map((line) => line.blob);
  const verified = await verifyBy(checkpoint, blobsOf, { policy, now });
  if (policy.pqRequired) requirePostQuantum(checkpoint, signatures, policy);
  return verified;
}

/**
 * Check a checkpoint against signatures in the form a proof carries: key id || blob. Steps 1 to 4 above.
 *
 * blobs: at most 100; known: a `Remembered` of this policy alone: the same checkpoint with the same signatures is not
 * verified again; whether it is from the future is. Throws FormatError `enc.too_large`, and as the steps say.
 */
export async function verifySignatures(checkpoint, blobs, { policy, now, known = null }) {
  if (blobs.length > MAX_BLOBS) throw new FormatError("enc.too_large", `${blobs.length} signatures`);
  const found = new Map(blobs.map((blob) => [hex(blob), blob]));
  const blobsOf = (key) =>
    [...found.values()]
      .filter((blob) => bytesEqual(blob.subarray(0, KEY_ID_SIZE), key.keyId))
      .map((blob) => blob.subarray(KEY_ID_SIZE));
  const verify = () => verifyBy(checkpoint, blobsOf, { policy, now });
  if (known === null) return verify();
  const name = [hex(checkpoint.rootHash), checkpoint.size, ...[...found.keys()].sort(), checkpoint.origin].join("\n");
  const verified = await known.once(name, verify);
  for (const [witness, time] of verified.cosignatureTimes) requirePast(time, now, witness);
  return verified;
}

/**
 * What a proof carries of a cosigned note: key id || blob by the log's Ed25519 key and by known witnesses.
 *
 * ML-DSA-44 is 2.4 KB a signature, which no QR code has room for: it stays in the note, unless the quorum of `policy`
 * cannot be met without it.
 */
export function carriedSignatures(signatures, { logKey, policy }) {
  const witnessKeys = policy.witnesses.map((witness) => witness.key);
  const small = witnessKeys.filter((key) => key.algorithm !== SignatureType.ML_DSA_44);
  const named = small.filter((key) => signatures.some((line) => isBy(line, key)));
  const met = policy.quorumMet(new Set(named.map((key) => hex(key.publicKey))));
  const keys = [logKey, ...(met ? small : witnessKeys)];
  return Object.freeze(signatures.filter((line) => keys.some((key) => isBy(line, key))).map(keyedBlob));
}

async function verifyBy(checkpoint, blobsOf, { policy, now }) {
  const logKeys = policy.logKeys(checkpoint.origin);
  if (!logKeys.length) {
    const hint = "Update the trust bundle; it lists the logs that count.";
    throw new UndeterminedError("log.unknown_origin", "", { hint });
  }
  const logKey = await verifyLog(checkpoint, logKeys, blobsOf);
  const times = await verifyWitnesses(checkpoint, blobsOf, { policy, now });
  if (!policy.quorumMet(new Set([...times.values()].map(({ key }) => key)))) {
    throw new VerificationError("ckpt.quorum_unmet", `${times.size} cosignatures at size ${checkpoint.size}`, {
      hint: "Wait for more witnesses to cosign the checkpoint, then ask for the proof again.",
    });
  }
  const cosignatureTimes = [...times].map(([name, { time }]) => [name, time]);
  return Object.freeze({ checkpoint, logKey, cosignatureTimes });
}

async function verifyLog(checkpoint, logKeys, blobsOf) {
  let signedBy = null;
  for (const key of logKeys) {
    for (const blob of blobsOf(key)) {
      await verifyLogSignature(checkpoint, blob, { key });
      signedBy = key;
    }
  }
  if (signedBy === null) throw new VerificationError("ckpt.sig_missing", `at size ${checkpoint.size}`);
  return signedBy;
}

/** Per witness name its public key in hexadecimal and the newest time it stated that counts. */
async function verifyWitnesses(checkpoint, blobsOf, { policy, now }) {
  const times = new Map();
  for (const { name, key, until } of policy.witnesses) {
    const stated = [];
    for (const blob of blobsOf(key)) stated.push(await verifyCosignature(checkpoint, blob, { key }));
    if (stated.length) requirePast(newest(stated), now, name);
    const counting = stated.filter((time) => until === null || time <= until);
    if (counting.length) times.set(name, { key: hex(key.publicKey), time: newest(counting) });
  }
  return times;
}

function newest(times) {
  return times.reduce((latest, time) => (time > latest ? time : latest));
}

/** Whatever names a key of the log was verified before; here one by ML-DSA-44 has to be among it. */
function requirePostQuantum(checkpoint, signatures, policy) {
  const keys = policy.logKeys(checkpoint.origin).filter((key) => key.algorithm === SignatureType.ML_DSA_44);
  if (!signatures.some((line) => keys.some((key) => isBy(line, key)))) {
    throw new VerificationError("alg.downgrade", `no post-quantum signature at size ${checkpoint.size}`, {
      hint: "Get the checkpoint again, from another copy of the log; somebody removed a signature.",
    });
  }
}

function requirePast(time, now, witness) {
  if (BigInt(time) - BigInt(now) > COSIGNATURE_SKEW) {
    throw new VerificationError("ckpt.cosig_future", `${BigInt(time) - BigInt(now)} s ahead, witness ${witness}`, {
      hint: "Check this machine's clock.",
    });
  }
}

/** Collects the lines of a policy file; names have to be defined above where they are used. */
class PolicyReader {
  logs = [];
  witnesses = [];
  groups = [];
  quorum = null;
  pqRequired = false;
  defined = new Set();

  async line(number, words) {
    const [kind, ...rest] = words;
    if (kind === "log" && rest.length >= 1 && rest.length <= 2) {
      const [vkey, url = null] = rest;
      this.logs.push(Object.freeze({ key: await parseKey(vkey, number), url }));
    } else if (kind === "witness" && rest.length >= 2 && rest.length <= 3) {
      const [name, vkey, url = null] = rest;
      this.witnesses.push(Object.freeze({ name, key: await parseKey(vkey, number), url, until: null }));
      this.defined.add(name);
    } else if (kind === "group" && rest.length >= 3) {
      this.group(number, ...rest);
    } else if (kind === "quorum" && rest.length === 1 && this.quorum === null) {
      if (rest[0] !== NO_QUORUM) this.requireDefined(number, rest);
      this.quorum = rest[0];
    } else if (kind === OURS && rest[0] === "retired" && rest.length === 3) {
      this.retire(number, rest[1], rest[2]);
    } else if (kind === OURS && rest.join(" ") === "pq require") {
      this.pqRequired = true;
    } else {
      throw malformed(`line ${number}`);
    }
  }

  group(number, name, threshold, ...members) {
    this.requireDefined(number, members);
    const due = parseThreshold(threshold, members, number);
    this.groups.push(Object.freeze({ name, threshold: due, members: Object.freeze(members) }));
    this.defined.add(name);
  }

  retire(number, name, time) {
    const at = this.witnesses.findIndex((witness) => witness.name === name && witness.until === null);
    if (at < 0 || !TIME.test(time)) {
      throw malformed(`line ${number} retires nobody, or somebody twice, or at no time`);
    }
    this.witnesses[at] = Object.freeze({ ...this.witnesses[at], until: Number(time) });
  }

  requireDefined(number, names) {
    if (!names.every((name) => this.defined.has(name))) throw malformed(`line ${number} names what no line above defines`);
  }

  policy() {
    if (this.quorum === null) throw malformed("no quorum line");
    return new TrustPolicy(this);
  }
}

async function parseKey(text, number) {
  try {
    return await parseVkey(text);
  } catch (error) {
    // That word is for notes.
    if (error.reason === "ckpt.malformed") throw malformed(`line ${number}: not a key`);
    throw error;
  }
}

function parseThreshold(text, members, number) {
  if (text === "any" || text === "all") return text === "any" ? 1 : members.length;
  if (!THRESHOLD.test(text)) throw malformed(`line ${number}: no threshold`);
  return Number(text);
}

function checkKeys(policy) {
  if (policy.logs.length + policy.witnesses.length + policy.groups.length > MAX_ITEMS) {
    throw new FormatError("enc.too_large", "too many logs, witnesses and groups");
  }
  const logKeys = policy.logs.map((log) => log.key);
  const witnessKeys = policy.witnesses.map((witness) => witness.key);
  if (
    logKeys.some((key) => key.algorithm === SignatureType.COSIGNATURE) ||
    witnessKeys.some((key) => key.algorithm === SignatureType.ED25519)
  ) {
    throw wrongPurpose("a log signs with type 0x01 or 0x06, a witness with type 0x04 or 0x06");
  }
  const publicLogKeys = new Set(logKeys.map((key) => hex(key.publicKey)));
  if (witnessKeys.some((key) => publicLogKeys.has(hex(key.publicKey)))) {
    throw wrongPurpose("the key of a log is listed as witness");
  }
  if (publicLogKeys.size !== logKeys.length) throw malformed("one key for two logs");
  if (new Set(witnessKeys.map((key) => `${hex(key.keyId)} ${key.name}`)).size !== witnessKeys.length) {
    throw malformed("one witness key twice");
  }
}

/** Names are unique and known before use; nobody is a member twice, so each witness counts in one way. */
function checkNames(policy) {
  const defined = new Set([NO_QUORUM]);
  const used = new Set([NO_QUORUM]);
  for (const witness of policy.witnesses) define(witness.name, defined);
  for (const group of policy.groups) {
    if (!(group.threshold >= 1 && group.threshold <= group.members.length)) {
      throw malformed("a threshold that the members cannot reach, or none");
    }
    for (const member of group.members) {
      if (!defined.has(member) || used.has(member)) {
        throw malformed("a group member that is unknown, `none`, or a member already");
      }
      used.add(member);
    }
    define(group.name, defined);
  }
  if (!defined.has(policy.quorum)) throw malformed("the quorum names nothing");
}

function define(name, defined) {
  if (!name || FORBIDDEN_IN_NAME.test(name) || defined.has(name)) {
    throw malformed("a name that is empty, reserved or used twice");
  }
  defined.add(name);
}

function malformed(detail) {
  return new FormatError("trust.malformed", detail, { hint: "Compare the file with C2SP tlog-policy." });
}

function wrongPurpose(detail) {
  return new FormatError("key.purpose_mismatch", detail, {
    hint: "A witness has to be another machine with a key of its own.",
  });
}
