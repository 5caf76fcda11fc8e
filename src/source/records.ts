import { isUtf8 } from "node:buffer";
import { MillraceError, throwIfAborted } from "../errors.ts";
import { append, type ByteWindow, byteWindow, dropBefore } from "./byte-window.ts";
import type { OriginalFormat, Position, Refusal, Slice } from "./source.ts";
import { type Frame, longestOriginal, longestQuoted, type Splitter } from "./splitter.ts";

type Raw = Record<string, unknown>;

export interface RecordReader {
  readonly partition: string;
  /** For places: the file as the caller named it. */
  readonly name: string;
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Offset of the first of those bytes. */
  readonly from: number;
  readonly splitter: Splitter;
  /** The record that a frame's text spells, or why it spells none; undefined for text that was not meant to, as a header. */
  readonly parse: (text: string) => Raw | string | undefined;
  /** How a text is to be read again, as far as is known by now. */
  readonly format: () => OriginalFormat;
  /** The next text is the header: without it no row can be read. */
  readonly isHeaderDue?: () => boolean;
  readonly maxRecordBytes: number;
  readonly signal: AbortSignal;
}

/** A slice is closed at whichever comes first, and when the stream has nothing more to give just now. */
const recordsPerSlice = 256;
const bytesPerSlice = 256 * 1024;

/** Reads records out of a stream of bytes, holding one chunk and one record. */
export async function* readRecords(reader: RecordReader): AsyncGenerator<Slice<Raw>> {
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
      dropBefore(window, window.base + window.length);
    }
  }
  yield* drain(true);

  function* drain(isLast: boolean): Generator<Slice<Raw>> {
    for (;;) {
      const frame = splitter.next(window, isLast);
      if (!frame) break;
      take(frame);
      if (!pile.isFull(frame.end)) continue;
      yield pile.close();
      pile = startPile(reader, splitter.position().byte);
      throwIfAborted(signal, `reading ${name}`);
    }
    dropBefore(window, splitter.keepFrom);
    if (pile.isEmpty()) return;
    yield pile.close();
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
    const encodingFault = badUtf8(text, window, frame);
    const reason = frame.fault ?? encodingFault;
    const record = reason ?? reader.parse(text);
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

/** Decoding replaces what is not UTF-8 by U+FFFD, so only a text that has one needs to be looked at again. */
function badUtf8(text: string, window: ByteWindow, { start, end }: Frame): string | undefined {
  if (!text.includes("\ufffd")) return undefined;
  return isUtf8(window.bytes.subarray(start - window.base, end - window.base)) ? undefined : "it is not UTF-8";
}

function textAt({ bytes, base, length }: ByteWindow, start: number, end: number): string {
  return bytes.toString("utf8", start - base, Math.min(end - base, length));
}

interface Pile {
  add(line: number, record: Raw): void;
  refuse(line: number, reason: string, original: string, faults: OriginalFormat): void;
  isFull(end: number): boolean;
  isEmpty(): boolean;
  close(): Slice<Raw>;
}

function startPile({ partition, name, splitter, format }: RecordReader, startByte: number): Pile {
  const records: Raw[] = [];
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
    close() {
      const position = splitter.position();
      return {
        partition,
        position: position as unknown as Position,
        records,
        refused,
        placeOf: (index) => `${name}:${lines[index]}`,
        originOf: (index) => ({ original: records[index], source: { format: format().format } as OriginalFormat }),
        bytes: position.byte - startByte,
      };
    },
  };
}
