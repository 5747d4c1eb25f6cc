/**
 * The eleven steps that one presentation or certificate goes through (DESIGN section 4, docs/VERIFY.md).
 *
 *  1 text                  the text or file form decodes to bytes, in its one spelling
 *  2 structure             the bytes are a presentation or a certificate in the one encoding of the format
 *  3 issuer key            the bundle is fresh; the key is known, an office's, for this region, type and environment
 *  4 issuer signature      the office signed this certificate
 *  5 ledger                the entry computed from the certificate stands in the log, under log and witness quorum
 *  6 position              the key was good at that position, and the authority did not disown the position
 *  7 time                  issued and expiry fit today and each other, and the clock fits what was seen
 *  8 status                the status list is there, fresh, rightly signed, and says valid
 *  9 disclosures           the shown claims and the multiproof give the signed root
 * 10 holder and request    the holder of the certificate answered this very request, in time, for the first time
 * 11 policy                the asked questions are answered
 *
 * A step whose input was not authenticated is not run. What steps 5, 8 and 10 look at stands in verifier/step_parts.js.
 */

import { parseCertificateItem } from "../certificate/certificate.js";
import { unverifiedTyp } from "../certificate/cose.js";
import { checkPosition, KeyRole } from "../certificate/directory.js";
import { confusableWarning } from "../certificate/display_text.js";
import { verifySignature } from "../certificate/keys.js";
import { Environment, Typ } from "../certificate/numbers.js";
import { dayOfQuestion, factsOfCertificate } from "../certificate/policy/asking.js";
import { presentationOfItem } from "../certificate/presentation.js";
import { decodeAny } from "../certificate/qr_text.js";
import { rootFromDisclosures } from "../certificate/slot_tree.js";
import { IDENTITY_SLOTS, ValueType } from "../certificate/slots.js";
import { retiredTemplate } from "../certificate/template/retirement.js";
import { verifyOpenings } from "../certificate/threshold.js";
import { decodeCbor } from "../ledger/cbor.js";
import { MAX_TIME } from "../ledger/checkpoint.js";
import { bytesEqual, hex } from "../ledger/digest.js";
import { encodeEntry, EntryType } from "../ledger/entry.js";
import { ConfigError, ProjectError, UndeterminedError, VerificationError } from "../ledger/errors.js";
import { verifyProof } from "../ledger/held_log.js";
import { Verdict, verdictOf } from "../ledger/reasons.js";
import { Archive, Asked, placeKey } from "./expect.js";
import { judgePolicies, refusalOf } from "./policies.js";
import { judge, makeReport, STEP_NAMES, StepOutcome, stepResult } from "./report.js";
import {
  checkCheckpointAge,
  checkHolder,
  checkMilestone,
  checkRequest,
  checkStatus,
  checkSubject,
  CLOCK_SKEW,
  DAY,
  replayKeysOf,
} from "./step_parts.js";

const TEST_REGION = "99";
const NOTHING_FILED = Object.freeze({ proofs: new Map(), statusTokens: new Map(), policies: new Map() });

/** One presentation or certificate on its way through the steps. */
export class Run {
  /** `newestTime`: POSIX seconds, of the bundle or of one seen before. */
  constructor(data, { trust, now, expect, seen, newestTime }) {
    Object.assign(this, { data, trust, now, expect, seen, newestTime });
    this.results = new Map();
    this.passed = new Set();
    this.raw = null;
    this.presentation = null;
    this.certificate = null;
    this.certificateDigest = null;
    this.request = null;
    this.requestDigest = null;
    this.replayKeys = []; // what an answer that step 10 lets pass marks as used
    this.key = null;
    this.logged = null;
    this.fullProof = null;
    this.statusDigest = null;
    this.judged = [];
    this.notes = [];
  }

  // --- what it is judged by: for a filed answer, its day and what was filed -------------------------------------

  get isFiled() {
    return this.expect instanceof Archive;
  }

  get question() {
    return this.isFiled ? this.expect.shown : this.expect;
  }

  /** POSIX seconds as of which dates, status and policies are judged. */
  get day() {
    return this.isFiled ? this.expect.time : this.now;
  }

  get filed() {
    return this.isFiled ? this.expect.filed : NOTHING_FILED;
  }

  get policies() {
    const { policies } = this.filed;
    return policies.size ? new Map([...this.trust.policies, ...policies]) : this.trust.policies;
  }

  // --- the steps in their order ---------------------------------------------------------------------------------

  /** Steps 1 to 9, each only if what it reads was authenticated by the steps it names. */
  async stepsToDisclosures() {
    await this.step(1, () => this.text());
    await this.step(2, () => this.structure(), { needs: [1] });
    await this.step(3, () => this.issuerKey(), { needs: [2] });
    await this.step(4, () => this.issuerSignature(), { needs: [2], ready: this.key !== null });
    await this.step(5, () => this.ledger(), { needs: [2, 4] });
    await this.step(6, () => this.position(), { needs: [4, 5] });
    await this.step(7, () => this.time(), { needs: [4], ready: !this.bundleIsStale() });
    await this.step(8, () => this.status(), { needs: [4], ready: this.clockFits() });
    await this.step(9, () => this.disclosures(), { needs: [4] });
  }

  /** Steps 10 and 11, which look at all presentations of one answer. */
  async holderAndPolicy(shownItems, identity, facts, { oneHolder }) {
    const ready = this.clockFits();
    await this.step(10, () => this.holderAndRequest(shownItems, identity, oneHolder), { needs: [2, 4, 9], ready });
    await this.step(11, () => this.policy(facts), { needs: [9, 10] });
  }

  text() {
    this.raw = decodeAny(this.data);
  }

  async structure() {
    const item = decodeCbor(this.raw);
    if (unverifiedTyp(item) === Typ.PRESENTATION) {
      this.presentation = presentationOfItem(item);
      this.certificate = this.presentation.certificate;
    } else {
      this.certificate = parseCertificateItem(item);
    }
    this.certificateDigest = await this.certificate.digest();
  }

  async issuerKey() {
    const { body, sign1 } = this.certificate;
    const { directory } = this.trust;
    await this.checkBundleVersion();
    const key = directory.key(KeyRole.CERTIFICATE, sign1.kid);
    if (key === null) {
      if (directory.anyKey(sign1.kid) !== null) {
        throw new VerificationError("key.purpose_mismatch", `key ${hex(sign1.kid)}`);
      }
      throw new UndeterminedError("key.unknown", `key ${hex(sign1.kid)}`);
    }
    const office = directory.office(body.authority, body.office);
    if (key.authority !== body.authority || key.office !== body.office || office === null) {
      throw new UndeterminedError("key.unknown", `key ${hex(key.kid)} is not of office ${body.office}`);
    }
    if (this.trust.environment === Environment.PRODUCTION && String(body.region).startsWith(TEST_REGION)) {
      throw new VerificationError("key.env_test", "a test region in production");
    }
    if (!office.mayCertify(body.type, body.region)) {
      throw new VerificationError("trust.issuer_not_authorised", `office ${body.office}`);
    }
    this.key = key;
    if (this.bundleIsStale()) {
      throw new UndeterminedError("trust.bundle_stale", `expired ${this.now - this.trust.expires} s ago`);
    }
  }

  async issuerSignature() {
    const { sign1 } = this.certificate;
    await verifySignature({
      publicKey: this.key.publicKey,
      message: sign1.toBeSigned,
      signature: sign1.signature,
    });
  }

  async ledger() {
    const { body } = this.certificate;
    const proof = this.proof();
    if (proof === null) {
      throw new VerificationError("log.inclusion_missing", "no ledger proof beside the certificate");
    }
    const log = this.trust.directory.log(proof.log);
    if (log === null) throw new UndeterminedError("log.unknown_origin", `log ${proof.log}`);
    const held = this.trust.held.logs.get(proof.log) ?? null;
    checkCheckpointAge(held, this.now);
    [this.logged, this.fullProof] = await verifyProof(proof, {
      entry: encodeEntry(EntryType.CERTIFICATE, body.authority, this.certificateDigest),
      origin: log.origin,
      policy: this.trust.policy,
      // Behind a clock that is known to be slow nothing lies in the future; step 7 says so.
      now: this.behind() > CLOCK_SKEW ? MAX_TIME : this.now,
      held,
      known: this.trust.known.checkpoints,
    });
  }

  position() {
    checkPosition(this.trust.directory, this.key, { log: this.logged.log, index: this.logged.index });
  }

  time() {
    const { issued, expires } = this.certificate.body;
    const today = Math.floor(this.day / DAY);
    if (this.behind() > CLOCK_SKEW) {
      throw new UndeterminedError("time.clock_regressed", `${this.behind()} s behind a signed time`);
    }
    if (expires < issued) throw new VerificationError("time.inconsistent", "expires before it is issued");
    if (issued > Math.floor((this.day + CLOCK_SKEW) / DAY)) {
      throw new VerificationError("time.issued_in_future", `${issued - today} days ahead`);
    }
    checkMilestone(this.trust.held, this.logged, issued);
    if (expires < today) throw new VerificationError("time.expired", `${today - expires} days ago`);
  }

  async status() {
    await checkStatus(this);
  }

  async disclosures() {
    const { body, disclosures, multiproof, openings } = this.certificate;
    const { registry } = body;
    const root = await rootFromDisclosures(registry, disclosures, multiproof);
    if (!bytesEqual(root, body.claimsRoot)) {
      throw new VerificationError("disc.digest_mismatch", "the shown claims do not give the signed root");
    }
    await verifyOpenings(openings, disclosures, registry);
    for (const { slot, value } of disclosures) {
      const isText = registry.claimAt(slot).valueType === ValueType.TEXT;
      if (isText && confusableWarning(value) !== null) this.note("schema.text_confusable");
    }
  }

  async holderAndRequest(shownItems, identity, oneHolder) {
    const { cnf } = this.certificate.body;
    if (!(this.question instanceof Asked)) {
      this.staticCopy(cnf);
      return;
    }
    await checkRequest(this);
    if (this.presentation === null || cnf === null) {
      throw new VerificationError("pres.binding_missing", "no holder's signature over this request");
    }
    await checkHolder(this, cnf);
    if (!oneHolder) {
      throw new VerificationError("pres.subject_mismatch", "the presentations are of different holders");
    }
    checkSubject(this.question, identity);
    const { items } = this.request.body;
    const missing = items.flatMap((item, at) => (shownItems.has(at) || this.isRetired(item) ? [] : [at]));
    if (missing.length) {
      const list = `[${missing.join(", ")}]`;
      throw new VerificationError("disc.required_missing", `items ${list} of the request are not shown`);
    }
    if (items.some((item) => this.isRetired(item))) this.note("template.retired");
    this.replayKeys = await replayKeysOf(this);
    if (!this.isFiled && (await this.seen.isUsed(this.replayKeys))) {
      throw new VerificationError("pres.nonce_replayed", "this answer was used before");
    }
  }

  staticCopy(cnf) {
    if (this.presentation !== null) {
      throw new VerificationError("pres.request_mismatch", "an answer to a request, shown as paper");
    }
    if (cnf !== null) {
      throw new VerificationError("pres.binding_missing", "bound to a key, shown without its signature");
    }
    this.note("pres.static_copy");
  }

  policy(facts) {
    if (this.request === null) return;
    const { body } = this.request;
    const required = { ...body, items: body.items.filter((item) => !this.isRetired(item)) };
    this.judged = judgePolicies(required, facts, this.policies, { now: this.day });
    const refusal = refusalOf(this.judged);
    if (refusal !== null) throw refusal;
  }

  /** Whether nobody has to answer this any more, by the law that the bundle names. */
  isRetired(item) {
    return retiredTemplate(item, this.trust.templates, { today: dayOfQuestion(this.day) }) !== null;
  }

  // --- parts of steps -------------------------------------------------------------------------------------------

  /** The proof beside the certificate, or its completed form that was filed. */
  proof() {
    const shown = this.certificate.proof;
    return shown === null ? null : (this.filed.proofs.get(placeKey(shown.log, shown.index)) ?? shown);
  }

  async checkBundleVersion() {
    const { version, endorsed } = this.trust;
    for (const [name, held] of [
      ["bundle.version", version],
      ["targets.version", endorsed],
    ]) {
      const newest = (await this.seen.newest(name)) ?? 0;
      if (held < newest) throw new VerificationError("trust.bundle_rollback", `${name} ${held} after ${newest}`);
    }
  }

  bundleIsStale() {
    return this.now >= this.trust.expires;
  }

  /** Seconds by which the clock is behind the newest signed time known; negative when it is ahead. */
  behind() {
    return this.newestTime - this.now;
  }

  /** Whether the clock can judge ages: the bundle is not over, nor a signed time known to be ahead. */
  clockFits() {
    return !this.bundleIsStale() && this.behind() <= CLOCK_SKEW;
  }

  /** Whether this presentation alone discloses all slots of `item`. */
  shows(item) {
    if (!this.isAuthentic) return false;
    const { body, disclosures } = this.certificate;
    const shown = new Set(disclosures.map(({ slot }) => slot));
    if (item.policy !== undefined) {
      // Whether it is answered is judged in step 11. By name: another type has no slot for such a claim.
      const names = new Set([...shown].map((slot) => body.registry.claimAt(slot).name));
      return (this.policies.get(item.policy)?.show ?? []).every((name) => names.has(name));
    }
    return body.type === item.type && item.slots.every((slot) => shown.has(slot));
  }

  /** Whether what is shown leads to a signed root. */
  get isAuthentic() {
    return this.certificate !== null && this.passed.has(9);
  }

  facts() {
    return factsOfCertificate(this.certificate);
  }

  /** The disclosed texts of the identity tree, [claim, text] each. */
  identity() {
    if (!this.isAuthentic) return [];
    const { body, disclosures } = this.certificate;
    return disclosures
      .filter(({ slot, value }) => slot < IDENTITY_SLOTS && typeof value === "string")
      .map(({ slot, value }) => [body.registry.claimAt(slot).name, value]);
  }

  // --- bookkeeping ----------------------------------------------------------------------------------------------

  async step(number, check, { needs = [], ready = true } = {}) {
    if (!ready || !needs.every((step) => this.passed.has(step))) {
      this.results.set(number, stepResult(number, StepOutcome.NOT_RUN));
      return;
    }
    try {
      await check();
      this.passed.add(number);
      this.results.set(number, stepResult(number, StepOutcome.OK));
    } catch (error) {
      // A memory that cannot be read or written: no memory, no verdict.
      if (!(error instanceof ProjectError) || error instanceof ConfigError) throw error;
      const cannotTell = verdictOf(error.reason) === Verdict.CANNOT_TELL;
      const outcome = cannotTell ? StepOutcome.CANNOT_TELL : StepOutcome.NO;
      this.results.set(number, stepResult(number, outcome, error.reason, error.detail));
    }
  }

  note(reason) {
    if (!this.notes.includes(reason)) this.notes.push(reason);
  }

  report() {
    const steps = Object.freeze(STEP_NAMES.map((_, at) => this.results.get(at + 1)));
    const [outcome, reason] = judge(steps);
    return makeReport({
      outcome,
      reason,
      steps,
      certificate: this.passed.has(4) ? this.view() : null,
      disclosed: this.isAuthentic ? this.certificate.disclosures : [],
      openings: this.isAuthentic ? this.certificate.openings : [],
      notes: [...this.notes],
      policies: this.judged,
      trust: this.trust.facts,
      evidence: Object.freeze({
        certificateDigest: this.certificate === null ? null : this.certificateDigest,
        requestDigest: this.requestDigest,
        statusListDigest: this.statusDigest,
        checkpointRoot: this.logged?.rootHash ?? null,
        checkpointSize: this.logged?.size ?? null,
        proof: this.fullProof,
      }),
    });
  }

  /** The signed facts of a certificate whose signature holds, with the directory's names for its numbers. */
  view() {
    const { body } = this.certificate;
    const { directory } = this.trust;
    const office = directory.office(body.authority, body.office);
    return Object.freeze({ body, authority: directory.authority(body.authority), office });
  }
}
