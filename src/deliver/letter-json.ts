import { randomUUID } from "node:crypto";
import { reasonOf } from "../errors.ts";
import { RawJson } from "../schema/raw-json.ts";

/** Stands before what is to be written without quotes. No data contains it. */
const mark = randomUUID();
const marked = new RegExp(`"${mark}((?:[^"\\\\]|\\\\.)*)"`, "g");

/**
 * The JSON text of a refused record, which may be anything at all; what JSON cannot hold is kept as plain text. Nothing becomes null
 * or another number:
 *
 * | value                         | of a source (`isRead`)   | of `write()`       |
 * |-------------------------------|--------------------------|--------------------|
 * | bigint                        | a number with all digits | its text           |
 * | -0, infinities                | `-0`, `1e999`, `-1e999`  | texts, where they are values of columns |
 * | NaN, invalid Date             |                          | texts, where they are values of columns |
 * | `rawJson(text)`               |                          | that JSON; as a text where it is not JSON |
 */
export function letterJson(original: unknown, isRead: boolean): string {
  let isMarked = false;
  const bare = (text: string): string => {
    isMarked = true;
    return mark + text;
  };

  function replace(this: unknown, key: string, value: unknown): unknown {
    if (typeof value === "bigint") return isRead ? bare(String(value)) : String(value);
    if (typeof value === "number") return isRead ? exactNumber(value, bare) : numberOrText(value, this === original);
    const given = (this as Record<string, unknown>)[key];
    if (given instanceof RawJson && isJson(value)) return bare(String(value));
    if (given instanceof Date && value === null) return "Invalid Date";
    return value;
  }

  try {
    const text = JSON.stringify(original, replace);
    if (text === undefined) return JSON.stringify(String(original));
    return isMarked ? text.replace(marked, (quoted) => bareText(quoted)) : text;
  } catch (error) {
    return JSON.stringify(`(not JSON: ${reasonOf(error)})`);
  }
}

/** A line of a letter has no line end, and in JSON one stands only between tokens. */
function bareText(quoted: string): string {
  return (JSON.parse(quoted) as string).slice(mark.length).replace(/[\r\n]+/g, " ");
}

function exactNumber(value: number, bare: (text: string) => string): unknown {
  if (Object.is(value, -0)) return bare("-0");
  if (value === Number.POSITIVE_INFINITY) return bare("1e999");
  return value === Number.NEGATIVE_INFINITY ? bare("-1e999") : value;
}

/** Within a dynamic value JSON.stringify writes null for them, and so do the rows. */
function numberOrText(value: number, isColumn: boolean): unknown {
  if (!isColumn || (Number.isFinite(value) && !Object.is(value, -0))) return value;
  return Object.is(value, -0) ? "-0" : String(value);
}

function isJson(text: unknown): boolean {
  try {
    JSON.parse(String(text));
    return true;
  } catch {
    return false;
  }
}
