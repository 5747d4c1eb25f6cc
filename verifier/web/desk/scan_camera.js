/**
 * The camera: frames are looked at one after the other until a code is read; each text is told once.
 */

import { ProjectError } from "../ledger/errors.js";
import { el } from "./dom.js";
import { readBitmap } from "./scan_picture.js";

const WANTED = {
  audio: false,
  video: { facingMode: { ideal: "environment" }, width: { ideal: 1920 }, height: { ideal: 1080 } },
};
const PAUSE = 60; // milliseconds between frames: a counter's old computer has other things to do
const WORDS = { NotAllowedError: "denied", NotFoundError: "none", NotReadableError: "busy", OverconstrainedError: "none" };

/**
 * Show the camera's picture in `container` and read it.
 *   onText(text)      a code's text, once for each until `again` or `stop`
 *   onTrouble(word)   "insecure", "denied", "none", "busy", "lost"; nothing runs then
 * Returns {stop(), again(), torch}; torch(on) is null where the camera has no lamp.
 */
export async function startCamera(container, { onText, onTrouble }) {
  const stream = await opened(onTrouble);
  if (stream === null) return null;
  const video = el("video", { class: "scan__video", playsinline: true, muted: true });
  video.muted = true; // the attribute alone does not silence it
  video.srcObject = stream;
  container.replaceChildren(video);
  const looking = new Looking(video, onText);
  const [track] = stream.getVideoTracks();
  const stop = () => {
    looking.end();
    for (const each of stream.getTracks()) each.stop();
    video.srcObject = null;
    video.remove();
  };
  track.addEventListener("ended", () => {
    stop();
    onTrouble("lost");
  });
  await video.play().catch(() => null); // stopped before its first frame
  if (looking.ended) return null;
  looking.start();
  return { stop, again: () => looking.forget(), torch: torchOf(track) };
}

async function opened(onTrouble) {
  if (navigator.mediaDevices === undefined) {
    onTrouble("insecure");
    return null;
  }
  try {
    return await navigator.mediaDevices.getUserMedia(WANTED);
  } catch (error) {
    onTrouble(WORDS[error.name] ?? "busy");
    return null;
  }
}

/** Reads frame after frame; never two at a time. */
class Looking {
  constructor(video, onText) {
    Object.assign(this, { video, onText, running: false, ended: false, told: new Set() });
  }

  start() {
    this.running = true;
    this.look();
  }

  end() {
    this.running = false;
    this.ended = true;
  }

  forget() {
    this.told.clear();
  }

  async look() {
    while (this.running) {
      for (const text of await this.frame()) this.tell(text);
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }

  async frame() {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (width === 0 || document.hidden) return [];
    try {
      return await readBitmap(this.video, width, height);
    } catch (error) {
      if (error instanceof ProjectError) return [];
      throw error;
    }
  }

  tell(text) {
    if (!this.running || this.told.has(text)) return;
    this.told.add(text);
    this.onText(text);
  }
}

function torchOf(track) {
  const can = track.getCapabilities?.().torch === true;
  return can ? (on) => track.applyConstraints({ advanced: [{ torch: on }] }) : null;
}
