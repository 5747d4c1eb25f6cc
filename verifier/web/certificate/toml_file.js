/** A small TOML file with flat keys, whose members are taken with their type and refused with their line. */

import { FormatError } from "../ledger/errors.js";
import { checkDisplayText } from "./display_text.js";
import { readMembers, TomlDay, TomlError } from "./toml_text.js";

const MAX_LINE = 1024;
const WORDS = { number: "a number", text: "a text", truth: "true or false", list: "a list of texts" };

/**
 * The members of a file of at most `atMost` bytes, as a TomlFile.
 *
 * `reason` is what every refusal of this file is called. Throws FormatError `reason`, naming the line and what is wrong.
 */
export function readToml(data, { atMost, reason }) {
  if (data.length > atMost) refuse(reason, 1, `a file of this kind has at most ${atMost} bytes`);
  checkLines(data, reason);
  const text = decoded(data, reason);
  try {
    return new TomlFile(text, readMembers(text), reason);
  } catch (error) {
    if (error instanceof TomlError) refuse(reason, error.line, "not TOML");
    throw error;
  }
}

function checkLines(data, reason) {
  let number = 1;
  let size = 0;
  for (const byte of data) {
    size += 1;
    if (byte === 10) {
      number += 1;
      size = 0;
    } else if (size > MAX_LINE) {
      refuse(reason, number, `a line has at most ${MAX_LINE} bytes`);
    }
  }
}

function decoded(data, reason) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    return refuse(reason, 1, "not UTF-8");
  }
}

/** Takes members with their type; knows on which line each stands. Every method throws FormatError `reason`. */
export class TomlFile {
  constructor(text, members, reason) {
    this.text = text;
    this.members = members;
    this.reason = reason;
  }

  checkKeys(required, optional) {
    for (const name of this.members.keys()) {
      if (!required.includes(name) && !optional.includes(name)) this.fail(name, `there is no key '${name}'`);
    }
    for (const name of required) {
      if (!this.members.has(name)) refuse(this.reason, 1, `${name} is missing`);
    }
  }

  /** The member as it was read: `kind` is number (a bigint), text, truth or list. */
  take(name, kind, { fallback } = {}) {
    const value = this.members.has(name) ? this.members.get(name) : fallback;
    if (kindOf(value) !== kind) this.fail(name, `${name} is ${WORDS[kind]}`);
    return value;
  }

  /** A whole number from `low` to `high`. */
  number(name, low, high, { fallback } = {}) {
    const value = this.take(name, "number", { fallback: fallback === undefined ? undefined : BigInt(fallback) });
    if (value < low || value > high) this.fail(name, `${name} is ${low} to ${high}`);
    return Number(value);
  }

  /** A text of at most `longest` characters that matches the whole `pattern` (source of a RegExp). */
  matching(name, pattern, longest) {
    const value = this.take(name, "text");
    if ([...value].length > longest || !matchesWhole(pattern, value)) {
      this.fail(name, `${name} has at most ${longest} characters and the form ${pattern}`);
    }
    return value;
  }

  /** A text that may be shown to people. */
  display(name) {
    const value = this.take(name, "text");
    try {
      checkDisplayText(value);
    } catch (error) {
      if (error instanceof FormatError) this.fail(name, `${name}: ${error.reason}`);
      throw error;
    }
    return value;
  }

  /** A day, as "YYYY-MM-DD". */
  day(name) {
    const value = this.members.get(name);
    if (!(value instanceof TomlDay)) this.fail(name, `${name} is a day YYYY-MM-DD`);
    return value.text;
  }

  /** A list of at most `most` different texts. */
  texts(name, most) {
    const values = this.take(name, "list", { fallback: [] });
    const isText = values.every((value) => typeof value === "string");
    if (values.length > most || !isText || new Set(values).size < values.length) {
      this.fail(name, `${name} is a list of at most ${most} different texts`);
    }
    return Object.freeze([...values]);
  }

  /** A list of names of claims that `known` (a Map by name) has. */
  names(name, most, known) {
    const found = this.texts(name, most);
    for (const claim of found) {
      if (!known.has(claim)) this.fail(name, `no claim is called '${claim}'`);
    }
    return found;
  }

  /** The line on which the member begins, from 1. */
  line(name) {
    const escaped = name.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
    const found = new RegExp(`(?<=^|\\n)[ \\t\\[]*${escaped}[ \\t]*[=\\].]`).exec(this.text);
    return found === null ? 1 : this.text.slice(0, found.index).split("\n").length;
  }

  /** Refuse member `name`; `below` counts lines down from where it begins. */
  fail(name, what, { below = 0 } = {}) {
    refuse(this.reason, this.line(name) + below, what);
  }
}

/** Whether the whole `text` matches the source of a pattern. */
export function matchesWhole(pattern, text) {
  return new RegExp(`^(?:${pattern})$`).test(text);
}

function kindOf(value) {
  if (Array.isArray(value)) return "list";
  return { bigint: "number", string: "text", boolean: "truth" }[typeof value];
}

function refuse(reason, line, what) {
  throw new FormatError(reason, `line ${line}: ${what}`, { hint: "correct the line and load it again" });
}
