/**
 * The certificate: what an office signs, and what its holder lays beside it (DESIGN 3.1).
 *
 *   payload = [version, type, authority, office, region, profile, cut_off, issued, expires,
 *              [list, index], claims_root, cnf, presenter]
 *   unprotected {X: [disclosures, multiproof, proof, openings?]}        openings as in certificate/threshold.js
 *
 * `issued` and `expires` are UTC day numbers (days since 1970-01-01); the certificate is valid while today <= expires.
 * `cnf` is the holder's raw public key, or null for paper.
 */

import { encodeEntry, EntryType } from "../ledger/entry.js";
import { FormatError } from "../ledger/errors.js";
import { parseProof } from "../ledger/proof.js";
import { parseSign1, sign1OfItem } from "./cose.js";
import { checkKey } from "./keys.js";
import { FORMAT_VERSION, HEADER_X, Presenter, Typ } from "./numbers.js";
import { takeArray, takeBytes, takeInt, takeVersion } from "./schema.js";
import { Disclosure, HASH_SIZE } from "./slot_tree.js";
import { registryOf } from "./slots.js";
import { parseOpenings } from "./threshold.js";

const NUMBER_BYTES = 8;
const MAX_DAY = 2 ** 20;
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const NOTHING_BESIDE = [[], new Uint8Array(0), null];

/**
 * The always visible, signed part: { type, authority, office, region, profile, cutOff, issued, expires, statusList,
 * statusIndex, claimsRoot, cnf, presenter }; meanings as in the module's head.
 */
export class CertificateBody {
  constructor(fields) {
    Object.assign(this, fields);
    Object.freeze(this);
  }

  /** The certificate number for people: 13 characters. */
  get number() {
    return certificateNumber(this.claimsRoot);
  }

  get registry() {
    return registryOf(this.type);
  }
}

/** A parsed certificate of which nothing was checked but its form; `proof` may be null. */
export class UnverifiedCertificate {
  constructor(sign1, body, disclosures, multiproof, proof, openings) {
    Object.assign(this, { sign1, body, disclosures, multiproof, proof, openings });
    Object.freeze(this);
  }

  async digest() {
    return this.sign1.digest();
  }

  /** The ledger entry that belongs to these very bytes; nobody's word is taken for it. */
  async entry() {
    return encodeEntry(EntryType.CERTIFICATE, this.body.authority, await this.digest());
  }
}

/** First 8 bytes of the claims root in base32 (RFC 4648 section 6) without padding: 13 characters. */
export function certificateNumber(claimsRoot) {
  let bits = "";
  for (const byte of claimsRoot.subarray(0, NUMBER_BYTES)) bits += byte.toString(2).padStart(8, "0");
  return bits.match(/.{1,5}/g).map((five) => BASE32[Number.parseInt(five.padEnd(5, "0"), 2)]).join("");
}

/**
 * Parse the tagged bytes of a certificate.
 *
 * Throws FormatError: what `decodeCbor` and `parseSign1` throw; `schema.…`, `enc.number_range`, `disc.malformed`.
 */
export function parseCertificate(data) {
  return parse(parseSign1(data, Typ.CERTIFICATE, { withX: true }));
}

/** As `parseCertificate`, from an item nested in a presentation's header. */
export function parseCertificateItem(item) {
  return parse(sign1OfItem(item, Typ.CERTIFICATE, { withX: true }));
}

function parse(sign1) {
  const body = bodyOf(sign1.payload);
  const { unprotected } = sign1;
  const beside = takeArray(unprotected.has(HEADER_X) ? unprotected.get(HEADER_X) : NOTHING_BESIDE, null, { atMost: 4 });
  const openings = beside.length === 4 ? parseOpenings(beside[3]) : Object.freeze([]);
  const extras = takeArray(beside.slice(0, 3), 3);
  const { slotCount } = body.registry;
  const disclosures = takeArray(extras[0], null, { atMost: slotCount }).map(disclosureOf);
  const multiproof = takeBytes(extras[1]);
  if (multiproof.length > HASH_SIZE * slotCount) {
    throw new FormatError("enc.too_large", "more hashes than the tree has");
  }
  const proof = extras[2] === null ? null : parseProof(extras[2]);
  return new UnverifiedCertificate(sign1, body, Object.freeze(disclosures), multiproof, proof, openings);
}

function bodyOf(payload) {
  if (Array.isArray(payload) && payload.length) takeVersion(payload[0], FORMAT_VERSION);
  const fields = takeArray(payload, 13);
  const place = takeArray(fields[9], 2);
  const cutOff = takeInt(fields[6], 190001, 299912);
  if (cutOff % 100 < 1 || cutOff % 100 > 12) throw new FormatError("enc.number_range", "cut_off is YYYYMM");
  const body = new CertificateBody({
    type: registryOf(takeInt(fields[1], 0, 255)).type,
    authority: takeInt(fields[2], 1, 65535),
    office: takeInt(fields[3], 1, 65535),
    region: takeInt(fields[4], 1, 999_999_999_999),
    profile: takeInt(fields[5], 1, 65535),
    cutOff,
    issued: takeInt(fields[7], 0, MAX_DAY),
    expires: takeInt(fields[8], 0, MAX_DAY),
    statusList: takeInt(place[0], 0, 2 ** 31),
    statusIndex: takeInt(place[1], 0, 2 ** 31),
    claimsRoot: takeBytes(fields[10], HASH_SIZE),
    cnf: fields[11] === null ? null : checkKey(takeBytes(fields[11], 32, 33)),
    presenter: takeInt(fields[12], 0, 2),
  });
  if (body.presenter !== Presenter.SELF && body.cnf === null) {
    throw new FormatError("schema.field_missing", "a proxy's certificate is bound to the proxy's key");
  }
  return body;
}

function disclosureOf(item) {
  if (!Array.isArray(item) || item.length !== 3) throw malformed();
  const [salt, slot, value] = item;
  const isInteger = typeof slot === "number" || typeof slot === "bigint";
  if (!(salt instanceof Uint8Array) || !isInteger || value === null) throw malformed();
  return new Disclosure(salt, slot, value);
}

function malformed() {
  return new FormatError("disc.malformed", "a disclosure is [salt, slot, value]");
}
