/**
 * A form of the trust bundle filled with what was verified, to be read and printed with its codes.
 */

import { decodeAny, encodeQrText } from "../certificate/qr_text.js";
import { reasonText } from "../certificate/texts.js";
import { ProjectError } from "../ledger/errors.js";
import { fillForm } from "../verifier/forms/filled.js";
import { drawFormElement } from "../verifier/forms/page_html.js";
import { el, fill } from "./dom.js";
import { drawQr } from "./qr_draw.js";
import { dayText } from "./trust_line.js";

/** Show the forms that this judgement can fill, one at a time; closed by its button or by Escape. */
export function openForm(desk, judged) {
  const forms = filledForms(desk, judged);
  const place = el("div", { class: "sheet" });
  const choice = el(
    "select",
    { class: "field__input", id: "form-choice", onchange: () => show(choice.selectedIndex) },
    forms.map((form) => el("option", {}, form.title)),
  );
  const dialog = el(
    "dialog",
    { class: "dialog--wide", "aria-labelledby": "form-title" },
    el("h2", { id: "form-title", class: "no-print" }, desk.word("form_title")),
    forms.length === 0 ? el("p", {}, desk.word("form_none")) : chooser(desk, choice),
    place,
    el(
      "div",
      { class: "buttons no-print" },
      forms.length === 0 ? null : el("button", { type: "button", class: "button button--main", onclick: () => window.print() }, desk.word("do_print")),
      el("button", { type: "button", class: "button", onclick: () => dialog.close() }, desk.word("form_close")),
    ),
  );
  const show = (at) => fill(place, at in forms ? drawn(desk, forms[at]) : null);
  dialog.addEventListener("close", () => {
    document.body.removeAttribute("data-printing");
    dialog.remove();
  });
  document.body.append(dialog);
  document.body.dataset.printing = "form";
  show(0);
  dialog.showModal();
}

/** Every template of the bundle that this answer fills, in the bundle's order. */
function filledForms(desk, judged) {
  const codes = judged.parts.map(decodeAny);
  const today = dayText(judged.now);
  return [...judged.trust.templates.values()].flatMap((template) => {
    try {
      return [fillForm(template, judged.report, { codes, language: desk.language, today })];
    } catch (error) {
      if (error instanceof ProjectError) return []; // it asks another question, or is retired
      throw error;
    }
  });
}

function chooser(desk, choice) {
  return el("div", { class: "field no-print" }, el("label", { class: "field__label", for: choice.id }, desk.word("form_choose")), choice);
}

/** The form; without its codes nobody could check it, so where these do not fit only that is said. */
function drawn(desk, form) {
  try {
    const pictures = form.codes.map((code) => drawQr(encodeQrText(code)));
    return drawFormElement(form, { document, pictures });
  } catch (error) {
    if (error instanceof ProjectError) return el("p", {}, reasonText(error.reason, desk.language));
    throw error;
  }
}
