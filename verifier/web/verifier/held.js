/**
 * The logs that a trust bundle holds: per log a cosigned checkpoint, its blocks and its milestones, from named files.
 *
 *   checkpoint-<log>.txt    the newest cosigned checkpoint, a signed note
 *   blocks-<log>.cbor       blocks that lead to its root (certificate/log_files.js)
 *   milestones-<log>.cbor   sizes and times of the log
 */

import { parseBlocks, parseMilestones } from "../certificate/log_files.js";
import { parseCheckpointNote } from "../ledger/checkpoint.js";
import { FormatError, UndeterminedError } from "../ledger/errors.js";
import { makeHeldLog } from "../ledger/held_log.js";
import { carriedSignatures, verifyCheckpoint } from "../ledger/trust_policy.js";

const NAME = /^(?:checkpoint|blocks|milestones)-([1-9][0-9]{0,9})\.(?:txt|cbor)$/;

/** What is held of each log, by its number in the directory: Maps `logs` and `milestones`. */
export class HeldLogs {
  constructor(logs = new Map(), milestones = new Map()) {
    Object.assign(this, { logs, milestones });
    Object.freeze(this);
  }
}

export function checkpointFileName(log) {
  return `checkpoint-${log}.txt`;
}

export function blocksFileName(log) {
  return `blocks-${log}.cbor`;
}

export function milestonesFileName(log) {
  return `milestones-${log}.cbor`;
}

/**
 * Open and check the files of logs among `files` (a Map). `now`: POSIX seconds at which the bundle was cut: no witness
 * signed later.
 *
 * Throws what the parsers, `verifyCheckpoint` and `makeHeldLog` throw; `log.unknown_origin` for a log that the directory
 * does not list, `trust.missing` for blocks without checkpoint, `trust.malformed` for a file named for another log.
 */
export async function parseHeldLogs(files, { directory, policy, now }) {
  const named = [...files.keys()].map((name) => NAME.exec(name)).filter((match) => match !== null);
  const numbers = [...new Set(named.map((match) => Number(match[1])))].sort((left, right) => left - right);
  const held = new HeldLogs();
  for (const number of numbers) {
    const record = directory.log(number);
    if (record === null) throw new UndeterminedError("log.unknown_origin", `log ${number}`);
    const marks = files.get(milestonesFileName(number));
    if (marks !== undefined) {
      held.milestones.set(number, parseMilestones(marks));
      requireNumber(held.milestones.get(number).log, number);
    }
    if (files.has(blocksFileName(number))) {
      held.logs.set(number, await heldLog(files, number, { origin: record.origin, policy, now }));
    }
  }
  return held;
}

async function heldLog(files, number, { origin, policy, now }) {
  const [log, blocks] = await parseBlocks(files.get(blocksFileName(number)));
  requireNumber(log, number);
  const note = files.get(checkpointFileName(number));
  if (note === undefined) throw new UndeterminedError("trust.missing", checkpointFileName(number));
  const [checkpoint, signatures] = parseCheckpointNote(note);
  if (checkpoint.origin !== origin) {
    throw new FormatError("trust.malformed", `the checkpoint of another log under number ${number}`);
  }
  const verified = await verifyCheckpoint(note, { policy, now });
  const carried = carriedSignatures(signatures, { logKey: verified.logKey, policy });
  return makeHeldLog(blocks, verified, carried);
}

function requireNumber(stated, number) {
  if (stated !== number) throw new FormatError("trust.malformed", `a file of log ${stated} under number ${number}`);
}
