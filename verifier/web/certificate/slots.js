/**
 * The registry of claims: which fact of DOMAIN section 5 stands in which slot, and what values it may take.
 *
 * A slot is a place in the claims tree of one certificate type. Slots 0...15 are the identity tree, the rest the fact
 * tree; of a contribution certificate 512 slots from 16:
 *
 *   kind 1..9, 32 slots each:  settled.K, then strip.K of the cut-off year, one year back, ... 30 years back
 *   kind 1..9, 16 slots each:  status, first, last, months, deemed, moved, run, back, base, base_avg12, paid_total,
 *                              ge.total, ge.run, 3 reserved
 *   16 slots: employer, balance.pension, 14 reserved;  32 slots: spells;  32 slots: minted answers pol
 */

import { encodeUnsigned } from "../ledger/cbor.js";
import { concat } from "../ledger/digest.js";
import { FormatError } from "../ledger/errors.js";
import { ENCODERS, ValueType } from "./claim_values.js";
import { KINDS } from "./kinds.js";
import { CertificateType } from "./numbers.js";

export { ValueType } from "./claim_values.js";

export const IDENTITY_SLOTS = 16;
export const STRIP_YEARS = 31;
export const SPELL_SLOTS = 32;
const POLICY_SLOTS = 32;
const STRIPS_FROM = IDENTITY_SLOTS;
const SUMMARY_FROM = STRIPS_FROM + 32 * KINDS.length;
const GENERAL_FROM = SUMMARY_FROM + 16 * KINDS.length;
const SPELLS_FROM = GENERAL_FROM + 16;
const POLICIES_FROM = SPELLS_FROM + SPELL_SLOTS;

const SUMMARY = [
  ["status", ValueType.STATUS],
  ["first", ValueType.MONTH],
  ["last", ValueType.MONTH],
  ["months", ValueType.MONTHS],
  ["deemed", ValueType.MONTHS],
  ["moved", ValueType.MONTHS],
  ["run", ValueType.MONTHS],
  ["back", ValueType.MONTHS],
  ["base", ValueType.FEN],
  ["base_avg12", ValueType.FEN],
  ["paid_total", ValueType.FEN],
  ["ge.total", ValueType.COMMITMENT],
  ["ge.run", ValueType.COMMITMENT],
];

/** One registered claim: { name, slot, valueType, group, kind, yearsBack, labelKey }; `kind` is the branch or "". */
function claim(name, slot, valueType, group, kind = "", yearsBack = 0) {
  const labelKey = kind ? name.split(`.${kind}`)[0] : name.replace(/[0-9]+$/, "").replace(/\.$/, "");
  return Object.freeze({ name, slot, valueType, group, kind, yearsBack, labelKey });
}

function contributionClaims() {
  const claims = [
    claim("name", 0, ValueType.TEXT, "identity"),
    claim("id_tail", 1, ValueType.ID_TAIL, "identity"),
    claim("for.audience", 2, ValueType.TEXT, "paper"),
    claim("for.purpose", 3, ValueType.TEXT, "paper"),
    claim("id_no", 4, ValueType.ID_NO, "identity"),
    claim("id_type", 5, ValueType.CODE, "identity"),
    claim("birth_date", 6, ValueType.DATE, "identity"),
    claim("proxy", 8, ValueType.PROXY, "identity"),
  ];
  for (const { id, number } of KINDS) {
    const block = STRIPS_FROM + 32 * (number - 1);
    claims.push(claim(`settled.${id}`, block, ValueType.MONTH, "strip", id));
    for (let back = 0; back < STRIP_YEARS; back += 1) {
      claims.push(claim(`strip.${id}.-${back}`, block + 1 + back, ValueType.STRIP, "strip", id, back));
    }
  }
  for (const { id, number } of KINDS) {
    const block = SUMMARY_FROM + 16 * (number - 1);
    SUMMARY.forEach(([name, valueType], at) => {
      const group = valueType === ValueType.COMMITMENT ? "answer" : "summary";
      claims.push(claim(`${name}.${id}`, block + at, valueType, group, id));
    });
  }
  claims.push(claim("employer", GENERAL_FROM, ValueType.EMPLOYER, "employer"));
  claims.push(claim("balance.pension", GENERAL_FROM + 1, ValueType.BALANCE, "summary"));
  for (let at = 0; at < SPELL_SLOTS; at += 1) {
    claims.push(claim(`spells.${at}`, SPELLS_FROM + at, ValueType.SPELL, "employer"));
  }
  for (let at = 0; at < POLICY_SLOTS; at += 1) {
    claims.push(claim(`pol.${at}`, POLICIES_FROM + at, ValueType.ANSWER, "answer"));
  }
  return claims;
}

function employerClaims() {
  return [
    claim("employer_name", 0, ValueType.TEXT, "identity"),
    claim("employer_uscc", 1, ValueType.CODE, "identity"),
    claim("headcount", IDENTITY_SLOTS, ValueType.COUNT, "summary"),
  ];
}

/** All claims of one certificate type and the shape of its tree: depths of the identity and the fact tree. */
class Registry {
  constructor(type, factDepth, claims) {
    this.type = type;
    this.factDepth = factDepth;
    this.identityDepth = 4;
    this.claims = Object.freeze(claims);
    this.bySlot = new Map(claims.map((one) => [one.slot, one]));
    this.byName = new Map(claims.map((one) => [one.name, one]));
    Object.freeze(this);
  }

  get slotCount() {
    return (1 << this.identityDepth) + (1 << this.factDepth);
  }

  /** The claim registered at `slot`. Throws FormatError `schema.field_unknown`. */
  claimAt(slot) {
    const found = this.bySlot.get(slot);
    if (found === undefined) throw new FormatError("schema.field_unknown", `no claim has slot ${slot}`);
    return found;
  }

  /**
   * The slot of the claim called `name`; `strip.K.YYYY` needs the certificate's `cutOff` (YYYYMM).
   *
   * Throws FormatError `schema.field_unknown`; a strip older than 30 years has no slot.
   */
  slotOf(name, { cutOff = null } = {}) {
    const match = /^(strip\..+)\.([0-9]{4})$/su.exec(name);
    const wanted = match && cutOff !== null ? `${match[1]}.-${Math.floor(cutOff / 100) - Number(match[2])}` : name;
    const found = this.byName.get(wanted);
    if (found === undefined) throw new FormatError("schema.field_unknown", "no such claim");
    return found.slot;
  }

  /**
   * Each slot and its value in deterministic CBOR, one after the other: what a leaf holds behind its salt.
   *
   * Throws FormatError `schema.field_unknown` (no claim at a slot), or as certificate/claim_values.js for a value.
   */
  encodeItems(slots, values) {
    return slots.map((slot, at) => {
      const found = this.bySlot.get(slot);
      if (found === undefined) throw new FormatError("schema.field_unknown", "no claim has such a slot");
      return concat(encodeUnsigned(slot), ENCODERS[found.valueType](values[at]));
    });
  }
}

const BY_NUMBER = new Map(
  [
    new Registry(CertificateType.CONTRIBUTION, 9, contributionClaims()),
    new Registry(CertificateType.EMPLOYER, 14, employerClaims()),
  ].map((registry) => [registry.type, registry]),
);

/** The registry of a certificate type. Throws FormatError `schema.field_unknown` for a type without one. */
export function registryOf(type) {
  const registry = BY_NUMBER.get(type);
  if (registry === undefined) throw new FormatError("schema.field_unknown", `certificate type ${type}`);
  return registry;
}
