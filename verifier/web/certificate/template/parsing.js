/**
 * A template file: TOML with flat keys, checked when it is loaded, named by the digest of its bytes.
 *
 *   fields = [["标题", "Heading", "SOURCE"], ...]
 *   SOURCE = a claim's name | "strips" | "answer POLICY" | "certificate FACT"
 */

import { sha256 } from "../../ledger/digest.js";
import { FormatError } from "../../ledger/errors.js";
import { checkDisplayText } from "../display_text.js";
import { CertificateType } from "../numbers.js";
import { leaves } from "../policy/language.js";
import { POLICY_ID } from "../policy/parsing.js";
import { registryOf } from "../slots.js";
import { matchesWhole, readToml } from "../toml_file.js";
import { CertificateFact, Field, Source, Template } from "./language.js";

const MAX_TEMPLATE_SIZE = 16 * 1024;

const SCHEMA = 1;
const MAX_FIELDS = 32;
const REQUIRED = ["schema", "id", "version", "title_zh", "title_en", "purpose", "legal_basis", "fields"];
const OPTIONAL = ["policies", "ask", "retired_since", "retired_basis"];
const LINE_BREAK = /\r\n|[\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]/;

/**
 * Read and check one template file (bytes). `policies` (a Map by id) are those that it may ask; null checks the file by
 * itself. Throws FormatError `template.malformed`, naming the line and what is wrong.
 */
export async function parseTemplate(data, { policies = null } = {}) {
  const file = readToml(data, { atMost: MAX_TEMPLATE_SIZE, reason: "template.malformed" });
  file.checkKeys(REQUIRED, OPTIONAL);
  if (Number(file.take("schema", "number")) !== SCHEMA) file.fail("schema", `schema ${SCHEMA} is known`);
  const isRetired = file.members.has("retired_since");
  if (isRetired !== file.members.has("retired_basis")) {
    file.fail(isRetired ? "retired_since" : "retired_basis", "a retirement has a day and a legal basis");
  }
  const claims = registryOf(CertificateType.CONTRIBUTION).byName;
  const template = new Template({
    id: file.matching("id", POLICY_ID, 32),
    version: file.number("version", 1, 10 ** 6),
    digest: await sha256(data),
    titleZh: file.display("title_zh"),
    titleEn: file.display("title_en"),
    purpose: file.display("purpose"),
    legalBasis: file.display("legal_basis"),
    policies: policiesOf(file),
    ask: file.names("ask", 32, claims),
    fields: fieldsOf(file, claims),
    retiredSince: isRetired ? file.day("retired_since") : null,
    retiredBasis: isRetired ? file.display("retired_basis") : null,
    source: data.slice(),
  });
  if (!template.policies.length && !template.ask.length) file.fail("id", "a template asks policies, claims or both");
  if (policies !== null) checkPolicies(file, template, policies, claims);
  return template;
}

function policiesOf(file) {
  const policies = file.texts("policies", 8);
  for (const name of policies) {
    if (name.length > 32 || !matchesWhole(POLICY_ID, name)) file.fail("policies", `no policy can be called '${name}'`);
  }
  return policies;
}

function fieldsOf(file, claims) {
  const rows = file.take("fields", "list");
  if (rows.length < 1 || rows.length > MAX_FIELDS) file.fail("fields", `a form has 1 to ${MAX_FIELDS} fields`);
  const found = [];
  for (const row of rows) {
    const below = linesBelow(file, row);
    if (!Array.isArray(row) || row.length !== 3 || !row.every((part) => typeof part === "string")) {
      file.fail("fields", 'a field is ["中文", "English", "source"]', { below });
    }
    for (const label of row.slice(0, 2)) checkLabel(file, label, below);
    const { source, name } = sourceOf(file, row[2], below, claims);
    if (found.some((known) => known.source === source && known.name === name)) {
      file.fail("fields", `${row[2]} stands twice`, { below });
    }
    found.push(new Field(row[0], row[1], source, name));
  }
  return Object.freeze(found);
}

function checkLabel(file, label, below) {
  try {
    checkDisplayText(label, { maxCodePoints: 64 });
  } catch (error) {
    if (error instanceof FormatError) file.fail("fields", `'${label}': ${error.reason}`, { below });
    throw error;
  }
}

function sourceOf(file, text, below, claims) {
  const space = text.indexOf(" ");
  const [word, name] = space < 0 ? [text, ""] : [text.slice(0, space), text.slice(space + 1)];
  if (text === Source.STRIPS) return { source: Source.STRIPS, name: "" };
  if (word === Source.ANSWER) {
    if (!file.texts("policies", 8).includes(name)) {
      file.fail("fields", `policy '${name}' is not among those asked`, { below });
    }
    return { source: Source.ANSWER, name };
  }
  if (word === Source.CERTIFICATE) {
    const facts = Object.values(CertificateFact);
    if (!facts.includes(name)) {
      file.fail("fields", `a certificate has no '${name}'; there are ${facts.join(", ")}`, { below });
    }
    return { source: Source.CERTIFICATE, name };
  }
  if (!claims.has(text)) file.fail("fields", `no claim is called '${text}'`, { below });
  return { source: Source.CLAIM, name: text };
}

/** How many lines below `fields` a row begins, as far as its first text can be found there. */
function linesBelow(file, row) {
  if (!Array.isArray(row) || typeof row[0] !== "string") return 0;
  const lines = file.text.split(LINE_BREAK).slice(file.line("fields") - 1);
  return Math.max(0, lines.findIndex((line) => line.includes(`"${row[0]}"`)));
}

/** Every policy is published, and nothing in the form waits for a claim that nobody asks. */
function checkPolicies(file, template, policies, claims) {
  for (const name of template.policies) {
    if (!policies.has(name)) file.fail("policies", `no policy '${name}' is published`);
  }
  const asked = template.policies.map((name) => policies.get(name));
  for (const one of template.fields) {
    if (one.source === Source.CLAIM && !mayShow(template, asked, claims.get(one.name))) {
      const below = linesBelow(file, [one.labelZh]);
      file.fail("fields", `${one.name} is neither asked nor shown by a policy`, { below });
    }
  }
}

function mayShow(template, asked, claim) {
  if (template.ask.includes(claim.name) || asked.some((policy) => policy.show.includes(claim.name))) return true;
  const rules = asked.flatMap((policy) => leaves(policy.rule));
  if (claim.name === "employer") return rules.some((leaf) => leaf.type === "EMPLOYER");
  return rules.some((leaf) => leaf.kinds.kinds.includes(claim.kind));
}
