import { MillraceError } from "../errors.ts";

/** JSON that is text already: see {@link rawJson}. */
export class RawJson {
  /** Undefined where the bytes were no UTF-8. */
  readonly text: string | undefined;
  readonly #shown: string;

  constructor(source: string | Uint8Array) {
    this.text = typeof source === "string" ? source : textOf(source);
    this.#shown = this.text ?? utf8.decode(source as Uint8Array);
  }

  /** The text as a string, so that a letter or a log of the record keeps it to the digit, sound or not. */
  toJSON(): string {
    strays.count++;
    return this.#shown;
  }
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return fatalUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}

const fatalUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * How often `JSON.stringify` has met one. It would make a string of it, so whoever stringifies a value for a column looks
 * here whether there was one inside.
 */
export const strays = { count: 0 };

/**
 * Marks a text as JSON, for a `dynamic` column: it is checked once and sent as it stands, without being parsed or made anew,
 * so that numbers keep their digits. Newlines between its tokens become spaces.
 *
 * It must be the whole value of the column, not a part of one. Invalid JSON, nesting beyond 1 024 and bytes that are no
 * UTF-8 are refused when the record is written, as any value that does not fit; `null` is the null of the column.
 *
 * @throws MillraceError BAD_OPTION for what is neither text nor bytes.
 */
export function rawJson(json: string | Uint8Array): RawJson {
  if (typeof json !== "string" && !(json instanceof Uint8Array))
    throw new MillraceError("BAD_OPTION", "rawJson() takes a text or a Uint8Array.");
  return new RawJson(json);
}
