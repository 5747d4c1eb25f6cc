/**
 * A template filled from a report: every entry says which claim or signed field it came from, and in which certificate.
 *
 * Only what the report authenticated is read. Nothing here draws anything.
 *
 *   form   { template, language, title, rows, covered, codes }
 *          covered: whose data the verification covers, a line per certificate; codes: the tagged bytes, a code each
 *   row    { label, entries }       one field of the form; several certificates may fill it
 *   entry  { text, origin }         for people, and where it came from; origin "" for one that is not there
 */

import { compareBytes } from "../../ledger/digest.js";
import { FormatError } from "../../ledger/errors.js";
import { answerWord, findingSentences } from "../../certificate/policy/wording.js";
import { ValueType } from "../../certificate/slots.js";
import { CertificateFact, Source } from "../../certificate/template/language.js";
import { claimName, dayText, filled, periodText } from "../../certificate/texts.js";
import { authorityName, officeName } from "../render.js";
import { Outcome } from "../report.js";
import { FORM_WORDS } from "./words.js";
import { disclosedText } from "../sentences.js";

/**
 * Fill `template` from a valid report. `codes` are the tagged bytes that were judged, `today` is the day on which it is
 * filled, "YYYY-MM-DD".
 *
 * Throws ConsentError `template.retired`; FormatError `disc.required_missing`: the report is not valid, or answers
 * another question than the template asks.
 */
export function fillForm(template, report, { codes, language, today }) {
  if (template.isRetired(today)) throw template.retirement();
  if (report.outcome !== Outcome.VALID) {
    throw new FormatError("disc.required_missing", "a form is filled from a valid answer only");
  }
  const answered = new Set(report.policies.map((judged) => judged.policy.id));
  const isPaper = report.notes.includes("pres.static_copy");
  if (!isPaper && !template.policies.every((name) => answered.has(name))) {
    const hint = `ask with tally request new --template ${template.id}`;
    throw new FormatError("disc.required_missing", "the answer is to another question", { hint });
  }
  const rows = template.fields.map((field) => {
    const entries = entriesOf(field, report, language);
    return { label: field.label(language), entries: entries.length ? entries : [missing(field, language)] };
  });
  const views = partsOf(report).map((part) => part.certificate).filter((view) => view !== null);
  const covered = views.map((view) => coveredBy(view, language));
  return { template, language, title: template.title(language), rows, covered, codes: [...codes].sort(compareBytes) };
}

function entriesOf(field, report, language) {
  if (field.source === Source.ANSWER) return answersOf(field.name, report, language);
  const found = new Map();
  for (const part of partsOf(report)) {
    for (const [text, origin] of valuesOf(field, part, language)) {
      found.set(text, [...(found.get(text) ?? []), origin]);
    }
  }
  return [...found].map(([text, origins]) => ({ text, origin: origins.join("; ") }));
}

/** One per certificate, in an order that does not depend on how they were laid down. */
function partsOf(report) {
  const parts = report.parts.length ? [...report.parts] : [report];
  const number = (part) => part.certificate?.body.number ?? "";
  return parts.sort((left, right) => (number(left) < number(right) ? -1 : Number(number(left) > number(right))));
}

function answersOf(name, report, language) {
  return report.policies
    .filter((judged) => judged.policy.id === name)
    .map(({ policy, answer }) => ({
      text: [answerWord(answer.value, language), ...findingSentences(answer, language)].join("; "),
      origin: filled(FORM_WORDS[language].from_policy, { name, version: policy.version }),
    }));
}

/** What one certificate gives for a field: pairs of a text and where it came from. */
function valuesOf(field, part, language) {
  const view = part.certificate;
  if (view === null) return [];
  const { number, registry, cutOff } = view.body;
  if (field.source === Source.CERTIFICATE) {
    const origin = filled(FORM_WORDS[language].from_field, { name: field.name, number });
    return [[factText(field.name, view, language), origin]];
  }
  const wanted = (claim) =>
    field.source === Source.STRIPS ? claim.valueType === ValueType.STRIP : claim.name === field.name;
  return part.disclosed
    .map((shown) => ({ claim: registry.claimAt(shown.slot), shown }))
    .filter(({ claim }) => wanted(claim))
    .map(({ claim, shown }) => {
      const text = disclosedText(part, shown, claim, language);
      const isStrips = field.source === Source.STRIPS;
      return [
        isStrips ? `${claimName(claim, language, cutOff)}: ${text}` : text,
        filled(FORM_WORDS[language].from_claim, { name: claim.name, number }),
      ];
    });
}

function factText(fact, view, language) {
  const { body } = view;
  switch (fact) {
    case CertificateFact.NUMBER:
      return body.number;
    case CertificateFact.AUTHORITY:
      return authorityName(view, language);
    case CertificateFact.OFFICE:
      return officeName(view, language);
    case CertificateFact.REGION:
      return String(body.region);
    case CertificateFact.CUT_OFF:
      return periodText(body.cutOff);
    case CertificateFact.ISSUED:
      return dayText(body.issued);
    default:
      return dayText(body.expires);
  }
}

function missing(field, language) {
  return { text: FORM_WORDS[language][field.source === Source.ANSWER ? "no_answer" : "missing"], origin: "" };
}

function coveredBy(view, language) {
  const values = { number: view.body.number, authority: authorityName(view, language) };
  return filled(FORM_WORDS[language].covered, values);
}
