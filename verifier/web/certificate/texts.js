/** Words for people, in Chinese and English: names of claims, branches and statuses, values, and a sentence per reason. */

import { REASON_TEXTS } from "../generated/reason_texts.js";
import { CLAIMS, KINDS, STATUSES } from "../generated/texts.js";
import { ValueType } from "./slots.js";

const MARKS = "\u00b7\u25cf\u25d0\u25cb"; // one a month: none, on time, back-paid, counted otherwise

/** What is wrong and what to do next, in one sentence. */
export function reasonText(reason, language) {
  return REASON_TEXTS[language][reason];
}

export function kindName(kind, language) {
  return KINDS[language][kind];
}

/** The claim's name for people. A strip names its year when the certificate's `cutOff` (YYYYMM) is known. */
export function claimName(claim, language, cutOff = null) {
  const name = CLAIMS[language][claim.labelKey];
  if (!claim.kind) return name;
  const kind = kindName(claim.kind, language);
  if (claim.valueType === ValueType.STRIP) {
    const year = cutOff === null ? `-${claim.yearsBack}` : String(Math.floor(cutOff / 100) - claim.yearsBack);
    return language === "zh" ? `${kind} ${year}\u5e74${name}` : `${kind} ${year}, ${name}`;
  }
  return language === "zh" ? `${kind}${name}` : `${kind}, ${name}`;
}

/** A claim's value for people: yuan with two decimals, months as 2026-10, a strip as twelve marks. */
export function formatValue(claim, value, language) {
  const formatter = FORMATTERS[claim.valueType];
  return formatter === undefined ? String(value) : formatter(value, language);
}

/** What the opening of a threshold commitment says. */
export function atLeastText(count, language) {
  return language === "zh" ? `\u81f3\u5c11 ${count} \u4e2a\u6708` : `at least ${count} months`;
}

/** `template` with each {name} in it replaced by that member of `values`, once. */
export function filled(template, values) {
  return template.replace(/\{([a-z_]+)\}/g, (_, name) => String(values[name]));
}

/** The day so many days after 1970-01-01, as 2026-10-31. */
export function dayText(days) {
  return new Date(days * 86400000).toISOString().slice(0, 10);
}

/** A month YYYYMM, as 2026-10. */
export function periodText(period) {
  return `${Math.floor(period / 100)}-${twoDigits(period % 100)}`;
}

function month(value) {
  return value % 100 ? periodText(value) : String(Math.floor(value / 100));
}

function date(value) {
  return `${periodText(Math.floor(value / 100))}-${twoDigits(value % 100)}`;
}

function twoDigits(value) {
  return String(value).padStart(2, "0");
}

function yuan(fen) {
  const whole = String(Math.floor(fen / 100)).replace(/\B(?=(?:[0-9]{3})+$)/g, ",");
  return `${whole}.${twoDigits(fen % 100)}`;
}

function money(fen, language) {
  return language === "zh" ? `${yuan(fen)} \u5143` : `CNY ${yuan(fen)}`;
}

function months(value, language) {
  return language === "zh" ? `${value} \u4e2a\u6708` : `${value} months`;
}

/** January to December, in groups of three. */
function strip(value) {
  const bits = (value[0] << 16) | (value[1] << 8) | value[2];
  const marks = Array.from({ length: 12 }, (_, at) => MARKS[(bits >> (2 * at)) & 3]);
  return [0, 3, 6, 9].map((at) => marks.slice(at, at + 3).join("")).join(" ");
}

function employer([uscc, name, since, count], language) {
  const code = uscc ? ` ${uscc}` : "";
  if (language === "zh") return `${name}${code}\uff0c${month(since)} \u8d77\uff0c${months(count, language)}`;
  return `${name}${code}, since ${month(since)}, ${months(count, language)}`;
}

function spell([name, first, last, count], language) {
  const comma = language === "zh" ? "\uff0c" : ", ";
  return [name, `${month(first)} \u2013 ${month(last)}`, months(count, language)].join(comma);
}

function balance([fen, asOf], language) {
  return `${money(fen, language)} (${date(asOf)})`;
}

function proxy([name, tail, until]) {
  return `${name} (${tail}), ${date(until)}`;
}

const COMMITTED = Object.freeze({ zh: "\u672a\u51fa\u793a\u6708\u6570", en: "no number of months is shown" });

const FORMATTERS = Object.freeze({
  [ValueType.MONTH]: month,
  [ValueType.DATE]: date,
  [ValueType.MONTHS]: months,
  [ValueType.FEN]: money,
  [ValueType.STRIP]: strip,
  [ValueType.STATUS]: (value, language) => STATUSES[language][value],
  [ValueType.EMPLOYER]: employer,
  [ValueType.SPELL]: spell,
  [ValueType.BALANCE]: balance,
  [ValueType.PROXY]: proxy,
  [ValueType.COMMITMENT]: (_, language) => COMMITTED[language], // how many months, its opening says
  [ValueType.ANSWER]: ([, answer]) => String(answer),
});
