/**
 * What the page is, the trust bundle in full, and its update from the site or from a folder.
 */

import { el, fill } from "./dom.js";
import { forgetKept } from "./trust_keep.js";
import { dayText, trustState } from "./trust_line.js";
import { updateFromFiles, updateFromSite } from "./trust_update.js";

const CODES = ["trust_digest", "trust_root"];

/** Draw now, and when the bundle or the language changes. */
export function mountAbout(container, desk) {
  const told = el("p", { role: "status", id: "update-told" });
  const draw = () => fill(container, el("div", { class: "about" }, trust(desk, told), about(desk)));
  desk.addEventListener("trust", draw);
  desk.addEventListener("language", () => {
    fill(told);
    draw();
  });
  draw();
}

function trust(desk, told) {
  return el(
    "section",
    { class: "panel", id: "trust-panel" },
    el("h3", { class: "panel__title" }, desk.word("trust_details")),
    trouble(desk),
    desk.trust === null ? el("p", { class: "note note--wait" }, desk.word("trust_none_long")) : facts(desk),
    updating(desk, told),
  );
}

function trouble(desk) {
  if (desk.trustTrouble) return el("p", { class: "note note--no" }, desk.word("trust_refused", { text: desk.trustTrouble }));
  return trustState(desk) === "over" ? el("p", { class: "note note--wait" }, desk.word("trust_stale_help")) : null;
}

function facts(desk) {
  const { directory, version, issued, expires, facts: all } = desk.trust;
  const names = [...directory.authorities].map((one) => (desk.language === "zh" ? one.nameZh : one.nameEn));
  const rows = [
    ["trust_authorities", [...new Set(names)].join(desk.language === "zh" ? "、" : ", ")],
    ["trust_of", dayText(issued)],
    ["trust_until", dayText(expires)],
    ["trust_version", String(version)],
    ["trust_environment", desk.word(`trust_${all.environment}`)],
    ["trust_digest", all.digest],
    ["trust_root", desk.rootKeys.map((key) => key.slice(0, 16)).join(" ")],
  ];
  return el(
    "dl",
    { class: "facts" },
    rows.map(([name, value]) => [el("dt", {}, desk.word(name)), el("dd", { class: CODES.includes(name) ? "code" : null }, value)]),
  );
}

function updating(desk, told) {
  const run = (update) => async () => {
    fill(told, desk.word("trust_updating"));
    fill(told, (await update()).text);
  };
  const folder = el("input", { type: "file", id: "trust-folder", webkitdirectory: true, class: "only-read", tabindex: "-1" });
  const files = el("input", { type: "file", id: "trust-files", multiple: true, class: "only-read", tabindex: "-1" });
  for (const [input, name] of [[folder, "trust_from_files"], [files, "trust_choose_files"]]) {
    input.setAttribute("aria-label", desk.word(name));
    input.addEventListener("change", run(() => updateFromFiles(desk, [...input.files])));
  }
  const button = (name, act, kind = "") =>
    el("button", { type: "button", class: `button ${kind}`, "data-action": name, onclick: act }, desk.word(name));
  return el(
    "div",
    { class: "updating" },
    el(
      "div",
      { class: "buttons" },
      button("trust_update", run(() => updateFromSite(desk)), "button--main"),
      button("trust_from_files", () => folder.click()),
      button("trust_choose_files", () => files.click()),
    ),
    folder,
    files,
    el("p", { class: "small lead" }, desk.word("trust_from_files_hint")),
    told,
    forgetting(desk, told),
  );
}

/** Root keys are changed by a ceremony, so that a person says on each device that it took place. */
function forgetting(desk, told) {
  const forget = async () => {
    if (!window.confirm(desk.word("about_forget_sure"))) return;
    await forgetKept();
    fill(told, desk.word("about_forgotten"));
  };
  return el(
    "details",
    { class: "more" },
    el("summary", {}, desk.word("about_forget")),
    el("p", { class: "small" }, desk.word("about_forget_text")),
    el("button", { type: "button", class: "button", "data-action": "forget", onclick: forget }, desk.word("about_forget")),
  );
}

function about(desk) {
  const part = (name) => [
    el("h3", { class: "panel__title" }, desk.word(name)),
    el("p", {}, desk.word(`${name}_text`)),
  ];
  return el(
    "section",
    { class: "panel" },
    part("about_what"),
    part("about_trust"),
    el("p", { class: "note" }, desk.word("about_address")),
    el("p", {}, desk.word("about_keys")),
    el("p", {}, el("a", { class: "button", href: "poster.html", target: "_blank", rel: "noopener" }, desk.word("about_poster"))),
    el("p", { class: "small lead" }, desk.word("about_poster_text")),
  );
}
