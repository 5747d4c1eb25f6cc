/**
 * Offices of an authority and how they stand under each other: city, county, town, village.
 *
 * An office certifies at most what the office above it certifies: its region prefix begins with the other's, its types are
 * among the other's.
 */

import { FormatError, VerificationError } from "../ledger/errors.js";

export const LEVELS = 4;

/** { authority, number, code, nameZh, nameEn, parent (or null), regionPrefix, types }. */
export class Office {
  constructor(fields) {
    Object.assign(this, fields);
    Object.freeze(this);
  }

  /** Whether it may sign certificates of this type for people of this region. */
  mayCertify(type, region) {
    return this.types.includes(type) && String(region).startsWith(this.regionPrefix);
  }
}

/** The key of an office in the Map that `checkOffices` takes. */
export function officeKey(authority, number) {
  return `${authority}/${number}`;
}

/**
 * Check that each office stands under another, within its region and types, and at most LEVELS deep.
 *
 * `offices` is a Map by `officeKey`. Throws VerificationError `trust.issuer_not_authorised`, FormatError
 * `schema.field_unknown`: it names an office above that is not there.
 */
export function checkOffices(offices) {
  for (const office of offices.values()) {
    if (office.parent === null) continue;
    const parent = offices.get(officeKey(office.authority, office.parent));
    if (parent === undefined) {
      throw new FormatError("schema.field_unknown", `office ${office.number} under an unknown one`);
    }
    const isInside = office.regionPrefix.startsWith(parent.regionPrefix);
    if (!isInside || !office.types.every((type) => parent.types.includes(type))) {
      throw new VerificationError(
        "trust.issuer_not_authorised",
        `office ${office.number} exceeds office ${parent.number}`,
      );
    }
    if (countAbove(offices, office) >= LEVELS) {
      throw new VerificationError("trust.issuer_not_authorised", `office ${office.number} is below a village`);
    }
  }
}

/** How many offices stand above one; of a circle, LEVELS. */
function countAbove(offices, office) {
  let [at, count] = [office, 0];
  while (count < LEVELS && at.parent !== null) {
    at = offices.get(officeKey(at.authority, at.parent));
    if (at === undefined) break;
    count += 1;
  }
  return count;
}
