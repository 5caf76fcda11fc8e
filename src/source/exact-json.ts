import { randomUUID } from "node:crypto";

/** Sixteen digits in a row: the shortest text of an integer that a double may not hold. */
const manyDigits = /\d{16}/;

/**
 * `JSON.parse` that keeps integers beyond 2^53: as bigint where they are members of the record itself, and within nested
 * values as raw JSON, where the runtime has it (Node 22, Deno, Bun; on Node 20 they are rounded there, as JSON.parse does).
 *
 * @param recordDepth how deep the record lies: 1, the text itself
 * @throws SyntaxError as JSON.parse does.
 */
export function parseExactly(text: string, recordDepth = 1): unknown {
  return manyDigits.test(text) ? reparse(text, recordDepth) : JSON.parse(text);
}

const token = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[{}[\]]/g;

/** No 64-bit integer and no decimal has more; BigInt's time grows with the square of the length. */
const longestInteger = 41;

/** The integers are put into strings that no data contains, and taken out again by JSON.parse's reviver. */
const mark = randomUUID();
const { rawJSON } = JSON as { rawJSON?: (text: string) => unknown };

function reparse(text: string, recordDepth: number): unknown {
  JSON.parse(text); // so that what is wrong with it is told of the text itself
  let depth = 0;
  const marked = text.replace(token, (part) => {
    if (part === "{" || part === "[") depth++;
    else if (part === "}" || part === "]") depth--;
    else if (part.length >= 16 && isUnsafe(part)) {
      if (depth <= recordDepth) return `"${mark}b${part}"`;
      if (rawJSON) return `"${mark}r${part}"`;
    }
    return part;
  });
  return JSON.parse(marked, (_, value) => {
    if (typeof value !== "string" || !value.startsWith(mark)) return value;
    const digits = value.slice(mark.length + 1);
    return value[mark.length] === "b" ? BigInt(digits) : rawJSON!(digits);
  });
}

function isUnsafe(part: string): boolean {
  return part.length <= longestInteger && /^-?\d+$/.test(part) && !Number.isSafeInteger(Number(part));
}
