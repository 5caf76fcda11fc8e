import { randomUUID } from "node:crypto";

/**
 * A number of JSON that no double holds, such as 12345678901234567.89 or 1e400, with all its digits: what `files()` and
 * `stdin()` give in its place. A `decimal` or `dynamic` column keeps the digits; a `real` column takes the nearest double.
 */
export class ExactNumber {
  /** As it stands in the source. */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** The digits. */
  toString(): string {
    return this.text;
  }

  /** For arithmetic: the nearest double. */
  valueOf(): number {
    return Number(this.text);
  }

  /** The number where the runtime can write its digits (Node 22, Deno, Bun), else a string of them. */
  toJSON(): unknown {
    if (embedded) return `${mark}${embedded.push(this.text) - 1}~`;
    return rawJSON ? rawJSON(this.text) : this.text;
  }
}

const { rawJSON } = JSON as { rawJSON?: (text: string) => unknown };

/** Stands for a number in the text that `JSON.stringify` makes; no data contains it. */
const mark = randomUUID();
/** Its quotes are escaped within a string, where a `toJSON()` has put text that it made itself. */
const marks = new RegExp(`\\\\*"${mark}(\\d+)~\\\\*"`, "g");

/** The numbers of the value that is being written. */
let embedded: string[] | undefined;

/** `JSON.stringify` that writes exact numbers with their digits on every runtime. */
export function stringifyExactly(
  value: unknown,
  replacer?: (key: string, value: unknown) => unknown,
): string | undefined {
  const outer = embedded;
  const numbers: string[] = [];
  embedded = numbers;
  let text: string | undefined;
  try {
    text = JSON.stringify(value, replacer) as string | undefined;
  } finally {
    embedded = outer;
  }
  if (numbers.length === 0) return text;
  return text?.replace(marks, (_, index: string) => numbers[Number(index)]!);
}
