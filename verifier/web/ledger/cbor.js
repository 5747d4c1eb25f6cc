/**
 * Deterministic CBOR (RFC 8949 section 4.2.1) in the narrow profile of this project: one value, one spelling.
 *
 * Integers of at most 64 bits, byte and text strings, arrays, maps, booleans, null and the one tag of COSE_Sign1. No
 * floats, no other tags, no other simple values, definite lengths, shortest heads, sorted and distinct keys, depth at
 * most 16 (an empty array or map nests nothing), exactly one item.
 *
 * In JavaScript: bytes are Uint8Array (copies, never views), integers are Number up to 2^53 - 1 in magnitude and BigInt
 * beyond, arrays are frozen Arrays, maps are Map in the order of their keys, the tag is `Tagged`.
 *
 * One walk reads and refuses. What is not well-formed ends it at once; the first breach of the profile is noted and
 * the walk goes on, because a malformed rest outranks it. Map keys of our formats lie in -24...23 plus -65537, where
 * length-first and bytewise order agree; a map whose order the two rules see differently is refused.
 */

import { compareBytes, concat, hex, utf8 } from "./digest.js";
import { FormatError } from "./errors.js";

const MAX_DEPTH = 16;
const COSE_SIGN1_TAG = 18;

/** A tagged value. */
export class Tagged {
  constructor(tag, value) {
    this.tag = tag;
    this.value = value;
    Object.freeze(this);
  }
}

/**
 * Decode exactly one item in deterministic encoding.
 *
 * Throws FormatError `enc.cbor_malformed`, `enc.cbor_noncanonical`, `enc.cbor_duplicate_key`, `enc.cbor_tag_forbidden`,
 * `enc.number_range`, `enc.utf8_invalid`, `enc.depth_limit` or `enc.trailing_data`.
 */
export function decodeCbor(data) {
  const walker = new Walker(data);
  const value = walker.item(1);
  if (walker.violation !== null) throw walker.violation;
  if (walker.at !== data.length) {
    throw new FormatError("enc.trailing_data", `${data.length - walker.at} bytes after the item`);
  }
  if (walker.disputed) throw new FormatError("enc.cbor_noncanonical", "map keys out of order");
  return value;
}

const TEXT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const SIMPLE = new Map([
  [20, false],
  [21, true],
  [22, null],
]);

class Walker {
  constructor(data) {
    this.data = data;
    this.at = 0;
    this.violation = null;
    this.disputed = false;
  }

  note(reason, detail) {
    this.violation ??= new FormatError(reason, `${detail} at byte ${this.at}`);
  }

  malformed(detail) {
    throw new FormatError("enc.cbor_malformed", `${detail} at byte ${this.at}`);
  }

  /** The next `count` bytes, as a view. */
  take(count) {
    if (count > this.data.length - this.at) this.malformed("item cut short");
    this.at += Number(count);
    return this.data.subarray(this.at - Number(count), this.at);
  }

  /** Major type, additional information and argument; the argument is null for an indefinite length. */
  head() {
    const first = this.take(1)[0];
    const major = first >> 5;
    const info = first & 0x1f;
    if (info < 24) return [major, info, info];
    if (info < 28) {
      const argument = unsigned(this.take(1 << (info - 24)));
      if (major !== 7 && argument < SHORTEST_FROM[info - 24]) {
        this.note("enc.cbor_noncanonical", "a longer head than needed");
      }
      return [major, info, argument];
    }
    if (info === 31 && major >= 2 && major <= 5) {
      this.note("enc.cbor_noncanonical", "indefinite length");
      return [major, info, null];
    }
    return this.malformed("reserved additional information");
  }

  /** Read one item whose nesting level is `depth` (1 for the outermost). */
  item(depth) {
    const [major, info, argument] = this.head();
    if (depth > MAX_DEPTH && (major === 6 || ((major === 4 || major === 5) && argument !== 0))) {
      throw new FormatError("enc.depth_limit", `more than ${MAX_DEPTH} levels at byte ${this.at}`);
    }
    switch (major) {
      case 0:
        return argument;
      case 1:
        return negative(argument);
      case 2:
        return this.string(2, argument);
      case 3:
        return this.string(3, argument);
      case 4:
        return this.array(argument, depth);
      case 5:
        return this.map(argument, depth);
      case 6:
        return this.tag(argument, depth);
      default:
        return this.simple(info, argument);
    }
  }

  string(major, length) {
    if (length === null) return this.chunks(major);
    const chunk = this.take(length);
    if (major === 2) return chunk.slice();
    try {
      return TEXT.decode(chunk);
    } catch {
      this.note("enc.utf8_invalid", "broken text");
      return "";
    }
  }

  /** Walk over a string of indefinite length, which is refused in any case. */
  chunks(major) {
    while (!this.atBreak()) {
      const [innerMajor, , innerLength] = this.head();
      if (innerMajor !== major || innerLength === null) this.malformed("a chunk of another kind");
      this.string(major, innerLength);
    }
    return null;
  }

  array(length, depth) {
    const items = [];
    if (length === null) {
      while (!this.atBreak()) this.item(depth + 1);
      return items;
    }
    // Ends at the end of the data at the latest: every item takes a byte.
    while (items.length < length) items.push(this.item(depth + 1));
    return Object.freeze(items);
  }

  map(length, depth) {
    const pairs = new Map();
    const spellings = new Set();
    const meanings = new Set();
    let previous = this.data.subarray(0, 0);
    for (let count = 0; length === null ? !this.atBreak() : count < length; count += 1) {
      const start = this.at;
      const key = this.item(depth + 1);
      const spelling = this.data.subarray(start, this.at);
      const text = hex(spelling);
      if (spellings.has(text)) {
        this.note("enc.cbor_duplicate_key", "the same key twice");
      } else if (compareBytes(spelling, previous) < 0) {
        this.note("enc.cbor_noncanonical", "keys out of order");
      }
      if (spelling.length < previous.length) this.disputed = true;
      if (this.violation === null) {
        const known = meaning(key);
        if (meanings.has(known)) this.disputed = true;
        meanings.add(known);
      }
      spellings.add(text);
      previous = spelling;
      pairs.set(key, this.item(depth + 1));
    }
    return pairs;
  }

  tag(number, depth) {
    if (number !== COSE_SIGN1_TAG) this.note("enc.cbor_tag_forbidden", `tag ${number}`);
    return new Tagged(number, this.item(depth + 1));
  }

  simple(info, argument) {
    if (info === 24 && argument < 32) this.malformed("a simple value in two bytes that fits one");
    if (info >= 25 && info <= 27) {
      this.note("enc.number_range", "a float");
    } else if (!SIMPLE.has(argument)) {
      this.note("enc.cbor_tag_forbidden", `simple value ${argument}`);
    }
    return SIMPLE.get(argument) ?? null;
  }

  atBreak() {
    if (this.at >= this.data.length) this.malformed("no break before the end");
    if (this.data[this.at] !== 0xff) return false;
    this.at += 1;
    return true;
  }
}

const SHORTEST_FROM = [24, 0x100, 0x10000, 0x100000000];

/** Big-endian bytes, at most 8, as Number or (beyond 2^53 - 1) BigInt. */
function unsigned(bytes) {
  if (bytes.length < 8) {
    let number = 0;
    for (const byte of bytes) number = number * 256 + byte;
    return number;
  }
  let number = 0n;
  for (const byte of bytes) number = (number << 8n) | BigInt(byte);
  return plainInteger(number);
}

/** A BigInt in the form in which this project holds an integer: as Number where that is exact. */
export function plainInteger(number) {
  return number <= Number.MAX_SAFE_INTEGER && number >= -Number.MAX_SAFE_INTEGER ? Number(number) : number;
}

function negative(argument) {
  return plainInteger(-1n - BigInt(argument));
}

/** A text that two keys share when the Python side, where 1 and true are equal, calls them the same key. */
function meaning(key) {
  if (typeof key === "boolean") return `i${Number(key)}`;
  if (typeof key === "number" || typeof key === "bigint") return `i${key}`;
  if (typeof key === "string") return `t${hex(utf8(key))}`;
  if (key instanceof Uint8Array) return `b${hex(key)}`;
  if (Array.isArray(key)) return `[${key.map(meaning).join()}]`;
  if (key instanceof Map) return `{${[...key].map((pair) => pair.map(meaning).join(":")).sort().join()}}`;
  return key === null ? "n" : `g${meaning(key.value)}`;
}

/** The shortest head of an item: major type 0...7 and its argument, 0 <= number < 2^64. RFC 8949 section 3. */
export function encodeHead(major, number) {
  if (number >= 0 && number < 24) return Uint8Array.of((major << 5) | Number(number));
  for (const [info, width] of WIDTHS) {
    if (number >= 0 && BigInt(number) < 1n << BigInt(8 * width)) {
      return concat(Uint8Array.of((major << 5) | info), bigEndian(number, width));
    }
  }
  throw new FormatError("enc.number_range", "a number that is negative or beyond 64 bits");
}

const WIDTHS = [
  [24, 1],
  [25, 2],
  [26, 4],
  [27, 8],
];

/** `number` (Number or BigInt, not negative) in `width` bytes, the most significant first. */
export function bigEndian(number, width) {
  const bytes = new Uint8Array(width);
  let rest = BigInt(number);
  for (let i = width - 1; i >= 0; i -= 1) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** `encodeCbor` of an integer, 0 <= number < 2^64. Throws as `encodeHead`. */
export function encodeUnsigned(number) {
  return encodeHead(0, number);
}

/** `encodeCbor` of a byte string. */
export function encodeBytes(value) {
  return concat(encodeHead(2, value.length), value);
}

/** `encodeCbor` of a text without lone surrogates. */
export function encodeText(value) {
  const data = utf8(value);
  return concat(encodeHead(3, data.length), data);
}

/**
 * The one encoding of a value built of integers, Uint8Array, string, boolean, null, Array, Map and `Tagged`.
 *
 * Throws FormatError `enc.number_range` for a number that is no integer of at most 64 bits.
 */
export function encodeCbor(value) {
  if (value === null) return Uint8Array.of(0xf6);
  if (typeof value === "boolean") return Uint8Array.of(value ? 0xf5 : 0xf4);
  if (typeof value === "bigint" || Number.isSafeInteger(value)) {
    return value < 0 ? encodeHead(1, -1n - BigInt(value)) : encodeHead(0, value);
  }
  if (typeof value === "string") return encodeText(value);
  if (value instanceof Uint8Array) return encodeBytes(value);
  if (Array.isArray(value)) return concat(encodeHead(4, value.length), ...value.map(encodeCbor));
  if (value instanceof Map) return encodeMap(value);
  if (value instanceof Tagged) return concat(encodeHead(6, value.tag), encodeCbor(value.value));
  throw new FormatError("enc.number_range", "a value outside the integer profile");
}

/** Keys shortest first, then bytewise, as the Python encoder sorts them. */
function encodeMap(map) {
  const pairs = [...map].map(([key, value]) => [encodeCbor(key), encodeCbor(value)]);
  pairs.sort(([left], [right]) => left.length - right.length || compareBytes(left, right));
  return concat(encodeHead(5, map.size), ...pairs.flat());
}
