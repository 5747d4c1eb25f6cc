/** What an answer rests on, in sentences a person can act on, in Chinese and English. */

import { ANSWER_WORDS, FINDING_WORDS } from "../../generated/texts.js";
import { filled, kindName } from "../texts.js";
import { monthText } from "./language.js";

/** Met, not met, or cannot tell (null). */
export function answerWord(value, language) {
  return ANSWER_WORDS[language][answerCode(value)];
}

/** How an answer is written for machines. */
export function answerCode(value) {
  return value === null ? "undetermined" : String(value);
}

/** One sentence per cause and kind, its months together. */
export function findingSentences(answer, language) {
  const groups = new Map();
  for (const finding of answer.findings) {
    const key = `${finding.cause} ${finding.kind}`;
    groups.set(key, [...(groups.get(key) ?? []), finding]);
  }
  return [...groups.values()].map((found) => sentence(found, language));
}

function sentence(found, language) {
  const [{ cause, kind, need, have }] = found;
  const indexes = found.map((finding) => finding.month).filter((month) => month !== null);
  const months = [...new Set(indexes)].sort((left, right) => left - right).map(monthText);
  const text = filled(FINDING_WORDS[language][cause], {
    kind: kind ? kindName(kind, language) : "",
    months: months.join(language === "zh" ? "\u3001" : ", "),
    need,
    have,
  });
  const spaced = text.split(/\s+/).filter(Boolean).join(" ");
  return spaced.replaceAll(" \uff1a", "\uff1a").replaceAll(" :", ":").replace(/^[\uff1a: ]+/, "");
}
