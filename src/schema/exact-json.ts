import { randomUUID } from "node:crypto";
import { ExactNumber } from "./exact-number.ts";
import { withoutLastZeros } from "./texts.ts";

/** Without it a text has no number that a double may not hold: sixteen digits and dots in a row, or an exponent of three digits. */
const hint = /\d[\d.]{15}|\d[eE][+-]?\d{3,}(?=[\s,\]}]|$)/;
/** Such numbers, and what looks like one within texts. */
const suspects = /-?\d[\d.]{15,}(?:[eE][+-]?\d+)?|-?\d[\d.]*[eE][+-]?\d{3,}(?=[\s,\]}]|$)/g;

/**
 * `JSON.parse` that keeps every digit. Numbers that a double does not hold become bigint where they are integers and members of
 * the record itself, and else {@link ExactNumber}.
 *
 * @param recordDepth how deep the record lies: 1, the text itself; -1: it is no record, and no number becomes a bigint
 * @throws SyntaxError as JSON.parse does.
 */
export function parseExactly(text: string, recordDepth = 1): unknown {
  return mayLoseDigits(text) ? reparse(text, recordDepth) : JSON.parse(text);
}

/**
 * Whether JSON.parse would lose a digit; or a text within looks as if it would. Doubles that were printed in full are many, and a look at each costs less than going over all
 * tokens.
 */
export function mayLoseDigits(text: string): boolean {
  return hint.test(text) && text.match(suspects)?.some((each) => !isHeld(each)) === true;
}

const token = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[{}[\]]/g;

/** No 64-bit integer and no decimal has more; BigInt's time grows with the square of the length. */
const longestInteger = 41;

/** The numbers are put into strings that no data contains, and taken out again by JSON.parse's reviver. */
const mark = randomUUID();

function reparse(text: string, recordDepth: number): unknown {
  const plain: unknown = JSON.parse(text); // so that what is wrong with it is told of the text itself
  let depth = 0;
  let isMarked = false;
  const marked = text.replace(token, (part) => {
    if (part === "{" || part === "[") depth++;
    else if (part === "}" || part === "]") depth--;
    else if (part[0] !== '"' && !isHeld(part)) {
      isMarked = true;
      const isBigint = depth <= recordDepth && part.length <= longestInteger && /^-?\d+$/.test(part);
      return `"${mark}${isBigint ? "b" : "r"}${part}"`;
    }
    return part;
  });
  if (!isMarked) return plain;
  return JSON.parse(marked, (_, value) => {
    if (typeof value !== "string" || !value.startsWith(mark)) return value;
    const digits = value.slice(mark.length + 1);
    return value[mark.length] === "b" ? BigInt(digits) : new ExactNumber(digits);
  });
}

/** Does the nearest double print the same value? The sign of a zero is kept by any double. */
function isHeld(text: string): boolean {
  const value = Number(text);
  if (!Number.isFinite(value)) return false;
  const printed = String(value);
  return printed === text || valueText(text) === valueText(printed);
}

/** One text for each value: its digits without the zeros around them, and its exponent. */
function valueText(text: string): string | undefined {
  const found = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(text);
  if (!found) return undefined;
  const [, sign, whole = "", fraction = "", exponent = "0"] = found;
  const digits = (whole + fraction).replace(/^0+/, "");
  const kept = withoutLastZeros(digits);
  return kept === "" ? "0" : `${sign}${kept}e${Number(exponent) - fraction.length + digits.length - kept.length}`;
}
