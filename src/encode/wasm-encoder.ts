import { MillraceError } from "../errors.ts";
import type { Chunk } from "./chunk.ts";
import { type BatchLimits, type Encoder, type RowFormat, rowTooLarge } from "./encoder.ts";
import { descriptorOf, type TableShape } from "./layout.ts";
import { packedParts } from "./packed-parts.ts";
import { type Kernel, memoryOf, trapped } from "./wasm.ts";

/** deflate's effort; the service unpacks any, and level 1 is what a fast sink can afford. */
const level = 1;

/** What `encode()` of assembly/index.ts answers. */
const chunkEnd = 0;
const batchFull = 1;
const drain = 2;

/** Rows and gzip made by the WebAssembly module. The kernel is this encoder's own: it holds the state of its batch. */
export function wasmEncoder(table: TableShape, format: RowFormat, limits: BatchLimits, kernel: Kernel): Encoder {
  const memory = memoryOf(kernel);
  const packed = packedParts();
  let chunk: Chunk | undefined;
  let next = 0;

  const descriptor = descriptorOf(table, format);
  const descriptorAt = kernel.reserveDescriptor(descriptor.length);
  memory().set(descriptor, descriptorAt);
  kernel.setup();
  kernel.begin(level);

  function open(newChunk: Chunk, from: number): void {
    const tapeAt = kernel.reserveChunk(newChunk.tapeBytes, newChunk.textBytes);
    const bytes = memory();
    bytes.set(new Uint8Array(newChunk.tape, 0, newChunk.tapeBytes), tapeAt);
    bytes.set(new Uint8Array(newChunk.text, 0, newChunk.textBytes), kernel.textStart());
    kernel.openChunk(newChunk.rows, newChunk.textUnits, from);
    chunk = newChunk;
    next = from;
  }

  function takeOutput(): void {
    const start = kernel.output();
    packed.add(memory().subarray(start, start + kernel.outputLength()));
    kernel.outputTaken();
  }

  function encode(): number {
    try {
      let state = drain;
      while (state === drain) {
        state = kernel.encode(limits.maxRows, limits.maxBytes);
        if (state === drain) takeOutput();
      }
      return state;
    } catch (error) {
      throw trapped(error, `encoding rows of table ${table.name}`);
    }
  }

  return {
    get rows() {
      return kernel.rowsTaken();
    },
    get rawBytes() {
      return kernel.rawBytesTaken();
    },
    append(given, from) {
      if (from >= given.rows) return 0;
      if (given !== chunk || from !== next) open(given, from);
      const before = kernel.rowsTaken();
      const state = encode();
      if (state !== chunkEnd && state !== batchFull)
        throw new MillraceError("INTERNAL", `A chunk was not packed for table ${table.name} as this encoder knows it.`);
      const after = kernel.rowsTaken();
      if (after === 0) throw rowTooLarge(table.name, limits);
      next = from + after - before;
      // The chunk's buffers belong to the caller again.
      if (next === given.rows) chunk = undefined;
      return after - before;
    },
    seal() {
      const rows = kernel.rowsTaken();
      const rawBytes = kernel.rawBytesTaken();
      kernel.flush();
      takeOutput();
      kernel.finish();
      takeOutput();
      kernel.begin(level);
      const packedBytes = packed.bytes;
      return { rows, rawBytes, packedBytes, parts: packed.take() };
    },
  };
}
