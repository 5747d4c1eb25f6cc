/**
 * SHA-256 (FIPS 180-4) at once, for inputs of a few blocks.
 *
 * A digest of WebCrypto is worked out on another thread: the way there and back takes thirty times as long as hashing
 * the two hashes of a tree node, of which a certificate has a hundred, and a hostile one (docs/adr/0017) 21,600.
 */

// First 32 bits of the fractional parts of the cube roots of the first 64 primes, and of the square roots of the first 8.
const PRIMES = primes(64);
const K = Int32Array.from(PRIMES, (prime) => fraction(Math.cbrt(prime)));
const START = Int32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));
const BLOCK = 64;
const words = new Int32Array(64); // of the block at hand; nothing here is interrupted

/** The digest of `data`: 32 bytes. */
export function sha256Now(data) {
  const padded = new Uint8Array(Math.ceil((data.length + 9) / BLOCK) * BLOCK);
  padded.set(data);
  padded[data.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor((data.length * 8) / 2 ** 32));
  view.setUint32(padded.length - 4, (data.length * 8) >>> 0);
  const state = START.slice();
  for (let at = 0; at < padded.length; at += BLOCK) compress(state, view, at);
  const digest = new Uint8Array(32);
  const out = new DataView(digest.buffer);
  state.forEach((word, at) => out.setInt32(4 * at, word));
  return digest;
}

/** FIPS 180-4 section 6.2.2: one block of `view` into `state`. */
function compress(state, view, start) {
  for (let t = 0; t < 16; t += 1) words[t] = view.getInt32(start + 4 * t);
  for (let t = 16; t < 64; t += 1) {
    const early = words[t - 15];
    const late = words[t - 2];
    const sigma0 = turned(early, 7) ^ turned(early, 18) ^ (early >>> 3);
    const sigma1 = turned(late, 17) ^ turned(late, 19) ^ (late >>> 10);
    words[t] = (words[t - 16] + sigma0 + words[t - 7] + sigma1) | 0;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let t = 0; t < 64; t += 1) {
    const sum1 = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25);
    const first = (h + sum1 + ((e & f) ^ (~e & g)) + K[t] + words[t]) | 0;
    const sum0 = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22);
    const second = (sum0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    // One by one: as one array it is made anew in each round.
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + second) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

function turned(word, count) {
  return (word >>> count) | (word << (32 - count));
}

function fraction(root) {
  return Math.floor((root - Math.floor(root)) * 2 ** 32);
}

function primes(count) {
  const found = [];
  for (let number = 2; found.length < count; number += 1) {
    if (found.every((prime) => number % prime)) found.push(number);
  }
  return found;
}
