import { setMaxListeners } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import type { DequeuedMessageItem, QueueClient } from "@azure/storage-queue";
import { reasonOf } from "../../errors.ts";
import { download, shownAddress, sizeOf } from "../blobs/requests.ts";
import type { Catalogue } from "../engine/catalogue.ts";
import type { EngineClock } from "../engine/clock.ts";
import type { MessageFate, MessageFaults } from "../faults/message-faults.ts";
import { IngestionFailure } from "../ingestion-failure.ts";
import type { Storage } from "../storage/storage.ts";
import { type Batch, type BatchItem, batcher, type Schedule, type SealReason } from "./batcher.ts";
import { type BatchingPolicy, effectiveBatching } from "./batching-policy.ts";
import { type BlobBin, blobBin } from "./blob-bin.ts";
import { ingestAll } from "./ingest.ts";
import type { Source } from "./load.ts";
import { type IngestionMessage, parseMessage } from "./message.ts";
import { type IngestionProperties, readProperties } from "./properties.ts";
import type { QueuedOperations } from "./queued-operations.ts";
import { type FailureRecord, failureRecord, remember, reportFailure, reportSuccess } from "./report.ts";

export interface QueueReaderOptions {
  readonly catalogue: Catalogue;
  readonly storage: Storage;
  readonly failures: FailureRecord[];
  readonly operations: QueuedOperations;
  /** The batching policy of tables that have none, neither by themselves nor by their database. */
  readonly batching: BatchingPolicy;
  /** How long a message that was read is invisible to other readers; while it is under way, that is prolonged. */
  readonly visibilityMs: number;
  /** How long a blob of our own containers is kept after its message was worked on. */
  readonly blobRetentionMs: number;
  /** Refuses what the bearer of the message's identity token may not do. @throws IngestionFailure */
  readonly authorize?: (message: IngestionMessage) => void;
  /** What befalls messages on purpose; default nothing. */
  readonly faults?: MessageFaults;
}

export interface QueueReader {
  /** Messages under way in this process, those that wait for their batch among them. */
  readonly busy: number;
  close(): Promise<void>;
}

/** A message that was received, and is not deleted yet. */
interface Delivery extends BatchItem {
  readonly queue: QueueClient;
  readonly messageId: string;
  popReceipt: string;
  renewAt: number;
  readonly message: IngestionMessage;
  readonly properties: IngestionProperties;
  /** What befalls it on purpose. */
  fate?: MessageFate | undefined;
  /** It is worked on for the second time, on purpose: its message is deleted already. */
  readonly isAgain?: boolean;
}

/** How many batches are under way at once; those of one table still go one after another. */
const mostBatches = 8;
/** How many messages may be held: under way, and waiting for their batches. */
const mostWaiting = 20_000;
/** A posted message wakes the reader; this is for those that come back after a failure. */
const idleMs = 500;
/** How often sources that could not be fetched are tried, and how long the first pause is. */
const mostAttempts = 4;
const firstPauseMs = 200;
/** A message that comes back so often kills its reader, or cannot be reported on: it is given up. */
const mostDeliveries = 10;
/** What a compressed blob may hold, where its message does not say: the service has a factor too, and does not name it. */
const compressionFactor = 10;

/** Reads the ingestion queues, at least once: a message is deleted when it has been acted upon and not before. */
export function startQueueReader(options: QueueReaderOptions): QueueReader {
  const { storage, visibilityMs } = options;
  const stop = new AbortController();
  setMaxListeners(0, stop.signal); // each held message listens, and `mostWaiting` bounds them
  const work = new Set<Promise<void>>();
  const held = new Set<Delivery>();
  const wake = wakeable(stop.signal);
  const bin = blobBin(storage, options.blobRetentionMs);
  let loading = 0;
  const run = (act: Promise<void>) => {
    const ended = act.catch(() => {}).finally(() => work.delete(ended));
    work.add(ended);
  };
  const release = async (delivery: Delivery) => {
    held.delete(delivery);
    if (!delivery.isAgain) await delivery.queue.deleteMessage(delivery.messageId, delivery.popReceipt);
    if (comesAgain(delivery)) run(again(delivery, delivery.fate!.againAfterMs!));
  };
  const again = async (delivery: Delivery, afterMs: number) => {
    await options.catalogue.clock.wait(afterMs, stop.signal);
    const second: Delivery = { ...delivery, isAgain: true, alone: "SystemFlush" };
    second.renewAt = Number.POSITIVE_INFINITY;
    held.add(second);
    batches.add(second, policyOf(second, options));
  };
  const batches = batcher<Delivery>(later(options.catalogue.clock), (batch) => {
    loading++;
    const acting = actOn(batch, { options, signal: stop.signal, bin, release }).finally(() => {
      loading--;
      for (const delivery of batch.items) held.delete(delivery);
      wake.now();
    });
    run(acting);
  });
  const enter = async (delivery: Delivery) => {
    if (batches.add(delivery, policyOf(delivery, options))) return;
    await fail(delivery, foundInBatch(delivery), options);
    await release(delivery);
  };
  const take = async (queue: QueueClient, item: DequeuedMessageItem) => {
    const delivery = await deliveryOf(queue, item, options, stop.signal);
    if (!delivery) return;
    held.add(delivery);
    const { database, table, blobPath } = delivery.message;
    const bytes = () => download(storage.direct(blobPath), stop.signal);
    const fate = await options.faults?.fateOf({ database, table, blob: delivery.blob }, bytes);
    delivery.fate = fate;
    if (fate?.isLost) await release(delivery);
    else if (fate?.held) run(fate.held(stop.signal).then(() => enter(delivery)));
    else await enter(delivery);
  };
  storage.onPosted(wake.now);
  const loops = storage.ready.map(async (queue) => {
    while (!stop.signal.aborted) {
      const free = held.size < mostWaiting ? mostBatches - loading : 0;
      const messages = free > 0 ? await receive(queue, free, visibilityMs, stop.signal) : [];
      for (const item of messages) await take(queue, item).catch(() => {});
      if (messages.length === 0) await wake.wait(idleMs);
    }
  });
  const renewing = setInterval(() => run(renew(held, visibilityMs, stop.signal)), visibilityMs / 4);
  return {
    get busy() {
      return held.size;
    },
    async close() {
      stop.abort();
      clearInterval(renewing);
      batches.close();
      wake.now();
      await Promise.all([...loops, ...work]);
      bin.close(); // last, for a message that is still acted upon leaves its blob to it
    },
  };
}

/** Batching times pass with the emulator's clock. */
function later(clock: EngineClock): Schedule {
  return (ms, act) => {
    const off = new AbortController();
    clock.wait(ms, off.signal).then(act, () => {});
    return () => off.abort();
  };
}

async function receive(
  queue: QueueClient,
  count: number,
  visibilityMs: number,
  signal: AbortSignal,
): Promise<DequeuedMessageItem[]> {
  try {
    const answer = await queue.receiveMessages({
      numberOfMessages: count,
      visibilityTimeout: Math.ceil(visibilityMs / 1000),
      abortSignal: signal,
    });
    return answer.receivedMessageItems;
  } catch {
    // Storage is going down with us, or hiccups: the loop asks again.
    return [];
  }
}

/** Prolongs the time that messages are kept from other readers. */
async function renew(held: ReadonlySet<Delivery>, visibilityMs: number, signal: AbortSignal): Promise<void> {
  const now = Date.now();
  for (const delivery of held) {
    if (delivery.renewAt > now || signal.aborted) continue;
    delivery.renewAt = now + visibilityMs / 2;
    const { queue, messageId, popReceipt } = delivery;
    try {
      const seconds = Math.ceil(visibilityMs / 1000);
      const answer = await queue.updateMessage(messageId, popReceipt, undefined, seconds, { abortSignal: signal });
      delivery.popReceipt = answer.popReceipt ?? popReceipt;
    } catch {
      // Too late, or storage hiccups: the message may come again, as it may in the service.
    }
  }
}

/** Reads a message; one that cannot be acted upon is reported and deleted here. */
async function deliveryOf(
  queue: QueueClient,
  item: DequeuedMessageItem,
  options: QueueReaderOptions,
  signal: AbortSignal,
): Promise<Delivery | undefined> {
  const drop = () => queue.deleteMessage(item.messageId, item.popReceipt);
  let message: IngestionMessage;
  try {
    message = parseMessage(item.messageText);
  } catch (error) {
    remember(
      options.failures,
      failureRecord({ database: "", table: "", blobPath: "" }, asFailure(error), options.catalogue.clock),
    );
    await drop();
    return undefined;
  }
  try {
    if (item.dequeueCount > mostDeliveries) throw exhausted("the message came back too often");
    if (message.blobPath === "") throw new IngestionFailure("BadRequest_EmptyBlobUri", "Blob Uri is empty.");
    options.authorize?.(message);
    const properties = readProperties(message.given, message.blobPath);
    const rawBytes = await rawBytesOf(message, options, signal);
    return {
      queue,
      messageId: item.messageId,
      popReceipt: item.popReceipt,
      renewAt: Date.now() + options.visibilityMs / 2,
      message,
      properties,
      key: batchKey(message, properties),
      blob: shownAddress(message.blobPath),
      rawBytes: rawBytes ?? 0,
      alone: aloneBecause(message, properties, rawBytes),
    };
  } catch (error) {
    await fail({ message }, asFailure(error), options);
    await drop();
    return undefined;
  }
}

/** Everything that makes two blobs alike for a batch; sources and what is reported of them do not. */
function batchKey({ database, table }: IngestionMessage, properties: IngestionProperties): string {
  return JSON.stringify([database.toLowerCase(), table, { ...properties, creationTime: `${properties.creationTime}` }]);
}

function aloneBecause(
  { flushImmediately }: IngestionMessage,
  { ifNotExists, tags }: IngestionProperties,
  rawBytes: number | undefined,
): SealReason | undefined {
  if (flushImmediately) return "SingleBlob_FlushImmediately";
  if (ifNotExists && ifNotExists.length > 0) return "SingleBlob_IngestIfNotExists";
  if (tags?.some((tag) => tag.startsWith("ingest-by:"))) return "SingleBlob_IngestByTag";
  return rawBytes === undefined ? "SingleBlob_SizeUnknown" : undefined;
}

/** What the message says of the blob's uncompressed size; else an estimate, else undefined. */
async function rawBytesOf(
  message: IngestionMessage,
  options: QueueReaderOptions,
  signal: AbortSignal,
): Promise<number | undefined> {
  if (message.rawDataSize !== undefined || message.flushImmediately) return message.rawDataSize;
  if (policyOf({ message }, options).timeMs === 0) return undefined;
  try {
    const stored = await sizeOf(options.storage.direct(message.blobPath), signal);
    return /\.(gz|zip)$/i.test(shownAddress(message.blobPath)) ? stored * compressionFactor : stored;
  } catch {
    return undefined; // What is wrong with it is told when it is loaded.
  }
}

function policyOf({ message }: Pick<Delivery, "message">, { catalogue, batching }: QueueReaderOptions): BatchingPolicy {
  const database = catalogue.databases.get(message.database.toLowerCase());
  return effectiveBatching(database, database?.tables.get(message.table), batching);
}

interface Acting {
  readonly options: QueueReaderOptions;
  readonly signal: AbortSignal;
  readonly bin: BlobBin;
  readonly release: (delivery: Delivery) => Promise<void>;
}

/** Loads a batch and tells of every blob in it; nothing that a message says can stop the reader. */
async function actOn({ items }: Batch<Delivery>, { options, signal, bin, release }: Acting): Promise<void> {
  let left = items;
  for (let attempt = 1; left.length > 0; attempt++) {
    const outcomes = await loadBatch(left, attempt, options, signal);
    const again: Delivery[] = [];
    for (const delivery of left) {
      const failure = outcomes.get(delivery);
      // Closing in the midst of it: what is not loaded comes back by itself.
      if (failure && signal.aborted) continue;
      if (failure && !failure.permanent && attempt < mostAttempts) {
        again.push(delivery);
        continue;
      }
      if (!comesAgain(delivery)) bin.forget(delivery.message, failure === undefined);
      try {
        if (failure) await fail(delivery, failure.permanent ? failure : exhausted(failure.message), options);
        else await succeed(delivery, options);
        await release(delivery);
      } catch {
        // Storage would not take the report: the message comes back, as it does in the service.
      }
    }
    left = again;
    if (left.length > 0) await wait(firstPauseMs * 2 ** attempt, undefined, { signal });
  }
}

const comesAgain = ({ fate, isAgain }: Delivery) => fate?.againAfterMs !== undefined && !isAgain;

/** Why each delivery was not loaded, or undefined. */
async function loadBatch(
  deliveries: readonly Delivery[],
  attempt: number,
  { catalogue, storage, operations }: QueueReaderOptions,
  signal: AbortSignal,
): Promise<Map<Delivery, IngestionFailure | undefined>> {
  const [first] = deliveries as [Delivery];
  const outcomes = new Map<Delivery, IngestionFailure | undefined>();
  const sources = new Map<Source, Delivery>();
  for (const delivery of deliveries) {
    const { message, fate } = delivery;
    const refusal = operations.isCanceled(message.operationId) ? canceled() : fate?.failureOf(attempt);
    if (refusal) outcomes.set(delivery, refusal);
    else sources.set({ path: delivery.blob, open: () => download(storage.direct(message.blobPath), signal) }, delivery);
  }
  const ingestion = { ...first.properties, database: first.message.database, table: first.message.table };
  try {
    const { failures } = await ingestAll(catalogue, ingestion, [...sources.keys()]);
    for (const [source, delivery] of sources)
      outcomes.set(delivery, failures.has(source) ? asFailure(failures.get(source)) : undefined);
    const twice = [...sources.keys()].filter((each) => sources.get(each)!.fate?.isLoadedTwice && !failures.has(each));
    // As if two readers had looked for the tag at the same time; what fails now was loaded once all the same.
    if (twice.length > 0) await ingestAll(catalogue, { ...ingestion, ifNotExists: [] }, twice).catch(() => {});
  } catch (error) {
    for (const delivery of sources.values()) outcomes.set(delivery, asFailure(error));
  }
  return outcomes;
}

async function succeed(
  { message, fate }: Delivery,
  { catalogue, storage, operations }: QueueReaderOptions,
): Promise<void> {
  if (!fate?.isReportLost) await reportSuccess(storage, message, catalogue.clock);
  operations.ingested(message.operationId);
}

async function fail(
  { message, fate }: Pick<Delivery, "message" | "fate">,
  failure: IngestionFailure,
  { catalogue, storage, failures, operations }: QueueReaderOptions,
): Promise<void> {
  if (failure.code === canceledCode) return operations.dropped(message.operationId);
  const record = failureRecord(message, failure, catalogue.clock);
  remember(failures, record);
  if (!fate?.isReportLost) await reportFailure(storage, message, record);
  operations.failed(message.operationId, failure.message);
}

function foundInBatch({ blob }: Delivery): IngestionFailure {
  return new IngestionFailure(
    "BlobAlreadyReceived_BlobAlreadyFoundInBatch",
    `Detected the same blob in the same batch for ingestion; one copy of it is used: '${blob}'.`,
  );
}

function exhausted(why: string): IngestionFailure {
  return new IngestionFailure(
    "General_RetryAttemptsExceeded",
    `Operation has exceeded the retry attempts limit or timespan limit following a recurring transient error: ${why}`,
  );
}

/** Not a failure that is told: the operation's own counts say it. */
const canceledCode = "Canceled";

const canceled = () => new IngestionFailure(canceledCode, "The operation was canceled.");

function asFailure(error: unknown): IngestionFailure {
  if (error instanceof IngestionFailure) return error;
  const code = (error as { code?: unknown } | null)?.code;
  if (code === "ECONNRESET" || code === "ECONNREFUSED" || code === "ETIMEDOUT" || code === "ERR_STREAM_PREMATURE_CLOSE")
    return new IngestionFailure("Download_UnknownError", `Failed to download source: ${code}.`, false);
  return new IngestionFailure(
    "General_InternalServerError",
    `Internal server error occurred: ${reasonOf(error)}.`,
    false,
  );
}

/** A wait that somebody else can end. */
function wakeable(signal: AbortSignal): { now(): void; wait(ms: number): Promise<void> } {
  let waiting: (() => void)[] = [];
  const now = () => {
    const all = waiting;
    waiting = [];
    for (const end of all) end();
  };
  return {
    now,
    wait(ms) {
      if (signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const end = () => {
          clearTimeout(timer);
          waiting = waiting.filter((other) => other !== end);
          resolve();
        };
        const timer = setTimeout(end, ms);
        waiting.push(end);
      });
    },
  };
}
