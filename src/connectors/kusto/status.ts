import type { QueueClient } from "@azure/storage-queue";
import type { Outcome } from "../../destination/destination.ts";
import { withDeadline } from "./deadline.ts";
import { storageNetwork } from "./network.ts";
import type { StorageRoot } from "./resources.ts";
import { oneTry } from "./upload.ts";

/** The most that one request to a queue gives. */
const pageSize = 32;
/** Pages read from one queue per look; more would starve the others of a very full queue. */
const mostPages = 32;
/** Other people's messages are hidden from them for this long when we must look behind them. */
const visibilitySeconds = 3;
const requestTimeoutMs = 30_000;

/** What the service writes, in base64, of which these are the fields used. */
interface StatusMessage {
  readonly IngestionSourceId?: string;
  readonly ErrorCode?: string;
  readonly Details?: string;
  readonly FailureStatus?: string;
  readonly ShouldRetry?: boolean | string;
}

/**
 * Reads one status queue. It belongs to the whole cluster, so only messages about our own batches are deleted, and the
 * queue is peeked first: others' messages are touched, by a receive of a few seconds, only to reach ours or to look behind
 * a full page.
 *
 * @param onOutcome told of each outcome before its message is deleted: a later page may fail.
 */
export async function readStatusQueue(
  root: StorageRoot,
  kind: "success" | "failure",
  isOurs: (id: string) => boolean,
  onOutcome: (outcome: Outcome) => void,
  signal: AbortSignal,
): Promise<void> {
  const { QueueClient } = await import("@azure/storage-queue");
  const queue = new QueueClient(root.url, undefined, { ...oneTry, ...storageNetwork(root.url) });
  const doing = `Reading the ${kind} queue ${root.name}`;
  const ask = <T>(task: (abortSignal: AbortSignal) => Promise<T>) =>
    withDeadline(requestTimeoutMs, signal, doing, task, root.url);

  const peeked = await ask((abortSignal) => queue.peekMessages({ numberOfMessages: pageSize, abortSignal }));
  const texts = peeked.peekedMessageItems.map((message) => message.messageText);
  if (texts.length < pageSize && !texts.some((text) => oursIn(text, isOurs))) return;

  const seen = new Set<string>();
  for (let page = 0; page < mostPages; page++) {
    const received = await ask((abortSignal) =>
      queue.receiveMessages({ numberOfMessages: pageSize, visibilityTimeout: visibilitySeconds, abortSignal }),
    );
    const fresh = received.receivedMessageItems.filter(({ messageId }) => !seen.has(messageId));
    for (const { messageId } of fresh) seen.add(messageId);
    const ours = fresh.flatMap((message) => {
      const status = oursIn(message.messageText, isOurs);
      return status ? [{ message, status }] : [];
    });
    for (const { status } of ours) onOutcome(outcomeOf(kind, status));
    await remove(
      queue,
      ours.map(({ message }) => message),
      ask,
    );
    if (fresh.length === 0 || received.receivedMessageItems.length < pageSize) break;
  }
}

type Ask = <T>(task: (abortSignal: AbortSignal) => Promise<T>) => Promise<T>;

/** A message that is already gone, or visible again, is no matter: it would be read once more and is known by then. */
async function remove(
  queue: QueueClient,
  messages: readonly { messageId: string; popReceipt: string }[],
  ask: Ask,
): Promise<void> {
  await Promise.allSettled(
    messages.map(({ messageId, popReceipt }) =>
      ask((abortSignal) => queue.deleteMessage(messageId, popReceipt, { abortSignal })),
    ),
  );
}

/** The message, if it can be read and is about a batch of ours. Anything may lie in a shared queue. */
function oursIn(text: string, isOurs: (id: string) => boolean): (StatusMessage & { id: string }) | undefined {
  const message = parsed(Buffer.from(text, "base64").toString("utf8")) ?? parsed(text);
  const id = message?.IngestionSourceId;
  if (typeof id !== "string" || !isOurs(id.toLowerCase())) return undefined;
  return { ...message, id: id.toLowerCase() };
}

function parsed(text: string): StatusMessage | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === "object" ? (value as StatusMessage) : undefined;
  } catch {
    return undefined;
  }
}

/** Not loaded because extents with this tag exist already, which means: loaded before. */
const alreadyThere = "Skipped_IngestByTagAlreadyExists";

function outcomeOf(kind: "success" | "failure", message: StatusMessage & { id: string }): Outcome {
  const { id, ErrorCode = "Unknown", Details = "the service gave no details", FailureStatus, ShouldRetry } = message;
  if (kind === "success" || ErrorCode === alreadyThere) return { id, status: "landed" };
  const retryable = FailureStatus === "Transient" || ShouldRetry === true || ShouldRetry === "true";
  return { id, status: "failed", errorCode: String(ErrorCode), details: String(Details), retryable };
}
