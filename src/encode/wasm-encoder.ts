import { MillraceError } from "../errors.ts";
import type { Chunk } from "./chunk.ts";
import { type BatchLimits, type Encoder, type GzipLevel, rowTooLarge } from "./encoder.ts";
import { descriptorOf, type TableShape } from "./layout.ts";
import { packedParts } from "./packed-parts.ts";
import { hasRowEnds, type Payload } from "./payload.ts";
import type { RawChunk, RefusedRow } from "./raw-chunk.ts";
import type { RowFormat } from "./row-format.ts";
import { type Kernel, memoryOf, trapped } from "./wasm.ts";

/** Of packed bytes: a segment has one or two. */
const partBytes = 131_072;

/** What `encode()` of assembly/index.ts answers. */
const chunkEnd = 0;
const batchFull = 1;
const drain = 2;
const refused = 4;

/** Rows, and gzip of them, made by the WebAssembly module. The kernel is this encoder's own: it holds the state of its batch. */
export function wasmEncoder(
  table: TableShape,
  format: RowFormat,
  limits: BatchLimits,
  kernel: Kernel,
  gzipLevel: GzipLevel = 1,
  payload: Payload = "gzip",
): Encoder {
  const memory = memoryOf(kernel);
  /** 0: nothing is packed. */
  const level = payload === "gzip" ? gzipLevel : 0;
  const hasEnds = hasRowEnds(payload);
  /** Of the segment, in bytes of the open batch. */
  let ends: Uint32Array<ArrayBuffer>[] = [];
  const packed = packedParts(partBytes, partBytes);
  /** Of the open batch, what stands in segments that are cut. */
  let cutRows = 0;
  let cutBytes = 0;
  /** What lies in the module's memory, and the row or byte from which it goes on. */
  let opened: Chunk | RawChunk | undefined;
  let next = 0;

  const descriptor = descriptorOf(table, format);
  const descriptorAt = kernel.reserveDescriptor(descriptor.length);
  memory().set(descriptor, descriptorAt);
  kernel.setup();
  kernel.begin(level, 0, 0);

  function openChunk(chunk: Chunk, from: number): void {
    const tapeAt = kernel.reserveChunk(chunk.tapeBytes, chunk.nodesBytes, chunk.textBytes);
    const bytes = memory();
    bytes.set(new Uint8Array(chunk.tape, 0, chunk.tapeBytes), tapeAt);
    bytes.set(new Uint8Array(chunk.nodes, 0, chunk.nodesBytes), kernel.nodesStart());
    bytes.set(new Uint8Array(chunk.text, 0, chunk.textBytes), kernel.textStart());
    kernel.openChunk(chunk.rows, chunk.textUnits, chunk.keysAt, from);
    opened = chunk;
    next = from;
  }

  function openRawChunk(rawChunk: RawChunk, from: number): void {
    kernel.reserveChunk(0, 0, rawChunk.length);
    memory().set(new Uint8Array(rawChunk.bytes, 0, rawChunk.length), kernel.textStart());
    kernel.openRaw(rawChunk.length, from);
    opened = rawChunk;
    next = from;
  }

  function takeOutput(): void {
    const start = kernel.output();
    packed.add(memory().subarray(start, start + kernel.outputLength()));
    if (hasEnds) ends.push(new Uint32Array(kernel.memory.buffer, kernel.rowEnds(), kernel.rowEndsCount()).slice());
    kernel.outputTaken();
  }

  /** Where the rows of the segment end, in bytes of it. */
  function takeEnds(rows: number): Uint32Array<ArrayBuffer> {
    const found = new Uint32Array(rows);
    let row = 0;
    for (const piece of ends) for (const end of piece) found[row++] = end - cutBytes;
    ends = [];
    return found;
  }

  /** Calls on until there is something other to do than to take the output. */
  function encode(step: (maxRows: number, maxBytes: number) => number): number {
    try {
      let state = drain;
      while (state === drain) {
        state = step(limits.maxRows, limits.maxBytes);
        if (state === drain) takeOutput();
      }
      return state;
    } catch (error) {
      throw trapped(error, `encoding rows of table ${table.name}`);
    }
  }

  function refusedRow(row: number): RefusedRow {
    return {
      row,
      start: kernel.rawStart(),
      end: kernel.rawEnd(),
      reason: kernel.rawRefusal(),
      detail: kernel.rawRefusalDetail(),
    };
  }

  return {
    get rows() {
      return kernel.rowsTaken();
    },
    get rawBytes() {
      return kernel.rawBytesTaken();
    },
    get uncutRows() {
      return kernel.rowsTaken() - cutRows;
    },
    get uncutBytes() {
      return kernel.rawBytesTaken() - cutBytes;
    },
    append(given, from) {
      if (from >= given.rows) return 0;
      if (given !== opened || from !== next) openChunk(given, from);
      const before = kernel.rowsTaken();
      const state = encode(kernel.encode);
      if (state !== chunkEnd && state !== batchFull)
        throw new MillraceError("INTERNAL", `A chunk was not packed for table ${table.name} as this encoder knows it.`);
      const after = kernel.rowsTaken();
      if (after === 0) throw rowTooLarge(table.name, limits);
      next = from + after - before;
      // The chunk's buffers belong to the caller again.
      if (next === given.rows) opened = undefined;
      return after - before;
    },
    appendRaw(rawChunk, from, tally) {
      if (rawChunk !== opened || from !== next) openRawChunk(rawChunk, from);
      let counted = kernel.rowsTaken();
      let state = refused;
      while (state === refused) {
        state = encode(kernel.encodeRaw);
        const taken = kernel.rowsTaken();
        tally.rows += taken - counted;
        counted = taken;
        if (state === refused) tally.refused.push(refusedRow(tally.rows++));
      }
      next = kernel.rawEnd();
      if (next === rawChunk.length) opened = undefined;
      return next;
    },
    cut(isBatchEnd) {
      const rows = kernel.rowsTaken() - cutRows;
      const rawBytes = kernel.rawBytesTaken() - cutBytes;
      kernel.flush();
      takeOutput();
      kernel.finish();
      takeOutput();
      const crc = kernel.segmentCrc() >>> 0;
      const found = hasEnds ? { ends: takeEnds(rows) } : {};
      if (isBatchEnd) kernel.begin(level, 0, 0);
      else kernel.goOn();
      cutRows = kernel.rowsTaken();
      cutBytes = kernel.rawBytesTaken();
      return { rows, rawBytes, crc, parts: packed.take(), ...found };
    },
    goOnFrom(rows, rawBytes) {
      kernel.begin(level, rows, rawBytes);
      cutRows = rows;
      cutBytes = rawBytes;
    },
    recycle(parts) {
      packed.recycle(parts);
    },
  };
}
