import { setTimeout as wait } from "node:timers/promises";
import type { DequeuedMessageItem, QueueClient } from "@azure/storage-queue";
import { reasonOf } from "../../errors.ts";
import type { Catalogue } from "../engine/catalogue.ts";
import type { Storage } from "../storage/storage.ts";
import { IngestionFailure } from "./failure.ts";
import { download, ingest } from "./ingest.ts";
import { type IngestionMessage, parseMessage } from "./message.ts";
import { type FailureRecord, failureRecord, remember, reportFailure, reportSuccess } from "./report.ts";

export interface QueueReaderOptions {
  readonly catalogue: Catalogue;
  readonly storage: Storage;
  readonly failures: FailureRecord[];
  /** How long a message without FlushImmediately waits before it is acted upon. */
  readonly ingestionDelayMs: number;
  /** How long an ingested blob of our own containers is kept. */
  readonly blobRetentionMs: number;
}

export interface QueueReader {
  /** Messages under way in this process. */
  readonly busy: number;
  close(): Promise<void>;
}

/** How many messages are under way at once; those of one table still go one after another. */
const mostAtOnce = 8;
/** A message is invisible to other readers for so long; none of ours takes that long. */
const visibilitySeconds = 600;
/** A posted message wakes the reader; this is for those that come back after a failure. */
const idleMs = 500;
/** How often a source that could not be fetched is tried, and how long the first pause is. */
const mostAttempts = 4;
const firstPauseMs = 200;

/** Reads the ingestion queues, at least once: a message is deleted when it has been acted upon and not before. */
export function startQueueReader(options: QueueReaderOptions): QueueReader {
  const stop = new AbortController();
  const underWay = new Set<Promise<void>>();
  const wake = wakeable(stop.signal);
  const bin = blobBin(options.storage, options.blobRetentionMs);
  options.storage.onPosted(wake.now);
  const loops = options.storage.ready.map(async (queue) => {
    while (!stop.signal.aborted) {
      const free = mostAtOnce - underWay.size;
      if (free <= 0) {
        await Promise.race(underWay);
        continue;
      }
      const messages = await receive(queue, Math.min(free, 32), stop.signal);
      for (const message of messages) {
        const act = actOn(queue, message, options, stop.signal, bin.forget).finally(() => underWay.delete(act));
        underWay.add(act);
      }
      if (messages.length === 0) await wake.wait(idleMs);
    }
  });
  return {
    get busy() {
      return underWay.size;
    },
    async close() {
      stop.abort();
      wake.now();
      await Promise.all([...loops, ...underWay]);
      bin.close(); // last, for a message that is still acted upon leaves its blob to it
    },
  };
}

async function receive(queue: QueueClient, count: number, signal: AbortSignal): Promise<DequeuedMessageItem[]> {
  try {
    const answer = await queue.receiveMessages({
      numberOfMessages: count,
      visibilityTimeout: visibilitySeconds,
      abortSignal: signal,
    });
    return answer.receivedMessageItems;
  } catch {
    // Storage is going down with us, or hiccups: the loop asks again.
    return [];
  }
}

/** Ingests one message and tells of it; nothing that a message says can stop the loop. */
async function actOn(
  queue: QueueClient,
  item: DequeuedMessageItem,
  options: QueueReaderOptions,
  signal: AbortSignal,
  forget: (url: string) => void,
): Promise<void> {
  try {
    const message = readMessage(item, options);
    if (message) await ingestMessage(message, options, signal, forget);
    await queue.deleteMessage(item.messageId, item.popReceipt);
  } catch {
    // Closing, or storage would not take the report: the message comes back by itself.
  }
}

function readMessage(
  item: DequeuedMessageItem,
  { catalogue, failures }: QueueReaderOptions,
): IngestionMessage | undefined {
  try {
    return parseMessage(item.messageText);
  } catch (error) {
    remember(failures, failureRecord({ database: "", table: "", blobPath: "" }, asFailure(error), catalogue.clock));
    return undefined;
  }
}

async function ingestMessage(
  message: IngestionMessage,
  { catalogue, storage, failures, ingestionDelayMs }: QueueReaderOptions,
  signal: AbortSignal,
  forget: (url: string) => void,
): Promise<void> {
  if (ingestionDelayMs > 0 && !message.flushImmediately) await wait(ingestionDelayMs, undefined, { signal });
  for (let attempt = 1; ; attempt++) {
    try {
      if (message.blobPath === "") throw new IngestionFailure("BadRequest_EmptyBlobUri", "Blob Uri is empty.");
      const bytes = download(storage.direct(message.blobPath), signal);
      await ingest(catalogue, { ...message, sourcePath: message.blobPath.replace(/[?;].*$/s, "") }, bytes);
      await reportSuccess(storage, message, catalogue.clock);
      forget(message.blobPath);
      return;
    } catch (error) {
      if (signal.aborted) throw error;
      const failure = asFailure(error);
      if (!failure.permanent && attempt < mostAttempts) {
        await wait(firstPauseMs * 2 ** attempt, undefined, { signal });
        continue;
      }
      const record = failureRecord(message, failure, catalogue.clock);
      remember(failures, record);
      await reportFailure(storage, message, record);
      return;
    }
  }
}

function asFailure(error: unknown): IngestionFailure {
  if (error instanceof IngestionFailure) return error;
  const code = (error as { code?: unknown } | null)?.code;
  if (code === "ECONNRESET" || code === "ECONNREFUSED" || code === "ETIMEDOUT" || code === "ERR_STREAM_PREMATURE_CLOSE")
    return new IngestionFailure("Download_UnknownError", `Failed to download source: ${code}.`, false);
  return new IngestionFailure("General_InternalServerError", `Internal server error occurred: ${reasonOf(error)}.`);
}

/** Removes ingested blobs after a while: a message that is delivered twice still finds its blob for so long. */
function blobBin(storage: Storage, retentionMs: number): { forget(url: string): void; close(): void } {
  const timers = new Set<NodeJS.Timeout>();
  return {
    forget(url) {
      const timer = setTimeout(() => {
        timers.delete(timer);
        // A blob that will not go costs memory and nothing else.
        storage.remove(url).catch(() => {});
      }, retentionMs);
      timers.add(timer);
    },
    close() {
      for (const timer of timers) clearTimeout(timer);
    },
  };
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
