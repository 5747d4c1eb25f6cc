/**
 * Inflating zlib data (RFC 1950, RFC 1951) with a limit, strictly: one whole stream and nothing else.
 *
 * The browser's own stream says no more than "no", and takes in whole chunks before it can be stopped: whether a list is
 * damaged, too large or followed by something has a reason of its own here.
 */

import { FormatError } from "../ledger/errors.js";

const MAX_BITS = 15;
const END_OF_BLOCK = 256;
const ADLER = 65521;
const ADLER_RUN = 5552; // bytes after which the sums have to be reduced, RFC 1950 section 9
// Lengths 3...258 by symbol: eight without extra bits, then four each for one bit more; the last stands alone.
const LENGTH_BITS = [...new Array(8).fill(0), ...[1, 2, 3, 4, 5].flatMap((bits) => [bits, bits, bits, bits]), 0];
const LENGTH_BASE = LENGTH_BITS.map((_, at) => LENGTH_BITS.slice(0, at).reduce((base, bits) => base + (1 << bits), 3));
LENGTH_BASE[28] = 258;
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const REPEATS = new Map([
  [16, { bits: 2, least: 3 }],
  [17, { bits: 3, least: 3 }],
  [18, { bits: 7, least: 11 }],
]);

/**
 * The inflated bytes, at most `limit` of them; inflating stops there, whatever the input promises.
 *
 * Throws FormatError `enc.decompress_failed` (container, checksum, cut short, preset dictionary),
 * `enc.decompress_limit`, `enc.trailing_data`.
 */
export function inflateBounded(data, { limit }) {
  const stream = new Inflater(data, limit + 1);
  try {
    stream.run();
  } catch (error) {
    if (!(error instanceof CutShort) || stream.size <= limit) throw error;
  }
  if (stream.size > limit) throw tooLarge(limit);
  if (stream.at < data.length) {
    throw new FormatError("enc.trailing_data", `${data.length - stream.at} bytes after the stream`);
  }
  return stream.output.slice(0, stream.size);
}

/** One pass over a stream; `output` grows up to `most` bytes. */
class Inflater {
  constructor(data, most) {
    this.data = data;
    this.most = most;
    this.at = 0;
    this.held = 0;
    this.heldBits = 0;
    this.output = new Uint8Array(Math.min(most, 65536));
    this.size = 0;
  }

  run() {
    const head = this.bits(8) * 256 + this.bits(8);
    const isZlib = head % 31 === 0 && ((head >> 8) & 15) === 8 && head >> 12 <= 7;
    if (!isZlib || head & 0x20) throw failed("not a zlib stream, or one with a preset dictionary");
    let isLast = false;
    while (!isLast) {
      isLast = this.bits(1) === 1;
      this.block(this.bits(2));
    }
    this.toByte();
    const stated = [this.bits(8), this.bits(8), this.bits(8), this.bits(8)];
    const due = adler32(this.output.subarray(0, this.size));
    if (stated.some((byte, at) => byte !== due[at])) throw failed("the checksum is another one");
  }

  block(kind) {
    if (kind === 0) return this.stored();
    if (kind === 1) return this.codes(FIXED_LENGTHS, FIXED_DISTANCES);
    if (kind === 2) return this.codes(...this.tables());
    throw failed("a block of no kind");
  }

  stored() {
    this.toByte();
    const length = this.bits(16);
    if ((length ^ this.bits(16)) !== 0xffff) throw failed("the length of a stored block");
    for (let i = 0; i < length; i += 1) this.put(this.bits(8));
  }

  /** The two codes of a block that brings its own. RFC 1951 section 3.2.7. */
  tables() {
    const [lengths, distances, described] = [this.bits(5) + 257, this.bits(5) + 1, this.bits(4) + 4];
    if (lengths > 286 || distances > 30) throw failed("too many codes");
    const sizes = new Array(19).fill(0);
    for (const symbol of ORDER.slice(0, described)) sizes[symbol] = this.bits(3);
    const code = makeCode(sizes, { mayBeSingle: false });
    const read = [];
    while (read.length < lengths + distances) this.readSizes(code, read, lengths + distances);
    if (!read[END_OF_BLOCK]) throw failed("a block without end");
    return [read.slice(0, lengths), read.slice(lengths)].map((part) => makeCode(part, { mayBeSingle: true }));
  }

  readSizes(code, read, most) {
    const symbol = this.symbol(code);
    const repeat = REPEATS.get(symbol);
    if (repeat === undefined) {
      read.push(symbol);
      return;
    }
    if (symbol === 16 && !read.length) throw failed("nothing to repeat");
    const size = symbol === 16 ? read.at(-1) : 0;
    const times = repeat.least + this.bits(repeat.bits);
    if (read.length + times > most) throw failed("a repetition beyond the codes");
    for (let i = 0; i < times; i += 1) read.push(size);
  }

  codes(lengths, distances) {
    for (;;) {
      const symbol = this.symbol(lengths);
      if (symbol === END_OF_BLOCK) return;
      if (symbol < END_OF_BLOCK) {
        this.put(symbol);
      } else {
        this.copy(symbol - 257, distances);
      }
    }
  }

  copy(symbol, distances) {
    if (symbol >= LENGTH_BASE.length) throw failed("a length of no meaning");
    const length = LENGTH_BASE[symbol] + this.bits(LENGTH_BITS[symbol]);
    const far = this.symbol(distances);
    if (far > 29) throw failed("a distance of no meaning");
    const extra = far < 4 ? 0 : (far >> 1) - 1;
    const base = far < 4 ? far + 1 : ((2 + (far & 1)) << extra) + 1;
    const distance = base + this.bits(extra);
    if (this.size === this.most) throw tooLarge(this.most - 1); // nobody looks further, not even at the distance
    if (distance > this.size) throw failed("a distance before the start");
    const end = Math.min(this.size + length, this.most);
    this.grow(end);
    for (let at = this.size; at < end; at += 1) this.output[at] = this.output[at - distance];
    const isWhole = this.size + length === end;
    this.size = end;
    if (!isWhole) throw tooLarge(this.most - 1);
  }

  put(byte) {
    if (this.size === this.most) throw tooLarge(this.most - 1);
    this.grow(this.size + 1);
    this.output[this.size] = byte;
    this.size += 1;
  }

  /** Have room for `size` bytes, at most `most`. */
  grow(size) {
    if (size <= this.output.length) return;
    const larger = new Uint8Array(Math.min(this.most, Math.max(size, 2 * this.output.length)));
    larger.set(this.output);
    this.output = larger;
  }

  /** The next symbol of a code; of what follows no more is read than its bits. */
  symbol(table) {
    for (;;) {
      const entry = table[this.held & (table.length - 1)];
      const size = entry & 15;
      if (entry === 0 && this.heldBits > 0) throw failed("a code of no symbol");
      if (entry !== 0 && size <= this.heldBits) {
        this.held >>>= size;
        this.heldBits -= size;
        return entry >> 4;
      }
      this.load();
    }
  }

  /** The next bits, at most 16, the first one lowest. */
  bits(count) {
    while (this.heldBits < count) this.load();
    const taken = this.held & ((1 << count) - 1);
    this.held >>>= count;
    this.heldBits -= count;
    return taken;
  }

  load() {
    if (this.at === this.data.length) throw new CutShort("enc.decompress_failed", "cut short");
    this.held |= this.data[this.at] << this.heldBits;
    this.heldBits += 8;
    this.at += 1;
  }

  toByte() {
    this.held = 0;
    this.heldBits = 0;
  }
}

class CutShort extends FormatError {}

/**
 * A canonical code from the sizes of its symbols (RFC 1951 section 3.2.2): by the next bits, the first one lowest, the
 * symbol times 16 plus its size, or 0. One that leaves bit strings without symbol is refused, unless it has one symbol
 * of one bit and `mayBeSingle`, or none.
 */
function makeCode(sizes, { mayBeSingle }) {
  const counts = new Array(MAX_BITS + 1).fill(0);
  for (const size of sizes) counts[size] += 1;
  counts[0] = 0;
  let free = 1;
  for (const count of counts.slice(1)) {
    free = 2 * free - count;
    if (free < 0) throw failed("more symbols than codes");
  }
  const longest = counts.findLastIndex((count) => count > 0);
  if (free > 0 && longest > 0 && !(mayBeSingle && longest === 1)) throw failed("codes without symbol");
  const table = new Int32Array(1 << Math.max(longest, 1));
  let code = 0;
  for (let size = 1; size <= longest; size += 1) {
    for (const [symbol, its] of sizes.entries()) {
      if (its !== size) continue;
      for (let at = reversed(code, size); at < table.length; at += 1 << size) table[at] = (symbol << 4) | size;
      code += 1;
    }
    code <<= 1;
  }
  return table;
}

function reversed(code, size) {
  let turned = 0;
  for (let bit = 0; bit < size; bit += 1) turned |= ((code >> bit) & 1) << (size - 1 - bit);
  return turned;
}

const FIXED_LENGTHS = makeCode(
  Array.from({ length: 288 }, (_, symbol) => (symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8)),
  { mayBeSingle: false },
);
const FIXED_DISTANCES = makeCode(new Array(32).fill(5), { mayBeSingle: false });

/** The checksum of RFC 1950 section 8, four bytes. */
function adler32(data) {
  let [low, high] = [1, 0];
  for (let start = 0; start < data.length; start += ADLER_RUN) {
    for (const byte of data.subarray(start, start + ADLER_RUN)) {
      low += byte;
      high += low;
    }
    low %= ADLER;
    high %= ADLER;
  }
  return [high >> 8, high & 255, low >> 8, low & 255];
}

function failed(detail) {
  return new FormatError("enc.decompress_failed", detail);
}

function tooLarge(limit) {
  return new FormatError("enc.decompress_limit", `more than ${limit} bytes`);
}
