// Judges the cases of a corpus (tests/browser/conformance/corpus.py) with the verifier of the page.
// Everything goes through the product's public calls; bytes come in base64, reports leave as JSON.

const blobs = new Map();
const bundles = [];
let site = null;
let product = null;

/** Says where the product's modules stand: below `root`, an URL that ends in a slash. */
export async function connect(root) {
  site = root;
}

/** Keeps blobs, base64 by name. */
export function keep(more) {
  for (const [name, text] of Object.entries(more)) {
    blobs.set(name, Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)));
  }
}

/** Lets all bundles go. */
export function forget() {
  bundles.length = 0;
}

/** Opens bundles, in the order of the corpus: for each the reason code of its refusal, or null. */
export async function open(more) {
  product ??= await modules();
  const said = [];
  for (const { files, rootKeys } of more) {
    const contents = new Map(Object.entries(files).map(([name, blob]) => [name, blobs.get(blob)]));
    try {
      bundles.push(await product.parseBundle(contents, { rootKeys: rootKeys.map((key) => blobs.get(key)) }));
      said.push(null);
    } catch (error) {
      bundles.push(null);
      said.push(error.reason ?? crash(error));
    }
  }
  return said;
}

/** Judges cases: for each {zh, en, after, ms} or {crash}. */
export async function judge(cases) {
  const said = [];
  for (const each of cases) {
    try {
      said.push(await judgeOne(each));
    } catch (error) {
      said.push({ crash: crash(error) });
    }
  }
  return said;
}

/** Gives blobs to a parser of the product: for each the reason code of its refusal, or null. */
export async function parse(module, name, names, rootKeys) {
  const parser = (await import(new URL(module, site).href))[name];
  const { decodeCbor } = await import(new URL("ledger/cbor.js", site).href);
  const options = { rootKeys: rootKeys.map((key) => blobs.get(key)) };
  const said = [];
  for (const blob of names) {
    const data = blobs.get(blob);
    try {
      await parser(name === "parseProof" ? decodeCbor(data) : data, options);
      said.push(null);
    } catch (error) {
      said.push(error.reason ?? crash(error));
    }
  }
  return said;
}

async function modules() {
  const paths = ["verify", "trust", "expect", "seen", "filing", "report", "render"];
  const all = await Promise.all(paths.map((path) => import(new URL(`verifier/${path}.js`, site).href)));
  return Object.assign({}, ...all);
}

async function judgeOne({ whole, shown, bundle, now, expect, before }) {
  const parts = shown.map((name) => blobs.get(name));
  const seen = await memory(before);
  const options = { trust: bundles[bundle], now, expect: await expected(expect), seen };
  const start = performance.now();
  const report = await product.verify(whole ? parts[0] : parts, options);
  const ms = performance.now() - start;
  return {
    zh: product.reportJson(report, "zh"),
    en: product.reportJson(report, "en"),
    after: seen.told(),
    ms,
  };
}

async function expected({ kind, request, subject, filed }) {
  if (kind === "static") {
    return product.STATIC;
  }
  if (kind === "archive") {
    return (await product.parseFiled(blobs.get(filed))).archive;
  }
  return new product.Asked(blobs.get(request), subject);
}

/** A memory of the product that knows what `before` says, and can tell what it was told since. */
async function memory(before) {
  const inner = new product.MemorySeen();
  const newest = { ...before.newest };
  const used = new Set(before.used);
  if (before.used.length > 0) {
    await inner.useOnce(before.used.map(bytes));
  }
  for (const [name, value] of Object.entries(before.newest)) {
    await inner.advance(name, value);
  }
  return {
    isUsed: (keys) => inner.isUsed(keys),
    newest: (name) => inner.newest(name),
    async useOnce(keys) {
      const fresh = await inner.useOnce(keys);
      keys.forEach((key) => fresh && used.add(hex(key)));
      return fresh;
    },
    async advance(name, value) {
      newest[name] = Math.max(value, newest[name] ?? value);
      await inner.advance(name, value);
    },
    told: () => ({ used: [...used].sort(), newest }),
  };
}

function bytes(text) {
  return Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));
}

function hex(key) {
  return Array.from(key, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function crash(error) {
  return `crash: ${error.stack ?? error}`;
}
