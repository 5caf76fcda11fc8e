import { MillraceError, reasonOf } from "../errors.ts";
import type { Chunk, SpareBuffers } from "./chunk.ts";
import { chunkText, largestSpareText, pieceUnits } from "./chunk-text.ts";
import { closureRow } from "./closure-row.ts";
import type { MalformedText, OpenTape } from "./column-packers.ts";
import { generatedRow } from "./generated-row.ts";
import type { JsonCheck } from "./json-check.ts";
import { bytesPerUnit, fixedBytes, layoutOf, type TableShape } from "./layout.ts";
import type { Misfit } from "./misfit.ts";
import { forgetKeysIfFull } from "./node-keys.ts";
import { openNodes } from "./node-text.ts";
import { fullNodes, type NodeTape, nodeTape, takeNodes } from "./nodes.ts";
import { recordRefused, shown } from "./record-refused.ts";
import type { RowFormat } from "./row-format.ts";
import { rowWriter, viewsOf } from "./row-text.ts";
import { type SharedBytes, sharedBuffer } from "./shared-buffer.ts";

export interface PackerOptions {
  /** How the rows will be written: it decides how large a record is. */
  readonly format: RowFormat;
  /** A record whose encoded row, with its newline, is larger is refused. */
  readonly maxRecordBytes: number;
  /** Text with half a surrogate pair: refused by name (default), or sent with U+FFFD in its place. */
  readonly malformedText?: MalformedText;
  /** How JSON text is checked. Default: in JavaScript. */
  readonly checkJson?: JsonCheck;
  /** Default 2 048, and fewer where the rows of a wide table would make a large tape. */
  readonly rowsPerChunk?: number;
  /** Buffers kept for the next chunks, as many as may be on their way at a time. Default 8. */
  readonly mostSpares?: number;
}

/** Packs records of one table into chunks. */
export interface Packer {
  /** Records in the open chunk. */
  readonly rows: number;
  /** The sequence number of the next record. */
  readonly nextRecord: number;
  /** Time to `take()`: the chunk has its rows, or enough text. */
  readonly isFull: boolean;
  /**
   * Adds a record. Properties that are no column are left alone. `place` is where the record came from
   * (`events.ndjson:17`), for the error; give a function where the text would have to be made for every record.
   *
   * @throws MillraceError RECORD_REFUSED when the record does not fit: the open chunk is as it was before, and the
   * record has used up its sequence number. REENTRANT_CALL within another `pack()`. INTERNAL when the chunk is full of rows and
   * was not taken.
   */
  pack(record: unknown, place?: string | (() => string)): void;
  /** A record is being read: its getters, `toJSON()` and `place` run within. */
  readonly isPacking: boolean;
  /** The open chunk, whose buffers are then the caller's; undefined when it is empty. */
  take(): Chunk | undefined;
  /** Gives buffers back, to be filled again. */
  recycle(spare: SpareBuffers): void;
}

/** Handing a chunk to a thread and its buffers back costs the caller's thread some 20 us: 75 ns a record of chunks of 256, 10 ns here. */
const defaultRowsPerChunk = 2_048;
/** UTF-16 units after which a chunk is full, so that chunks of long texts stay of a size that is cheap to hand over. */
const fullTextUnits = 262_144;
const largestTape = 262_144;

export function compilePacker(table: TableShape, options: PackerOptions): Packer {
  const { format, maxRecordBytes, malformedText = "refuse", checkJson, mostSpares = 8 } = options;
  const layout = layoutOf(table);
  const { stride } = layout;
  const mostRows = Math.max(1, Math.min(options.rowsPerChunk ?? defaultRowsPerChunk, Math.floor(largestTape / stride)));
  const tapeBytes = mostRows * stride;
  const packRow = generatedRow(layout, malformedText, checkJson) ?? closureRow(layout, malformedText, checkJson);
  const sizeIfTooLarge = recordMeasure(table, format, maxRecordBytes);
  const spares: SpareBuffers[] = [];

  const nodes = nodeTape(
    format,
    layout.slots.some(({ kind }) => kind === "dynamic"),
  );
  let tape = openTape(nodes, tapeBytes);
  const texts = chunkText();
  /** Texts that are not there yet, and units of those that are. */
  let text = "";
  let writtenUnits = 0;
  let rows = 0;
  let nextRecord = 0;
  let firstRecord = 0;
  let lastRecord = 0;
  let isPacking = false;

  /** Packs the record behind the rows that are there; what a misfit leaves on the tape is overwritten by the next one. */
  function fill(row: number, record: unknown): Misfit | undefined {
    try {
      // Within, for it throws for a proxy that was revoked.
      if (typeof record !== "object" || record === null || Array.isArray(record))
        return wholeRecord(record, notAnObject);
      const packed = packRow(tape, row, record as Record<string, unknown>);
      if (typeof packed !== "string") return packed;
      const bytes = sizeIfTooLarge(tape, row, packed);
      if (bytes > 0)
        return wholeRecord(record, `its row takes ${bytes} bytes, and the limit of a batch is ${maxRecordBytes}`);
      text += packed;
      return undefined;
    } catch (cause) {
      // A getter that throws, a proxy that refuses, texts beyond the longest string that the runtime holds.
      return { ...wholeRecord(record, `reading it failed (${reasonOf(cause)})`), cause };
    }
  }

  function pack(record: unknown, place?: string | (() => string)): void {
    if (rows === mostRows) throw new MillraceError("INTERNAL", `A chunk of ${rows} rows was not taken in time.`);
    // Checked because the inner record would be overwritten by the outer one, in silence.
    if (isPacking)
      throw new MillraceError(
        "REENTRANT_CALL",
        `Table ${table.name}: write() was called by a getter, toJSON() or place of the record that write() is reading; write it afterwards.`,
        { context: { table: table.name } },
      );
    // Before the record is looked at: there may be no memory for it.
    if (text.length >= pieceUnits) writeTexts();
    const number = nextRecord++;
    const row = rows * stride;
    const nodesBefore = nodes.at;
    isPacking = true;
    nodes.bound = 0;
    try {
      const misfit = fill(row, record);
      if (misfit !== undefined) {
        nodes.at = nodesBefore;
        throw recordRefused({ table: table.name, record: number, place: placeText(place) }, misfit);
      }
    } finally {
      isPacking = false;
    }
    if (rows === 0) firstRecord = number;
    lastRecord = number;
    tape.words[row >> 2] = number - firstRecord;
    rows++;
  }

  function writeTexts(): void {
    texts.write(text);
    writtenUnits += text.length;
    text = "";
  }

  function take(): Chunk | undefined {
    if (rows === 0) return undefined;
    // The record would go on to be packed into a chunk that is no longer ours.
    if (isPacking)
      throw new MillraceError("INTERNAL", "A getter or toJSON of a record flushed the sink; flush it afterwards.");
    if (text !== "") writeTexts();
    const spare = spares.pop();
    const taken = texts.take(spare?.text);
    const chunk: Chunk = {
      rows,
      firstRecord,
      lastRecord,
      tape: tape.words.buffer,
      tapeBytes: rows * stride,
      text: taken.buffer,
      textBytes: taken.bytes,
      textUnits: writtenUnits,
      ...takeNodes(nodes, spare?.nodes),
    };
    forgetKeysIfFull(nodes.keys);
    tape = openTape(nodes, tapeBytes, spare?.tape);
    writtenUnits = 0;
    rows = 0;
    return chunk;
  }

  return {
    get rows() {
      return rows;
    },
    get nextRecord() {
      return nextRecord;
    },
    get isFull() {
      return rows === mostRows || writtenUnits + text.length >= fullTextUnits || nodes.at >= fullNodes;
    },
    get isPacking() {
      return isPacking;
    },
    pack,
    take,
    recycle(spare) {
      const fits = spare.tape.byteLength === tapeBytes && spare.text.byteLength <= largestSpareText;
      if (fits && spares.length < mostSpares) spares.push(spare);
    },
  };
}

const notAnObject = "it is not an object with the columns as its properties";

function wholeRecord(value: unknown, reason: string): Misfit {
  return { column: undefined, value, reason };
}

/** It only names the record: one that fails must not keep the record from being refused. */
function placeText(place: string | (() => string) | undefined): string | undefined {
  try {
    const text: unknown = typeof place === "function" ? place() : place;
    return text === undefined || typeof text === "string" ? text : shown(text);
  } catch (error) {
    return `its place is not known, for place() failed: ${reasonOf(error)}`;
  }
}

function openTape(nodes: NodeTape, bytes: number, buffer: SharedBytes = sharedBuffer(bytes)): OpenTape {
  const { doubles, longs, words } = viewsOf(buffer);
  // One literal, so that all tapes are of one shape to the engine: with a spread here pack() took 200 ns instead of 120.
  return { doubles, longs, words, text: "", nodes };
}

/**
 * The size of a packed row when that is over the limit, else 0. The row is written out and counted only if the most it
 * could take is over the limit, which under the usual limits no record is.
 */
function recordMeasure(table: TableShape, format: RowFormat, maxRecordBytes: number) {
  const fixed = fixedBytes(table, format);
  const perUnit = bytesPerUnit(format);
  const rows = rowWriter(table, format);
  return (tape: OpenTape, row: number, text: string): number => {
    if (fixed + text.length * perUnit + tape.nodes.bound <= maxRecordBytes) return 0;
    const bytes = utf8.encode(rows.write(tape, row, text, 0, openNodes(tape.nodes))).length;
    return bytes > maxRecordBytes ? bytes : 0;
  };
}

const utf8 = new TextEncoder();
