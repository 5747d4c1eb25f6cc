/**
 * Tables in and out (verifier/bulk/sheet.py): CSV that a spreadsheet opens as text, nothing in a cell is ever run.
 */

// A spreadsheet takes a cell that begins so as a formula or a command, also behind spaces.
const DANGEROUS = ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20", "|", "%"];

/** CSV text with BOM (so that Excel reads it right) and CRLF; a dangerous cell gets an apostrophe before it. */
export function encodeSheet(header, rows) {
  return `\ufeff${[header, ...rows].map(encodeRow).join("")}`;
}

/** The rows of a CSV text (RFC 4180, or with semicolons): cells as they stand, empty lines left out. */
export function parseSheet(text) {
  const plain = text.replace(/^\ufeff/, "");
  const comma = separatorOf(plain);
  const rows = [];
  let [row, cell, quoted] = [[], "", false];
  const endCell = () => {
    row.push(cell);
    cell = "";
  };
  const endRow = () => {
    endCell();
    if (row.some((each) => each !== "")) rows.push(row);
    row = [];
  };
  for (let at = 0; at < plain.length; at += 1) {
    const letter = plain[at];
    if (quoted) {
      if (letter !== '"') cell += letter;
      else if (plain[at + 1] === '"') cell += plain[(at += 1)];
      else quoted = false;
    } else if (letter === '"' && cell === "") quoted = true;
    else if (letter === comma) endCell();
    else if (letter === "\n" || letter === "\r") endRow();
    else cell += letter;
  }
  endRow();
  return rows;
}

/** Tab or semicolon where the first line has one and no comma. */
function separatorOf(text) {
  const [first] = text.split(/[\r\n]/, 1);
  return [",", "\t", ";"].find((each) => first.includes(each)) ?? ",";
}

function encodeRow(row) {
  return `${row.map((cell) => `"${inert(cell).replaceAll('"', '""')}"`).join(",")}\r\n`;
}

function inert(cell) {
  const start = cell.replace(/^[ \u3000\u00a0]+/, "");
  return DANGEROUS.some((sign) => start.startsWith(sign)) ? `'${cell}` : cell;
}
