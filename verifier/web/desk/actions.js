/**
 * What the buttons of a verdict card do.
 */

import { download } from "./dom.js";

/**
 * @param {Desk} desk
 * @param {Judged} judged
 * @param {object} report reportJson of it
 * @param {object} given close and again, as the list of applicants wants them
 */
export function actionsFor(desk, judged, report, given) {
  const actions = { ...given, print: () => window.print() };
  actions.update = async () => {
    const { updateFromSite } = await import("./trust_update.js");
    if ((await updateFromSite(desk)).changed) given.again?.();
  };
  actions.later = async () => {
    const { askUntil } = await import("./later_add.js");
    await askUntil(desk, report);
  };
  if (report.certificate !== null) actions.save = () => save(desk, judged);
  if (report.outcome === "valid" && judged.trust.templates.size > 0) {
    actions.form = async () => {
      const { openForm } = await import("./form.js");
      await openForm(desk, judged);
    };
  }
  return actions;
}

async function save(desk, judged) {
  const { fileVerification } = await import("../verifier/filing.js");
  const data = await fileVerification(judged.report, judged.parts, {
    request: judged.request,
    trust: judged.trust,
    now: judged.now,
  });
  download(desk.word("saved_evidence"), data, "application/cbor");
}
