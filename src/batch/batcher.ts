import type { Packer } from "../encode/packer.ts";
import type { Payload } from "../encode/payload.ts";
import type { RefusedRow } from "../encode/raw-chunk.ts";
import type { RawChunkBytes, RawPacker } from "../encode/raw-packer.ts";
import { MillraceError } from "../errors.ts";
import { chunkPace } from "./chunk-pace.ts";
import { type Lane, lane } from "./lane.ts";
import type { OpenBatchPlan } from "./open-batch.ts";
import { chooseSubtask, chunkGoal, untilDue } from "./policy.ts";
import { rawLedger } from "./raw-ledger.ts";
import type { SealedBatch, SealReason } from "./sealed-batch.ts";
import type { SubtaskHooks, SubtaskPort, SubtaskRestart } from "./subtask-port.ts";

/** Records in, sealed batches out: packs on the caller's thread, spreads chunks over subtasks, owns the one timer. */
export interface Batcher<R> {
  /** Packs one record. Throws RECORD_REFUSED and leaves everything as it was when the record does not fit. */
  write(record: R, place: Place | undefined): void;
  /**
   * Takes rows that were encoded before, cut anywhere; what is left of the last row goes on with the next call. Copies
   * what it is given. A row that does not fit is told of later, by `onRawRefused`.
   */
  writeRaw(rows: Uint8Array | string): void;
  /** A record is being read: its getters, `toJSON()` and `place` run within. */
  readonly isPacking: boolean;
  /** Raw rows were given that are not counted yet, or a part of one. */
  readonly hasUncountedRows: boolean;
  /** Chunks, raw ones included, handed to subtasks and not encoded yet. */
  readonly outstanding: number;
  /**
   * Seals every open batch, and takes what is left of raw input as a row; resolved once all batches have been given to
   * `onSealed`, with the number of raw rows taken since the beginning.
   */
  seal(reason: SealReason): Promise<number>;
  /** The batch was delivered, and nobody looks at its parts any more: their memory serves for another. */
  recycle(batch: SealedBatch<Payload>): void;
  /** The same as a barrier: what is sealed behind it is given to `onSealed` with one barrier more. */
  sealBarrier(): Promise<number>;
  /** Seals no batch for its age any more: the sink has failed, and its process need not live for that. */
  stopTimer(): void;
  close(): Promise<void>;
}

/** Where a record came from; a function where making the text for every record would cost. */
export type Place = string | (() => string);

export interface BatcherPlan extends Omit<OpenBatchPlan, "subtask"> {
  /** Each subtask fills batches of its own; otherwise all of them fill one. */
  readonly batchPerSubtask: boolean;
  /** The greatest age of an unsealed record, in milliseconds; 0 for no limit. */
  readonly intervalMs: number;
  readonly rowsPerChunk: number;
}

export interface BatcherHooks {
  /** @param barriers how many barriers its rows lie behind */
  onSealed(batch: SealedBatch<Payload>, barriers: number): void;
  /** A chunk, also a raw one, has been handed to a subtask: `outstanding` may have grown. */
  onHandedOver(): void;
  /** A chunk has been encoded: there may be room again. */
  onRoom(): void;
  /** So many raw rows were found sound. */
  onRawTaken(rows: number): void;
  /** One raw row, by its number since the beginning, and the raw chunk that it lies in. Called in the order of the rows. */
  onRawRefused(row: number, rawChunk: ArrayBuffer, refused: RefusedRow): void;
  /** A subtask's thread died and was replaced; no row is lost by it. */
  onRestarted(restart: SubtaskRestart): void;
  onFailed(error: MillraceError): void;
}

/** The longest delay `setTimeout` takes; beyond it fires at once. */
const longestTimeoutMs = 2 ** 31 - 1;

export function batcher<R>(
  plan: BatcherPlan,
  packer: Packer,
  startRaw: (handOver: (rawChunk: RawChunkBytes) => void) => RawPacker,
  startSubtasks: (hooks: SubtaskHooks) => SubtaskPort[],
  hooks: BatcherHooks,
): Batcher<R> {
  const pace = chunkPace(plan.rowsPerChunk);
  let goal = Math.min(pace.rows, plan.maxRows);
  let packingSince = 0;
  let raw: RawPacker | undefined;
  let rawSince = 0;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  let isTimeless = false;
  /** Lanes that were told to seal by age and have not answered: their age is being dealt with. */
  const sealing = new Set<Lane>();

  const subtasks = startSubtasks({
    onSegment: (subtask, segment) => laneOf.get(subtask)!.onSegment(subtask, segment),
    onCut: (subtask) => laneOf.get(subtask)!.onCut(subtask),
    onEncoded: goOn,
    onRawEncoded(subtask, rawChunk, tally) {
      laneOf.get(subtask)!.onRawEncoded(tally);
      // What was refused is told when the raw chunks before it are counted; by then the buffer may be filled again.
      const length = tally.refused.length > 0 ? rawChunk.length : 0;
      ledger.settle(subtask, new Uint8Array(rawChunk.bytes, 0, length).slice().buffer, tally);
      goOn();
    },
    onDone(rows) {
      if ("tape" in rows) packer.recycle(rows);
      else raw?.recycle(rows.bytes);
    },
    onRestarted: hooks.onRestarted,
    onFailed(error) {
      for (const one of lanes) one.fail(error);
      hooks.onFailed(error);
    },
  });

  const lanes = plan.batchPerSubtask
    ? subtasks.map((subtask) => lane({ ...plan, subtask: subtask.index }, [subtask], hooks.onSealed))
    : [lane({ ...plan, subtask: 0 }, subtasks, hooks.onSealed)];
  const laneOf = new Map(lanes.flatMap((one) => one.subtasks.map((subtask) => [subtask, one])));

  const ledger = rawLedger((rowsBefore, bytes, { rows, refused }) => {
    for (const row of refused) hooks.onRawRefused(rowsBefore + row.row, bytes, row);
    hooks.onRawTaken(rows - refused.length);
  });

  /** A subtask has room for more. */
  function goOn(): void {
    if (isClosed) return;
    aimAt();
    arm();
    hooks.onRoom();
  }

  function nextLane(): Lane {
    return lanes.length === 1 ? lanes[0]! : laneOf.get(chooseSubtask(subtasks))!;
  }

  /** Learns how many rows the next chunk should have, and hands it over when it has them already. */
  function aimAt(): void {
    goal = chunkGoal(pace.rows, plan.maxRows, nextLane().rows);
    if (packer.rows >= goal) handOver();
  }

  function handOver(): void {
    const chunk = packer.take();
    if (!chunk) return;
    const started = performance.now();
    submitting(() => nextLane().submit(chunk, packingSince));
    pace.took(chunk.rows, performance.now() - started);
    aimAt();
  }

  /**
   * A subtask that has failed throws at each submission, and has told `onFailed`, which ends the sink. Its throw goes no
   * further: out of a timer or of another subtask's answer it would end the process.
   */
  function submitting(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      hooks.onFailed(error);
    }
    hooks.onHandedOver();
  }

  function handOverRaw({ bytes, length }: RawChunkBytes): void {
    const next = nextLane();
    submitting(() =>
      next.submitRaw({ bytes, length, recordsBefore: packer.nextRecord }, rawSince, (subtask) => ledger.open(subtask)),
    );
    rawSince = performance.now();
  }

  function arm(): void {
    if (timer || isTimeless || plan.intervalMs <= 0) return;
    const waiting = lanes.map((one) => (sealing.has(one) ? undefined : one.oldest));
    if (packer.rows > 0) waiting.push(packingSince);
    if (raw?.isWaiting) waiting.push(rawSince);
    const delay = untilDue(waiting, plan.intervalMs, performance.now());
    if (delay !== undefined) timer = setTimeout(sealDue, Math.min(delay, longestTimeoutMs));
  }

  function stopTimer(): void {
    isTimeless = true;
    clearTimeout(timer);
  }

  function sealDue(): void {
    timer = undefined;
    const deadline = performance.now() - plan.intervalMs + 0.5; // timers may fire a fraction of a millisecond early
    if (packer.rows > 0 && packingSince <= deadline) handOver();
    if (raw?.isWaiting && rawSince <= deadline) raw.flush(false);
    for (const one of lanes) {
      if (sealing.has(one)) continue;
      const { oldest } = one;
      if (oldest === undefined || oldest > deadline) continue;
      sealing.add(one);
      one
        .seal("interval")
        .catch(() => {}) // the failure itself has gone to onFailed
        .finally(() => {
          sealing.delete(one);
          arm();
        });
    }
    arm();
  }

  async function sealAll(reason: SealReason, isBarrier: boolean): Promise<number> {
    handOver();
    raw?.flush(true);
    const mark = ledger.mark();
    await Promise.all(lanes.map((one) => one.seal(reason, isBarrier)));
    return mark.taken!;
  }

  return {
    write(record, place) {
      // Raw rows that are whole go before it; a row that is not goes behind.
      if (raw?.isWaiting) raw.flush(false);
      packer.pack(record, place);
      if (packer.rows === 1) {
        packingSince = performance.now();
        arm();
      }
      if (packer.rows >= goal || packer.isFull) handOver();
    },
    writeRaw(rows) {
      handOver();
      raw ??= startRaw(handOverRaw);
      if (!raw.isWaiting) rawSince = performance.now();
      raw.add(rows);
      arm();
    },
    get isPacking() {
      return packer.isPacking;
    },
    get hasUncountedRows() {
      return raw?.isHolding === true || !ledger.isSettled;
    },
    get outstanding() {
      let chunks = 0;
      for (const subtask of subtasks) chunks += subtask.outstanding;
      return chunks;
    },
    seal: (reason) => sealAll(reason, false),
    sealBarrier: () => sealAll("flush", true),
    recycle(batch) {
      lanes[batch.subtask]!.recycle(batch);
    },
    stopTimer,
    async close() {
      isClosed = true;
      stopTimer();
      const closed = new MillraceError("CLOSED", `The subtasks of table ${plan.table} were closed.`);
      for (const one of lanes) one.fail(closed);
      await Promise.all(subtasks.map((subtask) => subtask.close()));
    },
  };
}
