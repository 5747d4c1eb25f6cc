/**
 * What an organisation asks: its registration by the directory, and one signed request (DESIGN 3.4).
 *
 *   registration payload = [org, [zh, en], contact, request_key, purposes, slots, policies, from, to]
 *   request payload      = [org, nonce, desk, items, purpose, legal_basis, method, retention, expires, holds]
 *
 * `slots` of a registration is a list of [type, [first, last, first, last, ...]]; an item of a request is
 * [type, [slot, ...]] or [policy id, digest]. `from` and `to` are UTC day numbers (to included), `expires` POSIX seconds,
 * `retention` days, `holds` a list of [log, size] the verifier knows. A request without a nonce is printed at a counter
 * and names its desk.
 */

import { FormatError, ProjectError, VerificationError } from "../ledger/errors.js";
import { hex } from "../ledger/digest.js";
import { parseSign1, sign1OfItem } from "./cose.js";
import { KeyRole } from "./directory.js";
import { checkKey, verifySignature } from "./keys.js";
import { HEADER_X, Typ } from "./numbers.js";
import { takeArray, takeBytes, takeInt, takeText } from "./schema.js";
import { registryOf } from "./slots.js";

export const NONCE_SIZE = 16;
export const COUNTER_LIFETIME = 300; // seconds an answer to a printed counter request lives
const MAX_SECONDS = 2 ** 40;
const MAX_DAY = 2 ** 20;

/** Claims of one certificate type, asked by slot; slots rise. */
export class SlotsItem {
  constructor(type, slots) {
    Object.assign(this, { type, slots: Object.freeze(slots) });
    Object.freeze(this);
  }
}

/** A question, asked by a policy's id and the digest of its text. */
export class PolicyItem {
  constructor(policy, digest) {
    Object.assign(this, { policy, digest });
    Object.freeze(this);
  }
}

/**
 * Who an organisation is and what it may ask: { org, nameZh, nameEn, contact, requestKey, purposes, slots, policies,
 * validFrom, validTo }.
 */
class RegistrationBody {
  constructor(fields) {
    Object.assign(this, fields);
    Object.freeze(this);
  }

  /** Whether the registrar lets this organisation ask `item`. */
  allows(item) {
    if (item instanceof PolicyItem) return this.policies.includes(item.policy);
    const ranges = this.slots.filter(([type]) => type === item.type).map(([, bounds]) => bounds);
    return item.slots.every((slot) => ranges.some((bounds) => isInRanges(slot, bounds)));
  }
}

/**
 * A parsed request of which nothing was checked but its form: { sign1, body, registration: { sign1, body } }; body is
 * { org, nonce, desk, items, purpose, legalBasis, method, retention, expires, holds }.
 */
class UnverifiedRequest {
  constructor(sign1, body, registration) {
    Object.assign(this, { sign1, body, registration });
    Object.freeze(this);
  }

  async digest() {
    return this.sign1.digest();
  }
}

/** Parse the tagged bytes of a request with its registration. Throws FormatError. */
export function parseRequest(data) {
  const sign1 = parseSign1(data, Typ.REQUEST, { moreLabels: [HEADER_X] });
  const registration = registrationOf(sign1OfItem(sign1.headers.get(HEADER_X), Typ.REGISTRATION));
  return new UnverifiedRequest(sign1, bodyOf(sign1.payload), registration);
}

/** Check the dates of a registration whose signature holds. Throws VerificationError `org.unregistered`. */
export function checkRegisteredOn(registration, { today }) {
  const { org, validFrom, validTo } = registration;
  if (today < validFrom || today > validTo) throw unregistered(`registration of organisation ${org}`);
}

/**
 * Check who asks, but for the day: the registrar's and the organisation's signatures, and the scope.
 *
 * Throws VerificationError `org.unregistered` or `org.purpose_not_allowed`.
 */
export async function verifyRequestButItsDay(request, { directory }) {
  const body = await registered(request.registration, directory);
  await checkSignature(request.sign1, body.requestKey, body.org);
  checkScope(request.body, body);
  return body;
}

/** The two digits that both screens show, so that people notice a relayed request. */
export function matchingDigits(requestDigest) {
  const number = requestDigest.subarray(0, 4).reduce((sum, byte) => sum * 256 + byte, 0);
  return String(number % 100).padStart(2, "0");
}

function checkScope(request, registration) {
  if (request.org !== registration.org) throw unregistered(`registration of organisation ${registration.org}`);
  if (!registration.purposes.includes(request.purpose)) {
    throw new VerificationError("org.purpose_not_allowed", "purpose not in the registration");
  }
  if (!request.items.every((item) => registration.allows(item))) {
    throw new VerificationError("org.purpose_not_allowed", "asks more than the registration allows");
  }
}

async function registered(registration, directory) {
  const { kid } = registration.sign1;
  const registrar = directory.key(KeyRole.REGISTRAR, kid);
  if (registrar === null) throw new VerificationError("org.unregistered", `no registrar has key ${hex(kid)}`);
  await checkSignature(registration.sign1, registrar.publicKey, registration.body.org);
  return registration.body;
}

async function checkSignature(signed, publicKey, org) {
  try {
    await verifySignature({ publicKey, message: signed.toBeSigned, signature: signed.signature });
  } catch (error) {
    if (error instanceof ProjectError) throw unregistered(`organisation ${org}`);
    throw error;
  }
}

function unregistered(detail) {
  return new VerificationError("org.unregistered", detail);
}

function registrationOf(sign1) {
  const fields = takeArray(sign1.payload, 9);
  const names = takeArray(fields[1], 2);
  const body = new RegistrationBody({
    org: takeInt(fields[0], 1, 2 ** 31),
    nameZh: takeText(names[0]),
    nameEn: takeText(names[1]),
    contact: takeText(fields[2]),
    requestKey: checkKey(takeBytes(fields[3], 32)),
    purposes: takeArray(fields[4], null, { atMost: 32 }).map((text) => takeText(text)),
    slots: takeArray(fields[5], null, { atMost: 8 }).map(allowed),
    policies: takeArray(fields[6], null, { atMost: 128 }).map((text) => takeText(text)),
    validFrom: takeInt(fields[7], 0, MAX_DAY),
    validTo: takeInt(fields[8], 0, MAX_DAY),
  });
  return Object.freeze({ sign1, body });
}

function allowed(pair) {
  const [type, ranges] = takeArray(pair, 2);
  const registry = registryOf(takeInt(type, 0, 255));
  const bounds = takeArray(ranges, null, { atMost: 256 }).map((bound) => takeInt(bound, 0, registry.slotCount - 1));
  if (bounds.length % 2 || bounds.some((bound, at) => at > 0 && bounds[at - 1] > bound)) {
    throw new FormatError("schema.field_type", "ranges are pairs that rise");
  }
  return [registry.type, bounds];
}

function isInRanges(slot, bounds) {
  return bounds.some((first, at) => at % 2 === 0 && first <= slot && slot <= bounds[at + 1]);
}

function bodyOf(payload) {
  const fields = takeArray(payload, 10);
  const body = Object.freeze({
    org: takeInt(fields[0], 1, 2 ** 31),
    nonce: fields[1] === null ? null : takeBytes(fields[1], NONCE_SIZE),
    desk: fields[2] === null ? null : takeText(fields[2], { atMost: 64 }),
    items: Object.freeze(takeArray(fields[3], null, { atMost: 16 }).map(itemOf)),
    purpose: takeText(fields[4]),
    legalBasis: takeText(fields[5], { atMost: 256 }),
    method: takeText(fields[6]),
    retention: takeInt(fields[7], 0, 36500),
    expires: takeInt(fields[8], 0, MAX_SECONDS),
    holds: takeArray(fields[9], null, { atMost: 64 }).map(heldOf),
  });
  if (body.nonce === null && body.desk === null) {
    throw new FormatError("schema.field_missing", "a request without nonce names its desk");
  }
  if (!body.items.length) throw new FormatError("schema.field_missing", "a request asks at least one item");
  return body;
}

function itemOf(item) {
  const [head, rest] = takeArray(item, 2);
  if (typeof head === "string") return new PolicyItem(takeText(head, { atMost: 64 }), takeBytes(rest, 32));
  const registry = registryOf(takeInt(head, 0, 255));
  const slots = takeArray(rest, null, { atMost: 256 }).map((slot) => takeInt(slot, 0, registry.slotCount - 1));
  if (!slots.length || slots.some((slot, at) => at > 0 && slot <= slots[at - 1])) {
    throw new FormatError("schema.field_type", "asked slots rise and are at least one");
  }
  slots.forEach((slot) => registry.claimAt(slot));
  return new SlotsItem(registry.type, slots);
}

function heldOf(pair) {
  const [log, size] = takeArray(pair, 2);
  return [takeInt(log, 1, 65535), takeInt(size, 0, 2n ** 62n)];
}
