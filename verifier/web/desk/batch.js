/**
 * Many answers at once: choose a folder or a list, watch the bar, look at the table, take the results away.
 */

import { reasonSentence, toneOf, verdictOf } from "./advice.js";
import { countOutcomes, evidencePieces, resultsLines, resultsSheet } from "./batch_results.js";
import { runBatch } from "./batch_run.js";
import { download, el, fill } from "./dom.js";
import { say } from "./scan_words.js";
import { verdictShape } from "./shapes.js";
import { drawVerdict } from "./verdict.js";

const MOST_DRAWN = 500; // rows on the screen; all are in the files

/** Put the batch into `container`; several files that are dropped at the counter come here too. */
export function mountBatch(container, desk) {
  const view = new View(container, desk);
  desk.addEventListener("language", () => view.drawAnew());
  desk.addEventListener("many", ({ detail }) => {
    location.hash = "#batch";
    view.take(detail);
  });
}

class View {
  constructor(container, desk) {
    Object.assign(this, { container, desk, rows: [], running: null });
    this.draw();
  }

  /** In another language; what runs is not disturbed. */
  drawAnew() {
    if (this.running !== null) return;
    this.draw();
    if (this.rows.length > 0) this.drawResults();
  }

  draw() {
    this.bar = el("progress", { class: "batch__bar", hidden: true, "aria-label": this.text("batch_bar") });
    this.message = el("p", { class: "scan__message", role: "status", "data-batch": "message" });
    this.stopButton = el("button", { type: "button", class: "button", hidden: true, onclick: () => this.running?.abort() }, this.text("batch_stop"));
    this.results = el("div", { "data-batch": "results" });
    fill(
      this.container,
      el("div", { class: "panel" }, this.chooser(), this.bar, this.message, this.stopButton, this.results),
    );
  }

  /** Judge these files; the table takes the place of the one before. */
  async take(files) {
    if (this.running !== null || files.length === 0) return;
    this.running = new AbortController();
    try {
      await this.run(files);
    } catch (error) {
      this.tell(error.reason === undefined ? "batch_failed" : "batch_no_trust");
    } finally {
      this.running = null;
      this.bar.hidden = true;
      this.stopButton.hidden = true;
    }
  }

  async run(files) {
    const { desk } = this;
    if (desk.trust === null) {
      this.tell("batch_no_trust");
      return;
    }
    this.begin(files);
    const open = {
      files: [...desk.trustFiles],
      rootKeys: desk.rootKeys,
      requests: desk.requests.requests.map(({ data }) => data),
      language: desk.language,
      now: desk.now(),
    };
    const onProgress = (done) => this.progress(done, files.length);
    const { rows, more } = await runBatch(files, { open, onProgress, signal: this.running.signal });
    Object.assign(this, { rows, more, judgedAt: open.now });
    this.drawResults();
    desk.announce(this.message.textContent);
  }

  drawResults() {
    const { rows, more } = this;
    this.tell(more ? "batch_more" : "batch_done", { ...countOutcomes(rows), all: rows.length });
    fill(this.results, rows.length > 0 ? [this.takeAway(), this.list()] : null);
  }

  begin(files) {
    this.rows = [];
    fill(this.results);
    this.bar.hidden = false;
    this.stopButton.hidden = false;
    this.bar.removeAttribute("value");
    this.progress(0, files.length);
  }

  progress(done, files) {
    if (files > 1) Object.assign(this.bar, { max: Math.max(files, done), value: done });
    this.tell("batch_running", { done });
  }

  chooser() {
    const input = (more) =>
      el("input", { type: "file", multiple: true, hidden: true, ...more, onchange: (event) => this.picked(event.target) });
    const files = input({ "data-batch": "files" });
    const folder = input({ webkitdirectory: true, "data-batch": "folder" });
    const button = (key, picker) =>
      el("button", { type: "button", class: "button", onclick: () => picker.click() }, this.text(key));
    return [
      el("p", { class: "lead" }, this.text("batch_intro")),
      el("div", { class: "buttons" }, button("batch_files", files), button("batch_folder", folder), files, folder),
    ];
  }

  async picked(input) {
    const files = [...input.files];
    input.value = "";
    await this.take(files);
  }

  takeAway() {
    const button = (key, save) => el("button", { type: "button", class: "button", "data-batch": key, onclick: save }, this.text(key));
    return el(
      "div",
      { class: "buttons" },
      button("batch_csv", () => download("results.csv", resultsSheet(this.rows, this.desk.language), "text/csv")),
      button("batch_jsonl", () => download("results.jsonl", resultsLines(this.rows), "application/x-ndjson")),
      button("batch_zip", () => download("verifications.zip", new Blob(evidencePieces(this.rows)), "application/zip")),
    );
  }

  list() {
    const rest = this.rows.length - MOST_DRAWN;
    return [
      el("ol", { class: "batch__list", "aria-label": this.text("batch_list") }, this.rows.slice(0, MOST_DRAWN).map((row) => this.row(row))),
      rest > 0 ? el("p", { class: "lead" }, this.text("batch_rest", { rest })) : null,
    ];
  }

  /** One line; the whole verdict is drawn when it is opened. */
  row({ name, json }) {
    const tone = toneOf(json);
    const place = el("div", {});
    const line = el("details", { ontoggle: () => fill(place, line.open ? this.drawn(json) : null) });
    const summary = el(
      "summary",
      { class: "batch__line" },
      verdictShape(tone, this.desk.word(`shape_${tone}`)),
      el("span", { class: "batch__name" }, name),
      el("strong", {}, this.desk.word(`verdict_${verdictOf(json)}`)),
      el("span", { class: "batch__why" }, reasonSentence(json)),
    );
    line.append(summary, place);
    return el("li", { "data-outcome": json.outcome }, line);
  }

  drawn(json) {
    const { language, posts } = this.desk;
    return drawVerdict(json, { language, now: this.judgedAt, posts });
  }

  tell(key, values = {}) {
    this.message.textContent = this.text(key, values);
    this.message.dataset.told = key;
  }

  text(key, values = {}) {
    return say(this.desk.language, key, values);
  }
}
