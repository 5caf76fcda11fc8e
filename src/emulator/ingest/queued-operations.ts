import { randomUUID } from "node:crypto";
import { nowTicks } from "../values/ticks.ts";

/** An operation of `.ingest-from-storage-queued`, as `.show queued ingestion operations` tells of it. */
export interface QueuedOperation {
  readonly id: string;
  readonly database: string;
  readonly table: string;
  readonly startedOn: bigint;
  readonly lastUpdatedOn: bigint;
  readonly isCanceled: boolean;
  readonly discovered: number;
  readonly ingested: number;
  readonly failed: number;
  readonly canceled: number;
  readonly sampleFailedReasons: readonly string[];
}

export interface QueuedOperations {
  start(database: string, table: string, discovered: number): QueuedOperation;
  get(id: string): QueuedOperation | undefined;
  /** False where there is no such operation. */
  cancel(id: string): boolean;
  isCanceled(id: string | undefined): boolean;
  ingested(id: string | undefined): void;
  failed(id: string | undefined, reason: string): void;
  /** One of its blobs was left out, for it was canceled. */
  dropped(id: string | undefined): void;
}

/** How many operations are remembered; the oldest go first. */
const mostOperations = 1_000;
const mostReasons = 5;

type Changing = { -readonly [name in keyof QueuedOperation]: QueuedOperation[name] };

export function queuedOperations(): QueuedOperations {
  const all = new Map<string, Changing>();
  const change = (id: string | undefined, act: (operation: Changing) => void) => {
    const operation = id === undefined ? undefined : all.get(id);
    if (!operation) return false;
    act(operation);
    operation.lastUpdatedOn = nowTicks();
    return true;
  };
  return {
    start(database, table, discovered) {
      const now = nowTicks();
      const operation: Changing = {
        ...{ id: `${hour(now)};${hour(now)};${randomUUID()}`, database, table, startedOn: now, lastUpdatedOn: now },
        ...{ isCanceled: false, discovered, ingested: 0, failed: 0, canceled: 0, sampleFailedReasons: [] },
      };
      all.set(operation.id, operation);
      if (all.size > mostOperations) all.delete(all.keys().next().value!);
      return operation;
    },
    get: (id) => all.get(id),
    cancel: (id) =>
      change(id, (operation) => {
        operation.isCanceled = true;
      }),
    isCanceled: (id) => id !== undefined && all.get(id)?.isCanceled === true,
    ingested: (id) => void change(id, (operation) => operation.ingested++),
    failed: (id, reason) =>
      void change(id, (operation) => {
        operation.failed++;
        const reasons = operation.sampleFailedReasons;
        if (reasons.length < mostReasons && !reasons.includes(reason))
          operation.sampleFailedReasons = [...reasons, reason];
      }),
    dropped: (id) => void change(id, (operation) => operation.canceled++),
  };
}

/** The service's ids have two numbers before the guid; ours tell the hour. */
const hour = (ticks: bigint) => String(ticks / 36_000_000_000n).padStart(8, "0");
