/**
 * Where something shown belongs, by what stands in it: read before any signature was checked, and good for nothing else
 * than finding the request to judge it by.
 */

import { parseCertificateItem } from "../certificate/certificate.js";
import { unverifiedTyp } from "../certificate/cose.js";
import { Typ } from "../certificate/numbers.js";
import { presentationOfItem } from "../certificate/presentation.js";
import { decodeAny } from "../certificate/qr_text.js";
import { decodeCbor } from "../ledger/cbor.js";
import { hex } from "../ledger/digest.js";
import { ProjectError } from "../ledger/errors.js";

/**
 * {bytes, request (hex) or null, holder (hex) or null, part} of an answer or paper certificate (Uint8Array in any form).
 * `part` tells one certificate from another; what does not parse is a part of its own.
 */
export function addressOf(bytes) {
  try {
    const item = decodeCbor(decodeAny(bytes));
    if (unverifiedTyp(item) !== Typ.PRESENTATION) {
      return { bytes, request: null, holder: null, part: hex(parseCertificateItem(item).body.claimsRoot) };
    }
    const { body, certificate } = presentationOfItem(item);
    const holder = certificate.body.cnf === null ? null : hex(certificate.body.cnf);
    return { bytes, request: hex(body.requestDigest), holder, part: hex(certificate.body.claimsRoot) };
  } catch (error) {
    if (!(error instanceof ProjectError)) throw error;
    return { bytes, request: null, holder: null, part: `unread ${hex(bytes)}` };
  }
}
