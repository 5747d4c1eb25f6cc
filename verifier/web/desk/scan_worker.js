/**
 * The reader of QR codes, away from the page: zxing-cpp as WebAssembly. A message {id, image} (ImageData) is answered
 * by {id, texts}, or by {id, error} when the reader itself failed.
 *
 * A symbol's text is returned as it stands, one character a byte: what is not ours is refused by the steps, and nothing
 * is ever opened.
 */

import { prepareZXingModule, readBarcodes } from "../vendor/zxing/reader.js";

const OPTIONS = Object.freeze({ formats: ["QRCode"], tryHarder: true, maxNumberOfSymbols: 16 });

prepareZXingModule({
  overrides: { locateFile: () => new URL("../vendor/zxing/reader.wasm", import.meta.url).href },
});

self.onmessage = async ({ data: { id, image } }) => {
  try {
    const codes = await readBarcodes(image, OPTIONS);
    self.postMessage({ id, texts: codes.filter((code) => code.isValid).map((code) => latin1(code.bytes)) });
  } catch (error) {
    self.postMessage({ id, error: String(error) });
  }
};

function latin1(bytes) {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}
