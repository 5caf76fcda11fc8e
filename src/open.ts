import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import { checkObject } from "./arguments.ts";
import { type Batcher, type BatcherHooks, batcher } from "./batch/batcher.ts";
import { inlineSubtask } from "./batch/inline-subtask.ts";
import { loopTurns } from "./batch/loop-budget.ts";
import type { SealedBatch } from "./batch/sealed-batch.ts";
import type { SubtaskHooks } from "./batch/subtask-port.ts";
import { workerSubtask } from "./batch/worker-subtask.ts";
import { stepEvent } from "./batch-events.ts";
import { checkDestination, NotReadyError, requireReady } from "./check.ts";
import { absentTimeoutMs, type Retries, withRetries } from "./deliver/backoff.ts";
import { type Deliverer, deliverer } from "./deliver/deliverer.ts";
import { unlessAborted } from "./deliver/unless-aborted.ts";
import type { DestinationContext, DestinationSession } from "./destination/destination.ts";
import { encoder } from "./encode/choose-encoder.ts";
import { jsonCheck } from "./encode/json-check.ts";
import { compilePacker } from "./encode/packer.ts";
import { rawCutter } from "./encode/raw-cutter.ts";
import { type RawPacker, rawPacker, type SlabBytes } from "./encode/raw-packer.ts";
import { instantiate } from "./encode/wasm.ts";
import { embeddedWasm } from "./encode/wasm-embedded.ts";
import { type Epochs, openEpochs } from "./epochs.ts";
import { aborted, type MillraceError, throwIfAborted } from "./errors.ts";
import { publish } from "./events.ts";
import { type OpenOptions, type ResolvedOptions, resolveOptions } from "./options.ts";
import { checkTable, type Infer, type Table } from "./schema/table.ts";
import { Sink } from "./sink.ts";
import { startTelemetry } from "./telemetry.ts";

/** Rows per chunk: enough that crossing into WebAssembly and between threads costs nothing per record. */
const rowsPerChunk = 2_048;
/** The sinks of a thread share its event loop. */
const turns = loopTurns();
/**
 * Uncompressed bytes of a segment: what a subtask does again when its thread has died, and what is kept for that. Where it
 * goes on behind the last one the cut costs 0.02 % of size; 0.1 % at 64 KiB.
 */
const segmentBytes = 524_288;
/** Slabs on their way to a subtask or kept until their segment is back: a segment has two or more. */
const slabsPerSubtask = 16;

/**
 * Opens a sink for one table: checks the options, connects and authenticates, starts the subtasks.
 *
 * @throws MillraceError BAD_OPTION for unknown or contradictory options; what the destination found wrong, such as
 *   NOT_FOUND for a table that does not exist; ABORTED when the signal fires first. With `check`: the code of the first item
 *   that failed, and all items as JSON text in `context.items`.
 */
export async function open<T extends Table>(options: OpenOptions<T>): Promise<Sink<Infer<T>>> {
  checkObject("open()", "options", options);
  const { table, to, ...rest } = options;
  checkTable("open()", table);
  checkDestination("open()", to);
  const resolved = resolveOptions("open()", rest, to);
  const { signal } = resolved;
  throwIfAborted(signal, `opening table ${table.name}`);

  const controller = new AbortController();
  setMaxListeners(0, controller.signal); // every batch in flight listens, and their number is bounded
  const stopOpening = () => controller.abort(aborted(signal!, `opening table ${table.name}`));
  signal?.addEventListener("abort", stopOpening, { once: true });
  const id = randomUUID();
  const retries = { count: 0 };
  const calls = openingRetries(id, table.name, resolved, retries);
  const context = { table, format: resolved.format, preset: rest.preset, signal: controller.signal, retries: calls };
  let isPolled = false;
  const toDeliverer = (session: DestinationSession) => {
    isPolled = session.polling !== undefined;
    return deliver(id, session, resolved, controller.signal, retries);
  };
  let deliverer: Deliverer | undefined;
  let canRecycle = true; // what is in the log is not looked at any more
  let epochs: Epochs | undefined;
  try {
    const doing = `opening table ${table.name}`;
    if (resolved.check)
      await readyInTime(calls, controller.signal, () =>
        requireReady(id, table, to, resolved, rest.preset, calls, controller.signal),
      );
    if (resolved.state)
      epochs = await opened(openEpochs(id, table, to, context, resolved, toDeliverer), context, doing);
    else {
      const session = await opened(to.open(context), context, doing);
      canRecycle = session.keepsNoParts === true;
      deliverer = toDeliverer(session);
    }
  } finally {
    signal?.removeEventListener("abort", stopOpening);
  }

  const telemetry = startTelemetry(
    {
      id,
      table: table.name,
      database: to.database,
      deliveryGuarantee: resolved.deliveryGuarantee,
      isPolled,
      epochs: epochs && { pending: () => epochs.pending, logBytes: () => epochs.logBytes },
    },
    resolved.telemetry,
  );
  const sink = new Sink<Infer<T>>({
    id,
    table,
    options: resolved,
    controller,
    retries,
    turns,
    canRecycle,
    deliverer,
    epochs,
    startBatcher: (hooks) => batch<Infer<T>>(table, resolved, hooks),
    onReleased: telemetry.close,
  });
  telemetry.watch(() => sink.stats);
  if (signal) {
    const abort = () => void sink.abort(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    controller.signal.addEventListener("abort", () => signal.removeEventListener("abort", abort), { once: true });
    if (signal.aborted) await sink.abort(signal.reason);
  }
  return sink;
}

/** Retries of the opening are told and counted as those of a batch are, without one. */
function openingRetries(sink: string, table: string, options: ResolvedOptions, counted: { count: number }): Retries {
  const { retryBaseMs, retryMaxMs, retryTimeoutMs } = options;
  return {
    retryBaseMs,
    retryMaxMs,
    retryTimeoutMs,
    onRetry(doing, { attempt, delayMs, error: { code, message } }) {
      counted.count++;
      publish("millrace:retry", { sink, table, batch: "", stage: doing, attempt, delayMs, code, message });
    },
  };
}

/** A check that failed is made again as other calls are: an address that may be wrong for a shorter time. */
function readyInTime(retries: Retries, signal: AbortSignal, check: () => Promise<void>): Promise<void> {
  const { retryTimeoutMs } = retries;
  const doing = "checking the target";
  const timeoutMsFor = (error: MillraceError) =>
    error instanceof NotReadyError && error.isAbsent ? Math.min(retryTimeoutMs, absentTimeoutMs) : retryTimeoutMs;
  return withRetries(doing, { ...retries, timeoutMsFor }, signal, check, (retry) => retries.onRetry(doing, retry));
}

/** What does not listen to the signal may still open later; then nobody waits for it any more. */
async function opened<S extends { close(): unknown }>(
  opening: Promise<S>,
  { signal }: DestinationContext,
  doing: string,
): Promise<S> {
  opening.then((late) => (signal.aborted ? late.close() : undefined)).catch(() => {});
  return unlessAborted(opening, signal, doing);
}

function batch<R>(table: Table, options: ResolvedOptions, hooks: BatcherHooks): Batcher<R> {
  const { format, batchSize, batchIntervalMs, clientBatchSizeLimit, gzipLevel, malformedText, parallelism } = options;
  const batchPerSubtask = options.batchPerSubtask || parallelism <= 1;
  const mostSpares = slabsPerSubtask * Math.max(1, parallelism);
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

  function startRaw(handOver: (slab: SlabBytes) => void): RawPacker {
    const cut = rawCutter(format, clientBatchSizeLimit, startKernel);
    return rawPacker({ cut, maxRowBytes: clientBatchSizeLimit, malformedText, mostSpares }, handOver);
  }

  function startSubtasks(subtaskHooks: SubtaskHooks) {
    return Array.from({ length: Math.max(1, parallelism) }, (_, index) => {
      const plan = { table: table.name, format, maxRows: batchSize, index, hasOwnBatch: batchPerSubtask, segmentBytes };
      return parallelism === 0
        ? inlineSubtask(plan, encoder(plain, format, limits, wasm, { gzipLevel }), subtaskHooks)
        : workerSubtask({ plan, table: plain, limits, gzipLevel, wasm }, subtaskHooks);
    });
  }
  const plan = {
    table: table.name,
    format,
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

function deliver(
  sink: string,
  session: DestinationSession,
  options: ResolvedOptions,
  signal: AbortSignal,
  retries: { count: number },
): Deliverer {
  const eventOf = (batch: SealedBatch, durationMs: number) =>
    stepEvent(sink, batch, { tag: session.tagOf?.(batch.id), durationMs });
  return deliverer(session, options, signal, {
    onStaged: (batch, durationMs) => publish("millrace:batch:staged", eventOf(batch, durationMs)),
    onTaken: (batch, durationMs) => publish("millrace:batch:taken", eventOf(batch, durationMs)),
    onLanded: (batch, durationMs) => publish("millrace:batch:landed", eventOf(batch, durationMs)),
    onRetry({ batch, stage, attempt, delayMs, error }) {
      retries.count++;
      const { code, message } = error;
      publish("millrace:retry", { sink, table: batch.table, batch: batch.id, stage, attempt, delayMs, code, message });
    },
  });
}
