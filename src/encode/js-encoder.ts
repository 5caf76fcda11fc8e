import type { Chunk } from "./chunk.ts";
import { crc32 } from "./crc32.ts";
import { type BatchLimits, type Encoder, type GzipLevel, rowTooLarge } from "./encoder.ts";
import { type JsSegment, jsSegment, plainSegment } from "./js-segment.ts";
import type { TableShape } from "./layout.ts";
import { chunkNodes, type NodeViews } from "./node-text.ts";
import { packedParts } from "./packed-parts.ts";
import { hasRowEnds, type Payload } from "./payload.ts";
import { rawRows } from "./raw-rows.ts";
import type { RowFormat } from "./row-format.ts";
import { rowWriter, type TapeViews, viewsOf } from "./row-text.ts";
import { unshared } from "./shared-buffer.ts";

/** UTF-16 units of rows that are packed at once. */
const pushUnits = 65_536;
/** Of packed bytes: a segment has one or two. */
const partBytes = 131_072;

/** fflate's level for each of ours: its fastest, and its default. */
const fflateLevels = { 1: 1, 2: 6 } as const satisfies Record<GzipLevel, number>;

const utf8 = new TextEncoder();
// A BOM at the start is a character of the first string, not a mark to be taken off.
const fromUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A chunk opened for reading, and where the next row begins. */
interface OpenChunk {
  readonly chunk: Chunk;
  readonly views: TapeViews;
  readonly text: string;
  readonly nodes: NodeViews;
  row: number;
  textAt: number;
}

/**
 * The same encoder in plain JavaScript, with fflate's deflate: for runtimes that refuse WebAssembly, and the oracle of the
 * WebAssembly one. The rows are equal to the byte; the packed bytes are not.
 */
export function jsEncoder(
  table: TableShape,
  format: RowFormat,
  limits: BatchLimits,
  gzipLevel: GzipLevel = 1,
  payload: Payload = "gzip",
): Encoder {
  const isPacked = payload === "gzip";
  const hasEnds = hasRowEnds(payload);
  /** Of the rows of the segment, in bytes of it. */
  let ends: number[] = [];
  const writer = rowWriter(table, format);
  const stride = (chunk: Chunk): number => chunk.tapeBytes / chunk.rows;
  const packed = packedParts(partBytes, partBytes);
  let segment = openSegment();
  let crc = 0;
  let open: OpenChunk | undefined;
  let rows = 0;
  let rawBytes = 0;
  /** Of the open batch, what stands in segments that are cut. */
  let cutRows = 0;
  let cutBytes = 0;
  let pending = "";

  function openSegment(): JsSegment {
    const take = (piece: Uint8Array) => packed.add(piece);
    return isPacked ? jsSegment(fflateLevels[gzipLevel], take) : plainSegment(take);
  }

  function pack(bytes: Uint8Array): void {
    if (isPacked) crc = crc32(crc, bytes);
    segment.push(bytes);
  }

  function countRow(bytes: number): void {
    rows++;
    rawBytes += bytes;
    if (hasEnds) ends.push(rawBytes - cutBytes);
  }

  function openChunk(chunk: Chunk, from: number): OpenChunk {
    const views = viewsOf(chunk.tape);
    const text = fromUtf8.decode(unshared(new Uint8Array(chunk.text, 0, chunk.textBytes)));
    const nodes = chunkNodes(chunk, format);
    let textAt = 0;
    for (let row = 0; row < from; row++) textAt += writer.textUnits(views, row * stride(chunk), nodes);
    return { chunk, views, text, nodes, row: from, textAt };
  }

  function push(): void {
    if (pending === "") return;
    pack(utf8.encode(pending));
    pending = "";
  }

  /** Takes the next row, unless that would break a limit. */
  function takeRow(from: OpenChunk): boolean {
    if (rows >= limits.maxRows) return false;
    const at = from.row * stride(from.chunk);
    const row = writer.write(from.views, at, from.text, from.textAt, from.nodes);
    const bytes = utf8.encode(row).length;
    if (rawBytes + bytes > limits.maxBytes) return false;
    pending += row;
    if (pending.length >= pushUnits) push();
    countRow(bytes);
    from.textAt += writer.textUnits(from.views, at, from.nodes);
    from.row++;
    return true;
  }

  function begin(batchRows: number, batchBytes: number): void {
    rows = cutRows = batchRows;
    rawBytes = cutBytes = batchBytes;
  }

  return {
    get rows() {
      return rows;
    },
    get rawBytes() {
      return rawBytes;
    },
    get uncutRows() {
      return rows - cutRows;
    },
    get uncutBytes() {
      return rawBytes - cutBytes;
    },
    append(chunk, from) {
      if (from >= chunk.rows) return 0;
      if (open?.chunk !== chunk || open.row !== from) open = openChunk(chunk, from);
      while (open.row < chunk.rows && takeRow(open));
      if (rows === 0) throw rowTooLarge(table.name, limits);
      const taken = open.row - from;
      if (open.row === chunk.rows) open = undefined;
      return taken;
    },
    appendRaw(rawChunk, from, tally) {
      const bytes = unshared(new Uint8Array(rawChunk.bytes, 0, rawChunk.length));
      const found = rawRows(format, table.list.length, limits.maxBytes, bytes, from);
      push();
      // Sound rows that follow each other are packed together.
      let run = from;
      let runEnd = from;
      const pushRun = (): void => {
        if (runEnd > run) pack(bytes.subarray(run, runEnd));
      };
      while (found.next()) {
        const { start, end, reason, detail } = found;
        if (reason !== 0) {
          tally.refused.push({ row: tally.rows++, start, end, reason, detail });
          continue;
        }
        if (rows >= limits.maxRows || rawBytes + end - start > limits.maxBytes) {
          pushRun();
          return start;
        }
        if (start !== runEnd) {
          pushRun();
          run = start;
        }
        runEnd = end;
        countRow(end - start);
        tally.rows++;
      }
      pushRun();
      return rawChunk.length;
    },
    cut(isBatchEnd) {
      push();
      segment.end();
      const found = hasEnds ? { ends: Uint32Array.from(ends) } : {};
      const made = { rows: rows - cutRows, rawBytes: rawBytes - cutBytes, crc, parts: packed.take(), ...found };
      ends = [];
      segment = openSegment();
      crc = 0;
      if (isBatchEnd) begin(0, 0);
      cutRows = rows;
      cutBytes = rawBytes;
      return made;
    },
    goOnFrom: begin,
    recycle(parts) {
      packed.recycle(parts);
    },
  };
}
