/**
 * Applicants at one desk, and why they never cross: an answer belongs to the card whose request it signed, and among
 * those of a shared stand request to the card of its holder's key. Which card is looked at plays no part.
 */

import { ProjectError } from "../ledger/errors.js";
import { addressOf } from "./address.js";

/**
 * One applicant. `state`: "waiting", "judging", "judged"; `result` is what `judge` gave; `trouble` the reason why it
 * could not judge; `note` a word on how the answer came here: "other_holder", "not_asked_here".
 */
export class Card {
  constructor(number, request) {
    Object.assign(this, { number, request, holder: null, parts: new Map() });
    Object.assign(this, { state: "waiting", result: null, trouble: null, note: null });
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
   *   stack                   the desk's requests (request_stack.js)
   *   judge(parts, request)   -> a promise of {report, …}: `verify` of the parts with the request (tagged bytes) that
   *                           was asked, null for paper
   *   now()                   POSIX seconds
   *   onChange(card)          a card is new or says something else; null: one is gone
   */
  constructor({ stack, judge, now, onChange }) {
    Object.assign(this, { stack, judge, now, onChange, cards: [] });
  }

  /** A card for the next applicant with a request of its own, or null when the stack holds none. */
  next() {
    const request = this.stack.take(this.now());
    return request === null ? null : this.#added(request);
  }

  /** Put each of what was shown (Uint8Array) where it belongs and judge it; a promise of the cards. */
  show(parts) {
    return this.#next(async () => {
      const cards = new Set();
      for (const bytes of parts) cards.add(this.#placed(addressOf(bytes)));
      for (const card of cards) await this.#judged(card);
      return [...cards];
    });
  }

  /** Judge a card again, as after an update of the trust bundle. */
  again(card) {
    return this.#next(() => {
      card.state = "waiting";
      return this.#judged(card);
    });
  }

  /** Forget an applicant and all that was shown. */
  remove(card) {
    this.cards = this.cards.filter((other) => other !== card);
    card.parts.clear();
    card.result = null;
    this.onChange(null);
  }

  /** One showing after the other: what is placed next finds what was placed before. */
  #next(work) {
    const done = this.#work.then(work);
    this.#work = done.catch(() => null);
    return done;
  }

  #placed(shown) {
    const known = this.cards.find((card) => sameBytes(card.parts.get(shown.part), shown.bytes));
    if (known !== undefined) return known; // a phone that is held before the camera is no second answer
    const card = this.#cardOf(shown);
    card.parts.set(shown.part, shown.bytes);
    card.holder ??= shown.holder;
    card.state = "waiting";
    return card;
  }

  async #judged(card) {
    if (card.state === "judged" || !this.cards.includes(card)) {
      this.onChange(card);
      return;
    }
    this.#turn(card, "judging", null);
    try {
      card.result = await this.judge(card.shown, card.request?.data ?? null);
      this.#turn(card, "judged", null);
    } catch (error) {
      if (!(error instanceof ProjectError)) throw error;
      this.#turn(card, "waiting", error.reason);
    }
  }

  #turn(card, state, trouble) {
    Object.assign(card, { state, trouble });
    if (this.cards.includes(card)) this.onChange(card);
  }

  /** Among the cards that asked: the one of the same holder, one that nobody answered yet, or a new one. */
  #cardOf(shown) {
    const asked = this.cards.filter((card) => shown.request !== null && card.request?.digest === shown.request);
    const own = asked.filter((card) => card.holder === shown.holder);
    const open = own.find((card) => card.result?.report.outcome !== "valid");
    if (open !== undefined) return open;
    const unanswered = asked.find((card) => card.holder === null && card.request.body.nonce !== null);
    if (unanswered !== undefined) return unanswered;
    const card = this.#added(this.#askedBy(shown));
    if (card.request !== null && card.request.digest === shown.request) this.stack.mark(card.request, this.now());
    // Two people answered one request: the second is never laid over the first.
    if (asked.length > own.length && card.request.body.nonce !== null) card.note = "other_holder";
    if (shown.request !== null && card.request?.digest !== shown.request) card.note = "not_asked_here";
    return card;
  }

  /** The request an answer is judged by: the one it names if it is ours, else any of ours, which then says no. */
  #askedBy(shown) {
    if (shown.request === null) return null;
    return this.stack.find(shown.request) ?? this.stack.stand(this.now()) ?? this.stack.requests[0] ?? null;
  }

  #added(request) {
    this.#last += 1;
    const card = new Card(this.#last, request);
    this.cards.push(card);
    this.onChange(card);
    return card;
  }
}

function sameBytes(left, right) {
  return left !== undefined && left.length === right.length && left.every((byte, at) => byte === right[at]);
}
