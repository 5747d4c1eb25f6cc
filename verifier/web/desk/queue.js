/**
 * The queue as the clerk sees it: a row of numbered cards, and under it the one that is looked at. A scan brings its own
 * card to the front.
 */

import { toneOf, verdictOf } from "./advice.js";
import { Queue } from "./applicants.js";
import { el, fill } from "./dom.js";
import { drawRequest } from "./requests.js";
import { say } from "./scan_words.js";
import { verdictShape } from "./shapes.js";

/** Show the desk's applicants in `container`; whatever is shown to the desk goes to its own card. */
export function mountQueue(container, desk) {
  const view = new View(container, desk);
  desk.addEventListener("shown", ({ detail }) => view.queue.show(detail.parts));
  desk.addEventListener("language", () => view.draw());
  desk.addEventListener("trust", () => view.judgeTroubled());
  view.draw();
}

class View {
  constructor(container, desk) {
    Object.assign(this, { container, desk, looked: null, turn: 0 });
    this.queue = new Queue({
      stack: desk.requests,
      judge: (parts, request) => this.judge(parts, request),
      now: () => desk.now(),
      onChange: (card) => this.changed(card),
    });
  }

  /** The judgement, with the report as the page's texts are drawn from it. */
  async judge(parts, request) {
    const judged = await this.desk.judge(parts, request);
    const { reportJson } = await import("../verifier/render.js");
    return { ...judged, told: (language) => reportJson(judged.report, language) };
  }

  draw() {
    this.row = el("ol", { class: "queue__row", "aria-label": this.say("queue") });
    this.place = el("div", { class: "queue__card" });
    this.next = el(
      "button",
      { type: "button", class: "button", "data-queue": "next", onclick: () => this.add() },
      this.say("queue_next"),
    );
    this.left = el("span", { class: "lead small", "data-queue": "left" });
    this.head = el("div", { class: "buttons queue__head" }, this.next, this.left);
    fill(this.container, this.head, this.row, this.place);
    this.refresh();
  }

  /** A card is new or says something else: what was just shown is looked at. */
  changed(card) {
    if (card !== null && (this.looked === null || card.state !== "waiting")) this.looked = card;
    this.refresh();
    if (card?.state === "judged") this.desk.announce(`${this.name(card)} ${this.state(card)}`);
  }

  open(card) {
    this.looked = card;
    this.refresh();
  }

  refresh() {
    const { cards, stack } = this.queue;
    if (!cards.includes(this.looked)) this.looked = cards.at(-1) ?? null;
    const left = stack.left(this.queue.now());
    this.head.hidden = left === 0;
    this.left.textContent = this.say("queue_left", { left });
    const focused = this.row.contains(document.activeElement) ? document.activeElement.dataset.card : null;
    fill(this.row, cards.map((card) => el("li", {}, this.tab(card))));
    if (focused !== null) this.row.querySelector(`[data-card="${focused}"]`)?.focus();
    this.row.hidden = cards.length < 2 && cards.every((card) => card.state === "judged");
    this.show(this.looked);
  }

  /** Draw a card; the verdict's own modules are loaded with the first one, and what was asked meanwhile wins. */
  async show(card) {
    const turn = (this.turn += 1);
    const drawn = card === null ? this.empty() : await this.drawn(card);
    if (this.turn === turn) fill(this.place, drawn);
  }

  empty() {
    return el(
      "div",
      { class: "panel empty" },
      el("h3", { class: "panel__title" }, this.desk.word("empty_title")),
      el("p", { class: "lead" }, this.desk.word("empty_text")),
    );
  }

  /** There was no trust bundle when they were shown; now there is one. */
  judgeTroubled() {
    for (const card of this.queue.cards.filter(({ trouble }) => trouble !== null)) this.queue.again(card);
  }

  add() {
    const card = this.queue.next();
    if (card !== null) this.open(card);
  }

  tab(card) {
    const told = card.state === "judged" ? card.result.told(this.desk.language) : null;
    const tone = told === null ? null : toneOf(told);
    return el(
      "button",
      {
        type: "button",
        class: `queue__tab queue__tab--${tone ?? card.state}`,
        "data-card": card.number,
        "aria-current": card === this.looked ? "true" : null,
        onclick: () => this.open(card),
      },
      tone === null ? null : verdictShape(tone, this.desk.word(`shape_${tone}`)),
      el("span", { class: "queue__number" }, this.name(card)),
      el("span", { class: "queue__state" }, this.state(card)),
    );
  }

  async drawn(card) {
    const close = () => this.queue.remove(card);
    const note = card.note === null ? null : el("p", { class: "note note--wait" }, this.say(card.note));
    const title = el("h3", { class: "queue__title" }, this.name(card));
    if (card.state === "judged") {
      const verdict = await this.desk.draw(card.result, { close, again: () => this.queue.again(card) });
      return el("div", {}, title, note, verdict);
    }
    const asked = card.request === null ? null : drawRequest(card.request, this.desk);
    const trouble = card.trouble === null ? null : el("p", { class: "note note--wait" }, this.desk.word("trust_none_long"));
    const quit = el("button", { type: "button", class: "button button--quiet", onclick: close }, this.say("queue_close"));
    return el("div", { class: "panel queue__waiting" }, title, note, trouble, el("p", {}, this.state(card)), asked, quit);
  }

  name(card) {
    return this.say("queue_number", { number: card.number });
  }

  state(card) {
    if (card.state !== "judged") return this.say(`queue_${card.state}`);
    return this.desk.word(`verdict_${verdictOf(card.result.told(this.desk.language))}`);
  }

  say(key, values) {
    return say(this.desk.language, key, values);
  }
}
