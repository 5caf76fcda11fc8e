import { type LoopTurns, loopBudget } from "../batch/loop-budget.ts";
import { type RawBacklog, rawBacklog } from "../batch/raw-backlog.ts";
import type { MillraceError } from "../errors.ts";
import type { ResolvedOptions } from "../options.ts";

/**
 * Chunks that may wait for each subtask before `write()` returns false, and before it throws. Where subtasks fill one batch
 * each gets a run of some chunks before it is the next one's turn, and none may run dry meanwhile.
 */
const chunksPerSubtask = { soft: 4, softInRuns: 8, hard: 64 };
/** How far the batches in flight may pass `maxBatchesInFlight` before `write()` throws. */
const hardBatchesFactor = 4;
/**
 * How often `write()` may return false without a call of `ready` before it throws, when those bounds are passed too. Batches of records that
 * were accepted before arrive from the subtasks at any time, so that a caller who waits may find the bounds passed.
 */
const mostUnheeded = 4;
/** Dead letters being written at once, before `write()` returns false, and before it throws. */
const lettersInFlight = { soft: 256, hard: 4_096 };

/** What waits in the sink. Functions of their own, so that measuring allocates nothing. */
export interface PressurePorts {
  batches(): number;
  chunks(): number;
  letters(): number;
  /** The log holds as much as it may. */
  isLogFull(): boolean;
  hasFailed(): boolean;
  writeRaw(piece: Uint8Array | string): void;
  /** @param isPressed `write()` should return false */
  onMeasured(isPressed: boolean, isOverfull: boolean): void;
}

/** Says when a caller should wait, and when that is over. */
export interface BackPressure {
  /** Raw rows that wait for room. */
  readonly backlog: RawBacklog;
  /** Recomputes back-pressure. Call it after a queue grows. */
  measure(): void;
  /** Looks at the event loop too. Returns how many records to take until the next look. */
  look(): number;
  /** Recomputes back-pressure and wakes those who wait. Call it after a queue shrinks. */
  offerRoom(): void;
  /** What a call that took something returns under pressure: the caller is to wait. */
  pressed(): false;
  /** The caller has not waited when it was told to. */
  readonly isUnheeded: boolean;
  /** Settles when there is room. */
  ready(): Promise<void>;
  /** Whoever waits for room is told. */
  fail(error: MillraceError): void;
}

export function backPressure(
  { parallelism, maxBatchesInFlight, batchPerSubtask }: ResolvedOptions,
  turns: LoopTurns,
  ports: PressurePorts,
): BackPressure {
  const { soft, softInRuns, hard } = chunksPerSubtask;
  const subtasks = Math.max(1, parallelism);
  const maxChunks = subtasks * (batchPerSubtask || parallelism <= 1 ? soft : softInRuns);
  const hardChunks = subtasks * hard;
  const hardBatches = maxBatchesInFlight * hardBatchesFactor;
  const loop = loopBudget(turns, offerRoom);
  /** Everything but the raw rows that wait, which wait for this. */
  let isFull = false;
  let isPressed = false;
  let room: Deferred | undefined;
  /** Calls that returned false since `ready` was asked for. */
  let unheeded = 0;
  const backlog = rawBacklog(
    (piece) => ports.writeRaw(piece),
    () => !isFull && !ports.hasFailed(),
  );

  function measure(): void {
    const batches = ports.batches();
    const chunks = ports.chunks();
    const letters = ports.letters();
    isFull =
      batches >= maxBatchesInFlight ||
      chunks >= maxChunks ||
      letters >= lettersInFlight.soft ||
      ports.isLogFull() ||
      loop.isSpent;
    isPressed = isFull || !backlog.isEmpty;
    ports.onMeasured(isPressed, batches >= hardBatches || chunks >= hardChunks || letters >= lettersInFlight.hard);
  }

  function offerRoom(): void {
    measure();
    if (!backlog.isEmpty) {
      backlog.goOn();
      measure();
    }
    if (!room || isPressed) return;
    room.resolve();
    room = undefined;
  }

  return {
    backlog,
    measure,
    look() {
      const records = loop.look();
      measure();
      return records;
    },
    offerRoom,
    pressed() {
      unheeded++;
      return false;
    },
    get isUnheeded() {
      return unheeded > mostUnheeded;
    },
    ready() {
      unheeded = 0;
      if (!isPressed) return Promise.resolve();
      room ??= deferred();
      return room.promise;
    },
    fail(error) {
      room?.reject(error);
      room = undefined;
    },
  };
}

interface Deferred {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
}

/** `Promise.withResolvers`, which Node 20 does not have. */
function deferred(): Deferred {
  let resolve!: () => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => {}); // a waiter that has left must not turn the failure into an unhandled rejection
  return { promise, resolve, reject };
}
