/**
 * Counter scanners that type: a burst of keys that begins with our mark and ends with Enter, Tab or silence.
 *
 * Each key is kept twice, as the character it gave and as the place it has on a US keyboard. An input method that is
 * switched on swallows the characters ("Process"); the places still tell what was scanned. While a scan is being typed
 * the page's own keys are dead: no space presses a button, no Enter sends a form.
 */

import { readText } from "./scan_text.js";

const GAP = 400; // milliseconds; a longer silence ends a scan
const QUICK = 60; // no person types so fast for long
const LEAST = 24; // keys of a burst that is worth a word although it is not ours
const MARK = /^(?:TS1:|TSQ1:|0o)/i;
const MARKS = ["TS1:", "TSQ1:", "0O"];
const PLAIN = { Space: " ", Minus: "-", Equal: "=", Period: ".", Slash: "/", Semicolon: ";", Comma: ",", Quote: "'" };
const SHIFTED = {
  Digit1: "!", Digit2: "@", Digit3: "#", Digit4: "$", Digit5: "%", Digit6: "^", Digit7: "&", Digit8: "*",
  Digit9: "(", Digit0: ")", Minus: "_", Equal: "+", Period: ">", Slash: "?", Semicolon: ":", Comma: "<", Quote: '"',
};
const NUMPAD = { Add: "+", Subtract: "-", Multiply: "*", Divide: "/", Decimal: "." };

/**
 * Listen for scans in `target` (a document) until the returned function is called.
 *   onScan(result, {inputMethod})   what `readText` says of a scan, and whether an input method got in its way
 *   onTrouble(word)                 "input_method": letters were swallowed; "layout": the keyboard is not a US one;
 *                                   "foreign": another kind of code
 */
export function listenForScanner(target, { onScan, onTrouble }) {
  const burst = new Burst((result, told) => (result === null ? onTrouble(told) : onScan(result, told)));
  const listeners = [
    ["keydown", (event) => burst.press(event)],
    ["compositionstart", () => burst.composing()],
    ["compositionend", () => burst.composing()],
  ];
  for (const [name, listener] of listeners) target.addEventListener(name, listener, { capture: true });
  return () => {
    burst.forget();
    for (const [name, listener] of listeners) target.removeEventListener(name, listener, { capture: true });
  };
}

/** The keys of one scan so far. */
class Burst {
  constructor(done) {
    this.done = done;
    this.forget();
  }

  forget() {
    clearTimeout(this.timer);
    Object.assign(this, { typed: "", placed: "", began: 0, last: 0, count: 0, swallowed: false, field: null, timer: 0 });
  }

  composing() {
    if (this.count > 0) this.swallowed = true;
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || isModifier(event)) return;
    if (event.timeStamp - this.last > GAP) this.forget();
    if (isEnd(event)) {
      if (this.count >= LEAST || MARK.test(this.typed) || MARK.test(this.placed)) this.end(event);
      else this.forget();
      return;
    }
    this.add(event);
    if (this.isOurs() && !isProcess(event)) event.preventDefault();
    if (this.isOurs()) this.emptyField();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.fallSilent(), GAP);
  }

  add(event) {
    if (this.count === 0) {
      this.began = event.timeStamp;
      this.field = fieldOf(event.target);
    }
    this.count += 1;
    this.last = event.timeStamp;
    if (isProcess(event)) this.swallowed = true;
    else if (event.key.length === 1) this.typed += event.key;
    this.placed += placeOf(event);
  }

  /** From the mark on, keys belong to the scan: into a text field, too, no more of them gets. */
  isOurs() {
    return MARK.test(this.typed) || MARK.test(this.placed);
  }

  /** The first letters stand in the field that had the focus: put back what was there. */
  emptyField() {
    if (this.field !== null && this.field.element.value !== this.field.value) {
      this.field.element.value = this.field.value;
    }
  }

  end(event) {
    if (this.isOurs() || this.isQuick()) event?.preventDefault();
    const told = this.judged();
    this.emptyField();
    this.forget();
    if (told !== null) this.done(...told);
  }

  fallSilent() {
    if (this.isOurs() && this.count >= LEAST) this.end(null);
    else this.forget();
  }

  isQuick() {
    return this.count >= LEAST && (this.last - this.began) / this.count < QUICK;
  }

  judged() {
    const readings = [readText(this.typed), readText(this.placed)];
    const found = ["shown", "asked"].flatMap((kind) => readings.filter((reading) => reading.kind === kind))[0];
    if (found !== undefined) return [found, { inputMethod: found !== readings[0] }];
    if (this.swallowed) return [null, "input_method"];
    if (readings.some((reading) => reading.kind === "broken")) return [readings.find((r) => r.kind === "broken"), { inputMethod: false }];
    if (!this.isQuick()) return null;
    return [null, looksShifted(this.typed) ? "layout" : "foreign"];
  }
}

/** "TS1:" by its places and something else by its letters, or the other way round: another keyboard layout. */
function looksShifted(typed) {
  return /^TS.[^A-Z0-9 ]/i.test(typed) || MARKS.some((mark) => typed.toUpperCase().startsWith(mark.slice(0, 3)));
}

function placeOf({ code, shiftKey, key }) {
  const capital = shiftKey || (key.length === 1 && key === key.toUpperCase() && key !== key.toLowerCase());
  if (/^Key[A-Z]$/.test(code)) return capital ? code[3] : code[3].toLowerCase();
  if (shiftKey && code in SHIFTED) return SHIFTED[code];
  if (/^Digit[0-9]$/.test(code)) return code[5];
  if (/^Numpad[0-9]$/.test(code)) return code[6];
  if (code.startsWith("Numpad")) return NUMPAD[code.slice(6)] ?? "";
  return PLAIN[code] ?? "";
}

function fieldOf(target) {
  const isField = target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
  return isField ? { element: target, value: target.value } : null;
}

function isProcess(event) {
  return event.key === "Process" || event.isComposing || event.keyCode === 229;
}

function isEnd({ key, code }) {
  return key === "Enter" || key === "Tab" || code === "Enter" || code === "NumpadEnter";
}

function isModifier({ key }) {
  return ["Shift", "Control", "Alt", "Meta", "CapsLock", "NumLock", "AltGraph"].includes(key);
}
