import { isUtf8 } from "node:buffer";
import { MillraceError, throwIfAborted } from "../errors.ts";
import { append, type ByteWindow, byteWindow, dropBefore } from "./byte-window.ts";
import type { Content } from "./content.ts";
import type { OriginalFormat } from "./original-format.ts";
import type { Position, Refusal, Slice } from "./source.ts";
import { type Frame, longestOriginal, longestQuoted, type Splitter } from "./splitter.ts";

/** A record as a file has it: JSON values, or for CSV texts by the names of the header row. */
export type RawRecord = Record<string, unknown>;

export interface RecordReader {
  readonly partition: string;
  /** For places: the file as the caller named it. */
  readonly name: string;
  /** Of the text before it was turned into UTF-8. */
  readonly encoding: string;
  /** The text in UTF-8, where what was not valid is not valid either. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Offset of the first of those bytes. */
  readonly from: number;
  readonly splitter: Splitter;
  /** The record that a frame's text spells, or why it spells none; undefined for text that was not meant to, as a header. */
  readonly parse: (text: string, line: number) => RawRecord | string | undefined;
  /** How a text is to be read again, as far as is known by now. */
  readonly format: () => OriginalFormat;
  /** The next text is the header: without it no row can be read. */
  readonly isHeaderDue?: (() => boolean) | undefined;
  readonly maxRecordBytes: number;
  readonly signal: AbortSignal;
  /** What positions remember of the bytes before them; absent for streams. */
  readonly content?: ContentFollower;
  /** Leaves a last record without its end where it is, and calls this with its line and bytes. Default: it is read. */
  readonly onUnfinished?: (line: number, bytes: number) => void;
  /** Whether a character that is not complete was left out at the end. */
  readonly isCut?: () => boolean;
}

/** Follows the bytes that are read, up to each position. */
export interface ContentFollower {
  /** The bytes before `end` will not be seen again, or lie before a position. They are in the window. */
  pass(window: ByteWindow, end: number): void;
  content(): Content;
}

/** A slice is closed at whichever comes first, and when the stream has nothing more to give just now. */
const recordsPerSlice = 256;
const bytesPerSlice = 256 * 1024;

/** Reads records out of a stream of bytes, holding one chunk and one record. */
export async function* readRecords(reader: RecordReader): AsyncGenerator<Slice<RawRecord>> {
  const { bytes, from, splitter, maxRecordBytes, signal, name } = reader;
  const window = byteWindow(from);
  let pile = startPile(reader, from);
  /** What was kept of a record whose head had to be let go. */
  let head: string | undefined;

  for await (const chunk of bytes) {
    append(window, chunk);
    yield* drain(false);
    if (window.base + window.length - splitter.keepFrom > maxRecordBytes) {
      splitter.tooLong?.();
      head ??= textAt(window, splitter.keepFrom, splitter.keepFrom + longestQuoted);
      drop(window.base + window.length);
    }
  }
  if (!leavesLast()) yield* drain(true);

  function drop(end: number): void {
    reader.content?.pass(window, end);
    dropBefore(window, end);
  }

  /** A record whose end may still be written. One that can be no other record when more follows is read. */
  function leavesLast(): boolean {
    if (!reader.onUnfinished) return false;
    const { keepFrom, isComplete } = splitter;
    const bytes = window.base + window.length - keepFrom;
    const isCut = reader.isCut?.() === true;
    if (!isComplete || (bytes === 0 && !isCut)) return false;
    if (!isCut && keepFrom >= window.base && isComplete(textAt(window, keepFrom, keepFrom + bytes))) return false;
    reader.onUnfinished(splitter.position().line, bytes);
    return true;
  }

  function* drain(isLast: boolean): Generator<Slice<RawRecord>> {
    for (;;) {
      const frame = splitter.next(window, isLast);
      if (!frame) break;
      take(frame);
      if (!pile.isFull(frame.end)) continue;
      yield pile.close(window);
      pile = startPile(reader, splitter.position().byte);
      throwIfAborted(signal, `reading ${name}`);
    }
    const slice = pile.isEmpty() ? undefined : pile.close(window);
    drop(splitter.keepFrom);
    if (!slice) return;
    yield slice;
    pile = startPile(reader, splitter.position().byte);
    throwIfAborted(signal, `reading ${name}`);
  }

  function take(frame: Frame): void {
    const { start, end, line } = frame;
    if (start < window.base || end - start > maxRecordBytes) {
      const original = head ?? textAt(window, start, Math.min(end, start + longestQuoted));
      head = undefined;
      refuse(line, `it is longer than ${maxRecordBytes} bytes`, original, { isCut: true });
      return;
    }
    const text = textAt(window, start, end);
    const encodingFault = badText(reader, text, window, frame);
    const reason = frame.fault ?? encodingFault;
    const record = reason ?? reader.parse(text, line);
    if (record === undefined) return;
    if (typeof record !== "string") pile.add(line, record);
    else refuse(line, record, text, encodingFault === undefined ? {} : { isUtf8: false });
  }

  function refuse(line: number, reason: string, original: string, faults: OriginalFormat): void {
    // The next row must not be taken for the header.
    if (reader.isHeaderDue?.())
      throw new MillraceError("BAD_SOURCE", `${name}:${line}: the header row cannot be read: ${reason}.`, {
        context: { line },
      });
    pile.refuse(line, reason, original, faults);
  }
}

/** Decoding replaces what is not valid by U+FFFD, so only a text that has one needs to be looked at again. */
function badText({ encoding }: RecordReader, text: string, window: ByteWindow, frame: Frame): string | undefined {
  if (!text.includes("\ufffd")) return undefined;
  const { start, end } = frame;
  if (isUtf8(window.bytes.subarray(start - window.base, end - window.base))) return undefined;
  if (encoding !== "utf-8") return `it is not valid ${encoding}`;
  return "it is not UTF-8; if the file is in another encoding, name it (such as windows-1252)";
}

function textAt({ bytes, base, length }: ByteWindow, start: number, end: number): string {
  return bytes.toString("utf8", start - base, Math.min(end - base, length));
}

interface Pile {
  add(line: number, record: RawRecord): void;
  refuse(line: number, reason: string, original: string, faults: OriginalFormat): void;
  isFull(end: number): boolean;
  isEmpty(): boolean;
  close(window: ByteWindow): Slice<RawRecord>;
}

function startPile({ partition, name, splitter, content, format }: RecordReader, startByte: number): Pile {
  const records: RawRecord[] = [];
  const lines: number[] = [];
  const refused: Refusal[] = [];
  return {
    add(line, record) {
      records.push(record);
      lines.push(line);
    },
    refuse(line, reason, text, faults) {
      const isCut = text.length > longestOriginal;
      refused.push({
        place: `${name}:${line}`,
        reason,
        original: (isCut ? text.slice(0, longestOriginal) : text).toWellFormed(),
        source: { ...format(), ...faults, ...(isCut && { isCut }) },
      });
    },
    isFull: (end) => records.length + refused.length >= recordsPerSlice || end - startByte >= bytesPerSlice,
    isEmpty: () => records.length + refused.length === 0,
    close(window) {
      const position = splitter.position();
      content?.pass(window, position.byte);
      return {
        partition,
        position: { ...position, ...(content && { content: content.content() }) } as Position,
        records,
        refused,
        placeOf: (index) => `${name}:${lines[index]}`,
        originOf: (index) => ({ original: records[index], source: { format: format().format } as OriginalFormat }),
        bytes: position.byte - startByte,
      };
    },
  };
}
