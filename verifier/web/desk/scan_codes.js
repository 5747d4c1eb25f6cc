/**
 * QR codes out of pixels. The reader is loaded with the first picture, and kept in a worker of its own.
 */

import { FormatError } from "../ledger/errors.js";

/** About 200 MB while it is being read; a large phone photo (verifier/images.py). */
export const MAX_PIXELS = 25_000_000;

const SECONDS = 30;
const waiting = new Map();
let worker = null;
let last = 0;

/**
 * The texts of all QR codes in an ImageData, in the order the reader finds them; none is no error. The pixels are
 * handed over: the caller's ImageData is empty afterwards.
 * Throws FormatError image.unreadable when the reader cannot be loaded or gives up.
 */
export function readCodes(image) {
  const id = (last += 1);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => giveUp("the reader took too long"), SECONDS * 1000);
    waiting.set(id, { resolve, reject, timer });
    started().postMessage({ id, image }, [image.data.buffer]);
  });
}

function started() {
  if (worker === null) {
    worker = new Worker(new URL("./scan_worker.js", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }) => settle(data);
    worker.onerror = (event) => {
      event.preventDefault();
      giveUp("the reader could not be loaded");
    };
  }
  return worker;
}

function settle({ id, texts, error }) {
  const asked = waiting.get(id);
  if (asked === undefined) return;
  waiting.delete(id);
  clearTimeout(asked.timer);
  if (error === undefined) asked.resolve(texts);
  else asked.reject(new FormatError("image.unreadable", "the reader gave up"));
}

function giveUp(detail) {
  worker?.terminate();
  worker = null;
  for (const { reject, timer } of waiting.values()) {
    clearTimeout(timer);
    reject(new FormatError("image.unreadable", detail));
  }
  waiting.clear();
}
