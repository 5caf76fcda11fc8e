import { isUtf8 } from "node:buffer";
import { throwIfAborted } from "../errors.ts";
import { append, type ByteWindow, byteWindow, dropBefore } from "./byte-window.ts";
import type { Position, Refusal, Slice } from "./source.ts";
import { type Frame, longestOriginal, type Splitter } from "./splitter.ts";

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
  readonly parse: (text: string) => RawRecord | string | undefined;
  readonly maxRecordBytes: number;
  readonly signal: AbortSignal;
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
      head ??= textAt(window, splitter.keepFrom, splitter.keepFrom + longestOriginal);
      dropBefore(window, window.base + window.length);
    }
  }
  yield* drain(true);

  function* drain(isLast: boolean): Generator<Slice<RawRecord>> {
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
      const original = head ?? textAt(window, start, Math.min(end, start + longestOriginal));
      head = undefined;
      pile.refuse(line, `it is longer than ${maxRecordBytes} bytes`, original);
      return;
    }
    const text = textAt(window, start, end);
    const reason = frame.fault ?? badText(reader, text, window, frame);
    const record = reason ?? reader.parse(text);
    if (record === undefined) return;
    if (typeof record === "string") pile.refuse(line, record, text);
    else pile.add(line, record);
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
  refuse(line: number, reason: string, original: string): void;
  isFull(end: number): boolean;
  isEmpty(): boolean;
  close(): Slice<RawRecord>;
}

function startPile({ partition, name, splitter }: RecordReader, startByte: number): Pile {
  const records: RawRecord[] = [];
  const lines: number[] = [];
  const refused: Refusal[] = [];
  return {
    add(line, record) {
      records.push(record);
      lines.push(line);
    },
    refuse(line, reason, original) {
      refused.push({ place: `${name}:${line}`, reason, original: original.slice(0, longestOriginal).toWellFormed() });
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
        bytes: position.byte - startByte,
      };
    },
  };
}
