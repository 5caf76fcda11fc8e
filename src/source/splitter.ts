import type { Json } from "../schema/kinds.ts";
import type { ByteWindow } from "./byte-window.ts";
import { type Content, isContent } from "./content.ts";

/** Where one record lies in the stream. Offsets count from the start of the stream. */
export interface Frame {
  readonly start: number;
  /** Behind its last byte. */
  readonly end: number;
  /** The line on which it begins, from 1. */
  readonly line: number;
  /** Why the bytes are no record, where that shows already. */
  readonly fault?: string;
}

/** Finds the records in a stream of bytes, without keeping more than one of them. */
export interface Splitter {
  /**
   * The next record, or undefined: it does not end within the window. `isLast` says that no more bytes will come, and
   * then undefined means that the stream has ended as it should.
   *
   * @throws MillraceError BAD_SOURCE when the structure around the records is broken, so that none can be found any more.
   */
  next(window: ByteWindow, isLast: boolean): Frame | undefined;
  /** Where the unfinished record begins, or what is yet to be looked at: all before it may be let go. */
  readonly keepFrom: number;
  /** Called when the unfinished record is longer than allowed, before its bytes are let go. May throw. */
  tooLong?(): void;
  /**
   * Where a record ends with its line: is this text, the last of the file and without a line end, a whole record whatever is
   * written behind it? Absent where the records have ends of their own.
   */
  isComplete?(text: string): boolean;
  /** Behind the last frame that `next()` returned. */
  position(): FilePosition;
}

/** A position in a file. Bytes are counted after unpacking. */
export type FilePosition = {
  readonly byte: number;
  /** The line of that byte, from 1. */
  readonly line: number;
  /** JSON only: whether the byte lies between objects, between the elements of the array that is being read, or behind it. */
  readonly inside?: "array" | "top" | "end";
  /** Behind the bracket that opens the array, where no comma is due. Never stored. */
  readonly isFirst?: true;
};

/** A position as it is stored. Those of the first format have no content. */
export type StoredPosition = FilePosition & { readonly content?: Content };

export function isStoredPosition(position: Json | undefined): position is StoredPosition {
  if (typeof position !== "object" || position === null) return false;
  const { byte, line, inside, content } = position as Record<string, unknown>;
  if (!Number.isSafeInteger(byte) || !Number.isSafeInteger(line)) return false;
  if ((byte as number) < 0 || (line as number) < 1) return false;
  if (inside !== undefined && inside !== "array" && inside !== "top" && inside !== "end") return false;
  return content === undefined || isContent(content);
}

/** Of a record that is too long to be held, in bytes. */
export const longestQuoted = 1_000;

/** The longest text of a refused record that is kept whole, in characters. */
export const longestOriginal = 1024 * 1024;
