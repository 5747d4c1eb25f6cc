/**
 * The closed set of value shapes a claim may take: each is checked and encoded in one go.
 *
 * Money is integer fen, a month YYYYMM, a date YYYYMMDD.
 */

import { concat } from "../ledger/digest.js";
import { encodeCbor, encodeHead, encodeText, encodeUnsigned } from "../ledger/cbor.js";
import { FormatError } from "../ledger/errors.js";
import { checkDisplayText } from "./display_text.js";

const MAX_FEN = 10 ** 13;
const MAX_MONTHS = 1200;
const MAX_ITEMS = 64;

export const ValueType = Object.freeze({
  TEXT: "text",
  ID_NO: "id_no",
  ID_TAIL: "id_tail",
  CODE: "code",
  STATUS: "status",
  MONTH: "month",
  DATE: "date",
  MONTHS: "months",
  FEN: "fen",
  STRIP: "strip",
  BALANCE: "balance",
  EMPLOYER: "employer",
  SPELL: "spell",
  PROXY: "proxy",
  COMMITMENT: "commitment",
  ANSWER: "answer",
  COUNT: "count",
});

function integer(low, high) {
  return (value) => encodeUnsigned(number(value, low, high));
}

function number(value, low, high) {
  if (typeof value !== "number" && typeof value !== "bigint") {
    throw new FormatError("schema.field_type", "integer expected");
  }
  if (value < low || value > high) throw new FormatError("enc.number_range", `not in ${low}...${high}`);
  return value;
}

function pattern(form) {
  const whole = new RegExp(`^(?:${form})$`, "u");
  return (value) => {
    if (typeof value !== "string" || !whole.test(value)) {
      throw new FormatError("schema.field_type", `text of the form ${form} expected`);
    }
    return encodeText(value);
  };
}

function octets(size) {
  return (value) => {
    if (!(value instanceof Uint8Array) || value.length !== size) {
      throw new FormatError("schema.field_type", `${size} bytes expected`);
    }
    return concat(encodeHead(2, size), value);
  };
}

function array(...parts) {
  return (value) => {
    const list = items(value, parts.length);
    return concat(encodeHead(4, parts.length), ...parts.map((part, at) => part(list[at])));
  };
}

function items(value, count) {
  if (!Array.isArray(value) || (count !== null && value.length !== count) || value.length > MAX_ITEMS) {
    throw new FormatError("schema.field_type", `a list of ${count ?? "at most 64"} items expected`);
  }
  return value;
}

function text(value) {
  if (typeof value !== "string") throw new FormatError("schema.field_type", "text expected");
  checkDisplayText(value);
  return encodeText(value);
}

function month(value) {
  const whole = number(value, 190000, 299912);
  if (whole % 100 > 12) throw new FormatError("enc.number_range", "a month is YYYYMM, or YYYY00 for a kind paid by the year");
  return encodeUnsigned(whole);
}

function date(value) {
  const whole = number(value, 19000101, 29991231);
  const [inYear, day] = [Math.floor(whole / 100) % 100, whole % 100];
  if (!(inYear >= 1 && inYear <= 12 && day >= 1 && day <= 31)) {
    throw new FormatError("enc.number_range", "a date is YYYYMMDD");
  }
  return encodeUnsigned(whole);
}

function answer(value) {
  if (typeof value !== "boolean") throw new FormatError("schema.field_type", "an answer is true or false");
  return encodeCbor(value);
}

function organisationCode(value) {
  return value === null ? encodeCbor(null) : uscc(value);
}

function templates(value) {
  const list = items(value, null);
  return concat(encodeHead(4, list.length), ...list.map(template));
}

const uscc = pattern("[0-9A-Z]{18}");
const template = pattern("[a-z0-9./]{1,32}");
const tail = pattern("[0-9A-Z]{4}");
const months = integer(0, MAX_MONTHS);
const fen = integer(0, MAX_FEN);

/**
 * Per value shape: the deterministic CBOR of a value that has it.
 *
 * Each throws FormatError `schema.field_type`, `enc.number_range` or a text reason (`schema.text_…`).
 */
export const ENCODERS = Object.freeze({
  [ValueType.TEXT]: text,
  [ValueType.ID_NO]: pattern("[0-9A-Z]{4,32}"),
  [ValueType.ID_TAIL]: tail,
  [ValueType.CODE]: pattern("[0-9A-Z]{1,18}"),
  [ValueType.STATUS]: integer(1, 3),
  [ValueType.MONTH]: month,
  [ValueType.DATE]: date,
  [ValueType.MONTHS]: months,
  [ValueType.COUNT]: integer(0, 10 ** 7),
  [ValueType.FEN]: fen,
  [ValueType.STRIP]: octets(3),
  [ValueType.COMMITMENT]: octets(32),
  [ValueType.BALANCE]: array(fen, date),
  [ValueType.EMPLOYER]: array(organisationCode, text, month, months),
  [ValueType.SPELL]: array(text, month, month, months),
  [ValueType.PROXY]: array(text, tail, date, templates),
  [ValueType.ANSWER]: array(octets(32), answer),
});
