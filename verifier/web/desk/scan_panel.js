// All the ways in which an applicant's answer reaches the desk, behind one call: camera, picture, PDF, file, pasted
// text, and counter scanners that type. What comes in is handed on as text or bytes; judging it is for others.

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

/**
 * Put the ways in into `container`.
 *   language          "zh" or "en"
 *   onShown(shown)    {candidates: [Uint8Array, …], source, mended, inputMethod}: one answer or paper certificate, as
 *                     text or bytes. More than one candidate: the first that holds is meant (scan_text.js)
 *   onMany(files)     several answers at once (a list, a folder): for the batch; without it each is shown
 * Returns {stop()}.
 */
export function mountScanner(container, { language, onShown, onMany = null }) {
  return new Panel(container, language, onShown, onMany);
}

class Panel {
  constructor(container, language, onShown, onMany) {
    Object.assign(this, { language, onShown, onMany, camera: null, opening: false });
    this.draw(container);
    this.stops = [
      listenForScanner(document, {
        onScan: (result, { inputMethod }) => this.take(result, "typed", inputMethod),
        onTrouble: (trouble) => this.tell(`typed_${trouble}`),
      }),
      heard(document, "paste", (event) => this.paste(event)),
      heard(document, "dragover", (event) => event.preventDefault()),
      heard(document, "drop", (event) => this.drop(event)),
    ];
  }

  stop() {
    this.stopCamera();
    for (const stop of this.stops) stop();
  }

  draw(container) {
    const text = (key) => say(this.language, key);
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
    fill(
      container,
      el("div", { class: "buttons" }, this.cameraButton, this.torchButton, choose, picker),
      this.view,
      el("p", { class: "lead small" }, text("ways")),
      this.message,
      el(
        "details",
        { class: "more" },
        el("summary", {}, text("paste")),
        el("label", { class: "field" }, el("span", { class: "field__label" }, text("paste_label")), this.pasted),
        el(
          "div",
          { class: "buttons" },
          el("button", { type: "button", class: "button", "data-scan": "read", onclick: () => this.readField() }, text("paste_go")),
        ),
      ),
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
    this.cameraButton.textContent = say(this.language, "camera_off");
    this.torchButton.hidden = this.camera.torch === null;
    this.tell("camera_looking");
  }

  stopCamera() {
    this.camera?.stop();
    this.camera = null;
    this.view.hidden = true;
    this.torchButton.hidden = true;
    this.cameraButton.textContent = say(this.language, "camera_on");
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
    if (files.length > 1 && this.onMany !== null) {
      this.onMany(files);
      return;
    }
    for (const file of files) await this.takeFile(file);
  }

  async takeFile(file) {
    if (file.size > MAX_BYTES) {
      this.tell("too_large");
      return;
    }
    const bytes = new Uint8Array(await file.arrayBuffer());
    if (isPicture(bytes)) await this.takePicture(bytes);
    else if (bytes[0] === TAG_18) this.hand([bytes], "file");
    else if (bytes.length > MAX_LETTERS) this.tell("foreign");
    else this.takeText(new TextDecoder().decode(bytes), "file");
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

  hand(candidates, source, mended = [], inputMethod = false) {
    this.tell(inputMethod ? "mended_input_method" : mended.length > 0 ? `mended_${mended.at(-1)}` : null);
    this.onShown({ candidates, source, mended, inputMethod });
  }

  /** One line for the clerk: what happened, and what helps. Nothing that was scanned is repeated in it. */
  tell(key) {
    this.message.textContent = key === null ? "" : say(this.language, key);
    this.message.dataset.told = key ?? "";
  }
}

function heard(target, name, listener) {
  target.addEventListener(name, listener);
  return () => target.removeEventListener(name, listener);
}
