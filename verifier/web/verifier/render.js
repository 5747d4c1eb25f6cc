/**
 * A report for people, in their language, and for machines. Every fact shown comes from signed bytes.
 *
 * The same JSON as `tally verify --json` prints: pages draw from it and from nothing else.
 */

import { encodeCbor } from "../ledger/cbor.js";
import { hex } from "../ledger/digest.js";
import { encodeProof } from "../ledger/proof.js";
import { CertificateType, Presenter } from "../certificate/numbers.js";
import { monthText } from "../certificate/policy/language.js";
import { answerCode, answerWord, findingSentences } from "../certificate/policy/wording.js";
import { claimName, dayText, filled, reasonText } from "../certificate/texts.js";
import { StepOutcome } from "./report.js";
import { disclosedText, PHRASES, STEP_OK } from "./sentences.js";

/** The report as one JSON-ready object, `language` zh or en. Digests and proofs are lower-case hex. */
export function reportJson(report, language) {
  return {
    outcome: report.outcome,
    reason: report.reason,
    steps: report.steps.map((step) => ({
      step: step.step,
      name: step.name,
      outcome: step.outcome,
      reason: step.reason,
      text: stepText(step, language),
      detail: step.detail,
    })),
    certificate: report.certificate === null ? null : certificateJson(report.certificate, language),
    disclosed: disclosedJson(report, language),
    policies: report.policies.map((judged) => policyJson(judged, language)),
    trust: { ...report.trust },
    notes: report.notes.map((note) => ({ reason: note, text: reasonText(note, language) })),
    evidence: evidenceJson(report.evidence),
    parts: report.parts.map((part) => reportJson(part, language)),
  };
}

/** The name of the authority that a certificate is of. */
export function authorityName({ authority }, language) {
  return language === "zh" ? authority.nameZh : authority.nameEn;
}

/** The name of the office that signed a certificate. */
export function officeName({ office }, language) {
  return language === "zh" ? office.nameZh : office.nameEn;
}

function policyJson({ policy, answer }, language) {
  return {
    id: policy.id,
    version: policy.version,
    digest: hex(policy.digest),
    title: policy.title(language),
    legal_basis: policy.legalBasis,
    answer: answerCode(answer.value),
    text: answerWord(answer.value, language),
    findings: answer.findings.map((finding) => ({
      cause: finding.cause,
      kind: finding.kind || null,
      month: finding.month === null ? null : monthText(finding.month),
      need: finding.need,
      have: finding.have,
    })),
    sentences: findingSentences(answer, language),
  };
}

function disclosedJson(report, language) {
  if (report.certificate === null) return [];
  const { registry, cutOff } = report.certificate.body;
  const months = new Map(report.openings.map(({ slot, atLeast }) => [slot, atLeast]));
  return report.disclosed.map((disclosure) => {
    const { slot, value } = disclosure;
    const claim = registry.claimAt(slot);
    return {
      slot,
      name: claim.name,
      label: claimName(claim, language, cutOff),
      value: plain(value),
      text: disclosedText(report, disclosure, claim, language),
      ...(months.has(slot) ? { at_least: months.get(slot) } : {}),
    };
  });
}

/** A claim's value with its bytes in hex, those within a list too: a minted answer names its policy by digest. */
function plain(value) {
  if (value instanceof Uint8Array) return hex(value);
  return Array.isArray(value) ? value.map(plain) : value;
}

function certificateJson(view, language) {
  const { body, authority, office } = view;
  return {
    number: body.number,
    type: nameIn(CertificateType, body.type),
    authority: { number: body.authority, name: authorityName(view, language) },
    office: { number: body.office, name: officeName(view, language), code: office.code },
    region: body.region,
    profile: body.profile,
    cut_off: body.cutOff,
    issued: dayText(body.issued),
    expires: dayText(body.expires),
    presenter: nameIn(Presenter, body.presenter),
    bound: body.cnf !== null,
    scope: filled(PHRASES[language].only_this_authority, { authority: authorityName({ authority }, language) }),
  };
}

/** The name of a number in a table of numbers, in small letters. */
function nameIn(table, number) {
  return Object.keys(table).find((name) => table[name] === number).toLowerCase();
}

function evidenceJson(evidence) {
  const hexOf = (value) => (value === null ? null : hex(value));
  return {
    certificate_digest: hexOf(evidence.certificateDigest),
    request_digest: hexOf(evidence.requestDigest),
    status_list_digest: hexOf(evidence.statusListDigest),
    checkpoint_root: hexOf(evidence.checkpointRoot),
    checkpoint_size: evidence.checkpointSize,
    proof: evidence.proof === null ? null : hex(encodeCbor(encodeProof(evidence.proof))),
  };
}

function stepText(step, language) {
  if (step.reason !== null) return `${reasonText(step.reason, language)} [${step.reason}]`;
  return step.outcome === StepOutcome.NOT_RUN ? PHRASES[language].not_run : STEP_OK[language][step.step];
}
