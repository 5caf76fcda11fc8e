/**
 * @typedef {{ readonly name: string, readonly type: string }} Column
 * @typedef {{ readonly columns: readonly Column[], readonly rows: readonly (readonly unknown[])[] }} Table
 */

/** JSON with whole numbers beyond 2^53 as bigint, so that a long keeps its digits. @param {string} text */
export function parsed(text) {
  return JSON.parse(text, exactly);
}

/** @type {(this: any, key: string, value: any, context?: { source?: string }) => any} */
function exactly(_key, value, context) {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  return source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value;
}

/** JSON text of what `parsed` gave. @param {unknown} value @returns {string} */
export function jsonText(value) {
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return `[${value.map(jsonText).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, each]) => `${JSON.stringify(key)}:${jsonText(each)}`)
    .join(",")}}`;
}

/** A value as text; null is empty. @param {unknown} value */
export function valueText(value) {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? jsonText(value) : String(value);
}

const numeric = new Set(["int", "long", "real", "decimal"]);

/** @param {string} type */
export const isNumeric = (type) => numeric.has(type);

/**
 * The number that a value of a numeric type, a datetime (ms since 1970) or a timespan (seconds) is; undefined for null, NaN and the infinities.
 *
 * @param {unknown} value
 * @param {string} type
 * @returns {number | undefined}
 */
export function numberOf(value, type) {
  if (value === null || value === undefined || value === "") return undefined;
  const number =
    type === "datetime"
      ? millisecondsOf(String(value))
      : type === "timespan"
        ? secondsOf(String(value))
        : Number(value);
  return Number.isFinite(number) ? number : undefined;
}

/** Date.parse stops at the milliseconds; ticks are 100 ns. @param {string} text */
function millisecondsOf(text) {
  const [, head, fraction = ""] = /^(.*?)(?:\.(\d+))?Z?$/.exec(text) ?? [];
  return Date.parse(`${head}Z`) + Number(`0.${fraction || "0"}`) * 1000;
}

/** @param {string} text `-1.02:03:04.5` */
function secondsOf(text) {
  const found = /^(-)?(?:(\d+)\.)?(\d+):(\d+):(\d+(?:\.\d+)?)$/.exec(text);
  if (!found) return Number.NaN;
  const [, sign, days = "0", hours, minutes, seconds] = found;
  return (sign ? -1 : 1) * (((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds));
}

/**
 * The order of two values of a column; nulls come last, whichever way it is turned.
 *
 * @param {string} type
 * @param {1 | -1} direction
 * @returns {(a: unknown, b: unknown) => number}
 */
export function orderOf(type, direction) {
  const keyOf = keys(type);
  return (a, b) => {
    const [left, right] = [keyOf(a), keyOf(b)];
    if (left === undefined || right === undefined) return Number(left === undefined) - Number(right === undefined);
    return left < right ? -direction : left > right ? direction : 0;
  };
}

/** @param {string} type @returns {(value: unknown) => string | number | bigint | undefined} */
function keys(type) {
  if (type === "int" || type === "long")
    return (value) => (typeof value === "number" || typeof value === "bigint" ? value : undefined);
  if (isNumeric(type) || type === "timespan") return (value) => numberOf(value, type) ?? lastKey(value);
  // Without the Z, a datetime's text sorts as its time does: the years have four digits.
  if (type === "datetime") return (value) => (value === null ? undefined : String(value).replace("Z", ""));
  return (value) => (value === null ? undefined : valueText(value));
}

/** NaN and the infinities come as texts. @param {unknown} value */
function lastKey(value) {
  if (value === "-Infinity") return Number.NEGATIVE_INFINITY;
  return value === "Infinity" ? Number.POSITIVE_INFINITY : undefined;
}

/** CSV as in RFC 4180, with the names of the columns. @param {Table} table */
export function csvOf({ columns, rows }) {
  const line = (/** @type {readonly unknown[]} */ values) =>
    values.map((value) => csvField(valueText(value))).join(",");
  return [line(columns.map(({ name }) => name)), ...rows.map(line)].map((each) => `${each}\r\n`).join("");
}

/** @param {string} text */
const csvField = (text) => (/[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

const counts = new Intl.NumberFormat("en");

/** `1,234` @param {number | bigint} count */
export const countText = (count) => counts.format(count);

/** `12.3 MB` @param {number} bytes */
export function bytesText(bytes) {
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  const power = Math.min(4, Math.floor(Math.log10(bytes) / 3));
  const scaled = bytes / 1000 ** power;
  return `${scaled < 10 ? scaled.toFixed(1) : Math.round(scaled)} ${["B", "kB", "MB", "GB", "TB"][power]}`;
}

/** `12 s ago` @param {number} ms */
export function ageText(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 2) return "now";
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min ago`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h ago` : `${Math.round(seconds / 86_400)} days ago`;
}

/** A name as KQL takes it. @param {string} name */
export function kqlName(name) {
  return /^[a-z_]\w*$/i.test(name) ? name : `['${name.replace(/['\\]/g, "\\$&")}']`;
}

/** A text in lines as blocks between empty lines, which are what is run. @param {string} text */
export function blocksOf(text) {
  /** @type {{ start: number, text: string }[]} */
  const blocks = [];
  const separator = /\n[ \t]*(?=\n)/g;
  let from = 0;
  for (let found = separator.exec(text); found; found = separator.exec(text)) {
    blocks.push({ start: from, text: text.slice(from, found.index) });
    from = separator.lastIndex;
  }
  blocks.push({ start: from, text: text.slice(from) });
  return blocks.filter((block) => block.text.trim() !== "").map(trimmed);
}

/** @param {{ start: number, text: string }} block */
function trimmed({ start, text }) {
  const head = /^\s*/.exec(text)?.[0].length ?? 0;
  return { start: start + head, text: text.trim() };
}

/** The block that a place of the text is in, or else the one before it. @param {string} text @param {number} at */
export function blockAt(text, at) {
  const blocks = blocksOf(text);
  return blocks.findLast(({ start }) => start <= at) ?? blocks[0];
}
