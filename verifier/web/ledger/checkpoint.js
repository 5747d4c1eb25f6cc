/**
 * Checkpoints (C2SP tlog-checkpoint, no extension lines) and cosignatures (C2SP tlog-cosignature).
 *
 * Ed25519 signs the text, a log's own as it is, a witness's with the time before it. ML-DSA-44 signs a structure with
 * the signer's name and a time, a log's and a witness's alike; the two never count for each other, because names differ.
 *
 * A checkpoint {origin, size, rootHash} is parsed, not verified; `trust_policy.js` verifies one.
 */

import { bigEndian, plainInteger } from "./cbor.js";
import { concat, hex, utf8 } from "./digest.js";
import { SIGNATURE_SIZE, verifyEd25519 } from "./ed25519.js";
import { FormatError, ProjectError, VerificationError } from "./errors.js";
import { HASH_SIZE, MAX_SIZE } from "./merkle.js";
import { verifyMldsa } from "./mldsa.js";
import { SignatureType, decodeBase64, encodeBase64, parseNote } from "./note.js";

export const MAX_TIME = 2n ** 63n - 1n;
const TIME_SIZE = 8;
const MAX_NAME = 255;
const SIZE = /^(?:0|[1-9][0-9]{0,18})$/;

/**
 * The head of a log's tree. origin: one line, not empty; size: 0 <= size < 2^63; rootHash: 32 bytes.
 *
 * Throws FormatError `ckpt.malformed`.
 */
export function makeCheckpoint(origin, size, rootHash) {
  if (!origin || origin.includes("\n")) throw new FormatError("ckpt.malformed", "an origin that is not one line");
  if (!(size >= 0 && size <= MAX_SIZE)) throw new FormatError("ckpt.malformed", "size out of range");
  if (rootHash.length !== HASH_SIZE) {
    throw new FormatError("ckpt.malformed", `a root hash of ${rootHash.length} bytes`);
  }
  return Object.freeze({ origin, size, rootHash });
}

/** The note text: three lines. */
function encodeCheckpoint(checkpoint) {
  return `${checkpoint.origin}\n${checkpoint.size}\n${encodeBase64(checkpoint.rootHash)}\n`;
}

/**
 * Read the text of a note as a checkpoint.
 *
 * Throws FormatError `ckpt.malformed`, `ckpt.extension_forbidden` or `enc.base64_noncanonical`.
 */
function parseCheckpoint(text) {
  const lines = text.split("\n");
  if (lines.length < 4 || lines.at(-1)) {
    throw new FormatError("ckpt.malformed", "fewer than three lines, or the last one cut short");
  }
  const [origin, size, root] = lines;
  if (!SIZE.test(size)) throw new FormatError("ckpt.malformed", "size is not a plain decimal number");
  if (lines.length > 4) {
    if (!lines.slice(3, -1).every(Boolean)) throw new FormatError("ckpt.malformed", "an empty line");
    throw new FormatError("ckpt.extension_forbidden", `${lines.length - 4} extension lines`);
  }
  const rootHash = decodeBase64(root);
  return makeCheckpoint(origin, plainInteger(BigInt(size)), rootHash);
}

/** Read a signed checkpoint: [checkpoint, signatures]. Errors as in `parseNote` and `parseCheckpoint`. */
export function parseCheckpointNote(data) {
  const note = parseNote(data);
  return [parseCheckpoint(note.text), note.signatures];
}

/** Check the log's signature, of either type. Throws VerificationError `ckpt.sig_invalid`. */
export async function verifyLogSignature(checkpoint, blob, { key }) {
  await refusingAs("ckpt.sig_invalid", key, async () => {
    if (key.algorithm === SignatureType.ML_DSA_44) return verifySubtree(checkpoint, blob, key);
    const message = utf8(encodeCheckpoint(checkpoint));
    return verifyEd25519({ publicKey: key.publicKey, message, signature: blob });
  });
}

/**
 * Check a witness's cosignature of either type; returns its time, POSIX seconds. Whether that lies in the future is
 * not judged. Throws VerificationError `ckpt.cosig_invalid`.
 */
export async function verifyCosignature(checkpoint, blob, { key }) {
  const isShort = key.algorithm !== SignatureType.ML_DSA_44;
  if (isShort && (blob.length !== TIME_SIZE + SIGNATURE_SIZE || blob[0] & 0x80)) {
    throw new VerificationError("ckpt.cosig_invalid", `${blob.length} bytes by key ${hex(key.keyId)}`);
  }
  return refusingAs("ckpt.cosig_invalid", key, async () => {
    if (!isShort) return verifySubtree(checkpoint, blob, key);
    const time = timeOf(blob);
    const message = utf8(`cosignature/v1\ntime ${time}\n${encodeCheckpoint(checkpoint)}`);
    await verifyEd25519({ publicKey: key.publicKey, message, signature: blob.subarray(TIME_SIZE) });
    return time;
  });
}

async function refusingAs(reason, key, check) {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof ProjectError)) throw error;
    throw new VerificationError(reason, `key ${hex(key.keyId)}`);
  }
}

async function verifySubtree(checkpoint, blob, key) {
  const time = timeOf(blob);
  const message = subtreeMessage(checkpoint, key.name, time);
  await verifyMldsa({ publicKey: key.publicKey, message, signature: blob.subarray(TIME_SIZE) });
  return time;
}

/** The `cosigned_message` of a whole tree. Time 0 would leave open whether it is the largest tree seen: not ours. */
function subtreeMessage(checkpoint, name, time) {
  const signer = utf8(name);
  const origin = utf8(checkpoint.origin);
  if (!(time > 0 && time <= MAX_TIME) || signer.length > MAX_NAME || origin.length > MAX_NAME) {
    throw new FormatError("ckpt.malformed", "a name or time out of range");
  }
  return concat(
    utf8("subtree/v1\n\0"),
    Uint8Array.of(signer.length),
    signer,
    bigEndian(time, TIME_SIZE),
    Uint8Array.of(origin.length),
    origin,
    new Uint8Array(8),
    bigEndian(checkpoint.size, 8),
    checkpoint.rootHash,
  );
}

function timeOf(blob) {
  return plainInteger(BigInt(`0x0${hex(blob.subarray(0, TIME_SIZE))}`));
}
