/**
 * The pages of a PDF as pictures. pdf.js is loaded with the first PDF; scripts, forms and fonts of the file are left
 * alone, and nothing of it is run as code.
 */

import { FormatError } from "../ledger/errors.js";
import { GlobalWorkerOptions, getDocument } from "../vendor/pdfjs/pdf.js";
import { MAX_PIXELS } from "./scan_codes.js";

const MAX_PAGES = 20;
const DPI = 200;

GlobalWorkerOptions.workerSrc = new URL("../vendor/pdfjs/pdf.worker.js", import.meta.url).href;

/**
 * Each page of the PDF (Uint8Array) as a canvas at 200 dots an inch, one at a time.
 * Throws FormatError enc.too_large (pages, or pixels of one), image.unreadable (damaged, or under a password).
 */
export async function* renderPages(bytes) {
  const loading = getDocument({
    data: bytes.slice(), // pdf.js takes the buffer away
    isEvalSupported: false,
    enableXfa: false,
    disableFontFace: true,
    useSystemFonts: false,
    useWorkerFetch: false,
    useWasm: false,
    stopAtErrors: false,
    verbosity: 0,
  });
  try {
    const file = await unreadable(() => loading.promise);
    if (file.numPages > MAX_PAGES) throw tooLarge(`${file.numPages} pages, at most ${MAX_PAGES}`);
    for (let number = 1; number <= file.numPages; number += 1) yield await rendered(file, number);
  } finally {
    await loading.destroy();
  }
}

async function rendered(file, number) {
  return unreadable(async () => {
    const page = await file.getPage(number);
    const viewport = page.getViewport({ scale: DPI / 72 });
    const [width, height] = [Math.ceil(viewport.width), Math.ceil(viewport.height)];
    if (width * height > MAX_PIXELS) throw tooLarge(`page ${number} of the PDF`);
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width, height });
    await page.render({ canvas, viewport, background: "#fff" }).promise;
    page.cleanup();
    return canvas;
  });
}

async function unreadable(work) {
  try {
    return await work();
  } catch (error) {
    if (error instanceof FormatError) throw error;
    throw new FormatError("image.unreadable", "a PDF that is damaged or under a password");
  }
}

function tooLarge(detail) {
  return new FormatError("enc.too_large", detail);
}
