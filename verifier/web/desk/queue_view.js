// The queue as the clerk sees it: a row of numbered cards, and under it the one that is looked at. A scan brings its own
// card to the front.

import { el, fill } from "./dom.js";
import { drawRequest } from "./request_code.js";
import { say } from "./scan_words.js";

/**
 * Show `queue` (queue.js) in `container`.
 *   language            "zh" or "en"
 *   draw(card, close)   -> element: the verdict of a judged card; `close()` forgets the applicant
 *   empty()             -> element: what stands there while nobody was added
 *   announce(text)      for those who hear the page
 * Returns {changed(card), open(card), refresh()}: give `changed` to the queue as `onChange`.
 */
export function mountQueue(container, { queue, language, draw, empty, announce }) {
  return new View(container, { queue, language, draw, empty, announce });
}

class View {
  constructor(container, options) {
    Object.assign(this, options, { looked: null });
    this.row = el("ol", { class: "queue__row", "aria-label": say(this.language, "queue") });
    this.place = el("div", { class: "queue__card" });
    this.next = el(
      "button",
      { type: "button", class: "button", "data-queue": "next", onclick: () => this.add() },
      say(this.language, "queue_next"),
    );
    this.left = el("span", { class: "lead small", "data-queue": "left" });
    fill(container, el("div", { class: "buttons queue__head" }, this.next, this.left), this.row, this.place);
    this.refresh();
  }

  /** A card is new or says something else: what was just shown is looked at. */
  changed(card) {
    if (card !== null && (this.looked === null || card.state !== "waiting")) this.looked = card;
    this.refresh();
    if (card?.state === "judged") this.announce(`${this.name(card)} ${this.state(card)}`);
  }

  open(card) {
    this.looked = card;
    this.refresh();
  }

  refresh() {
    const { cards, stack } = this.queue;
    if (!cards.includes(this.looked)) this.looked = cards.at(-1) ?? null;
    const left = stack.left(this.queue.now());
    this.next.hidden = left === 0;
    this.left.textContent = left === 0 ? "" : say(this.language, "queue_left", { left });
    fill(this.row, cards.map((card) => el("li", {}, this.tab(card))));
    this.row.hidden = cards.length < 2 && cards.every((card) => card.state === "judged");
    fill(this.place, this.looked === null ? this.empty() : this.drawn(this.looked));
  }

  add() {
    const card = this.queue.next();
    if (card !== null) this.open(card);
  }

  tab(card) {
    const outcome = card.result?.outcome ?? card.state;
    return el(
      "button",
      {
        type: "button",
        class: `queue__tab queue__tab--${outcome}`,
        "data-card": card.number,
        "aria-current": card === this.looked ? "true" : null,
        onclick: () => this.open(card),
      },
      el("span", { class: "queue__number" }, this.name(card)),
      el("span", { class: "queue__state" }, this.state(card)),
    );
  }

  drawn(card) {
    const close = () => this.queue.remove(card);
    const note = card.note === null ? null : el("p", { class: "note note--wait" }, say(this.language, card.note));
    const title = el("h3", { class: "queue__title" }, this.name(card));
    if (card.state === "judged") return el("div", {}, title, note, this.draw(card, close));
    const asked = card.request === null ? null : drawRequest(card.request, this.language);
    const quit = el("button", { type: "button", class: "button button--quiet", onclick: close }, say(this.language, "queue_close"));
    return el("div", { class: "panel queue__waiting" }, title, note, el("p", {}, this.state(card)), asked, quit);
  }

  name(card) {
    return say(this.language, "queue_number", { number: card.number });
  }

  state(card) {
    return say(this.language, `queue_${card.result === null ? card.state : card.result.outcome}`);
  }
}
