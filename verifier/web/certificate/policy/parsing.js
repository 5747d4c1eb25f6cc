/** A policy file: TOML with flat keys, the rule as text. Checked when it is loaded, named by the digest of its bytes. */

import { sha256 } from "../../ledger/digest.js";
import { CertificateType } from "../numbers.js";
import { registryOf } from "../slots.js";
import { matchesWhole, readToml } from "../toml_file.js";
import { parseRule } from "./grammar.js";
import { Policy } from "./language.js";

const MAX_POLICY_SIZE = 16 * 1024;
const SCHEMA = 1;
export const POLICY_ID = "[a-z0-9]+(\\.[a-z0-9]+)*";

const REQUIRED = [
  "schema", "id", "version", "title_zh", "title_en", "purpose", "legal_basis", "valid_from", "valid_to", "records",
  "rule",
];
const OPTIONAL = ["regions", "max_age", "show", "retention_days", "at_counter"];
const RECORDS = new Map([["this authority", true], ["anywhere", false]]);

/** Read and check one policy file (bytes). Throws FormatError `policy.malformed`, naming the line and what is wrong. */
export async function parsePolicy(data) {
  const file = readToml(data, { atMost: MAX_POLICY_SIZE, reason: "policy.malformed" });
  file.checkKeys(REQUIRED, OPTIONAL);
  if (Number(file.take("schema", "number")) !== SCHEMA) file.fail("schema", `schema ${SCHEMA} is known`);
  const [validFrom, validTo] = [file.day("valid_from"), file.day("valid_to")];
  if (validTo < validFrom) file.fail("valid_to", "ends before it begins");
  return new Policy({
    id: file.matching("id", POLICY_ID, 32),
    version: file.number("version", 1, 10 ** 6),
    digest: await sha256(data),
    titleZh: file.display("title_zh"),
    titleEn: file.display("title_en"),
    purpose: file.display("purpose"),
    legalBasis: file.display("legal_basis"),
    validFrom,
    validTo,
    here: recordsOf(file),
    rule: parseRule(file.take("rule", "text"), { line: ruleLine(file) }),
    regions: regionsOf(file),
    maxAge: file.number("max_age", 0, 600, { fallback: 2 }),
    show: file.names("show", 16, registryOf(CertificateType.CONTRIBUTION).byName),
    retention: file.number("retention_days", 0, 36500, { fallback: 30 }),
    atCounter: file.take("at_counter", "truth", { fallback: true }),
    source: data.slice(),
  });
}

function recordsOf(file) {
  const value = file.take("records", "text");
  if (!RECORDS.has(value)) {
    file.fail("records", `records is one of ${[...RECORDS.keys()].map((name) => `'${name}'`).join(", ")}`);
  }
  return RECORDS.get(value);
}

function regionsOf(file) {
  const regions = file.texts("regions", 64);
  if (!regions.every((region) => matchesWhole("[0-9]{1,6}", region))) {
    file.fail("regions", "a region is a prefix of a code of six digits");
  }
  return regions;
}

/** TOML drops a line break that follows the opening quotes. */
function ruleLine(file) {
  const isOpened = /(?<=^|\n)[ \t]*rule[ \t]*=[ \t]*(?:"""|''')\r?\n/.test(file.text);
  return file.line("rule") + (isOpened ? 1 : 0);
}
