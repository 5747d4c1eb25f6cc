/**
 * QR codes out of a picture or a PDF that was dropped, pasted or chosen (verifier/images.py). Limits before work.
 */

import { FormatError } from "../ledger/errors.js";
import { MAX_PIXELS, readCodes } from "./scan_codes.js";

export const MAX_BYTES = 32 * 2 ** 20;

const TYPES = [
  ["image/png", [0x89, 0x50, 0x4e, 0x47]],
  ["image/jpeg", [0xff, 0xd8, 0xff]],
  ["image/webp", [0x52, 0x49, 0x46, 0x46]],
];
const PDF = [0x25, 0x50, 0x44, 0x46];
const SMALLEST_LARGE = 1600; // a photo is also looked at at half its size: noise goes, the code stays

/** Whether these bytes are a picture or a PDF by their first bytes; names and declared types count for nothing. */
export function isPicture(bytes) {
  return typeOf(bytes) !== null || startsWith(bytes, PDF);
}

/**
 * The texts of all QR codes in a PNG, JPEG, WebP or PDF (Uint8Array).
 * Throws FormatError enc.too_large, image.unreadable, image.no_code.
 */
export async function readPicture(bytes) {
  if (bytes.length > MAX_BYTES) throw tooLarge(`${bytes.length} bytes, at most ${MAX_BYTES}`);
  const texts = startsWith(bytes, PDF) ? await readPages(bytes) : await readImage(bytes);
  if (texts.length === 0) throw new FormatError("image.no_code", "no QR code in the picture");
  return texts;
}

/** The texts in one bitmap (ImageBitmap, canvas, video frame) of `width` x `height` pixels. */
export async function readBitmap(bitmap, width, height) {
  const texts = await readCodes(pixels(bitmap, width, height));
  if (texts.length > 0 || Math.max(width, height) < SMALLEST_LARGE) return texts;
  return readCodes(pixels(bitmap, width >> 1, height >> 1));
}

async function readPages(bytes) {
  const { renderPages } = await import("./scan_pdf.js");
  const texts = [];
  for await (const canvas of renderPages(bytes)) {
    texts.push(...(await readBitmap(canvas, canvas.width, canvas.height)));
  }
  return texts;
}

async function readImage(bytes) {
  const type = typeOf(bytes);
  if (type === null) throw new FormatError("image.unreadable", "neither PNG, JPEG nor WebP");
  const bitmap = await decoded(new Blob([bytes], { type }));
  try {
    if (bitmap.width * bitmap.height > MAX_PIXELS) throw tooLarge(`${bitmap.width} x ${bitmap.height} pixels`);
    return await readBitmap(bitmap, bitmap.width, bitmap.height);
  } finally {
    bitmap.close();
  }
}

async function decoded(blob) {
  try {
    return await createImageBitmap(blob, { imageOrientation: "from-image" });
  } catch {
    throw new FormatError("image.unreadable", "a picture that is damaged");
  }
}

/** Pixels on white paper: a transparent ground would turn black in shades of grey. */
function pixels(bitmap, width, height) {
  const canvas = new OffscreenCanvas(Math.max(width, 1), Math.max(height, 1));
  const drawing = canvas.getContext("2d", { willReadFrequently: true });
  drawing.fillStyle = "#fff";
  drawing.fillRect(0, 0, canvas.width, canvas.height);
  drawing.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return drawing.getImageData(0, 0, canvas.width, canvas.height);
}

function typeOf(bytes) {
  const found = TYPES.find(([, start]) => startsWith(bytes, start));
  return found === undefined ? null : found[0];
}

function startsWith(bytes, start) {
  return start.every((byte, at) => bytes[at] === byte);
}

function tooLarge(detail) {
  return new FormatError("enc.too_large", detail);
}
