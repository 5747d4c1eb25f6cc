/**
 * COSE_Sign1 (RFC 9052 section 4.2) as all our signed objects use it: tagged, strict, with a type that is signed.
 *
 *     18([ protected bstr, {? X: extras}, payload bstr, signature bstr ])
 *
 * The protected header names algorithm, key id where there is one, and `typ`; which further labels may stand where is
 * fixed by the object. Nothing that a verifier relies on may stand in the unprotected header, except the private label X
 * with material that is checked by other means (disclosures, ledger proof).
 */

import { Tagged, decodeCbor, encodeBytes, encodeCbor, encodeHead, encodeText } from "../ledger/cbor.js";
import { concat, hex, sha256 } from "../ledger/digest.js";
import { FormatError } from "../ledger/errors.js";
import { Algorithm, HEADER_ALG, HEADER_KCWT, HEADER_KID, HEADER_TYP, HEADER_X, Typ } from "./numbers.js";

const HEADER_CRIT = 2;
const SECURITY_LABELS = new Set([HEADER_ALG, HEADER_CRIT, HEADER_KID, HEADER_TYP, HEADER_KCWT]);
const ALLOWED = new Set(Object.values(Algorithm));
const TAG18_OF_FOUR = Uint8Array.of(0xd2, 0x84);
const SIGNATURE1 = concat(encodeHead(4, 4), encodeText("Signature1"));
const TYP_AT_END = new Map(Object.values(Typ).map((typ) => [hex(concat(encodeCbor(HEADER_TYP), encodeCbor(typ))), typ]));

/**
 * One parsed COSE_Sign1 whose signature was not checked yet: protectedBytes, headers (label to value), unprotected,
 * payloadBytes, payload (decoded), signature.
 */
class Sign1 {
  constructor({ protectedBytes, headers, unprotected, payloadBytes, payload, signature }) {
    Object.assign(this, { protectedBytes, headers, unprotected, payloadBytes, payload, signature });
    Object.freeze(this);
  }

  get toBeSigned() {
    return sigStructure(this.protectedBytes, this.payloadBytes);
  }

  get kid() {
    return this.headers.get(HEADER_KID);
  }

  get algorithm() {
    return this.headers.get(HEADER_ALG);
  }

  /** SHA-256 of the tagged bytes with an empty unprotected header: the name of this object everywhere. */
  async digest() {
    return objectDigest(this.protectedBytes, this.payloadBytes, this.signature);
  }
}

/** What is signed: RFC 9052 section 4.4, without external data. */
function sigStructure(protectedBytes, payload) {
  return concat(SIGNATURE1, encodeBytes(protectedBytes), Uint8Array.of(0x40), encodeBytes(payload));
}

/** The object digest of DESIGN section 3. */
async function objectDigest(protectedBytes, payload, signature) {
  return sha256(encodeSign1(protectedBytes, payload, signature));
}

/** The tagged bytes; unprotected: a Map or null. */
function encodeSign1(protectedBytes, payload, signature, unprotected = null) {
  const extras = encodeCbor(unprotected ?? new Map());
  return concat(TAG18_OF_FOUR, encodeBytes(protectedBytes), extras, encodeBytes(payload), encodeBytes(signature));
}

/**
 * Parse the tagged bytes of an object that must be of kind `typ` (one of ours, or the media type that a standard fixes).
 *
 * moreLabels: labels that must stand in the protected header beside alg, typ and kid; withKid: whether kid stands there;
 * withX: whether the unprotected header may hold X. Throws FormatError: what `decodeCbor` throws, `schema.field_type`,
 * `schema.field_missing`, `schema.field_unknown`, `sig.header_unprotected`, `sig.crit_unknown`, `sig.missing`,
 * `alg.not_allowed`, `alg.key_mismatch` (a key id is one of an Ed25519 key), `key.purpose_mismatch` (another typ).
 */
export function parseSign1(data, typ, options = {}) {
  return sign1OfItem(decodeCbor(data), typ, options);
}

/** As `parseSign1`, from an already decoded item (an object nested in another). */
export function sign1OfItem(item, typ, { moreLabels = [], withKid = true, withX = false } = {}) {
  if (!(item instanceof Tagged) || !Array.isArray(item.value) || item.value.length !== 4) {
    throw new FormatError("schema.field_type", "not a tagged COSE_Sign1 of four parts");
  }
  const [protectedBytes, unprotected, payloadBytes, signature] = item.value;
  if (![protectedBytes, payloadBytes, signature].every((part) => part instanceof Uint8Array)) {
    throw new FormatError("schema.field_type", "header, payload and signature are byte strings");
  }
  if (!(unprotected instanceof Map)) throw new FormatError("schema.field_type", "the unprotected header is a map");
  requireUnprotected(unprotected, withX);
  const headers = headersOf(protectedBytes, typ, moreLabels, withKid);
  if (!signature.length) throw new FormatError("sig.missing", "an empty signature");
  return new Sign1({
    protectedBytes,
    headers,
    unprotected,
    payloadBytes,
    payload: decodeCbor(payloadBytes),
    signature,
  });
}

/**
 * What a decoded object says it is; null when it says nothing readable. For choosing a parser only.
 *
 * A header ends with its typ, the last of our labels: one that holds a certificate need not be decoded to see it.
 */
export function unverifiedTyp(item) {
  if (!(item instanceof Tagged) || !Array.isArray(item.value)) return null;
  const [protectedBytes] = item.value;
  if (!(protectedBytes instanceof Uint8Array)) return null;
  const said = TYP_AT_END.get(hex(protectedBytes.subarray(-4)));
  if (said !== undefined) return said;
  try {
    return headerMap(protectedBytes).get(HEADER_TYP) ?? null;
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
}

function requireUnprotected(unprotected, withX) {
  if (!unprotected.size || (withX && unprotected.size === 1 && unprotected.has(HEADER_X))) return;
  // True is label 1 to the Python side, which looks for labels in a set.
  if ([...unprotected.keys()].some((label) => SECURITY_LABELS.has(label === true ? 1 : label))) {
    throw new FormatError("sig.header_unprotected", "a header that must be signed stands outside");
  }
  throw new FormatError("schema.field_unknown", "unknown unprotected header");
}

function headersOf(protectedBytes, typ, moreLabels, withKid) {
  const headers = headerMap(protectedBytes);
  if (headers.has(HEADER_CRIT)) throw new FormatError("sig.crit_unknown", "a header is marked critical");
  const algorithm = headers.get(HEADER_ALG);
  if (!ALLOWED.has(algorithm)) throw new FormatError("alg.not_allowed", "algorithm absent or not on the list");
  if (withKid && algorithm !== Algorithm.ED25519) {
    throw new FormatError("alg.key_mismatch", "keys that are named by a key id are Ed25519");
  }
  if (headers.get(HEADER_TYP) !== typ) throw new FormatError("key.purpose_mismatch", `not signed as ${typ}`);
  requireLabels(headers, new Set([...moreLabels, HEADER_ALG, HEADER_TYP, ...(withKid ? [HEADER_KID] : [])]));
  if (withKid) {
    const kid = headers.get(HEADER_KID);
    if (!(kid instanceof Uint8Array && kid.length === 8)) throw new FormatError("schema.field_type", "a key id has 8 bytes");
  }
  return headers;
}

function requireLabels(headers, due) {
  const missing = [...due].filter((label) => !headers.has(label));
  if (missing.length > 0) throw new FormatError("schema.field_missing", `header ${least(missing)} is missing`);
  const unknown = [...headers.keys()].filter((label) => !due.has(label));
  if (unknown.length > 0) throw new FormatError("schema.field_unknown", `unknown header ${least(unknown)}`);
}

function least(labels) {
  return labels.reduce((one, other) => (other < one ? other : one));
}

function headerMap(protectedBytes) {
  const headers = decodeCbor(protectedBytes);
  const isLabel = (label) => typeof label === "bigint" || typeof label === "number";
  if (!(headers instanceof Map) || ![...headers.keys()].every(isLabel)) {
    throw new FormatError("schema.field_type", "the protected header is a map of integer labels");
  }
  return headers;
}
