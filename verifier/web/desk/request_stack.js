/**
 * The requests a desk has: the stand's printed one, which all may answer, and a stack that was signed beforehand, each
 * with a nonce and for one applicant (DESIGN 3.4). The page holds no key and signs nothing.
 */

import { decodeAnyRequest, encodeRequestText } from "../certificate/qr_text.js";
import { matchingDigits, parseRequest } from "../certificate/request.js";
import { hex } from "../ledger/digest.js";
import { ProjectError } from "../ledger/errors.js";

const KEPT = "desk.handed_out";

/**
 * A request in any of its forms (Uint8Array): {data (tagged bytes), text (TSQ1:…), digest (hex), digits (two), body}.
 * Throws FormatError.
 */
export async function openRequest(anyForm) {
  const data = decodeAnyRequest(anyForm);
  const parsed = parseRequest(data);
  const digest = await parsed.digest();
  return Object.freeze({
    data,
    text: encodeRequestText(data),
    digest: hex(digest),
    digits: matchingDigits(digest),
    body: parsed.body,
  });
}

/** All that can be opened of `forms`, each once: [requests, how many could not]. */
export async function openRequests(forms) {
  const opened = new Map();
  let refused = 0;
  for (const form of forms) {
    try {
      const request = await openRequest(form);
      opened.set(request.digest, request);
    } catch (error) {
      if (!(error instanceof ProjectError)) throw error;
      refused += 1;
    }
  }
  return [[...opened.values()], refused];
}

/** Who asks what: the requests of one desk, and which of them were handed out. `now` is POSIX seconds everywhere. */
export class Stack {
  constructor(requests, { kept = window.localStorage } = {}) {
    this.requests = requests;
    this.kept = kept;
  }

  /** The printed request, or null: no nonce, its answers live five minutes. */
  stand(now) {
    return this.requests.find(({ body }) => body.nonce === null && now < body.expires) ?? null;
  }

  /** The request with this digest (hex), or null. */
  find(digest) {
    return this.requests.find((request) => request.digest === digest) ?? null;
  }

  /** How many applicants can still have a request of their own. */
  left(now) {
    return this.#free(now).length;
  }

  /** A request nobody had before, null when there is none; it is remembered as handed out, over a reload too. */
  take(now) {
    const [request] = this.#free(now);
    if (request === undefined) return null;
    this.mark(request, now);
    return request;
  }

  /** Somebody has this request, or answered it: nobody else gets it. */
  mark(request, now) {
    if (request.body.nonce !== null) this.#keep({ ...this.#handed(now), [request.digest]: request.body.expires });
  }

  #free(now) {
    const handed = this.#handed(now);
    return this.requests.filter(
      ({ body, digest }) => body.nonce !== null && now < body.expires && !Object.hasOwn(handed, digest),
    );
  }

  /** Digest -> expiry of what was handed out and lives. A digest tells nothing of a person. */
  #handed(now) {
    let handed;
    try {
      handed = JSON.parse(this.kept.getItem(KEPT) ?? "{}");
    } catch {
      handed = {};
    }
    return Object.fromEntries(Object.entries(handed).filter(([, expires]) => now < expires));
  }

  #keep(handed) {
    try {
      this.kept.setItem(KEPT, JSON.stringify(handed));
    } catch {
      // A private window may refuse; then the stack begins anew with the page, and a used nonce is refused by verify.
    }
  }
}
