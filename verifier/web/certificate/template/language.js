/** What a template says, as values: the policies and claims that are asked, and the fields of the form they fill. */

import { ConsentError } from "../../ledger/errors.js";
import { CertificateType } from "../numbers.js";
import { registryOf } from "../slots.js";

/** The visible fields of the certificate that a form may show. */
export const CertificateFact = Object.freeze({
  NUMBER: "number",
  AUTHORITY: "authority",
  OFFICE: "office",
  REGION: "region",
  CUT_OFF: "cut_off",
  ISSUED: "issued",
  EXPIRES: "expires",
});

/** Where a field's value comes from; the field's name says which one. */
export const Source = Object.freeze({
  CLAIM: "claim",
  STRIPS: "strips", // every month-by-month strip that is shown
  ANSWER: "answer", // of a policy
  CERTIFICATE: "certificate",
});

/** One field of a form: its words, and what fills it. */
export class Field {
  constructor(labelZh, labelEn, source, name) {
    Object.assign(this, { labelZh, labelEn, source, name });
    Object.freeze(this);
  }

  label(language) {
    return language === "zh" ? this.labelZh : this.labelEn;
  }
}

/** One template file, read and checked; fields as in certificate/template/language.py, days as "YYYY-MM-DD". */
export class Template {
  constructor(fields) {
    Object.assign(this, fields);
    Object.freeze(this);
  }

  title(language) {
    return language === "zh" ? this.titleZh : this.titleEn;
  }

  /** The slots of `ask`, ascending. */
  get slots() {
    const registry = registryOf(CertificateType.CONTRIBUTION);
    return this.ask.map((name) => registry.slotOf(name)).sort((left, right) => left - right);
  }

  isRetired(today) {
    return this.retiredSince !== null && this.retiredSince <= today;
  }

  /** What is answered instead of asking for it: since when, and by which law. */
  retirement() {
    const detail = `${this.id}: no longer required since ${this.retiredSince}, ${this.retiredBasis}`;
    const hint = "nothing has to be shown or asked for this";
    return new ConsentError("template.retired", detail, { hint });
  }
}
