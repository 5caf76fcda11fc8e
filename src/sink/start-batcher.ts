import { type Batcher, type BatcherHooks, batcher } from "../batch/batcher.ts";
import { inlineSubtask } from "../batch/inline-subtask.ts";
import type { SubtaskHooks } from "../batch/subtask-port.ts";
import { threadedSubtask } from "../batch/threaded-subtask.ts";
import { encoder } from "../encode/choose-encoder.ts";
import { jsonCheck } from "../encode/json-check.ts";
import { compilePacker } from "../encode/packer.ts";
import type { Payload } from "../encode/payload.ts";
import { rawCutter } from "../encode/raw-cutter.ts";
import { type RawChunkBytes, type RawPacker, rawPacker } from "../encode/raw-packer.ts";
import { instantiate } from "../encode/wasm.ts";
import { embeddedWasm } from "../encode/wasm-embedded.ts";
import type { ResolvedOptions } from "../options.ts";
import type { Table } from "../schema/table.ts";

/** Rows per chunk: enough that crossing into WebAssembly and between threads costs nothing per record. */
const rowsPerChunk = 2_048;
/**
 * Uncompressed bytes of a segment: what a subtask does again when its thread has died, and what is kept for that. Where it
 * goes on behind the last one the cut costs 0.02 % of size; 0.1 % at 64 KiB.
 */
const segmentBytes = 524_288;
/** Raw chunks on their way to a subtask or kept until their segment is back: a segment has two or more. */
const rawChunksPerSubtask = 16;

/** Starts a sink's packer and subtasks. */
export function startBatcher<R>(
  table: Table,
  options: ResolvedOptions,
  payload: Payload,
  hooks: BatcherHooks,
): Batcher<R> {
  const { format, batchSize, batchIntervalMs, clientBatchSizeLimit, gzipLevel, malformedText, parallelism } = options;
  const batchPerSubtask = options.batchPerSubtask || parallelism <= 1;
  const mostSpares = rawChunksPerSubtask * Math.max(1, parallelism);
  const limits = { maxRows: batchSize, maxBytes: clientBatchSizeLimit };
  const wasm = embeddedWasm();
  /** For what is encoded already: the caller's thread has one of its own, once it is needed. */
  const startKernel = lazily(() => instantiate(wasm));
  const checkJson = jsonCheck(startKernel);
  const packer = compilePacker(table, {
    format,
    maxRecordBytes: clientBatchSizeLimit,
    malformedText,
    rowsPerChunk,
    checkJson,
    mostSpares,
  });
  const plain = { name: table.name, list: table.list };

  function startRaw(handOver: (rawChunk: RawChunkBytes) => void): RawPacker {
    const cut = rawCutter(format, clientBatchSizeLimit, startKernel);
    return rawPacker({ cut, maxRowBytes: clientBatchSizeLimit, malformedText, mostSpares }, handOver);
  }

  function startSubtasks(subtaskHooks: SubtaskHooks) {
    return Array.from({ length: Math.max(1, parallelism) }, (_, index) => {
      const plan = { table: table.name, format, maxRows: batchSize, index, hasOwnBatch: batchPerSubtask, segmentBytes };
      return parallelism === 0
        ? inlineSubtask(plan, encoder(plain, format, limits, wasm, { gzipLevel, payload }), subtaskHooks)
        : threadedSubtask({ plan, table: plain, limits, gzipLevel, payload, wasm }, subtaskHooks);
    });
  }
  const plan = {
    table: table.name,
    format,
    payload,
    maxRows: batchSize,
    maxBytes: clientBatchSizeLimit,
    intervalMs: batchIntervalMs,
    rowsPerChunk,
    batchPerSubtask,
  };
  return batcher(plan, packer, startRaw, startSubtasks, hooks);
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
