import { randomUUID } from "node:crypto";
import { reasonOf } from "../../errors.ts";
import { entityNotFound, KustoError } from "../kusto-error.ts";
import type { ResultColumn } from "../values/result.ts";
import type { Stored } from "../values/stored.ts";
import { ticksPerDay, ticksPerHour } from "../values/ticks.ts";
import type { EngineClock } from "./clock.ts";

export type OperationState = "InProgress" | "Completed" | "Failed" | "Cancelled" | "Skipped" | "Abandoned";

/** The rows that an operation answered with. */
export interface OperationResult {
  readonly columns: readonly ResultColumn[];
  readonly rows: readonly (readonly Stored[])[];
}

/** One entry of the log: an operation as it stood at a moment. */
export interface OperationEntry {
  readonly id: string;
  readonly kind: string;
  readonly database: string;
  readonly startedOn: bigint;
  readonly updatedOn: bigint;
  readonly state: OperationState;
  readonly status: string;
  readonly shouldRetry: boolean;
  readonly activityId: string;
}

interface Operation {
  latest: OperationEntry;
  result: OperationResult | undefined;
  readonly stop: AbortController;
  readonly isCancellable: boolean;
}

export interface OperationOptions {
  readonly kind: string;
  readonly database: string;
  /** The documentation lets only ingestion from a query be cancelled. */
  readonly isCancellable?: boolean;
  /** Keep the rows for `.show operation details`. */
  readonly keepsResult: boolean;
}

export interface RunningOperation {
  readonly id: string;
  /** When its beginning is in the log, for those who come after a restart as well. */
  readonly isNoted: Promise<void>;
  /** How it went: the rows, or the error. */
  readonly end: Promise<OperationResult>;
}

export type CancelOutcome = { readonly entry: OperationEntry; readonly failure: string | undefined };

/** The log of operations, as long and as large as the service keeps one. */
export interface Operations {
  /** Runs `act` as an operation; its end is in the log before the promise settles. */
  start(
    options: OperationOptions,
    act: (signal: AbortSignal, id: string) => Promise<OperationResult>,
  ): RunningOperation;
  /** All entries of the last two weeks, oldest first; an operation has one for each of its states. */
  log(): OperationEntry[];
  /** The latest entry of an operation that was touched within six hours. */
  latest(id: string): OperationEntry | undefined;
  /** @throws KustoError where there is none, or not yet. */
  details(id: string): OperationResult;
  cancel(id: string): Promise<CancelOutcome>;
  /** Stops what is under way and waits for its end. */
  close(): Promise<void>;
}

/** How long the log keeps an entry, and how long an operation can be asked for by id (documentation, ".show operations"). */
const logLife = 14n * ticksPerDay;
const idLife = 6n * ticksPerHour;
const mostEntries = 10_000;

export interface OperationLog {
  /** Entries of an earlier run, oldest first. */
  readonly past?: readonly OperationEntry[];
  /** Writes an entry down where the log outlives the process. */
  readonly keep?: ((entry: OperationEntry) => Promise<void>) | undefined;
}

export function createOperations(clock: EngineClock, { past = [], keep }: OperationLog = {}): Operations {
  let entries: OperationEntry[] = [...past];
  const known = new Map<string, Operation>();
  const running = new Map<string, Promise<unknown>>();
  const write = (operation: Operation, change: Partial<OperationEntry>) => {
    // The clock counts in milliseconds: two states of one operation never bear one time, or nobody could tell which is the later.
    const [now, last] = [clock.ticks(), operation.latest.updatedOn];
    operation.latest = { ...operation.latest, ...change, updatedOn: now > last ? now : last + 1n };
    entries.push(operation.latest);
    if (entries.length > mostEntries) forget();
    return keep?.(operation.latest) ?? Promise.resolve();
  };
  const forget = () => {
    const oldest = clock.ticks() - logLife;
    entries = entries.filter(({ updatedOn }) => updatedOn >= oldest).slice(-mostEntries / 2);
    for (const [id, { latest }] of known) if (!running.has(id) && isOver(latest, idLife)) known.delete(id);
  };
  const isOver = ({ updatedOn }: OperationEntry, life: bigint) => clock.ticks() - updatedOn > life;
  const asked = (id: string) => {
    const operation = known.get(id.toLowerCase());
    if (operation && (running.has(operation.latest.id) || !isOver(operation.latest, idLife))) return operation;
    return undefined;
  };
  for (const latest of past)
    known.set(latest.id, { latest, result: undefined, stop: new AbortController(), isCancellable: false });
  // What was under way when the process ended: nobody saw how it went.
  for (const operation of known.values())
    if (operation.latest.state === "InProgress")
      write(operation, { state: "Abandoned", status: "The emulator was stopped while the operation ran." }).catch(
        () => {},
      );
  return {
    start({ kind, database, isCancellable = false, keepsResult }, act) {
      const now = clock.ticks();
      const operation: Operation = {
        latest: {
          id: randomUUID(),
          kind,
          database,
          startedOn: now,
          updatedOn: now,
          state: "InProgress",
          status: "",
          shouldRetry: false,
          activityId: randomUUID(),
        },
        result: undefined,
        stop: new AbortController(),
        isCancellable,
      };
      const { id } = operation.latest;
      known.set(id, operation);
      const isNoted = write(operation, {});
      isNoted.catch(() => {}); // Who needs it waits for it.
      const end = act(operation.stop.signal, id)
        .then(
          async (result) => {
            if (keepsResult) operation.result = result;
            // It is done, whether or not the log could take it.
            await write(operation, { state: "Completed" }).catch(() => {});
            return result;
          },
          async (error: unknown) => {
            await write(operation, ending(error, operation.stop.signal)).catch(() => {});
            throw error;
          },
        )
        .finally(() => running.delete(id));
      running.set(id, end);
      // Who started it in the background does not listen; the log tells how it went.
      end.catch(() => {});
      return { id, isNoted, end };
    },
    log() {
      const oldest = clock.ticks() - logLife;
      return entries.filter(({ updatedOn }) => updatedOn >= oldest);
    },
    latest: (id) => asked(id)?.latest,
    details(id) {
      const operation = asked(id);
      if (!operation) throw entityNotFound("Operation", id);
      if (operation.result) return operation.result;
      const { state } = operation.latest;
      throw new KustoError(
        state === "Completed"
          ? `Operation '${id}' has not kept its results: only 'async' commands do.`
          : `Operation '${id}' is in state '${state}': its results can be shown when it is completed.`,
      );
    },
    async cancel(id) {
      const operation = asked(id);
      if (!operation) throw entityNotFound("Operation", id);
      const end = running.get(operation.latest.id);
      if (!operation.isCancellable || !end)
        return {
          entry: operation.latest,
          failure: end ? "Only ingestion from a query can be cancelled." : "The operation is not running.",
        };
      operation.stop.abort();
      await end.catch(() => {});
      const isCancelled = operation.latest.state === "Cancelled";
      return { entry: operation.latest, failure: isCancelled ? undefined : "The operation was over already." };
    },
    async close() {
      for (const id of running.keys()) known.get(id)?.stop.abort();
      await Promise.allSettled(running.values());
    },
  };
}

function ending(error: unknown, signal: AbortSignal): Partial<OperationEntry> {
  if (signal.aborted) return { state: "Cancelled", status: "Cancelled by the user." };
  const status = reasonOf(error);
  if (isSkipped(error)) return { state: "Skipped", status };
  return { state: "Failed", status, shouldRetry: (error as { permanent?: unknown }).permanent === false };
}

/** Was the work left undone because it had been done before? */
export function isSkipped(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === "string" && code.startsWith("Skipped_");
}
