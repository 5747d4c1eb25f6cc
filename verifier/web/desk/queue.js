// Applicants at one desk, and why they never cross: an answer belongs to the card whose request it signed, and among
// those of a shared stand request to the card of its holder's key. Which card is looked at plays no part.

import { addressOf } from "./address.js";

const MOST_TRIALS = 40;

/** One applicant. `state`: "waiting", "judging", "judged". */
export class Card {
  constructor(number, request) {
    Object.assign(this, { number, request, holder: null, parts: new Map(), state: "waiting", result: null, note: null });
  }

  /** What was shown so far, in the order it came. */
  get shown() {
    return [...this.parts.values()];
  }
}

/** The cards of one desk. */
export class Queue {
  #work = Promise.resolve();
  #last = 0;

  /**
   *   stack                               the desk's requests (requests.js)
   *   judge(parts, request, {trial})      -> a promise of {outcome, json, …}: `verify` of the parts with the request
   *                                       (tagged bytes) that was asked, null for paper; with `trial` nothing is spent
   *   now()                               POSIX seconds
   *   onChange(card)                      a card is new or says something else; null: one is gone
   */
  constructor({ stack, judge, now, onChange }) {
    Object.assign(this, { stack, judge, now, onChange, cards: [] });
  }

  /** A card for the next applicant with a request of its own, or null when the stack holds none. */
  next() {
    const request = this.stack.take(this.now());
    return request === null ? null : this.#added(request);
  }

  /** Put what was shown where it belongs and judge it; a promise of its card. `candidates`: see scan_text.js. */
  show(candidates) {
    const done = this.#work.then(() => this.#show(candidates));
    this.#work = done.catch(() => null);
    return done;
  }

  /** Judge a card again, as after an update of the trust bundle. */
  again(card) {
    const done = this.#work.then(() => this.#judged(card));
    this.#work = done.catch(() => null);
    return done;
  }

  /** Forget an applicant and all that was shown. */
  remove(card) {
    this.cards = this.cards.filter((other) => other !== card);
    card.parts.clear();
    card.result = null;
    this.onChange(null);
  }

  async #show(candidates) {
    const read = candidates.slice(0, MOST_TRIALS).map(addressOf);
    const shown = read.length === 1 ? read[0] : await this.#best(read);
    const card = this.#cardOf(shown);
    if (card.parts.has(shown.part) && card.state === "judged") return card; // held before the camera once more
    card.parts.set(shown.part, shown.bytes);
    card.holder ??= shown.holder;
    return this.#judged(card);
  }

  async #judged(card) {
    card.state = "judging";
    this.onChange(card);
    const request = card.request === null ? null : card.request.data;
    card.result = await this.judge(card.shown, request, { trial: false });
    card.state = "judged";
    this.onChange(card);
    return card;
  }

  /** Of several readings of one scan the one that gets furthest: only one of them bears its signatures. */
  async #best(read) {
    let [best, most] = [read[0], -1];
    for (const shown of read) {
      const request = this.#askedBy(shown)?.data ?? null;
      const { outcome, json } = await this.judge([shown.bytes], request, { trial: true });
      const passed = json.steps.filter((step) => step.outcome === "ok").length;
      if (outcome !== "invalid") return shown;
      if (passed > most) [best, most] = [shown, passed];
    }
    return best;
  }

  #cardOf(shown) {
    const same = this.cards.find((card) => card.parts.has(shown.part) && card.request?.digest === (shown.request ?? undefined));
    if (same !== undefined) return same;
    const asked = this.cards.filter((card) => shown.request !== null && card.request?.digest === shown.request);
    const open = (card) => card.result?.outcome !== "valid";
    const own = asked.find((card) => card.holder === shown.holder && open(card));
    if (own !== undefined) return own;
    const waiting = asked.find((card) => card.holder === null && card.request.body.nonce !== null);
    if (waiting !== undefined) return waiting;
    const card = this.#added(this.#askedBy(shown));
    // Two people answered one request: the second is never laid over the first.
    if (asked.length > 0 && card.request.body.nonce !== null) card.note = "other_holder";
    if (shown.request !== null && card.request?.digest !== shown.request) card.note = "not_asked_here";
    return card;
  }

  /** The request an answer is judged by: the one it names if it is ours, else any of ours, which then says no. */
  #askedBy(shown) {
    if (shown.request === null) return null;
    const ours = this.stack.find(shown.request);
    return ours ?? this.stack.stand(this.now()) ?? this.cards.find((card) => card.request !== null)?.request ?? this.stack.requests[0] ?? null;
  }

  #added(request) {
    this.#last += 1;
    const card = new Card(this.#last, request);
    this.cards.push(card);
    this.onChange(card);
    return card;
  }
}
