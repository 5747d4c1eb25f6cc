/**
 * A filled form as part of a page, to be read and printed with its codes. Every text is a text node: whatever a name
 * may hold, the page runs and fetches nothing of it.
 */

import { FORM_WORDS } from "./words.js";

/**
 * The form as one element, ready to be put into the page of `document`.
 *
 * `pictures` are elements that show the form's codes, in their order.
 */
export function drawFormElement(form, { document, pictures = [] }) {
  const make = maker(document);
  const words = FORM_WORDS[form.language];
  const names = make("p", {}, [
    make("span", {}, [`${words.purpose}: `, make("bdi", {}, [form.template.purpose])]),
    make("br"),
    make("span", {}, [`${words.legal_basis}: `, make("bdi", {}, [form.template.legalBasis])]),
  ]);
  const head = ["field", "value", "origin"].map((name) => make("th", { scope: "col" }, [words[name]]));
  const table = make("table", {}, [
    make("thead", {}, [make("tr", {}, head)]),
    make("tbody", {}, form.rows.flatMap((row) => rowElements(make, row))),
  ]);
  const notes = [...form.covered, words.not_covered].map((text) => make("p", { class: "form-note" }, [text]));
  return make("article", { class: "form", lang: form.language }, [
    make("h2", {}, [form.title]),
    names,
    table,
    ...notes,
    make("div", { class: "form-codes" }, pictures),
    make("p", { class: "form-note" }, [words.check]),
    make("p", { class: "form-sign" }, [words.signature]),
  ]);
}

function rowElements(make, { label, entries }) {
  return entries.map(({ text, origin }, at) => {
    const heading = make("th", { scope: "rowgroup", rowspan: String(entries.length) }, [label]);
    const cells = [make("td", {}, [make("bdi", {}, [text])]), make("td", {}, [make("bdi", {}, [origin])])];
    return make("tr", {}, at === 0 ? [heading, ...cells] : cells);
  });
}

/** What makes an element of a name, its attributes and its children: elements, or texts as text nodes. */
function maker(document) {
  return (name, attributes = {}, children = []) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };
}
