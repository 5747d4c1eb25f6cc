/**
 * What a trust bundle says of a log, as files (DESIGN 3.3, 3.6).
 *
 *   blocks      [1, log, size, start, large, small, edge]    hashes one after the other (ledger/blocks.js)
 *   milestones  [1, log, [[size, time], ...]]                one a day, times in POSIX seconds
 *
 * Neither is signed by itself: blocks have to lead to the root of a cosigned checkpoint, and milestones stand under the
 * signature of the bundle.
 */

import { Blocks } from "../ledger/blocks.js";
import { decodeCbor } from "../ledger/cbor.js";
import { FormatError } from "../ledger/errors.js";
import { MAX_SIZE } from "../ledger/merkle.js";
import { MAX_LOG } from "../ledger/proof.js";
import { takeArray, takeBytes, takeInt, takeVersion } from "./schema.js";

const MAX_MILESTONES = 40_000; // a century of days
const MAX_SECONDS = 2 ** 40;

/** Sizes and times of one log, [size, time] each, both strictly rising. */
export class Milestones {
  /** Throws FormatError `trust.malformed`. */
  constructor(log, marks) {
    for (let at = 1; at < marks.length; at += 1) {
      const [[size, time], [nextSize, nextTime]] = [marks[at - 1], marks[at]];
      if (nextSize <= size || nextTime <= time) {
        throw new FormatError("trust.malformed", "milestones that do not rise");
      }
    }
    this.log = log;
    this.marks = Object.freeze(marks);
    Object.freeze(this);
  }

  /**
   * The newest time (POSIX seconds) by which the log was not yet longer than `index`; null if none is known.
   *
   * Entry `index` was logged after it.
   */
  reachedBefore(index) {
    const reached = this.marks.findLast(([size]) => size <= index);
    return reached === undefined ? null : reached[1];
  }
}

/** [the log's number, its blocks]. Throws FormatError `enc.…`, `schema.…`, `log.proof_malformed`. */
export async function parseBlocks(data) {
  const fields = takeArray(decodeCbor(data), 7);
  takeVersion(fields[0]);
  const [size, start] = [takeInt(fields[2], 0, MAX_SIZE), takeInt(fields[3], 0, MAX_SIZE)];
  const log = takeInt(fields[1], 0, MAX_LOG);
  return [log, await Blocks.ofBytes(size, start, ...fields.slice(4).map((part) => takeBytes(part)))];
}

/** Read the file of milestones. Throws FormatError `enc.…`, `schema.…`, `trust.malformed`. */
export function parseMilestones(data) {
  const fields = takeArray(decodeCbor(data), 3);
  takeVersion(fields[0]);
  const marks = takeArray(fields[2], null, { atMost: MAX_MILESTONES }).map((mark) => {
    const [size, time] = takeArray(mark, 2);
    return [takeInt(size, 0, MAX_SIZE), takeInt(time, 0, MAX_SECONDS)];
  });
  return new Milestones(takeInt(fields[1], 0, MAX_LOG), marks);
}
