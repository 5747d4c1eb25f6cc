/** Step 11: what the asked policies answer to what was shown. */

import { UndeterminedError, VerificationError } from "../ledger/errors.js";
import { dayOfQuestion, policyAsked } from "../certificate/policy/asking.js";
import { answerPolicy } from "../certificate/policy/evaluate.js";
import { Cause } from "../certificate/policy/months.js";

const CANNOT_TELL = new Map([
  [Cause.TOO_OLD, "policy.data_too_old"],
  [Cause.NOT_SETTLED, "policy.not_settled"],
  [Cause.NOT_VALID, "policy.retired"],
]);

/**
 * Answer every policy that `request` (a request's body) asks from everything that was shown: { policy, answer } each.
 *
 * `facts` are of certificates of one holder whose disclosures lead to their signed roots, `policies` a Map by id, `now`
 * POSIX seconds. Throws as `policyAsked`.
 */
export function judgePolicies(request, facts, policies, { now }) {
  const [today, printed] = [dayOfQuestion(now), request.nonce === null];
  return request.items
    .filter((item) => item.policy !== undefined)
    .map((item) => policyAsked(item, policies, { printed }))
    .map((policy) => Object.freeze({ policy, answer: answerPolicy(policy, facts, { today }) }));
}

/** The error of step 11: a policy that is not met, else one that cannot be told; null when all are met. */
export function refusalOf(judged) {
  const notMet = judged.find(({ answer }) => answer.value === false);
  if (notMet !== undefined) return new VerificationError("policy.not_met", notMet.policy.id);
  const open = judged.find(({ answer }) => answer.value === null);
  if (open === undefined) return null;
  const cause = open.answer.findings.map((finding) => finding.cause).find((one) => CANNOT_TELL.has(one));
  return new UndeterminedError(CANNOT_TELL.get(cause) ?? "policy.undetermined", open.policy.id);
}
