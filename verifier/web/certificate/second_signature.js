/**
 * A post-quantum signature beside the Ed25519 one of a COSE_Sign1 (ADR 0019).
 *
 *   X = [ sign_protected bstr {1: -48, 4: kid, 16: typ}, signature bstr ]                         ML-DSA-44
 *
 * It stands in the unprotected header and signs the Sig_structure of one signer of several, RFC 9052 section 4.4:
 * [ "Signature", body_protected, sign_protected, h'', payload ].
 */

import { decodeCbor, encodeCbor } from "../ledger/cbor.js";
import { sha256 } from "../ledger/digest.js";
import { FormatError } from "../ledger/errors.js";
import { checkMldsaPublicKey, MLDSA_SIGNATURE_SIZE } from "../ledger/mldsa.js";
import { KEY_ID_SIZE } from "./keys.js";
import { Algorithm, HEADER_ALG, HEADER_KID, HEADER_TYP, HEADER_X } from "./numbers.js";
import { takeArray, takeBytes } from "./schema.js";

const KEY_TYPE_AKP = 7;
const LABELS = [HEADER_ALG, HEADER_KID, HEADER_TYP];

/** The 8-byte key id of an ML-DSA-44 key. Throws FormatError `key.malformed`. */
export async function mldsaKeyId(publicKey) {
  const members = new Map().set(1, KEY_TYPE_AKP).set(3, Algorithm.ML_DSA_44).set(-1, checkMldsaPublicKey(publicKey));
  return (await sha256(encodeCbor(members))).slice(0, KEY_ID_SIZE);
}

/**
 * The second signature of a parsed object, { kid, toBeSigned, signature }, not checked; null where there is none.
 *
 * Throws FormatError: as all parsers; `alg.not_allowed` (another algorithm), `key.purpose_mismatch` (another typ).
 */
export function parseSecondSignature(sign1, typ) {
  if (!sign1.unprotected.has(HEADER_X)) return null;
  const [said, signature] = takeArray(sign1.unprotected.get(HEADER_X), 2);
  const protectedBytes = takeBytes(said);
  const headers = decodeCbor(protectedBytes);
  if (!(headers instanceof Map) || headers.size !== LABELS.length || !LABELS.every((label) => headers.has(label))) {
    throw new FormatError("schema.field_unknown", "the header of a second signature is alg, kid, typ");
  }
  if (headers.get(HEADER_ALG) !== Algorithm.ML_DSA_44) {
    throw new FormatError("alg.not_allowed", "a second signature is by ML-DSA-44");
  }
  if (headers.get(HEADER_TYP) !== typ) throw new FormatError("key.purpose_mismatch", `not signed as ${typ}`);
  const { protectedBytes: body, payloadBytes } = sign1;
  return Object.freeze({
    kid: takeBytes(headers.get(HEADER_KID), KEY_ID_SIZE),
    toBeSigned: encodeCbor(["Signature", body, protectedBytes, new Uint8Array(0), payloadBytes]),
    signature: takeBytes(signature, MLDSA_SIGNATURE_SIZE),
  });
}
