/**
 * Applications accepted for now, on this device: numbers, months and days, never a name. An entry ends by itself with
 * its day; nothing about it is kept after that.
 */

const KEPT = "desk.later";
const MOST = 500;
const DAY_TEXT = /^\d{4}-\d{2}-\d{2}$/;

/**
 * The entries whose day has not passed, the earliest first; the others are deleted.
 * @param {string} today YYYY-MM-DD, this device's day
 * @returns {Entry[]} {id, number, reference, missing: [{kind, months}], until, follow: request text or null}
 */
export function currentEntries(today) {
  const all = read();
  const current = all.filter((entry) => entry.until >= today);
  if (current.length !== all.length) write(current);
  return current.sort((left, right) => left.until.localeCompare(right.until) || left.id.localeCompare(right.id));
}

/** Put an entry on the list; the same certificate stands there once. Returns it. */
export function addEntry({ number, reference, missing, until }) {
  if (!DAY_TEXT.test(until)) throw new RangeError("a day is due");
  const entry = { id: crypto.randomUUID(), number, reference, missing, until, follow: null };
  write([...read().filter((other) => other.number !== number), entry].slice(-MOST));
  return entry;
}

/** Lay a follow-up request (its QR text) to an entry. */
export function setFollow(id, follow) {
  write(read().map((entry) => (entry.id === id ? { ...entry, follow } : entry)));
}

/** Take an entry off the list. */
export function removeEntry(id) {
  write(read().filter((entry) => entry.id !== id));
}

function read() {
  try {
    const value = JSON.parse(localStorage.getItem(KEPT) ?? "[]");
    return Array.isArray(value) ? value.filter(isEntry) : [];
  } catch {
    return [];
  }
}

function write(entries) {
  localStorage.setItem(KEPT, JSON.stringify(entries));
}

function isEntry(value) {
  return typeof value?.id === "string" && DAY_TEXT.test(value.until) && Array.isArray(value.missing);
}
