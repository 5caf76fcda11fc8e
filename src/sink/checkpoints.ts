import {
  copyDropped,
  copyPositions,
  dropSizes,
  type PositionChanges,
  type PositionSizes,
  sizesOf,
} from "../checkpoint/positions.ts";
import type { MillraceError } from "../errors.ts";
import { publish } from "../events.ts";
import { refuseUnknownOptions } from "../option-names.ts";
import type { Positions } from "../source/source.ts";
import type { Epochs } from "./epochs.ts";
import type { SinkCounters } from "./stats.ts";

/** Options of {@link Sink.checkpoint}. */
export interface CheckpointOptions {
  /**
   * Where the source stands behind the last record written, by partition. Kept with the checkpoint, and given back by
   * {@link Sink.restored} to the next process. Partitions that are left out keep the positions that they had. Copied when
   * `checkpoint()` is called. What JSON cannot hold is refused: see {@link Position}.
   */
  readonly positions?: Positions;
  /**
   * Partitions that have ended and will not come back: their positions are removed, and {@link Sink.restored} has them no more. One that is
   * not stored is no error. None of them may be in `positions`.
   */
  readonly dropped?: readonly string[];
}

/** What the state says of earlier checkpoints. */
export interface Restored {
  /** The number of the newest checkpoint; 0: the state is new. */
  readonly epoch: number;
  readonly positions: Positions;
}

/** A checkpoint that has completed. */
export interface Checkpoint {
  /** Counted from 1; with a state, from the first process on. */
  readonly epoch: number;
  /** Records accepted in this epoch. */
  readonly records: number;
}

export interface CheckpointPorts {
  /** Records of `write()` that were accepted. */
  written(): number;
  /** Rows of `writeRaw()` are waiting that no counter knows yet. */
  hasRawRows(): boolean;
  /** Seals what belongs to the epoch, and waits for as much of it as the guarantee asks. Returns the raw rows taken so far. */
  endEpoch(): Promise<number>;
  failure(): MillraceError | undefined;
  /** Makes the sink fail. Returns what it failed with, which may have been another error before. */
  failWith(error: unknown): MillraceError;
  isClosing(): boolean;
}

/** Decides on epochs, one after another. */
export interface Checkpoints {
  /** Records of the checkpoints that were decided on: with a state, they are in the log. */
  readonly logged: number;
  /** Its writer tells positions: what lies behind the newest checkpoint will be read again, and is not for `close()` to commit. */
  readonly isPositional: boolean;
  readonly restored: Restored | undefined;
  keepToCheckpoints(): void;
  /** The positions as of now: the caller may go on with its object while the checkpoint waits. */
  copyPositions(options: CheckpointOptions): PositionChanges;
  checkpoint(reached: PositionChanges): Promise<Checkpoint>;
  /** Resolves when every checkpoint so far is decided on, or has failed. */
  decided(): Promise<unknown>;
  /** Makes a checkpoint every `checkpointMs`, until {@link stop}. */
  start(checkpointMs: number): void;
  stop(): void;
}

export function checkpoints(
  about: { readonly sink: string; readonly table: string },
  epochs: Epochs | undefined,
  counters: SinkCounters,
  ports: CheckpointPorts,
): Checkpoints {
  const acceptedAtCheckpoint = { written: 0, raw: 0 };
  let isPositional = Object.keys(epochs?.head.positions ?? {}).length > 0;
  /** With a state, from the first checkpoint with positions on. */
  let positionSizes: PositionSizes | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let logged = 0;
  let timer: NodeJS.Timeout | undefined;

  async function decide(positions: PositionChanges, records: number): Promise<number> {
    // A checkpoint before may have failed meanwhile: what it did not decide on must not pass for decided by this one.
    const failure = ports.failure();
    if (failure) throw failure;
    if (!epochs) return ++counters.checkpoints;
    try {
      const { epoch } = await epochs.prepare(positions, records);
      logged += records;
      counters.checkpoints++;
      return epoch;
    } catch (error) {
      throw ports.failWith(error);
    }
  }

  function checkpoint(reached: PositionChanges): Promise<Checkpoint> {
    const started = performance.now();
    if (Object.keys(reached).length > 0) isPositional = true;
    const written = ports.written() - acceptedAtCheckpoint.written;
    acceptedAtCheckpoint.written = ports.written();
    const ended = ports.endEpoch();
    // The barrier is behind what was written until now, whatever the checkpoint before is still waiting for.
    const made = last.then(async () => {
      const rawTaken = await ended;
      const records = written + rawTaken - acceptedAtCheckpoint.raw;
      acceptedAtCheckpoint.raw = rawTaken;
      const epoch = await decide(reached, records);
      publish("millrace:checkpoint", { ...about, epoch, records, durationMs: performance.now() - started });
      return { epoch, records };
    });
    ended.catch(() => {}); // told by the checkpoint
    last = made.catch(() => {});
    return made;
  }

  function arm(checkpointMs: number): void {
    const { accepted } = counters;
    timer = setTimeout(async () => {
      if (ports.failure() || ports.isClosing()) return;
      const hasNews = counters.accepted > accepted || ports.hasRawRows();
      // What a source will read again is its reader's to decide on: it alone knows the positions.
      if (hasNews && !isPositional) await checkpoint({}).catch(() => {}); // the failure is the sink's, and told at the next call
      arm(checkpointMs);
    }, checkpointMs);
    timer.unref();
  }

  return {
    get logged() {
      return logged;
    },
    get isPositional() {
      return isPositional;
    },
    get restored() {
      const head = epochs?.head;
      // A copy: what the caller does with it must not change what the next checkpoint stores.
      return head && { epoch: head.epoch, positions: structuredClone(head.positions) };
    },
    keepToCheckpoints() {
      if (epochs) isPositional = true;
    },
    copyPositions(options) {
      refuseUnknownOptions("checkpoint()", options, ["positions", "dropped"]);
      const { positions, dropped } = options;
      if (positions === undefined && dropped === undefined) return {};
      if (epochs) positionSizes ??= sizesOf(epochs.head.positions);
      const sizes = positionSizes;
      const kept = positions === undefined ? {} : copyPositions("checkpoint()", positions, sizes);
      const gone = dropped === undefined ? {} : copyDropped("checkpoint()", dropped, kept);
      if (sizes) dropSizes(sizes, Object.keys(gone));
      return { ...kept, ...gone };
    },
    checkpoint,
    decided: () => last,
    start(checkpointMs) {
      if (checkpointMs > 0) arm(checkpointMs);
    },
    stop: () => clearTimeout(timer),
  };
}
