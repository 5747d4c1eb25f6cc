/** A bounded memory of what was worked out once and may be used again: the oldest goes first, failures are not kept. */

export class Remembered {
  #limit;
  #values = new Map();

  constructor(limit) {
    this.#limit = limit;
  }

  get size() {
    return this.#values.size;
  }

  /** The value of `key` (a text or number), from `make` (may be async) unless it is known; what it throws is not kept. */
  async once(key, make) {
    if (this.#values.has(key)) return this.#values.get(key);
    const value = await make();
    while (this.#values.size >= this.#limit) this.#values.delete(this.#values.keys().next().value);
    this.#values.set(key, value);
    return value;
  }
}
