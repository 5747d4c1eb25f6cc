/**
 * JSON as the Python side reads it, for printable ASCII without a backslash: every string has one spelling.
 *
 * The browser's own reader refuses NaN, and gives 1 for 1.0 and for 1.00000000000000001, over which other bytes were
 * signed. Objects become Maps, whole numbers BigInts.
 */

const MAX_DEPTH = 900;
const MAX_DIGITS = 4300; // longest whole number that Python takes
const SPACE = /[ \n]*/y;
const STRING = /"([^"\n]*)"/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)((?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)/y;
const WORD = /true|false|null|NaN|Infinity|-Infinity/y;
const WORDS = new Map([
  ["true", true],
  ["false", false],
  ["null", null],
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
]);

/** The one value in `text`. Throws SyntaxError. */
export function parseJson(text) {
  const reader = new Reader(text);
  const value = reader.value(0);
  if (reader.at !== text.length) throw new SyntaxError("something after the value");
  return value;
}

/** Canonical JSON as TUF signs it: keys sorted, no space. */
export function canonicalJson(value) {
  if (typeof value === "string") return `"${value}"`;
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (value instanceof Map) {
    const names = [...value.keys()].sort();
    return `{${names.map((name) => `"${name}":${canonicalJson(value.get(name))}`).join(",")}}`;
  }
  return String(value);
}

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  value(depth) {
    if (depth > MAX_DEPTH) throw new SyntaxError("nested too deeply");
    this.match(SPACE);
    const value = this.bare(depth);
    this.match(SPACE);
    return value;
  }

  bare(depth) {
    if (this.skip("{")) return this.object(depth);
    if (this.skip("[")) return this.array(depth);
    const string = this.match(STRING);
    if (string !== null) return string[1];
    const word = this.match(WORD);
    if (word !== null) return WORDS.get(word[0]);
    const number = this.match(NUMBER);
    if (number === null) throw new SyntaxError("no value");
    if (number[1]) return Number(number[0]);
    if (number[0].length > MAX_DIGITS) throw new SyntaxError("a number too long");
    return BigInt(number[0]);
  }

  object(depth) {
    const members = new Map();
    this.match(SPACE);
    if (this.skip("}")) return members;
    do {
      this.match(SPACE);
      const name = this.match(STRING);
      this.match(SPACE);
      if (name === null || !this.skip(":")) throw new SyntaxError("no member");
      members.set(name[1], this.value(depth + 1));
    } while (this.skip(","));
    if (!this.skip("}")) throw new SyntaxError("an object without end");
    return members;
  }

  array(depth) {
    const items = [];
    this.match(SPACE);
    if (this.skip("]")) return items;
    do items.push(this.value(depth + 1));
    while (this.skip(","));
    if (!this.skip("]")) throw new SyntaxError("an array without end");
    return items;
  }

  skip(character) {
    if (this.text[this.at] !== character) return false;
    this.at += 1;
    return true;
  }

  match(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found !== null) this.at = pattern.lastIndex;
    return found;
  }
}
