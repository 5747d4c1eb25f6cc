/**
 * A batch's results to take away: a table, JSON lines, and an archive of the files that let anyone judge again.
 */

import { reasonSentence, verdictOf } from "./advice.js";
import { say } from "./scan_words.js";
import { encodeSheet } from "./sheet.js";
import { word } from "./words.js";
import { zipPieces } from "./zip.js";

const COLUMNS = ["name", "outcome", "reason_text", "reason", "number", "authority", "cut_off", "expires", "rules", "evidence"];

/** CSV text of rows (batch_run.js): one line each; nothing in it is ever a formula. */
export function resultsSheet(rows, language) {
  const header = COLUMNS.map((column) => say(language, `sheet_${column}`));
  return encodeSheet(header, rows.map((row, at) => cells(row, at, language)));
}

/** The whole reports as JSON lines: {"file": …, "outcome": …, …} as `tally verify --json` prints them. */
export function resultsLines(rows) {
  return rows.map(({ name, json }) => `${JSON.stringify({ file: name, ...json })}\n`).join("");
}

/** The pieces of a ZIP archive of evidence files; numbers are their names, so that none leads out of a folder. */
export function evidencePieces(rows) {
  const files = rows.map(({ evidence }, at) => [evidenceName(at), evidence]);
  return zipPieces(files.filter(([, evidence]) => evidence !== null));
}

/** How many of each outcome: {valid, invalid, undetermined}. */
export function countOutcomes(rows) {
  const counts = { valid: 0, invalid: 0, undetermined: 0 };
  for (const { json } of rows) counts[json.outcome] += 1;
  return counts;
}

function evidenceName(at) {
  return `${String(at + 1).padStart(5, "0")}.cbor`;
}

function cells({ name, json, evidence }, at, language) {
  const certificate = json.certificate;
  return [
    name,
    word(language, `verdict_${verdictOf(json)}`),
    reasonSentence(json),
    json.reason ?? "",
    certificate?.number ?? "",
    certificate?.authority.name ?? "",
    certificate === null ? "" : monthText(certificate.cut_off),
    certificate?.expires ?? "",
    json.policies.map((policy) => `${policy.title}: ${policy.text}`).join("\n"),
    evidence === null ? "" : evidenceName(at),
  ];
}

function monthText(period) {
  return `${Math.floor(period / 100)}-${String(period % 100).padStart(2, "0")}`;
}
