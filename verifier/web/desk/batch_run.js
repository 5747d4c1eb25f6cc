/**
 * A batch on all cores the browser gives: items are read one after the other, judged in workers, and come out in order.
 */

import { batchItems, MOST_ITEMS } from "./batch_items.js";

const CHUNK = 20;
const AHEAD = 3; // chunks that wait for a worker
const MOST_WORKERS = 4;

/**
 * Judge all answers in `files` (File objects).
 *   open               what a worker needs: {files: [[name, Uint8Array], …], rootKeys: [hex, …],
 *                      requests: [Uint8Array, …], language, now}
 *   onProgress(rows)   how many are done
 *   signal             an AbortSignal; what is done until then is returned
 * Returns a promise of {rows: [{name, json, evidence}], more}: `json` as reportJson gives it, `evidence` the bytes of
 * the verification's file or null; `more` says that the batch held more than MOST_ITEMS.
 * Throws Error with `reason` when the trust bundle does not open in a worker.
 */
export async function runBatch(files, { open, onProgress, signal }) {
  const crew = await Crew.of(Math.min(MOST_WORKERS, navigator.hardwareConcurrency || 1), open);
  const chunks = [];
  let [done, count, more] = [0, 0, false];
  const send = (items) => {
    chunks.push(
      crew.judge(items).then((rows) => {
        done += rows.length;
        onProgress(done);
        return rows;
      }),
    );
  };
  try {
    let items = [];
    for await (const item of batchItems(files)) {
      if (signal?.aborted) break;
      more = count === MOST_ITEMS;
      if (more) break;
      count += 1;
      items.push(item);
      if (items.length < CHUNK) continue;
      send(items);
      items = [];
      if (chunks.length > AHEAD) await chunks[chunks.length - AHEAD];
    }
    if (items.length > 0 && !signal?.aborted) send(items);
    return { rows: (await Promise.all(chunks)).flat(), more };
  } finally {
    crew.end();
  }
}

/** Some workers, each busy with a few chunks. */
class Crew {
  static async of(count, open) {
    const crew = new Crew();
    crew.members = Array.from({ length: count }, () => new Member());
    try {
      await Promise.all(crew.members.map((member) => member.open(open)));
    } catch (error) {
      crew.end();
      throw error;
    }
    return crew;
  }

  judge(items) {
    const free = this.members.reduce((least, member) => (member.busy < least.busy ? member : least));
    return free.judge(items);
  }

  end() {
    for (const member of this.members) member.end();
  }
}

class Member {
  constructor() {
    this.busy = 0;
    this.waiting = new Map();
    this.last = 0;
    this.worker = new Worker(new URL("./batch_worker.js", import.meta.url), { type: "module" });
    this.worker.onmessage = ({ data }) => this.settle(data);
    this.worker.onerror = (event) => {
      event.preventDefault();
      this.fail(new Error("a worker ended"));
    };
  }

  async open(open) {
    const { failed } = await this.ask({ open });
    if (failed !== undefined) throw Object.assign(new Error(failed), { reason: failed });
  }

  async judge(items) {
    this.busy += 1;
    try {
      return (await this.ask({ items })).rows;
    } finally {
      this.busy -= 1;
    }
  }

  end() {
    this.worker.terminate();
    this.fail(new Error("the batch was ended"));
  }

  ask(message) {
    const id = (this.last += 1);
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, ...message });
    });
  }

  settle({ id, ...answer }) {
    const asked = this.waiting.get(id);
    this.waiting.delete(id);
    if (answer.trouble === undefined) asked?.resolve(answer);
    else asked?.reject(new Error(answer.trouble));
  }

  fail(error) {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}
