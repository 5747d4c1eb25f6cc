/**
 * What one trust bundle made true and need not be checked again: held by the bundle, bounded, never shared by two.
 *
 * Only what holds at any time is kept: signatures and parsed forms. Ages, dates and places are judged each time.
 */

import { Remembered } from "../ledger/remembered.js";

const CHECKPOINTS = 1024;
const REQUESTS = 64;
const LISTS = 16; // up to 4 MiB each

/**
 * The memories of one bundle: `checkpoints` whose log and witness signatures hold; status `lists` by authority and number;
 * the verifier's own `requests`, parsed, by their bytes in hex; `askers` of those whose signatures and scope hold.
 */
export class Known {
  constructor() {
    this.checkpoints = new Remembered(CHECKPOINTS);
    this.lists = new Remembered(LISTS);
    this.requests = new Remembered(REQUESTS);
    this.askers = new Remembered(REQUESTS);
    Object.freeze(this);
  }
}
