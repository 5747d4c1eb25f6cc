/**
 * What a batch is made of: a folder of answers (pictures, PDFs, files), or a list with one answer a line (text, CSV,
 * JSON lines). Each item is {name, data: [Uint8Array, …]} or {name, reason} for what could not be read.
 */

import { ProjectError } from "../ledger/errors.js";
import { isPicture, readPicture } from "./scan_picture.js";
import { readText, splitTexts } from "./scan_text.js";
import { parseSheet } from "./sheet.js";

export const MOST_ITEMS = 20_000;

const TAG_18 = 0xd2;
const MAX_LIST = 64 * 2 ** 20;
const ANSWER = /^\s*(?:TS1:|0o)/i;
const NAMES = ["reference", "id", "file", "name"]; // of a JSON line's member that tells one from another

/** The items of all files, one after the other: a folder is read while its first answers are being verified. */
export async function* batchItems(files) {
  for (const file of files) yield* itemsOfFile(file);
}

async function* itemsOfFile(file) {
  const name = file.webkitRelativePath || file.name;
  if (name.split("/").at(-1).startsWith(".")) return; // what a system leaves in folders
  if (file.size > MAX_LIST) {
    yield { name, reason: "enc.too_large" };
    return;
  }
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (bytes[0] === TAG_18) yield { name, data: [bytes] };
  else if (isPicture(bytes)) yield* itemsOfPicture(name, bytes);
  else yield* itemsOfText(name, new TextDecoder().decode(bytes));
}

async function* itemsOfPicture(name, bytes) {
  try {
    const texts = await readPicture(bytes);
    for (const [at, text] of texts.entries()) yield itemOfText(texts.length > 1 ? `${name} ${at + 1}` : name, text);
  } catch (error) {
    if (!(error instanceof ProjectError)) throw error;
    yield { name, reason: error.reason };
  }
}

function* itemsOfText(name, text) {
  if (/^\ufeff?\s*\{/.test(text)) yield* itemsOfJson(name, text);
  else if (ANSWER.test(text.replace(/^\ufeff/, ""))) yield* itemsOfLines(name, text);
  else yield* itemsOfSheet(name, text);
}

function* itemsOfLines(name, text) {
  const texts = splitTexts(text);
  for (const [at, each] of texts.entries()) yield itemOfText(texts.length > 1 ? `${name} ${at + 1}` : name, each);
}

/** Of a JSON line all strings count that are answers: several together answer one request. */
function* itemsOfJson(name, text) {
  const lines = text.replace(/^\ufeff/, "").split(/\r?\n/);
  for (const [at, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const row = parsedRow(line);
    const texts = Object.values(row).flat().filter((value) => typeof value === "string" && ANSWER.test(value));
    const told = NAMES.map((key) => row[key]).find((value) => typeof value === "string" || typeof value === "number");
    yield itemOfTexts(told === undefined ? `${name} ${at + 1}` : String(told), texts);
  }
}

function parsedRow(line) {
  try {
    const row = JSON.parse(line);
    return row !== null && typeof row === "object" ? row : {};
  } catch {
    return {};
  }
}

/** A table: answers stand in the cells that begin like one, the first other cell tells whose. */
function* itemsOfSheet(name, text) {
  const rows = parseSheet(text);
  const isHeader = rows.length > 1 && !rows[0].some((cell) => ANSWER.test(cell)) && rows[1].some((cell) => ANSWER.test(cell));
  for (const [at, row] of rows.entries()) {
    if (at === 0 && isHeader) continue;
    const told = row.find((cell) => cell !== "" && !ANSWER.test(cell));
    yield itemOfTexts(told ?? `${name} ${at + 1}`, row.filter((cell) => ANSWER.test(cell)));
  }
}

function itemOfText(name, text) {
  return itemOfTexts(name, [text]);
}

function itemOfTexts(name, texts) {
  if (texts.length === 0) return { name, reason: "enc.prefix_unknown" };
  const data = texts.map((text) => {
    const read = readText(text);
    return read.kind === "shown" ? read.candidates[0] : new TextEncoder().encode(text.trim()); // verify says why not
  });
  return { name, data };
}
