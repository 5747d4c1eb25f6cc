/** Small checks that every parser of our arrays shares: arity, type and range, each with its own reason. */

import { FormatError } from "../ledger/errors.js";
import { checkDisplayText } from "./display_text.js";

/**
 * `value` as an array of `arity` items, or of `atMost` items where the arity is free (null).
 *
 * Throws FormatError `schema.field_type`, `schema.field_missing` (too short), `schema.field_unknown` (too long).
 */
export function takeArray(value, arity = null, { atMost = 4096 } = {}) {
  if (!Array.isArray(value)) throw new FormatError("schema.field_type", "an array is due");
  if (arity !== null && value.length < arity) {
    throw new FormatError("schema.field_missing", `${value.length} fields where ${arity} are due`);
  }
  if (value.length > (arity ?? atMost)) {
    throw new FormatError("schema.field_unknown", `${value.length} fields, more than the format has`);
  }
  return value;
}

/**
 * `value` as an integer in low...high (a bound beyond 2^53 is a BigInt, and so is a value there).
 *
 * Throws FormatError `schema.field_type` or `enc.number_range`.
 */
export function takeInt(value, low, high) {
  if (typeof value !== "bigint" && !Number.isSafeInteger(value)) {
    throw new FormatError("schema.field_type", "an integer is due");
  }
  if (value < low || value > high) throw new FormatError("enc.number_range", `an integer outside ${low}...${high}`);
  return value;
}

/** As `takeInt`, or null. */
export function takeOptionalInt(value, low, high) {
  return value === null ? null : takeInt(value, low, high);
}

/** `value` as a byte string of one of `sizes`. Throws FormatError `schema.field_type`. */
export function takeBytes(value, ...sizes) {
  if (!(value instanceof Uint8Array) || (sizes.length && !sizes.includes(value.length))) {
    throw new FormatError("schema.field_type", `a byte string of ${sizes.join(" or ") || "any"} bytes is due`);
  }
  return value;
}

/** `value` as a text that may be shown to people. Throws FormatError `schema.field_type` or `schema.text_…`. */
export function takeText(value, { atMost = 128 } = {}) {
  if (typeof value !== "string") throw new FormatError("schema.field_type", "a text is due");
  checkDisplayText(value, { maxCodePoints: atMost });
  return value;
}

/** Throw FormatError `enc.version_unsupported` unless `value` is the one version this code speaks. */
export function takeVersion(value, supported = 1) {
  if (takeInt(value, 0, 2 ** 31) !== supported) {
    throw new FormatError("enc.version_unsupported", `version ${value}`, { hint: "update the program" });
  }
}
