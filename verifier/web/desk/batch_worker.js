/**
 * Answers judged away from the page. Messages {id, …} and their answers {id, …}:
 *     {open: {files: [[name, bytes], …], rootKeys: [hex, …], requests: [bytes, …], language, now}}    {} or {failed: reason}
 *     {items: [{name, data: [bytes, …]} or {name, reason}, …]}                      {rows: [{name, json, evidence}, …]}
 *     anything that is our own fault                                                {trouble}
 *
 * Each answer is judged by the request it names, if that is one of ours, else by the first of ours, which then says no;
 * a paper certificate by itself. Used answers are marked in the desk's own memory, as at the counter.
 */

import { reasonText } from "../certificate/texts.js";
import { fromHex } from "../ledger/digest.js";
import { ProjectError } from "../ledger/errors.js";
import { Asked, STATIC } from "../verifier/expect.js";
import { fileVerification } from "../verifier/filing.js";
import { reportJson } from "../verifier/render.js";
import { RunSeen } from "../verifier/seen.js";
import { openSeenStore } from "../verifier/seen_store.js";
import { parseBundle } from "../verifier/trust.js";
import { verify } from "../verifier/verify.js";
import { addressOf } from "./address.js";
import { openRequests } from "./request_stack.js";

let ground = null; // {trust, requests: digest -> bytes, seen, language, now}

self.onmessage = async ({ data: { id, open, items } }) => {
  try {
    self.postMessage({ id, ...(open === undefined ? { rows: await judgeAll(items) } : await opened(open)) });
  } catch (error) {
    self.postMessage({ id, trouble: error instanceof Error ? error.name : "unknown" });
  }
};

async function opened({ files, rootKeys, requests, language, now }) {
  try {
    const trust = await parseBundle(new Map(files), { rootKeys: rootKeys.map(fromHex) });
    const [known] = await openRequests(requests);
    const byDigest = new Map(known.map(({ digest, data }) => [digest, data]));
    ground = { trust, requests: byDigest, seen: new RunSeen(await openSeenStore()), language, now };
    return {};
  } catch (error) {
    if (error instanceof ProjectError) return { failed: error.reason };
    throw error;
  }
}

async function judgeAll(items) {
  const rows = [];
  for (const item of items) rows.push(item.data === undefined ? unread(item) : await judged(item));
  return rows;
}

async function judged({ name, data }) {
  const { trust, seen, language, now } = ground;
  const request = requestOf(data[0]);
  const report = await verify(data.length === 1 ? data[0] : data, {
    trust,
    now,
    expect: request === null ? STATIC : new Asked(request),
    seen,
  });
  const evidence = report.certificate === null ? null : await filed(report, data, request);
  return { name, json: reportJson(report, language), evidence };
}

function requestOf(bytes) {
  const { request } = addressOf(bytes);
  if (request === null) return null;
  return ground.requests.get(request) ?? ground.requests.values().next().value ?? null;
}

async function filed(report, data, request) {
  return fileVerification(report, data, { request, trust: ground.trust, now: ground.now });
}

/** What could not be read as a picture or text never came to the steps: the report says no in the first. */
function unread({ name, reason }) {
  const text = `${reasonText(reason, ground.language)} [${reason}]`;
  const step = { step: 1, name: "text", outcome: "no", reason, text, detail: "" };
  const json = { outcome: "invalid", reason, steps: [step], certificate: null, disclosed: [], policies: [], trust: {} };
  return { name, json: { ...json, notes: [], evidence: {}, parts: [] }, evidence: null };
}
