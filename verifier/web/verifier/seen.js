/**
 * What a verifier remembers between verifications: used answers, and the newest versions and times it saw.
 *
 * Every memory has these methods, all of them asynchronous; that of a browser stands in verifier/seen_store.js:
 *
 *   isUsed(keys)          whether one of the 32-byte replay keys was used before
 *   useOnce(keys)         mark all keys as used, atomically; false, and no change, if one of them was used before
 *   newest(name)          the largest number reported under `name` (a bundle version, a list's or bundle's time), or null
 *   advance(name, value)  remember `value` under `name` unless a larger one is known
 */

import { hex } from "../ledger/digest.js";

/** A memory that ends with the page. */
export class MemorySeen {
  #used = new Set();
  #newest = new Map();

  async isUsed(keys) {
    return keys.some((key) => this.#used.has(hex(key)));
  }

  async useOnce(keys) {
    const wanted = keys.map(hex);
    if (wanted.some((key) => this.#used.has(key))) return false;
    wanted.forEach((key) => this.#used.add(key));
    return true;
  }

  async newest(name) {
    return this.#newest.get(name) ?? null;
  }

  async advance(name, value) {
    this.#newest.set(name, Math.max(value, this.#newest.get(name) ?? value));
  }
}

/**
 * Another memory during one run over many objects: used answers are looked up and marked in it each time, what is newest
 * is asked for once a name and told to it when it grows.
 */
export class RunSeen {
  #lasting;
  #newest = new Map();

  constructor(lasting) {
    this.#lasting = lasting;
  }

  async isUsed(keys) {
    return this.#lasting.isUsed(keys);
  }

  async useOnce(keys) {
    return this.#lasting.useOnce(keys);
  }

  async newest(name) {
    if (this.#newest.has(name)) return this.#newest.get(name);
    const value = await this.#lasting.newest(name);
    if (!this.#newest.has(name)) this.#newest.set(name, value); // another call was quicker, and may have advanced it
    return this.#newest.get(name);
  }

  async advance(name, value) {
    if (((await this.newest(name)) ?? 0) < value) {
      await this.#lasting.advance(name, value);
      this.#newest.set(name, Math.max(value, this.#newest.get(name) ?? 0));
    }
  }
}
