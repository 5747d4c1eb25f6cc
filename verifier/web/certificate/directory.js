/**
 * The directory: which authorities, offices, keys, logs and registrars exist (DESIGN 3.6), flattened, and signed.
 *
 *   payload  = [1, environment, version, authorities, offices, keys, logs, voids]
 *   authority = [number, zh, en]
 *   office    = [authority, number, code, zh, en, parent, region_prefix, types]
 *   key       = [role, authority, office, public_key, log, from, to, void_from]
 *   log       = [number, origin]
 *   void      = [authority, log, from, to]                       entries disowned whoever signed them
 *
 * A public key is Ed25519, 32 bytes; that of role 4, which signs status lists beside role 2, is ML-DSA-44, 1,312 bytes.
 * Numbers of authorities and logs are never reused. Index ranges are half open; `to` and `void_from` may be null.
 */

import { hex } from "../ledger/digest.js";
import { FormatError, VerificationError } from "../ledger/errors.js";
import { checkMldsaPublicKey, MLDSA_PUBLIC_KEY_SIZE } from "../ledger/mldsa.js";
import { KeyRole } from "../generated/numbers.js";
import { parseSign1 } from "./cose.js";
import { checkKey, keyId } from "./keys.js";
import { Typ } from "./numbers.js";
import { checkOffices, Office, officeKey } from "./offices.js";
import { takeArray, takeBytes, takeInt, takeOptionalInt, takeText, takeVersion } from "./schema.js";
import { mldsaKeyId } from "./second_signature.js";

export { KeyRole };

const MAX_INDEX = 2n ** 62n;

/** The whole directory, with the look-ups a verifier needs; `keys` each with its `kid`. */
export class Directory {
  #authority;
  #office;
  #key;
  #log;

  constructor({ environment, version, authorities, offices, keys, logs, voids }) {
    Object.assign(this, { environment, version, authorities, offices, keys, logs, voids });
    this.#authority = indexed(authorities, ({ number }) => number, "authority");
    this.#office = indexed(offices, ({ authority, number }) => officeKey(authority, number), "office");
    this.#log = indexed(logs, ({ number }) => number, "log");
    this.#key = indexed(keys, ({ kid }) => hex(kid), "key id"); // two keys with one kid: refused at load
    Object.freeze(this);
  }

  /** Each look-up gives null for what is not there. */
  authority(number) {
    return this.#authority.get(number) ?? null;
  }

  office(authority, number) {
    return this.#office.get(officeKey(authority, number)) ?? null;
  }

  key(role, kid) {
    const found = this.#key.get(hex(kid));
    return found !== undefined && found.role === role ? found : null;
  }

  /** The key with this id, whatever it may sign. */
  anyKey(kid) {
    return this.#key.get(hex(kid)) ?? null;
  }

  hasKey(role, authority) {
    return this.keys.some((key) => key.role === role && key.authority === authority);
  }

  log(number) {
    return this.#log.get(number) ?? null;
  }

  isVoid({ authority, log, index }) {
    return this.voids.some(
      (range) =>
        range.authority === authority && range.log === log && range.fromIndex <= index && index < range.toIndex,
    );
  }

  /** Throws what `checkOffices` throws. */
  checkOffices() {
    checkOffices(this.#office);
  }
}

/**
 * Parse the tagged bytes of a directory: { sign1, directory }, whose signature was not checked.
 *
 * Throws FormatError: as all parsers; `key.weak`, `key.malformed`, `key.kid_ambiguous` (two keys, one key id),
 * `schema.field_unknown` (an office or key of an authority that does not exist), `trust.issuer_not_authorised` (an office
 * exceeds the one above it).
 */
export async function parseDirectory(data) {
  const sign1 = parseSign1(data, Typ.DIRECTORY);
  if (Array.isArray(sign1.payload) && sign1.payload.length) takeVersion(sign1.payload[0]);
  const fields = takeArray(sign1.payload, 8);
  const parsed = {
    environment: takeInt(fields[1], 0, 1),
    version: takeInt(fields[2], 1, 2 ** 53),
    authorities: takeArray(fields[3], null, { atMost: 10_000 }).map(authorityOf),
    offices: takeArray(fields[4], null, { atMost: 100_000 }).map(officeOf),
    keys: takeArray(fields[5], null, { atMost: 200_000 }).map(keyOf),
    logs: takeArray(fields[6], null, { atMost: 10_000 }).map(logOf),
    voids: takeArray(fields[7], null, { atMost: 100_000 }).map(voidOf),
  };
  const keys = await Promise.all(
    parsed.keys.map(async (key) => Object.freeze({ ...key, kid: await kidOf(key) })),
  );
  const directory = new Directory({ ...parsed, keys });
  checkReferences(directory);
  return Object.freeze({ sign1, directory });
}

/**
 * Check that `key` was good at `index` of `log`, and that its authority did not disown that position.
 *
 * Throws VerificationError `key.out_of_range`, `key.revoked` (void from its first position on), `key.compromised_after`,
 * `key.void_entry`.
 */
export function checkPosition(directory, key, { log, index }) {
  const place = `index ${index} of log ${log}`;
  if (log !== key.log || index < key.fromIndex || (key.toIndex !== null && index >= key.toIndex)) {
    throw new VerificationError("key.out_of_range", place);
  }
  if (key.voidFrom !== null && index >= key.voidFrom) {
    const wasNeverGood = key.voidFrom <= key.fromIndex;
    throw new VerificationError(wasNeverGood ? "key.revoked" : "key.compromised_after", place);
  }
  if (directory.isVoid({ authority: key.authority, log, index })) {
    throw new VerificationError("key.void_entry", place);
  }
}

function checkReferences(directory) {
  for (const office of directory.offices) {
    if (directory.authority(office.authority) === null) {
      throw new FormatError("schema.field_unknown", `office of unknown authority ${office.authority}`);
    }
  }
  try {
    directory.checkOffices();
  } catch (error) {
    if (error instanceof VerificationError) throw new FormatError(error.reason, error.detail);
    throw error;
  }
  for (const key of directory.keys) {
    const isKnown = directory.authority(key.authority) !== null && directory.log(key.log) !== null;
    const isOfOffice = key.role !== KeyRole.CERTIFICATE || directory.office(key.authority, key.office) !== null;
    if (!isKnown || !isOfOffice) {
      throw new FormatError("schema.field_unknown", `key ${hex(key.kid)} of an unknown office or log`);
    }
  }
}

function authorityOf(row) {
  const [number, zh, en] = takeArray(row, 3);
  return Object.freeze({ number: takeInt(number, 1, 65535), nameZh: takeText(zh), nameEn: takeText(en) });
}

function officeOf(row) {
  const [authority, number, code, zh, en, parent, prefix, types] = takeArray(row, 8);
  return new Office({
    authority: takeInt(authority, 1, 65535),
    number: takeInt(number, 1, 65535),
    code: takeText(code, { atMost: 16 }),
    nameZh: takeText(zh),
    nameEn: takeText(en),
    parent: takeOptionalInt(parent, 1, 65535),
    regionPrefix: takeText(prefix, { atMost: 12 }),
    types: takeArray(types, null, { atMost: 8 }).map((type) => takeInt(type, 1, 4)),
  });
}

function kidOf({ role, publicKey }) {
  return role === KeyRole.STATUS_MLDSA ? mldsaKeyId(publicKey) : keyId(publicKey);
}

function keyOf(row) {
  const [said, authority, office, publicKey, log, fromIndex, toIndex, voidFrom] = takeArray(row, 8);
  const role = takeInt(said, 1, 4);
  const checked =
    role === KeyRole.STATUS_MLDSA
      ? checkMldsaPublicKey(takeBytes(publicKey, MLDSA_PUBLIC_KEY_SIZE))
      : checkKey(takeBytes(publicKey, 32));
  return {
    role,
    authority: takeInt(authority, 1, 65535),
    office: takeInt(office, 0, 65535),
    publicKey: checked,
    log: takeInt(log, 1, 65535),
    fromIndex: takeInt(fromIndex, 0, MAX_INDEX),
    toIndex: takeOptionalInt(toIndex, 0, MAX_INDEX),
    voidFrom: takeOptionalInt(voidFrom, 0, MAX_INDEX),
  };
}

function logOf(row) {
  const [number, origin] = takeArray(row, 2);
  return Object.freeze({ number: takeInt(number, 1, 65535), origin: takeText(origin) });
}

function voidOf(row) {
  const [authority, log, fromIndex, toIndex] = takeArray(row, 4);
  return Object.freeze({
    authority: takeInt(authority, 1, 65535),
    log: takeInt(log, 1, 65535),
    fromIndex: takeInt(fromIndex, 0, MAX_INDEX),
    toIndex: takeInt(toIndex, 0, MAX_INDEX),
  });
}

function indexed(rows, keyOfRow, what) {
  const found = new Map();
  for (const row of rows) {
    const key = keyOfRow(row);
    if (found.has(key)) {
      const reason = what === "key id" ? "key.kid_ambiguous" : "schema.field_unknown";
      throw new FormatError(reason, `the same ${what} twice in the directory`);
    }
    found.set(key, row);
  }
  return found;
}
