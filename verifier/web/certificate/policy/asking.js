/** From a request's policy to the policy itself, and from a certificate's shown claims to what a rule reads. */

import { bytesEqual } from "../../ledger/digest.js";
import { UndeterminedError, VerificationError } from "../../ledger/errors.js";
import { factsOf } from "./facts.js";

const ZONE = 8 * 3600; // of the authorities; a bundle of other zones would say so

/** The day on which a question of POSIX seconds `now` is asked, in the authorities' zone: "YYYY-MM-DD". */
export function dayOfQuestion(now) {
  return new Date((now + ZONE) * 1000).toISOString().slice(0, 10);
}

/**
 * The policy that `item` names by id and digest; `policies` is a Map by id, `printed` says that the item stands in a
 * counter request, which has no nonce.
 *
 * Throws UndeterminedError `policy.unknown`; VerificationError `org.purpose_not_allowed`: no printed request may ask it.
 */
export function policyAsked(item, policies, { printed }) {
  const policy = policies.get(item.policy);
  if (policy === undefined || !bytesEqual(policy.digest, item.digest)) {
    const hint = "sync the trust bundle, and ask with the policy as it is published";
    throw new UndeterminedError("policy.unknown", "a policy that this bundle does not hold", { hint });
  }
  if (printed && !policy.atCounter) {
    throw new VerificationError("org.purpose_not_allowed", `${policy.id} in a printed request`);
  }
  return policy;
}

/** What a certificate shows, for a rule. Its disclosures must lead to its signed root. */
export function factsOfCertificate({ body, disclosures, openings }) {
  return factsOf(body.type, {
    authority: body.authority,
    region: body.region,
    cutOff: body.cutOff,
    disclosed: disclosures,
    openings,
  });
}
