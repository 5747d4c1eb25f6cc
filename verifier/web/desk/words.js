/**
 * What the desk says in the reader's language. Sentences for reason codes stand in the report itself.
 */

import { EN } from "./words_en.js";
import { ZH } from "./words_zh.js";

export const LANGUAGES = ["zh", "en"];

const WORDS = { zh: ZH, en: EN };
const KEPT = "desk.language";
const HTML_LANG = { zh: "zh-CN", en: "en" };

/** The words of a language; `{name}` in them is filled from `values`. */
export function word(language, key, values = {}) {
  const text = WORDS[language][key];
  if (text === undefined) throw new Error(`no word ${key}`);
  return text.replace(/\{([a-z]+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** The language chosen before, else the browser's, else zh. */
export function rememberedLanguage() {
  const kept = readKept();
  if (LANGUAGES.includes(kept)) return kept;
  return (navigator.language ?? "zh").toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** Remember a choice. A browser that keeps nothing asks again the next time. */
export function rememberLanguage(language) {
  try {
    localStorage.setItem(KEPT, language);
  } catch {
    // Private windows may refuse; the choice holds until the page is closed.
  }
}

/** Set all texts under `root` that name their word, and the document's language. */
export function applyWords(root, language) {
  document.documentElement.lang = HTML_LANG[language];
  document.title = word(language, "title");
  for (const element of root.querySelectorAll("[data-words]")) {
    element.textContent = word(language, element.dataset.words);
  }
  for (const element of root.querySelectorAll("[data-words-label]")) {
    element.setAttribute("aria-label", word(language, element.dataset.wordsLabel));
  }
}

function readKept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}
