/**
 * Many small files as one to download: a ZIP archive without compression (APPNOTE 6.3.10, sections 4.3.7, 4.3.12,
 * 4.3.16), names in UTF-8.
 */

const STORED = 0;
const UTF_8 = 0x0800;
const VERSION = 20;
const DAY_ONE = 0x21; // 1980-01-01: the archive says nothing of when it was made

const TABLE = Uint32Array.from({ length: 256 }, (_, number) => {
  let value = number;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** The archive of [[name, Uint8Array], …] as a list of pieces for a Blob; at most 65,535 files, 4 GiB. */
export function zipPieces(files) {
  const pieces = [];
  const entries = [];
  let offset = 0;
  for (const [name, data] of files) {
    const label = new TextEncoder().encode(name);
    const facts = [VERSION, UTF_8, STORED, 0, DAY_ONE];
    const sizes = [crc32(data), data.length, data.length];
    const head = [u32(0x04034b50), ...facts.map(u16), ...sizes.map(u32), u16(label.length), u16(0), label];
    entries.push([
      u32(0x02014b50), u16(VERSION), ...facts.map(u16), ...sizes.map(u32), u16(label.length),
      u16(0), u16(0), u16(0), u16(0), u32(0), u32(offset), label,
    ]);
    pieces.push(...head, data);
    offset += sum(head) + data.length;
  }
  const directory = entries.flat();
  const end = [u32(0x06054b50), u16(0), u16(0), u16(entries.length), u16(entries.length), u32(sum(directory)), u32(offset), u16(0)];
  return [...pieces, ...directory, ...end];
}

function crc32(data) {
  let value = 0xffffffff;
  for (const byte of data) value = TABLE[(value ^ byte) & 0xff] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

function u16(value) {
  return Uint8Array.of(value & 0xff, value >>> 8);
}

function u32(value) {
  return Uint8Array.of(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24);
}

function sum(pieces) {
  return pieces.reduce((total, piece) => total + piece.length, 0);
}
