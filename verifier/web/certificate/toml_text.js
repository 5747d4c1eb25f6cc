/**
 * The TOML 1.0 that files with flat keys are written in: texts, whole numbers, true and false, days, lists of these.
 *
 * Tables and dotted keys are refused, as `toml_file` refuses what they give. Readers of TOML 1.1 take more escapes and
 * a byte order mark; both sides must refuse the same files, hence this one. A float or a moment is read as null, which
 * no member may be.
 */

const SPACE = /[ \t]*/y;
const SPACE_AND_COMMENTS = /(?:[ \t\n]|#[^\n]*)*/y;
const COMMENT = /#[^\n]*/y;
const BARE_KEY = /[A-Za-z0-9_-]+/y;
const DAY = /([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])/y;
const TIME = /[Tt ]?(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])?/y;
const OTHER_BASE = /0(?:x[0-9A-Fa-f](?:_?[0-9A-Fa-f])*|b[01](?:_?[01])*|o[0-7](?:_?[0-7])*)/y;
const NUMBER = /([+-]?(?:0|[1-9](?:_?[0-9])*))((?:\.[0-9](?:_?[0-9])*)?(?:[eE][+-]?[0-9](?:_?[0-9])*)?)/y;
const NO_NUMBER = /[+-]?(?:inf|nan)/y;
const ESCAPES = { b: "\b", t: "\t", n: "\n", f: "\f", r: "\r", '"': '"', "\\": "\\" };
// What may stand in no text and no comment; a line break may in a text of several lines.
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/;
const MAX_DEPTH = 300;

/** The text is not TOML, or not the part of it that is read here; `line` counts from 1. */
export class TomlError extends Error {
  constructor(line) {
    super(`line ${line}`);
    this.line = line;
  }
}

/** A day, as "YYYY-MM-DD"; a class of its own, so that no text passes for one. */
export class TomlDay {
  constructor(text) {
    this.text = text;
    Object.freeze(this);
  }
}

/**
 * The members of `text` by key: string, bigint, boolean, TomlDay, null or an array of these.
 * Throws TomlError.
 */
export function readMembers(text) {
  return new Reader(text.replaceAll("\r\n", "\n")).members();
}

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  members() {
    const found = new Map();
    for (;;) {
      this.skip(SPACE);
      if (this.at >= this.text.length) return found;
      if (this.starts("\n")) {
        this.at += 1;
        continue;
      }
      if (!this.starts("#")) this.member(found);
      this.skip(SPACE);
      this.comment(COMMENT);
      if (this.at >= this.text.length) return found;
      this.due("\n");
    }
  }

  member(found) {
    const key = this.key();
    this.skip(SPACE);
    this.due("=");
    this.skip(SPACE);
    const value = this.value(0);
    if (found.has(key)) this.fail();
    found.set(key, value);
  }

  key() {
    if (this.starts("'")) return this.literal();
    if (this.starts('"')) return this.basic();
    return this.take(BARE_KEY)?.[0] ?? this.fail();
  }

  value(depth) {
    if (this.starts('"""')) return this.basicLines();
    if (this.starts('"')) return this.basic();
    if (this.starts("'''")) return this.literalLines();
    if (this.starts("'")) return this.literal();
    if (this.starts("[")) return this.list(depth + 1);
    for (const [word, value] of [["true", true], ["false", false]]) {
      if (this.starts(word)) {
        this.at += word.length;
        return value;
      }
    }
    return this.bare();
  }

  bare() {
    const start = this.at;
    const day = this.take(DAY);
    if (day !== null) {
      if (!isDay(...day.slice(1).map(Number))) this.fail(start);
      return this.take(TIME) === null ? new TomlDay(day[0]) : null;
    }
    if (this.take(TIME) !== null) return null;
    const other = this.take(OTHER_BASE);
    if (other !== null) return BigInt(other[0].replaceAll("_", ""));
    const number = this.take(NUMBER);
    if (number !== null) return number[2] ? null : whole(number[1].replaceAll("_", ""));
    return this.take(NO_NUMBER) === null ? this.fail() : null;
  }

  list(depth) {
    if (depth > MAX_DEPTH) this.fail();
    this.at += 1;
    const found = [];
    for (;;) {
      this.comment(SPACE_AND_COMMENTS);
      if (this.starts("]")) break;
      found.push(this.value(depth));
      this.comment(SPACE_AND_COMMENTS);
      if (this.starts("]")) break;
      this.due(",");
    }
    this.at += 1;
    return found;
  }

  literal() {
    const end = this.text.indexOf("'", this.at + 1);
    return this.piece(this.at + 1, end, 1, /\n/);
  }

  literalLines() {
    this.opened();
    const text = this.piece(this.at, this.text.indexOf("'''", this.at), 3);
    return text + this.quotesLeft("'");
  }

  basic() {
    this.at += 1;
    let found = "";
    for (;;) {
      const end = this.find(/["\\]/g);
      found += this.piece(this.at, end, 0, /\n/);
      if (this.starts('"')) break;
      found += this.escape();
    }
    this.at += 1;
    return found;
  }

  basicLines() {
    this.opened();
    let found = "";
    for (;;) {
      const end = this.find(/"""|\\/g);
      found += this.piece(this.at, end, 0);
      if (this.starts('"""')) break;
      found += this.brokenLine() ? "" : this.escape();
    }
    this.at += 3;
    return found + this.quotesLeft('"');
  }

  /** Pass the opening quotes, and a line break that follows them. */
  opened() {
    this.at += 3;
    if (this.starts("\n")) this.at += 1;
  }

  /** A text may end in quotes of its own: at most two, before the three that close it. */
  quotesLeft(quote) {
    let found = "";
    while (found.length < 2 && this.starts(quote)) {
      found += quote;
      this.at += 1;
    }
    return found;
  }

  /** Pass a backslash that ends its line, and the white space that follows it. */
  brokenLine() {
    return this.take(/\\[ \t]*\n[ \t\n]*/y) !== null;
  }

  escape() {
    const code = this.take(/\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8}))/y);
    if (code !== null) {
      const point = parseInt(code[1] ?? code[2], 16);
      if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) this.fail();
      return String.fromCodePoint(point);
    }
    const short = this.take(/\\([btnfr"\\])/y);
    return short === null ? this.fail() : ESCAPES[short[1]];
  }

  /** The text from `start` to `end`, which must be there; pass it and `more` characters. */
  piece(start, end, more, forbidden = null) {
    if (end < 0) this.fail(this.text.length);
    const text = this.text.slice(start, end);
    const wrong = text.search(forbidden === null ? CONTROL : new RegExp(`${CONTROL.source}|${forbidden.source}`));
    if (wrong >= 0) this.fail(start + wrong);
    this.at = end + more;
    return text;
  }

  find(pattern) {
    pattern.lastIndex = this.at;
    return pattern.exec(this.text)?.index ?? -1;
  }

  comment(pattern) {
    const passed = this.take(pattern)?.[0] ?? "";
    const wrong = passed.search(CONTROL);
    if (wrong >= 0) this.fail(this.at - passed.length + wrong);
  }

  skip(pattern) {
    this.take(pattern);
  }

  /** What stands here of this sticky pattern, passed; null if nothing does, or nothing of any length. */
  take(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found === null || found[0] === "") return null;
    this.at += found[0].length;
    return found;
  }

  starts(text) {
    return this.text.startsWith(text, this.at);
  }

  due(text) {
    if (!this.starts(text)) this.fail();
    this.at += text.length;
  }

  fail(at = this.at) {
    throw new TomlError(this.text.slice(0, at).split("\n").length);
  }
}

function whole(digits) {
  return digits.startsWith("+") ? BigInt(digits.slice(1)) : BigInt(digits);
}

/** Whether the calendar has this day; years from 1. */
export function isDay(year, month, day) {
  if (year < 1 || month < 1 || month > 12 || day < 1) return false;
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return day <= [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1];
}
