/**
 * The desk's state, and the one place where its parts meet.
 *
 * A part is a module with one function `mount…(container, desk)`, called once when the page opens; it draws into its
 * container and listens to the desk:
 *
 *   requests.js  mountRequests(container, desk)   the request on the stand or screen
 *   scan.js      mountScan(container, desk)       camera, picture, PDF, text, file, counter scanner -> desk.show(parts)
 *   queue.js     mountQueue(container, desk)      an applicant's card each: on "shown" -> desk.judge -> desk.draw
 *   batch.js     mountBatch(container, desk)      many at once
 *   later.js     mountLater(container, desk)      accepted for now
 *   about.js     mountAbout(container, desk)      what the page is, and the trust bundle's update
 *
 * Events: "language" (draw all words again), "trust" (another bundle is in use), "shown" (detail {parts, source}),
 * "later" (the list changed).
 */

import { drawVerdict } from "./verdict.js";
import { rememberLanguage, word } from "./words.js";

export class Desk extends EventTarget {
  /**
   * @param {object} parts
   *   language "zh" or "en"; seen the memory of used answers; settings what the host lays beside the page
   *   ({posts: kind -> day of month}); announce(text) tells who cannot see the screen
   */
  constructor({ language, seen, settings = {}, announce = () => {} }) {
    super();
    this.language = language;
    this.seen = seen;
    this.posts = settings.posts ?? {};
    this.announce = announce;
    /** The opened bundle, null where there is none. */
    this.trust = null;
    /** Its files, name -> bytes, as they were opened. */
    this.trustFiles = new Map();
    /** The pinned root keys, hex; null until the first bundle. */
    this.rootKeys = null;
    /** Why the kept bundle does not open, a reason; null where it does. */
    this.trustTrouble = null;
  }

  /** POSIX seconds of this device. */
  now() {
    return Math.floor(Date.now() / 1000);
  }

  /** The desk's words in the language that is chosen. */
  word(key, values) {
    return word(this.language, key, values);
  }

  setLanguage(language) {
    this.language = language;
    rememberLanguage(language);
    this.dispatchEvent(new Event("language"));
  }

  setTrust(trust, files) {
    this.trust = trust;
    this.trustFiles = files;
    this.dispatchEvent(new Event("trust"));
  }

  /** Something was scanned, dropped or pasted: `parts` are the tagged bytes or texts (Uint8Array each) of one showing. */
  show(parts, source) {
    this.dispatchEvent(new CustomEvent("shown", { detail: { parts, source } }));
  }

  /**
   * Judge what was shown, by the bundle in use.
   * @param {Uint8Array[]} parts
   * @param {Uint8Array|null} request the request's bytes; null for paper
   * @returns {Promise<Judged>} {report, parts, request, now, trust}
   * @throws {ProjectError} trust.missing where there is no bundle
   */
  async judge(parts, request) {
    const { judge } = await import("./judging.js");
    return judge(this, parts, request);
  }

  /**
   * The card of a judgement in the desk's language.
   * @param {Judged} judged
   * @param {object} actions close: forget this applicant; again: judge it again
   */
  async draw(judged, actions = {}) {
    const { reportJson } = await import("../verifier/render.js");
    const { actionsFor } = await import("./actions.js");
    const report = reportJson(judged.report, this.language);
    const card = drawVerdict(report, {
      language: this.language,
      now: judged.now,
      posts: this.posts,
      actions: actionsFor(this, judged, report, actions),
    });
    requestAnimationFrame(() => bringIntoView(card));
    return card;
  }
}

/** On a narrow screen the card stands below the scanner. */
function bringIntoView(card) {
  if (card.isConnected && card.getBoundingClientRect().top > window.innerHeight / 2) card.scrollIntoView();
}
