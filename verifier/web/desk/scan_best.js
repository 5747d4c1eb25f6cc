/**
 * Of several readings of one scan the one that was signed: where spaces were lost, only the signatures tell how many.
 */

import { Asked, STATIC } from "../verifier/expect.js";
import { MemorySeen } from "../verifier/seen.js";
import { verify } from "../verifier/verify.js";
import { addressOf } from "./address.js";

const MOST = 40;

/** The candidate (scan_text.js) that gets furthest through the steps. Nothing is marked as used by this. */
export async function bestOf(candidates, desk) {
  if (desk.trust === null) return candidates[0];
  let [best, most] = [candidates[0], -1];
  for (const bytes of candidates.slice(0, MOST)) {
    const { request } = addressOf(bytes);
    const ours = request === null ? null : (desk.requests.find(request) ?? desk.requests.requests[0] ?? null);
    const report = await verify(bytes, {
      trust: desk.trust,
      now: desk.now(),
      expect: ours === null ? STATIC : new Asked(ours.data),
      seen: new MemorySeen(),
    });
    const passed = report.steps.filter((step) => step.outcome === "ok").length;
    if (report.outcome !== "invalid") return bytes;
    if (passed > most) [best, most] = [bytes, passed];
  }
  return best;
}
