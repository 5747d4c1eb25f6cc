/**
 * The text of a rule, read into values.
 *
 *   rule  = and-rule *("or" and-rule)            and-rule = unit *("and" unit)
 *   unit  = "(" rule ")" | N "of" "(" rule *("," rule) ")" | NAME "(" kinds *("," option "=" value) ")"
 *   kinds = kind | ("any" | "all" | N "of") "(" kind *("," kind) ")"
 *   value = N | YYYY-MM | YYYY-MM-DD | word | "text" | "[" "text" *("," "text") "]"
 *
 * Bounded: 4,096 characters, 32 primitives, 8 levels, and 1,800 months, each counted for each of its kinds. Nothing is
 * looked up and nothing is computed.
 */

import { FormatError } from "../../ledger/errors.js";
import { KIND_BY_ID } from "../kinds.js";
import { isDay } from "../toml_text.js";
import { ALL_BACK, monthIndex } from "./language.js";

const MAX_TEXT = 4096;
const MAX_LEAVES = 32;
const MAX_DEPTH = 8;
const MAX_MONTHS = 600;
const MAX_LOOKED_AT = 1800; // bounds what an answer costs
const MAX_FEN = 10 ** 11;
const TOKEN =
  /(?<space>[ \t\r\n]+)|(?<day>[0-9]{4}-[0-9]{2}-[0-9]{2})(?![0-9A-Za-z_.-])|(?<month>[0-9]{4}-[0-9]{2})(?![0-9A-Za-z_.-])|(?<number>0|[1-9][0-9]{0,11})(?![0-9A-Za-z_.-])|(?<text>"[^"\n]{0,128}")|(?<word>[A-Za-z][A-Za-z0-9_]*(?:\.[a-z]+)?)|(?<mark>[(),=[\]])/uy;
const MONTHLY = ["end", "lag", "back", "otherwise", "posted_by", "flexible"];
const OPTIONS = new Map([
  ["RUN", ["months", ...MONTHLY]],
  ["COUNT", ["months", "window", "gap_window", "max_gap_total", "max_gap_single", ...MONTHLY]],
  ["TOTAL", ["months", "deemed", "moved"]],
  ["EMPLOYER", ["months", "uscc", ...MONTHLY]],
  ["STATUS", ["value"]],
  ["BASE", ["average"]],
]);
const LEAVES = { RUN: run, COUNT: count, TOTAL: total, EMPLOYER: employer, STATUS: status, BASE: base };

/** The rule that `text` says; `line` is where it begins in its file. Throws FormatError `policy.malformed`. */
export function parseRule(text, { line = 1 } = {}) {
  if ([...text].length > MAX_TEXT) refuse(line, `a rule has at most ${MAX_TEXT} characters`);
  return new Reader(tokensOf(text, line)).whole();
}

function tokensOf(text, line) {
  const tokens = [];
  let at = 0;
  while (at < text.length) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) refuse(line, `'${String.fromCodePoint(text.codePointAt(at))}' cannot stand here`);
    const [kind] = Object.entries(match.groups).find(([, found]) => found !== undefined);
    if (kind !== "space") tokens.push({ kind, text: match[0], line });
    line += match[0].split("\n").length - 1;
    at += match[0].length;
  }
  return [...tokens, { kind: "end", text: "", line }];
}

/** Recursive descent over the tokens. */
class Reader {
  constructor(tokens) {
    this.tokens = tokens;
    this.at = 0;
    this.leaves = 0;
    this.lookedAt = 0;
  }

  whole() {
    const rule = this.rule(1);
    if (this.next.kind !== "end") this.fail(`'and', 'or' or the end is due, not '${this.next.text}'`);
    return rule;
  }

  get next() {
    return this.tokens[this.at];
  }

  fail(what) {
    refuse(this.next.line, what);
  }

  take() {
    const token = this.next;
    if (token.kind !== "end") this.at += 1;
    return token;
  }

  passed(text) {
    if (this.next.text !== text || this.next.kind === "text") return false;
    this.take();
    return true;
  }

  due(text) {
    if (!this.passed(text)) this.fail(`'${text}' is due, not '${this.next.text}'`);
  }

  rule(depth) {
    if (depth > MAX_DEPTH) this.fail(`at most ${MAX_DEPTH} levels of brackets`);
    const parts = [this.andRule(depth)];
    while (this.passed("or")) parts.push(this.andRule(depth));
    return parts.length === 1 ? parts[0] : combined(1, parts);
  }

  andRule(depth) {
    const parts = [this.unit(depth)];
    while (this.passed("and")) parts.push(this.unit(depth));
    return parts.length === 1 ? parts[0] : combined(parts.length, parts);
  }

  unit(depth) {
    if (this.passed("(")) {
      const rule = this.rule(depth + 1);
      this.due(")");
      return rule;
    }
    if (this.next.kind !== "number") return this.leaf();
    const wanted = this.of();
    const parts = [this.rule(depth + 1)];
    while (this.passed(",")) parts.push(this.rule(depth + 1));
    this.due(")");
    return combined(this.atLeast(wanted, parts.length), parts);
  }

  of() {
    const wanted = Number(this.take().text);
    this.due("of");
    this.due("(");
    return wanted;
  }

  atLeast(wanted, size) {
    if (wanted < 1 || wanted > size) refuse(this.tokens[this.at - 1].line, `${wanted} of ${size}`);
    return wanted;
  }

  leaf() {
    const name = this.take();
    if (!OPTIONS.has(name.text)) {
      refuse(name.line, `${[...OPTIONS.keys()].join(", ")} or '(' is due, not '${name.text}'`);
    }
    this.leaves += 1;
    if (this.leaves > MAX_LEAVES) this.fail(`at most ${MAX_LEAVES} primitives`);
    this.due("(");
    const kinds = this.kinds();
    const options = new Options(name.text, name.line, this.options(OPTIONS.get(name.text)));
    this.due(")");
    const leaf = LEAVES[name.text](kinds, options);
    this.lookedAt += monthsLookedAt(leaf);
    if (this.lookedAt > MAX_LOOKED_AT) {
      refuse(name.line, `more than ${MAX_LOOKED_AT} months are looked at, each counted for each of its kinds`);
    }
    return leaf;
  }

  kinds() {
    let wanted = null;
    if (this.next.kind === "number") {
      wanted = this.of();
    } else if (this.next.text === "any" || this.next.text === "all") {
      if (this.take().text === "any") wanted = 1;
      this.due("(");
    } else {
      return kindSet([this.kind()], 1);
    }
    const kinds = [this.kind()];
    while (this.passed(",")) kinds.push(this.kind());
    this.due(")");
    if (new Set(kinds).size !== kinds.length) this.fail("a kind is named twice");
    return kindSet(kinds, this.atLeast(wanted ?? kinds.length, kinds.length));
  }

  kind() {
    const token = this.take();
    if (!KIND_BY_ID.has(token.text)) {
      refuse(token.line, `no kind is called '${token.text}'; kinds are ${[...KIND_BY_ID.keys()].join(", ")}`);
    }
    return token.text;
  }

  options(allowed) {
    const found = new Map();
    while (this.passed(",")) {
      const name = this.take();
      if (!allowed.includes(name.text)) {
        refuse(name.line, `no such option here: '${name.text}'; there are ${[...allowed].sort().join(", ")}`);
      }
      if (found.has(name.text)) refuse(name.line, `${name.text} stands twice`);
      this.due("=");
      found.set(name.text, this.value());
    }
    return found;
  }

  /** { kind, value }: number, day, month (an end), texts or word. */
  value() {
    if (this.passed("[")) {
      const texts = [this.quoted()];
      while (this.passed(",")) texts.push(this.quoted());
      this.due("]");
      return { kind: "texts", value: texts };
    }
    const token = this.take();
    switch (token.kind) {
      case "number":
        return { kind: "number", value: Number(token.text) };
      case "day":
        return { kind: "day", value: dayOf(token) };
      case "month":
        return { kind: "month", value: endAt({ month: monthIndex(monthOf(token)) }) };
      case "text":
        return { kind: "texts", value: [token.text.slice(1, -1)] };
      case "word":
        return { kind: "word", value: token.text };
      default:
        return refuse(token.line, `a value is due, not '${token.text}'`);
    }
  }

  quoted() {
    const token = this.take();
    if (token.kind !== "text") refuse(token.line, `a text in quotes is due, not '${token.text}'`);
    return token.text.slice(1, -1);
  }
}

/** The options of one primitive, taken with their type and range. */
class Options {
  constructor(primitive, line, found) {
    this.primitive = primitive;
    this.line = line;
    this.found = found;
  }

  /** The value of option `name` if it is of `kind`, else undefined. */
  of(name, kind) {
    const option = this.found.get(name);
    return option?.kind === kind ? option.value : undefined;
  }

  /** A number of months. */
  months(name = "months", { fallback, low = 1 } = {}) {
    if (!this.found.has(name) && fallback === undefined) refuse(this.line, `${this.primitive} needs ${name}`);
    const value = this.found.has(name) ? this.of(name, "number") : fallback;
    if (value === undefined || value < low || value > MAX_MONTHS) {
      refuse(this.line, `${name} is a number of months, ${low} to ${MAX_MONTHS}`);
    }
    return value;
  }

  optionalMonths(name) {
    return this.found.has(name) ? this.months(name, { low: 0 }) : null;
  }

  number(name, low, high) {
    const value = this.of(name, "number");
    if (value === undefined || value < low || value > high) {
      refuse(this.line, `${this.primitive} needs ${name}, ${low} to ${high}`);
    }
    return value;
  }

  flag(name, fallback) {
    const value = this.found.has(name) ? this.of(name, "word") : fallback ? "yes" : "no";
    if (value !== "yes" && value !== "no") refuse(this.line, `${name} is yes or no`);
    return value === "yes";
  }

  end() {
    if (!this.found.has("end")) return endAt({ lag: this.months("lag", { fallback: 1, low: 0 }) });
    const fixed = this.of("end", "month");
    if (fixed === undefined) refuse(this.line, "end is a month YYYY-MM");
    if (this.found.has("lag")) refuse(this.line, "a fixed end has no lag");
    return fixed;
  }

  counting() {
    const postedBy = this.found.has("posted_by") ? this.of("posted_by", "day") : null;
    if (postedBy === undefined) refuse(this.line, "posted_by is a day YYYY-MM-DD");
    return Object.freeze({
      back: this.back(),
      otherwise: this.flag("otherwise", false),
      postedBy,
      flexible: this.flag("flexible", true),
    });
  }

  back() {
    const word = this.found.has("back") ? this.of("back", "word") : "exclude";
    if (word === "exclude" || word === "include") return word === "exclude" ? 0 : ALL_BACK;
    const value = this.of("back", "number");
    if (value === undefined || value < 1 || value > MAX_MONTHS) {
      refuse(this.line, "back is exclude, include, or how many months at most");
    }
    return value;
  }

  usccs() {
    const value = this.of("uscc", "texts");
    if (value === undefined || value.length < 1 || value.length > 64) {
      refuse(this.line, 'EMPLOYER needs uscc = "…" or a list of them');
    }
    if (!value.every((code) => /^[0-9A-HJ-NP-RTUWXY]{18}$/.test(code))) {
      refuse(this.line, "a credit code has 18 digits and capitals");
    }
    return Object.freeze(value);
  }
}

function monthsLookedAt(leaf) {
  if (leaf.type === "RUN" || leaf.type === "EMPLOYER") return leaf.months * leaf.kinds.kinds.length;
  if (leaf.type === "COUNT") return Math.max(leaf.window, leaf.gapWindow) * leaf.kinds.kinds.length;
  return 0;
}

function combined(atLeast, parts) {
  return Object.freeze({ type: "COMBINED", atLeast, parts: Object.freeze(parts) });
}

function kindSet(kinds, atLeast) {
  return Object.freeze({ kinds: Object.freeze(kinds), atLeast });
}

function endAt({ month = null, lag = 1 }) {
  return Object.freeze({ month, lag });
}

function run(kinds, options) {
  const [months, end] = [options.months(), options.end()];
  return Object.freeze({ type: "RUN", kinds, months, end, counting: options.counting() });
}

function count(kinds, options) {
  const [months, window] = [options.months(), options.months("window")];
  const [maxGapTotal, maxGapSingle] = [
    options.optionalMonths("max_gap_total"),
    options.optionalMonths("max_gap_single"),
  ];
  const limited = maxGapTotal !== null || maxGapSingle !== null;
  if (months > window) refuse(options.line, `${months} months do not fit into ${window}`);
  if (!limited && options.found.has("gap_window")) refuse(options.line, "gap_window without a limit of gaps");
  const counting = options.counting();
  if (counting.back > 0 && limited) {
    // Which of the back-paid months should fill the gaps? A rule that leaves it open has no one answer.
    refuse(options.line, "with a limit of gaps, back is exclude or include");
  }
  const gapWindow = options.months("gap_window", { fallback: window });
  const end = options.end();
  return Object.freeze({ type: "COUNT", kinds, months, window, end, counting, gapWindow, maxGapTotal, maxGapSingle });
}

function total(kinds, options) {
  const [months, deemed, moved] = [options.months(), options.flag("deemed", false), options.flag("moved", false)];
  return Object.freeze({ type: "TOTAL", kinds, months, deemed, moved });
}

function employer(kinds, options) {
  const [months, usccs, end] = [options.months(), options.usccs(), options.end()];
  return Object.freeze({ type: "EMPLOYER", kinds, months, usccs, end, counting: options.counting() });
}

function status(kinds, options) {
  return Object.freeze({ type: "STATUS", kinds, value: options.number("value", 1, 3) });
}

function base(kinds, options) {
  return Object.freeze({ type: "BASE", kinds, atLeast: options.number("average", 1, MAX_FEN) });
}

function dayOf(token) {
  if (!isDay(...token.text.split("-").map(Number))) refuse(token.line, `${token.text} is no day`);
  return token.text;
}

function monthOf(token) {
  const [year, month] = token.text.split("-").map(Number);
  if (year < 1900 || year > 2999 || month < 1 || month > 12) refuse(token.line, `${token.text} is no month`);
  return year * 100 + month;
}

function refuse(line, what) {
  throw new FormatError("policy.malformed", `line ${line}: ${what}`, { hint: "correct the line and load it again" });
}
