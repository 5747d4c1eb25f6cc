/**
 * Keys and signatures as COSE names them: Ed25519 for every role, ES256 on P-256 also for holders.
 *
 * A public key is raw bytes whose length tells its kind: 32 for Ed25519, 33 for a compressed P-256 point. Its key id is
 * the first 8 bytes of its COSE Key Thumbprint (RFC 9679). Points are decompressed here: a browser need not import them
 * otherwise, and one that is not on the curve is refused by the same code everywhere.
 */

import { bigEndian, encodeCbor } from "../ledger/cbor.js";
import { concat, hex, sha256 } from "../ledger/digest.js";
import { PUBLIC_KEY_SIZE, SIGNATURE_SIZE, checkPublicKey, verifyEd25519 } from "../ledger/ed25519.js";
import { FormatError, VerificationError } from "../ledger/errors.js";
import { Algorithm } from "./numbers.js";

export const KEY_ID_SIZE = 8;
const P256_COMPRESSED_SIZE = 33;
const ECDSA = Object.freeze({ name: "ECDSA", namedCurve: "P-256" });
const ECDSA_SHA256 = Object.freeze({ name: "ECDSA", hash: "SHA-256" });

// y^2 = x^3 - 3 x + B over the field of P elements; P is 3 modulo 4, so that a root is a power. SEC 2, section 2.4.2.
const P = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;

/** The algorithm that belongs to a raw public key. Throws FormatError `key.malformed`. */
export function algorithmOf(publicKey) {
  if (publicKey.length === PUBLIC_KEY_SIZE) return Algorithm.ED25519;
  if (publicKey.length === P256_COMPRESSED_SIZE) return Algorithm.ESP256;
  throw new FormatError("key.malformed", `a public key of ${publicKey.length} bytes`);
}

/**
 * Return `publicKey` if it is a sound key of either kind.
 *
 * Throws FormatError `key.malformed`, or `key.weak` for a degenerate Ed25519 key.
 */
export function checkKey(publicKey) {
  if (algorithmOf(publicKey) === Algorithm.ED25519) return checkPublicKey(publicKey);
  pointOf(publicKey);
  return publicKey;
}

/** First 8 bytes of the SHA-256 COSE Key Thumbprint. RFC 9679 section 3; required members of OKP and EC2 keys. */
export async function keyId(publicKey) {
  const members = new Map();
  if (algorithmOf(publicKey) === Algorithm.ED25519) {
    members.set(1, 1).set(-1, 6).set(-2, publicKey);
  } else {
    const [x, y] = pointOf(publicKey);
    members.set(1, 2).set(-1, 1).set(-2, x).set(-3, y);
  }
  return (await sha256(encodeCbor(members))).slice(0, KEY_ID_SIZE);
}

/**
 * Check one signature with the algorithm that belongs to the key.
 *
 * Throws FormatError `sig.malformed` (not 64 bytes), `key.malformed`; VerificationError `sig.invalid`.
 */
export async function verifySignature({ publicKey, message, signature }) {
  const verify = algorithmOf(publicKey) === Algorithm.ED25519 ? verifyEd25519 : verifyEsp256;
  await verify({ publicKey, message, signature });
}

/**
 * ECDSA on P-256 with SHA-256, signature r || s of 64 bytes (RFC 9053 section 2.1). A high s is as good as a low.
 *
 * Throws FormatError `sig.malformed`, `key.malformed`; VerificationError `sig.invalid`.
 */
async function verifyEsp256({ publicKey, message, signature }) {
  if (signature.length !== SIGNATURE_SIZE) {
    throw new FormatError("sig.malformed", `${signature.length} bytes where 64 are due`);
  }
  const point = concat(Uint8Array.of(4), ...pointOf(publicKey));
  const key = await crypto.subtle.importKey("raw", point, ECDSA, false, ["verify"]);
  if (!(await crypto.subtle.verify(ECDSA_SHA256, key, signature, message))) {
    throw new VerificationError("sig.invalid", `key ${hex(publicKey.subarray(0, 4))}`);
  }
}

/** x and y, 32 bytes each, of a compressed point. SEC 1, section 2.3.4. Throws FormatError `key.malformed`. */
function pointOf(publicKey) {
  const x = BigInt(`0x${hex(publicKey.subarray(1))}`);
  const right = (((x * x) % P) * x + (P - 3n) * x + B) % P;
  const root = power(right, (P + 1n) / 4n);
  const isPoint = (publicKey[0] === 2 || publicKey[0] === 3) && x < P && (root * root) % P === right;
  if (!isPoint) throw new FormatError("key.malformed", "not a point of P-256");
  const isAsked = (root & 1n) === BigInt(publicKey[0] & 1);
  return [publicKey.slice(1), bigEndian(isAsked ? root : P - root, 32)];
}

function power(base, exponent) {
  let result = 1n;
  let square = base;
  for (let rest = exponent; rest; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return result;
}
