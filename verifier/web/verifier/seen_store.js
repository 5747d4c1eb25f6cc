/**
 * The verifier's memory in the browser, so that a replay is noticed after a restart and by a second tab.
 *
 * Holds hashes and version numbers, nothing about a person. Transactions that write wait for each other, in all tabs of
 * the origin: of two that mark one answer at once, one is told that it was used.
 */

import { hex } from "../ledger/digest.js";
import { ConfigError } from "../ledger/errors.js";

const NAME = "desk-seen";
const USED = "used";
const NEWEST = "newest";

/** The memory of this origin. Throws ConfigError `store.io_error` where the browser keeps nothing. */
export async function openSeenStore(name = NAME) {
  return new SeenStore(await opened(name));
}

/** A memory as verifier/seen.js describes it, in one database. Every method throws ConfigError `store.io_error`. */
class SeenStore {
  #database;

  constructor(database) {
    this.#database = database;
    database.onversionchange = () => database.close();
  }

  async isUsed(keys) {
    const found = await this.#run(USED, "readonly", (store) => keys.map((key) => store.count(hex(key))));
    return found.some((count) => count > 0);
  }

  async useOnce(keys) {
    try {
      await this.#run(USED, "readwrite", (store) => [...new Set(keys.map(hex))].map((key) => store.add(1, key)));
      return true;
    } catch (error) {
      if (error.cause?.name === "ConstraintError") return false;
      throw error;
    }
  }

  async newest(name) {
    const [value] = await this.#run(NEWEST, "readonly", (store) => [store.get(name)]);
    return value ?? null;
  }

  async advance(name, value) {
    await this.#run(NEWEST, "readwrite", (store) => {
      const known = store.get(name);
      known.onsuccess = () => {
        if (known.result === undefined || known.result < value) store.put(value, name);
      };
      return [];
    });
  }

  /** Forget everything, as one act. */
  async clear() {
    await this.#run(USED, "readwrite", (store) => [store.clear()]);
    await this.#run(NEWEST, "readwrite", (store) => [store.clear()]);
  }

  close() {
    this.#database.close();
  }

  /** The results of the requests that `act` makes, once all of them are on disk; or none happened. */
  #run(storeName, mode, act) {
    return new Promise((resolve, reject) => {
      const fail = (cause) => reject(failed(cause));
      try {
        const transaction = this.#database.transaction(storeName, mode, { durability: "strict" });
        const requests = act(transaction.objectStore(storeName));
        transaction.oncomplete = () => resolve(requests.map((request) => request.result));
        transaction.onabort = () => fail(transaction.error);
      } catch (error) {
        fail(error);
      }
    });
  }
}

function opened(name) {
  return new Promise((resolve, reject) => {
    try {
      const request = indexedDB.open(name, 1);
      request.onupgradeneeded = () => {
        request.result.createObjectStore(USED);
        request.result.createObjectStore(NEWEST);
      };
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(failed(request.error));
    } catch (error) {
      reject(failed(error));
    }
  });
}

function failed(cause) {
  const hint = "let this site keep data; without it a second use of an answer would go unnoticed";
  const error = new ConfigError("store.io_error", "the memory of used answers", { hint });
  error.cause = cause;
  return error;
}
