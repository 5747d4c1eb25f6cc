/**
 * The offline copy of the desk. `precache.js`, written when the site is exported or served, names every file with its
 * SHA-256; a file that is not the one named is not taken, so that a copy is whole or does not replace the one before.
 *
 * The trust bundle is not kept here: the page keeps it itself, after checking it. Nothing is fetched from elsewhere.
 */

// Where the host sends the page's policy with this file too, loading a script needs a word on which one.
self.trustedTypes?.createPolicy("default", {
  createScriptURL: (address) => {
    if (address !== "precache.js") throw new TypeError("not a script of the offline copy");
    return address;
  },
});
importScripts("precache.js");

const { version, files, later, policy } = self.PRECACHE;
const CACHE = `desk-${version}`;
const DATA = "desk-data";
const LAID = /^(?:settings\.json|requests\/[A-Za-z0-9._-]+)$/;
const BUNDLE = /^trust\/[A-Za-z0-9._-]+$/;

self.addEventListener("install", (event) => event.waitUntil(keep(files)));
self.addEventListener("activate", (event) => event.waitUntil(forgetOthers().then(() => self.clients.claim())));
self.addEventListener("fetch", (event) => {
  const path = pathOf(event.request);
  if (path !== null) event.respondWith(answer(path, event.request));
});
self.addEventListener("message", (event) => {
  if (event.data === "complete") event.waitUntil(complete(event.source));
  if (event.data === "use now") event.waitUntil(self.skipWaiting());
});

/** The path below the desk's folder; null for what is none of ours. */
function pathOf(request) {
  const url = new URL(request.url);
  const scope = new URL(self.registration.scope);
  if (request.method !== "GET" || url.origin !== scope.origin) return null;
  if (!url.pathname.startsWith(scope.pathname)) return null;
  return url.pathname.slice(scope.pathname.length) || "index.html";
}

async function answer(path, request) {
  if (path in files || path in later) return (await kept(path)) ?? fetchNamed(path);
  if (BUNDLE.test(path)) return fetch(request);
  if (LAID.test(path)) return laid(path, request);
  return new Response("", { status: 404, headers: { "content-type": "text/plain" } });
}

async function kept(path) {
  const cache = await caches.open(CACHE);
  return cache.match(address(path));
}

/** Requests and settings change without the page: fetched anew, or as they were last seen. */
async function laid(path, request) {
  const cache = await caches.open(DATA);
  try {
    const found = await fetch(request);
    if (found.ok) await cache.put(address(path), found.clone());
    else if (found.status === 404) await cache.delete(address(path));
    return found;
  } catch {
    return (await cache.match(address(path))) ?? new Response("", { status: 404 });
  }
}

async function keep(named) {
  await Promise.all(Object.keys(named).map(fetchNamed));
}

/** Fetch a file and keep it, if it is the one that is named. */
async function fetchNamed(path) {
  const found = await fetch(address(path), { cache: "no-cache" });
  const bytes = new Uint8Array(await found.arrayBuffer());
  if (!found.ok || (await hexDigest(bytes)) !== (files[path] ?? later[path])) {
    throw new TypeError("the site is being replaced");
  }
  const headers = {
    "content-type": found.headers.get("content-type") ?? "application/octet-stream",
    "content-security-policy": policy,
    "x-content-type-options": "nosniff",
  };
  const response = new Response(bytes, { headers });
  const cache = await caches.open(CACHE);
  await cache.put(address(path), response.clone());
  return response;
}

/** What is large and not needed at first; the page asks for it once it stands. */
async function complete(client) {
  const cache = await caches.open(CACHE);
  for (const path of Object.keys(later)) {
    if ((await cache.match(address(path))) === undefined) await fetchNamed(path);
  }
  await keepLaid();
  client?.postMessage("complete");
}

/** The page's first opening asked for requests and settings before there was a copy: they are asked for once more. */
async function keepLaid() {
  await laid("settings.json", address("settings.json"));
  const listed = await laid("requests/index.json", address("requests/index.json"));
  if (!listed.ok) return;
  const { requests } = await listed.json();
  const paths = requests.map(({ file }) => `requests/${file}`).filter((path) => LAID.test(path));
  for (const path of paths) await laid(path, address(path));
}

async function forgetOthers() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("desk-") && name !== CACHE && name !== DATA).map((name) => caches.delete(name)));
}

function address(path) {
  return new URL(path === "index.html" ? "./" : path, self.registration.scope).href;
}

async function hexDigest(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
