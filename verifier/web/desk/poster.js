/**
 * The stand poster, with the printed counter request on it where the site has one (a request without a nonce).
 */

import { decodeAnyRequest } from "../certificate/qr_text.js";
import { matchingDigits, parseRequest } from "../certificate/request.js";
import { fill } from "./dom.js";
import { drawQr } from "./qr_draw.js";

const place = (id) => document.getElementById(id);

place("print").addEventListener("click", () => window.print());
const found = await counterRequest();
if (found !== null) {
  fill(place("qr"), drawQr(found.text));
  fill(place("digits"), found.digits);
  fill(place("who"), found.desk);
  place("code").hidden = false;
}

/** The first request of the site that may be printed; null where there is none. */
async function counterRequest() {
  try {
    const listed = await (await fetch("requests/index.json", { cache: "no-cache" })).json();
    for (const { file } of listed.requests) {
      const text = (await (await fetch(`requests/${encodeURIComponent(file)}`, { cache: "no-cache" })).text()).trim();
      const request = await parseRequest(await decodeAnyRequest(new TextEncoder().encode(text)));
      if (request.body.nonce === null) {
        return { text, desk: request.body.desk, digits: await matchingDigits(await request.digest()) };
      }
    }
  } catch {
    // The poster is whole without a code.
  }
  return null;
}
