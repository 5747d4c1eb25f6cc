/**
 * All the ways in which an applicant's answer reaches the desk, behind one call: camera, picture, PDF, file, pasted
 * text, and counter scanners that type. What comes in is handed on as text or bytes; judging it is for others.
 */

import { el, fill } from "./dom.js";
import { startCamera } from "./scan_camera.js";
import { isPicture, MAX_BYTES, readPicture } from "./scan_picture.js";
import { MAX_LETTERS, readText, splitTexts } from "./scan_text.js";
import { listenForScanner } from "./scan_typed.js";
import { say } from "./scan_words.js";

const TAG_18 = 0xd2; // every object begins with it
const ACCEPTED = "image/png,image/jpeg,image/webp,application/pdf,.pdf,.b64,.txt,.cose,.cbor";
const REASONS = {
  "image.no_code": "no_code",
  "image.unreadable": "unreadable",
  "enc.too_large": "too_large",
};

/** Put the ways in into `container`; what is read goes to `desk.show`, several files at once to the batch. */
export function mountScan(container, desk) {
  const panel = new Panel(container, desk);
  panel.draw();
  desk.addEventListener("language", () => panel.draw());
}

class Panel {
  constructor(container, desk) {
    Object.assign(this, { container, desk, camera: null, opening: false });
    listenForScanner(document, {
      onScan: (result, { inputMethod }) => this.take(result, "typed", inputMethod),
      onTrouble: (trouble) => this.tell(`typed_${trouble}`),
    });
    document.addEventListener("paste", (event) => this.paste(event));
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => this.drop(event));
  }

  draw() {
    this.camera?.stop();
    this.camera = null;
    const text = (key) => say(this.desk.language, key);
    this.view = el("div", { class: "scan__view", hidden: true });
    this.message = el("p", { class: "scan__message", role: "status" });
    this.cameraButton = el(
      "button",
      { type: "button", class: "button button--main", "data-scan": "camera", onclick: () => this.toggleCamera() },
      text("camera_on"),
    );
    this.torchButton = el(
      "button",
      { type: "button", class: "button", hidden: true, "aria-pressed": "false", onclick: () => this.toggleTorch() },
      text("torch"),
    );
    const picker = el("input", {
      type: "file",
      multiple: true,
      hidden: true,
      accept: ACCEPTED,
      "data-scan": "file",
      onchange: () => this.takePicked(picker),
    });
    const choose = el("button", { type: "button", class: "button", onclick: () => picker.click() }, text("file"));
    this.pasted = el("textarea", { class: "field__input scan__text", rows: "4", spellcheck: "false", autocomplete: "off" });
    const title = el("h3", { class: "panel__title" }, this.desk.word("scan_title"));
    const buttons = el("div", { class: "buttons" }, this.cameraButton, this.torchButton, choose, picker);
    const ways = el("p", { class: "lead small" }, text("ways"));
    const parts = [title, buttons, this.view, this.message, ways, this.pasting(text)];
    fill(this.container, parts);
  }

  pasting(text) {
    const read = () => this.readField();
    return el(
      "details",
      { class: "more" },
      el("summary", {}, text("paste")),
      el("label", { class: "field" }, el("span", { class: "field__label" }, text("paste_label")), this.pasted),
      el("button", { type: "button", class: "button scan__read", "data-scan": "read", onclick: read }, text("paste_go")),
    );
  }

  // --- camera ---------------------------------------------------------------------------------------------------

  async toggleCamera() {
    if (this.camera !== null) {
      this.stopCamera();
      return;
    }
    if (this.opening) return;
    this.opening = true;
    this.tell("camera_opening");
    this.view.hidden = false;
    this.camera = await startCamera(this.view, {
      onText: (text) => this.takeText(text, "camera"),
      onTrouble: (trouble) => {
        this.stopCamera();
        this.tell(`camera_${trouble}`);
      },
    });
    this.opening = false;
    if (this.camera === null) return;
    this.cameraButton.textContent = say(this.desk.language, "camera_off");
    this.torchButton.hidden = this.camera.torch === null;
    this.tell("camera_looking");
  }

  stopCamera() {
    this.camera?.stop();
    this.camera = null;
    this.view.hidden = true;
    this.torchButton.hidden = true;
    this.cameraButton.textContent = say(this.desk.language, "camera_on");
    this.tell(null);
  }

  async toggleTorch() {
    const on = this.torchButton.getAttribute("aria-pressed") !== "true";
    await this.camera?.torch?.(on);
    this.torchButton.setAttribute("aria-pressed", String(on));
  }

  // --- files and texts --------------------------------------------------------------------------------------------

  async takePicked(picker) {
    const files = [...picker.files];
    picker.value = ""; // the same file can be chosen again
    await this.takeFiles(files);
  }

  drop(event) {
    event.preventDefault();
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length > 0) return this.takeFiles(files);
    return this.takeText(event.dataTransfer?.getData("text/plain") ?? "", "text");
  }

  paste(event) {
    if (event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement) return null;
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length > 0) return this.takeFiles(files);
    return this.takeText(event.clipboardData?.getData("text/plain") ?? "", "text");
  }

  readField() {
    const text = this.pasted.value;
    this.pasted.value = "";
    this.takeText(text, "text");
  }

  async takeFiles(files) {
    if (files.length === 1) await this.takeFile(files[0]);
    else this.desk.dispatchEvent(new CustomEvent("many", { detail: files }));
  }

  async takeFile(file) {
    if (file.size > MAX_BYTES) {
      this.tell("too_large");
      return;
    }
    const bytes = new Uint8Array(await file.arrayBuffer());
    if (isPicture(bytes)) await this.takePicture(bytes);
    else if (bytes[0] === TAG_18) this.hand([bytes], "file");
    else this.takeList(file, new TextDecoder().decode(bytes));
  }

  /** A file with one answer is shown; a list of them is a batch. */
  takeList(file, text) {
    const answers = text.match(/(?:TS1:|\b0oR)/gi)?.length ?? 0;
    if (answers > 2) this.desk.dispatchEvent(new CustomEvent("many", { detail: [file] }));
    else if (text.length > MAX_LETTERS) this.tell("foreign");
    else this.takeText(text, "file");
  }

  async takePicture(bytes) {
    this.tell("reading");
    try {
      for (const text of await readPicture(bytes)) this.takeText(text, "picture");
    } catch (error) {
      this.tell(REASONS[error.reason] ?? "unreadable");
    }
  }

  takeText(text, source) {
    const texts = splitTexts(text);
    if (texts.length === 0) this.tell("foreign");
    for (const each of texts) this.take(readText(each), source, false);
  }

  // --- what came in -----------------------------------------------------------------------------------------------

  take(result, source, inputMethod) {
    if (result.kind === "shown") this.hand(result.candidates, source, result.mended, inputMethod);
    else this.tell(result.kind === "broken" ? `broken_${source === "typed" ? "typed" : "text"}` : result.kind);
  }

  async hand(candidates, source, mended = [], inputMethod = false) {
    this.tell(inputMethod ? "mended_input_method" : mended.length > 0 ? `mended_${mended.at(-1)}` : null);
    this.desk.show([candidates.length === 1 ? candidates[0] : await this.best(candidates)], source);
  }

  async best(candidates) {
    const { bestOf } = await import("./scan_best.js");
    return bestOf(candidates, this.desk);
  }

  /** One line for the clerk: what happened, and what helps. Nothing that was scanned is repeated in it. */
  tell(key) {
    this.message.textContent = key === null ? "" : say(this.desk.language, key);
    this.message.dataset.told = key ?? "";
  }
}
