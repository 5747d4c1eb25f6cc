/** What single steps look at: ages of what is held, the status list, the request, the holder and the person. */

import { algorithmOf, verifySignature } from "../certificate/keys.js";
import {
  checkRegisteredOn,
  COUNTER_LIFETIME,
  parseRequest,
  verifyRequestButItsDay,
} from "../certificate/request.js";
import { parseStatusToken, Status, statusListUri } from "../certificate/status_list.js";
import { bytesEqual, hex, sha256 } from "../ledger/digest.js";
import { ProjectError, UndeterminedError, VerificationError } from "../ledger/errors.js";
import { placeKey, sameText, subjectClaims } from "./expect.js";
import { verifyListSignature } from "./list_signature.js";

export const CLOCK_SKEW = 300; // seconds
export const DAY = 86400;
const CHECKPOINT_LIFETIME = 40 * DAY;
const FOR_GOOD = [Status.REVOKED, Status.REPLACED];
const STATUS_REASONS = new Map([
  [Status.REVOKED, "status.revoked"],
  [Status.SUSPENDED, "status.suspended"],
  [Status.REPLACED, "status.replaced"],
]);

/** A log that nobody cosigned for so long may be hiding; a certificate's own old proof is no fault. */
export function checkCheckpointAge(held, now) {
  if (held === null || !held.time) return;
  const age = now - Number(held.time);
  if (age >= CHECKPOINT_LIFETIME) {
    throw new UndeterminedError("ckpt.stale", `cosigned ${Math.floor(age / DAY)} days ago`);
  }
}

/** Where the entry stands in the log tells when it was made, whatever its signer says (DESIGN 3.3). */
export function checkMilestone(held, logged, issued) {
  if (logged === null) return;
  const after = held.milestones.get(logged.log)?.reachedBefore(logged.index) ?? null;
  // A day or more after the day of issue was over.
  if (after !== null && after >= (issued + 2) * DAY) {
    const late = Math.floor(after / DAY) - issued;
    throw new VerificationError("time.inconsistent", `logged ${late} days after the date of issue`);
  }
}

/** Step 8 of `run`: its status list is there, fresh, rightly signed, and says valid. */
export async function checkStatus(run) {
  const { authority, statusList, statusIndex } = run.certificate.body;
  const place = placeKey(authority, statusList);
  const { directory, policy } = run.trust;
  const filed = run.filed.statusTokens.get(place);
  const { listed, digest } =
    filed === undefined
      ? await run.trust.known.lists.once(place, () =>
          verifiedToken(directory, authority, run.trust.statusToken(authority, statusList), policy.pqRequired),
        )
      : await verifiedToken(directory, authority, filed, false); // filed before more was demanded
  const uri = statusListUri(authority, statusList);
  if (listed.uri !== uri) {
    throw new VerificationError("status.list_uri_mismatch", "the list is not the one that is named");
  }
  await checkListAge(run, uri, listed);
  run.statusDigest = digest;
  const value = listed.statuses.value(statusIndex);
  await checkNotUndone(run.seen, `${uri}#`, statusIndex, value);
  if (value !== Status.VALID) {
    throw new VerificationError(STATUS_REASONS.get(value) ?? "status.value_unknown", `status ${value}`);
  }
}

async function verifiedToken(directory, authority, token, demanded) {
  const listed = await parseStatusToken(token);
  await verifyListSignature(listed, { authority, directory, demanded });
  return Object.freeze({ listed, digest: await sha256(token) });
}

async function checkListAge(run, uri, { issued, expires, ttl }) {
  const { day, seen } = run;
  if (issued > day + CLOCK_SKEW) throw new UndeterminedError("status.list_future", `${issued - day} s ahead`);
  if (day >= expires) throw new UndeterminedError("status.list_expired", `expired ${day - expires} s ago`);
  if (day >= issued + ttl) throw new UndeterminedError("status.list_stale", `as of ${issued}`);
  if (issued < ((await seen.newest(uri)) ?? 0)) {
    throw new VerificationError("status.list_rollback", "a newer list was seen before");
  }
  await seen.advance(uri, issued);
}

/** A newer list may not lift what an older one ended for good; `ended` leads the names of such places. */
async function checkNotUndone(seen, ended, index, value) {
  if (FOR_GOOD.includes(value)) {
    await seen.advance(ended, 1); // asked first: most lists ended nothing that was looked at here
    await seen.advance(`${ended}${index}`, 1);
  } else if ((await seen.newest(ended)) && (await seen.newest(`${ended}${index}`))) {
    throw new VerificationError("status.list_rollback", "a list ended it, and this one lifts that");
  }
}

/** The verifier's own request, parsed once per bundle: { request, digest }. Throws FormatError. */
export async function ownRequest(trust, data) {
  return trust.known.requests.once(hex(data), async () => {
    const request = parseRequest(data);
    return Object.freeze({ request, digest: await request.digest() });
  });
}

/** The request is the verifier's own; that it is in order is checked all the same. */
export async function checkRequest(run) {
  const { trust, question } = run;
  const known = await ownRequest(trust, question.request);
  const asker = await trust.known.askers.once(hex(question.request), () =>
    verifyRequestButItsDay(known.request, { directory: trust.directory }),
  );
  checkRegisteredOn(asker, { today: Math.floor(run.day / DAY) });
  run.request = known.request;
  run.requestDigest = known.digest;
}

/** That the owner of `cnf` signed this answer to this request, in time. */
export async function checkHolder(run, cnf) {
  const { body, sign1 } = run.presentation;
  const asked = run.request.body;
  if (sign1.algorithm !== algorithmOf(cnf)) {
    throw new VerificationError("alg.key_mismatch", "the holder's key is of another kind");
  }
  await signedOr(
    { publicKey: cnf, message: sign1.toBeSigned, signature: sign1.signature },
    () => new VerificationError("pres.binding_invalid", "not signed by the certificate's holder"),
  );
  if (body.audience !== asked.org) {
    throw new VerificationError("pres.audience_mismatch", `made for organisation ${body.audience}`);
  }
  if (!bytesEqual(body.requestDigest, run.requestDigest)) {
    throw new VerificationError("pres.request_mismatch", "an answer to another request");
  }
  if (body.issued > run.day + CLOCK_SKEW) {
    throw new VerificationError("time.issued_in_future", `${body.issued - run.day} s ahead`);
  }
  const ends = asked.nonce !== null ? body.expires : Math.min(body.expires, body.issued + COUNTER_LIFETIME);
  if (run.day >= ends || body.issued > asked.expires) {
    throw new VerificationError("pres.expired", `over since ${Math.max(0, run.day - ends)} s`);
  }
}

/** That what is shown of the person is what the organisation knows; `identity` is a Map of claim to shown texts. */
export function checkSubject({ subject }, identity) {
  for (const [claim, known] of subjectClaims(subject)) {
    const shown = identity.get(claim) ?? [];
    if (!shown.every((value) => sameText(value, known))) {
      throw new VerificationError("pres.subject_mismatch", `${claim} is of another person`);
    }
    if (!shown.length) {
      throw new VerificationError(
        "disc.required_missing",
        `${claim} is not shown, so the person cannot be compared`,
      );
    }
  }
}

/** What is marked as used: the signed consent, and for a request with nonce (request, certificate). */
export async function replayKeysOf(run) {
  const consent = await run.presentation.replayKey();
  if (run.request.body.nonce === null) return [consent];
  return [consent, await sha256(run.requestDigest, run.certificateDigest)];
}

/** Check a signature; whatever is wrong with it is what `refusal` makes. */
async function signedOr(signed, refusal) {
  try {
    await verifySignature(signed);
  } catch (error) {
    if (error instanceof ProjectError) throw refusal();
    throw error;
  }
}
