/**
 * The presentation: the holder's signature over one answer to one request, which is also the consent (DESIGN 3.4).
 *
 *   protected {1: alg, 13: the certificate with what it discloses and its proof, 16: typ}
 *   payload   [audience, request digest, issued, lifetime]
 *
 * `issued` is POSIX seconds, `lifetime` minutes. The request, and with it purpose, legal basis and recipient, is bound by
 * its digest; the disclosed claims are bound because the certificate stands in the protected header.
 */

import { decodeCbor } from "../ledger/cbor.js";
import { sha256 } from "../ledger/digest.js";
import { parseCertificateItem } from "./certificate.js";
import { sign1OfItem } from "./cose.js";
import { HEADER_KCWT, Typ } from "./numbers.js";
import { takeArray, takeBytes, takeInt } from "./schema.js";

export const MAX_LIFETIME = 60 * 24 * 31; // minutes; a longer access is a new request and a new consent
const MAX_SECONDS = 2 ** 40;

/** What the holder signs besides the certificate: { audience, requestDigest, issued, lifetime }. */
class PresentationBody {
  constructor(fields) {
    Object.assign(this, fields);
    Object.freeze(this);
  }

  /** POSIX seconds of the first moment at which it is over. */
  get expires() {
    return this.issued + 60 * this.lifetime;
  }
}

/** A parsed presentation of which nothing was checked but its form: { sign1, body, certificate }. */
class UnverifiedPresentation {
  constructor(sign1, body, certificate) {
    Object.assign(this, { sign1, body, certificate });
    Object.freeze(this);
  }

  /** SHA-256 of what was signed; a second valid signature over the same consent has the same key. */
  async replayKey() {
    return sha256(this.sign1.toBeSigned);
  }
}

/** Parse the tagged bytes of a presentation and of the certificate inside. Throws FormatError. */
export function parsePresentation(data) {
  return presentationOfItem(decodeCbor(data));
}

/** As `parsePresentation`, from the decoded item. */
export function presentationOfItem(item) {
  const sign1 = sign1OfItem(item, Typ.PRESENTATION, { withKid: false, moreLabels: [HEADER_KCWT] });
  const fields = takeArray(sign1.payload, 4);
  const body = new PresentationBody({
    audience: takeInt(fields[0], 1, 2 ** 31),
    requestDigest: takeBytes(fields[1], 32),
    issued: takeInt(fields[2], 0, MAX_SECONDS),
    lifetime: takeInt(fields[3], 1, MAX_LIFETIME),
  });
  return new UnverifiedPresentation(sign1, body, parseCertificateItem(sign1.headers.get(HEADER_KCWT)));
}
