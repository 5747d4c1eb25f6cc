/**
 * Token Status List, CWT form, 2 bits per certificate (IETF draft-ietf-oauth-status-list; DESIGN 3.7).
 *
 *   protected {1: alg, 4: kid, 16: "application/statuslist+cwt"}, unprotected {} or {X: an ML-DSA-44 signature}
 *   claims    {2: uri, 4: exp, 6: iat, 65533: {"lst": zlib bytes, "bits": 2}, 65534: ttl}
 *
 * This is another scheme's format, hence maps. The first certificate of a byte stands in its lowest bits.
 */

import { FormatError, ProjectError, VerificationError } from "../ledger/errors.js";
import { Status } from "../generated/numbers.js";
import { parseSign1 } from "./cose.js";
import { inflateBounded } from "./inflate.js";
import { takeInt } from "./schema.js";
import { parseSecondSignature } from "./second_signature.js";

export { Status };
export const STATUS_BITS = 2;

const TYP = "application/statuslist+cwt";
const [SUB, EXP, IAT, STATUS_LIST, TTL] = [2, 4, 6, 65533, 65534];
const CLAIMS = [SUB, EXP, IAT, STATUS_LIST, TTL];
const MAX_LIST_BYTES = 4 * 2 ** 20; // 2^24 certificates of 2 bits
const MAX_SECONDS = 2 ** 40;

/** Packed status values. */
export class StatusList {
  constructor(bits, packed) {
    this.bits = bits;
    this.packed = packed;
    Object.freeze(this);
  }

  get length() {
    return Math.floor((this.packed.length * 8) / this.bits);
  }

  /** The value at `index`. Throws VerificationError `status.index_range`. */
  value(index) {
    if (index < 0 || index >= this.length) {
      throw new VerificationError("status.index_range", `index ${index} in a list of ${this.length}`);
    }
    const perByte = 8 / this.bits;
    const shift = this.bits * (index % perByte);
    return (this.packed[Math.floor(index / perByte)] >> shift) & ((1 << this.bits) - 1);
  }
}

/** The name of list `number` of `authority`; a certificate names its list by number only. */
export function statusListUri(authority, number) {
  return `urn:tallystick:status:${authority}:${number}`;
}

/**
 * Unpack one list.
 *
 * Throws FormatError `status.list_malformed` (width, container, cut short), `status.list_too_large`.
 */
export async function decodeStatusList(bits, compressed) {
  if (![1, 2, 4, 8].includes(bits)) throw malformed(`${bits} bits per entry`);
  try {
    return new StatusList(bits, await inflateBounded(compressed, { limit: MAX_LIST_BYTES }));
  } catch (error) {
    if (!(error instanceof ProjectError)) throw error;
    const isTooLarge = error.reason === "enc.decompress_limit";
    throw new FormatError(isTooLarge ? "status.list_too_large" : "status.list_malformed", error.reason);
  }
}

/**
 * Parse the tagged bytes of a status list token no signature of which was checked: { sign1, second (or null), uri, issued,
 * expires, ttl, statuses }, times in POSIX seconds, `ttl` seconds.
 *
 * Throws FormatError: what `parseSign1` and `parseSecondSignature` throw, `status.list_malformed`, `status.list_too_large`.
 */
export async function parseStatusToken(data) {
  const sign1 = parseSign1(data, TYP, { withX: true });
  const second = parseSecondSignature(sign1, TYP);
  const claims = sign1.payload;
  if (!hasExactly(claims, CLAIMS)) throw malformed("claims other than sub, exp, iat, ttl and the list");
  const inner = claims.get(STATUS_LIST);
  if (!hasExactly(inner, ["bits", "lst"]) || !(inner.get("lst") instanceof Uint8Array)) {
    throw malformed("the list is bits and lst");
  }
  const bits = inner.get("bits");
  if ((typeof bits !== "number" && typeof bits !== "bigint") || typeof claims.get(SUB) !== "string") {
    throw malformed("a member of another type");
  }
  if (bits !== STATUS_BITS) throw malformed("our lists have 2 bits per entry");
  const times = {
    issued: takeInt(claims.get(IAT), 0, MAX_SECONDS),
    expires: takeInt(claims.get(EXP), 0, MAX_SECONDS),
    ttl: takeInt(claims.get(TTL), 0, 2 ** 31),
  };
  const statuses = await decodeStatusList(bits, inner.get("lst"));
  return Object.freeze({ sign1, second, uri: claims.get(SUB), ...times, statuses });
}

function hasExactly(map, keys) {
  return map instanceof Map && map.size === keys.length && keys.every((key) => map.has(key));
}

function malformed(detail) {
  return new FormatError("status.list_malformed", detail);
}
