/**
 * Follow-up requests: what the back office signed for an application that waits, read from a file and shown as a code.
 */

import { decodeAnyRequest, encodeRequestText } from "../certificate/qr_text.js";
import { matchingDigits, parseRequest } from "../certificate/request.js";
import { UndeterminedError } from "../ledger/errors.js";
import { drawQr } from "./qr_draw.js";
import { el } from "./dom.js";

/**
 * The QR text of the request in `file`: its text, base64url or bytes.
 * Throws FormatError as the parsers do; UndeterminedError pres.expired when its time has passed.
 */
export async function followUpText(file, desk) {
  const data = await decodeAnyRequest(new Uint8Array(await file.arrayBuffer()));
  const request = await parseRequest(data);
  if (request.body.expires < desk.now()) throw new UndeterminedError("pres.expired", "the request");
  return encodeRequestText(data);
}

/** The code, and the two digits that both screens show. */
export async function drawFollowUp(text, desk) {
  const request = await parseRequest(await decodeAnyRequest(new TextEncoder().encode(text)));
  const digits = await matchingDigits(await request.digest());
  return [
    el("div", { class: "later__code" }, drawQr(text)),
    el("p", {}, desk.word("later_follow_text"), el("span", { class: "digits" }, digits)),
  ];
}
