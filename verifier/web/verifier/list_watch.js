/** What a newer status list may not do to an older one (verifier/list_watch.py). */

import { Status } from "../certificate/status_list.js";

const PER_BYTE = 4;
const STAYS = new Map([
  [Status.REVOKED, [Status.REVOKED]],
  [Status.REPLACED, [Status.REPLACED, Status.REVOKED]],
]);

/** Whether `before` ended a place for good that `after` lifts, or that lies behind the end of a shorter list. */
export function isUndone(before, after) {
  for (let at = 0; at < before.packed.length; at += 1) {
    if (before.packed[at] === (after.packed[at] ?? 0)) continue;
    for (let place = at * PER_BYTE; place < (at + 1) * PER_BYTE; place += 1) {
      const stays = STAYS.get(before.value(place));
      if (stays !== undefined && (place >= after.length || !stays.includes(after.value(place)))) return true;
    }
  }
  return false;
}
