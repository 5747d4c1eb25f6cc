/**
 * The trust bundle on this device: its files and the pinned root keys, in one IndexedDB record.
 */

const NAME = "desk-trust";
const STORE = "bundle";
const KEY = "held";

/**
 * What is kept; null where nothing is.
 * @returns {Promise<{files: Map<string, Uint8Array>, rootKeys: string[]}|null>} keys in hex
 */
export async function loadKept() {
  const found = await withStore("readonly", (store) => store.get(KEY));
  return found === undefined ? null : { files: new Map(found.files), rootKeys: found.rootKeys };
}

/** Keep a bundle that was checked, as a whole. */
export async function saveKept({ files, rootKeys }) {
  await withStore("readwrite", (store) => store.put({ files: [...files], rootKeys }, KEY));
}

/** Forget bundle and root keys: the next opening begins anew with what the site holds. */
export async function forgetKept() {
  await withStore("readwrite", (store) => store.delete(KEY));
}

async function withStore(mode, act) {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = act(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
