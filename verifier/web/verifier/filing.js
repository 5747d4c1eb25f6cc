/**
 * A verification put on file, and judged again in forty years (DESIGN section 4); `tally verify --evidence` judges it too.
 *
 *   [1, time, request, [shown, ...], [proof, ...], [[authority, number, token], ...], [policy, ...]]
 *
 * `time` is POSIX seconds, `request` null for paper; the completed ledger proofs, the status lists that were read and the
 * policies that were asked. The file is not signed: each part carries its own signatures, and the holder's names the
 * minutes in which the answer could be given.
 */

import { parseCertificateItem } from "../certificate/certificate.js";
import { unverifiedTyp } from "../certificate/cose.js";
import { Typ } from "../certificate/numbers.js";
import { parsePolicy } from "../certificate/policy/parsing.js";
import { presentationOfItem } from "../certificate/presentation.js";
import { decodeAny } from "../certificate/qr_text.js";
import { parseRequest } from "../certificate/request.js";
import { takeArray, takeBytes, takeInt, takeVersion } from "../certificate/schema.js";
import { decodeCbor, encodeCbor } from "../ledger/cbor.js";
import { ProjectError } from "../ledger/errors.js";
import { encodeProof, parseProof } from "../ledger/proof.js";
import { Archive, Asked, placeKey, STATIC } from "./expect.js";
import { MemorySeen } from "./seen.js";
import { verify } from "./verify.js";

const MAX_SECONDS = 2 ** 40;
const MAX_PARTS = 16;

/**
 * The file (bytes) of what `verify(shown, { trust, now, ... })` just said in `report`; `request`: the request that was
 * asked, null for paper. Throws FormatError for what is shown in no form of ours.
 */
export function fileVerification(report, shown, { request, trust, now }) {
  const parts = shown.map(decodeAny);
  const reports = report.parts.length ? report.parts : [report];
  const proofs = reports.map((part) => part.evidence.proof).filter((proof) => proof !== null);
  const asked = request === null ? [] : parseRequest(request).body.items;
  const policies = asked.map((item) => trust.policies.get(item.policy)).filter((policy) => policy !== undefined);
  return encodeCbor([
    1,
    now,
    request,
    parts,
    proofs.map(encodeProof),
    listsOf(parts, trust),
    policies.map((policy) => policy.source),
  ]);
}

/** [{ shown, archive }] of a file: what was shown, and how it was to be judged. Throws FormatError as the parsers. */
export async function parseFiled(data) {
  const fields = takeArray(decodeCbor(data), 7);
  takeVersion(fields[0]);
  const request = fields[2] === null ? null : takeBytes(fields[2]);
  const shown = takeArray(fields[3], null, { atMost: MAX_PARTS }).map((part) => takeBytes(part));
  const proofs = takeArray(fields[4], null, { atMost: MAX_PARTS }).map(parseProof);
  const statusTokens = new Map();
  for (const row of takeArray(fields[5], null, { atMost: MAX_PARTS })) {
    const [authority, number, token] = takeArray(row, 3);
    const place = placeKey(takeInt(authority, 0, 2 ** 31), takeInt(number, 0, 2 ** 31));
    statusTokens.set(place, takeBytes(token));
  }
  const policies = new Map();
  for (const text of takeArray(fields[6], null, { atMost: MAX_PARTS })) {
    const policy = await parsePolicy(takeBytes(text));
    policies.set(policy.id, policy);
  }
  const full = proofs.filter((proof) => proof.form === "full");
  const filed = Object.freeze({
    proofs: new Map(full.map((proof) => [placeKey(proof.log, proof.index), proof])),
    statusTokens,
    policies,
  });
  const expected = request === null ? STATIC : new Asked(request);
  return { shown, archive: new Archive(expected, takeInt(fields[1], 0, MAX_SECONDS), filed) };
}

/** All steps again, as of the day of the file, by what `trust` knows today of keys and of the log. */
export async function judgeFiled({ shown, archive }, { trust, now }) {
  const data = shown.length === 1 ? shown[0] : shown;
  return verify(data, { trust, now, expect: archive, seen: new MemorySeen() });
}

/** The status lists that the shown certificates name, as far as the bundle has them, by authority and number. */
function listsOf(parts, trust) {
  const places = new Map();
  for (const certificate of parts.map(certificateOf).filter((one) => one !== null)) {
    const { authority, statusList } = certificate.body;
    places.set(placeKey(authority, statusList), [authority, statusList]);
  }
  const sorted = [...places.values()].sort((left, right) => left[0] - right[0] || left[1] - right[1]);
  return sorted
    .map(([authority, number]) => [authority, number, trust.statusTokens.get(placeKey(authority, number))])
    .filter(([, , token]) => token !== undefined);
}

function certificateOf(data) {
  try {
    const item = decodeCbor(data);
    return unverifiedTyp(item) === Typ.PRESENTATION ? presentationOfItem(item).certificate : parseCertificateItem(item);
  } catch (error) {
    if (error instanceof ProjectError) return null;
    throw error;
  }
}
