import { badArgument, checkObject, checkOptionalFunction, checkOptionalSignal, checkText } from "../arguments.ts";
import { copyPositions } from "../checkpoint/positions.ts";
import { unlessAborted } from "../deliver/unless-aborted.ts";
import { MillraceError, reasonOf, throwIfAborted } from "../errors.ts";
import { refuseUnknownOptions } from "../option-names.ts";
import type { RecordSink } from "../sink/record-sink.ts";
import type { SinkStats } from "../sink/stats.ts";
import type { Lease, Positions, Recovery, Source } from "../source/source.ts";
import { wakeup } from "../source/wakeup.ts";
import { mapped } from "../transform/map.ts";
import { keepLease, releaseUnacknowledged, warnOfSource } from "./lease-keeper.ts";
import { partitionChanges } from "./partition-changes.ts";
import { reachedPositions } from "./reached-positions.ts";
import { type Arrival, type SliceReader, sliceReader } from "./slice-reader.ts";

/** Options of {@link run}. */
export interface RunOptions<Raw, R> {
  from: Source<Raw>;
  into: RecordSink<R>;
  /** Short for `from: map(from, through)`: turns what the source reads into what the table takes, such as `coerce(table, "csv")`. Default: as it is. */
  through?: (raw: Raw) => R;
  /** Between two checkpoints, in milliseconds. Default 30 000. */
  checkpointMs?: number;
  /** Where to read on from. Default: where the sink's state says, and without one the start. For sources of recovery "position". */
  positions?: Positions;
  /**
   * Ends the run in good order: the source is read no further, and what was read is delivered as at the end of the source, with a
   * last checkpoint. `run()` then resolves, with `isStopped`.
   */
  stop?: AbortSignal;
  /** Aborts the run: nothing more is read, delivered or waited for, and `run()` rejects with ABORTED. */
  signal?: AbortSignal;
  /** Called after each slice. */
  onProgress?: (progress: RunProgress) => void;
}

const optionNames = ["from", "into", "through", "checkpointMs", "positions", "stop", "signal", "onProgress"];

/** How far a run has come. */
export interface RunProgress {
  /** Records read, and what could not be read as one; behind the transforms of the source. */
  readonly read: number;
  /** Bytes of the source consumed, where the source tells. */
  readonly sourceBytes: number;
  readonly stats: SinkStats;
}

/** What a run came to: where its source stands now, and how many checkpoints it made. */
export interface RunSummary extends RunProgress {
  readonly positions: Positions;
  readonly checkpoints: number;
  /** `stop` ended it: the source may have more. */
  readonly isStopped: boolean;
}

const defaultCheckpointMs = 30_000;
/** Slices. */
const defaultPrefetch = 1;
const sinkCalls = ["write", "reject", "checkpoint", "keepToCheckpoints"] as const;
const recoveries: readonly Recovery[] = ["position", "redelivery", "none"];

/**
 * Pumps a source into a sink until the source ends, with a checkpoint every `checkpointMs`, also while the source is
 * silent, and one at the end; the source is acknowledged only after a checkpoint. The sink stays open.
 *
 * What a kill of the process leaves depends on the `recovery` of the source:
 * - `position`: a sink with a state is given the positions with each checkpoint, and gives them back to the next process, which goes on
 *   where the newest checkpoint stands. A source that fails leaves a checkpoint of what it gave before, if the sink has a state.
 * - `redelivery`: what was not acknowledged is given again, by the broker. A run that fails or is aborted makes no further
 *   checkpoint, and the source gives back what it holds.
 * - `none`: at most once for what was read and not delivered when the process is killed; with a state, for what lies behind the newest
 *   checkpoint. When such a source fails, what it gave before is delivered, and then `run()` rejects.
 *
 * The next slice is asked for while one is written ({@link Source.prefetch}).
 *
 * @throws MillraceError BAD_OPTION for a position that JSON cannot hold (see {@link Position}), before the records of its slice are
 *   written. What the source or the sink throws; RECORD_REFUSED at the first bad record where the sink has no dead letter.
 */
export async function run<R>(options: RunOptions<R, R> & { through?: undefined }): Promise<RunSummary>;
export async function run<Raw, R>(
  options: RunOptions<Raw, R> & { through: NonNullable<RunOptions<Raw, R>["through"]> },
): Promise<RunSummary>;
export async function run<Raw, R>(options: RunOptions<Raw, R>): Promise<RunSummary> {
  checkRunOptions(options);
  const { into, through, checkpointMs = defaultCheckpointMs, onProgress } = options;
  // Without `through` the records are what the sink takes: the types of `RunOptions` say so.
  const from = through ? mapped("through()", options.from, through) : (options.from as unknown as Source<R>);
  const end = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, end.signal]) : end.signal;
  const doing = `reading ${from.name}`;
  const { recovery } = from;
  const reached = reachedPositions(startOf(options));
  const news = wakeup();
  const isContinued = into.restored !== undefined;
  let read = 0;
  let sourceBytes = 0;
  let checkpoints = 0;
  let lastCheckpoint = performance.now();
  /** Slices were written since the last checkpoint. */
  let isBehind = false;
  let checkpointing: Promise<void> = Promise.resolve();
  let reader: SliceReader<R> | undefined;
  let writing: Arrival<R> | undefined;

  const partitions = partitionChanges({
    async stored() {
      await checkpointing.catch(() => {}); // told by who waits for it
      return recovery === "position" ? reached.stored : {};
    },
    onAssigned: () => reached.acknowledgeOnlyReached(),
    onLost(lost) {
      reader?.drop(lost);
      reached.forget(lost);
      if (writing && lost.has(writing.slice.partition)) writing.isLost = true;
    },
    onRevoked: () => news.signal(),
    onLate(late, timeoutMs) {
      const which = late.join(", ");
      warnOfSource(from.name, `No checkpoint within ${timeoutMs} ms: ${which} went to another process without one.`);
    },
  });

  function checkpoint(): Promise<void> {
    checkpointing = makeCheckpoint();
    return checkpointing;
  }

  async function makeCheckpoint(): Promise<void> {
    const now = reached.reached();
    const { positions, dropped, acknowledged } = now;
    const told = recovery === "position" ? { positions, ...(dropped.length > 0 && { dropped }) } : {};
    await unlessAborted(into.checkpoint(told), signal, `making a checkpoint of ${from.name}`);
    if (from.acknowledge)
      await unlessAborted(from.acknowledge(acknowledged), signal, `acknowledging what ${from.name} gave`);
    reached.settle(now);
    checkpoints++;
    lastCheckpoint = performance.now();
    isBehind = false;
  }

  /** What a source gave before it failed is sound. With a state the next run need not read it again, and some sources cannot. */
  async function failed(error: unknown): Promise<never> {
    const isKept = recovery === "none" || (recovery === "position" && isContinued);
    if (isKept && isBehind && !signal.aborted) await checkpoint().catch(() => {}); // the source's failure is what is told
    throw error;
  }

  async function write(arrival: Arrival<R>): Promise<void> {
    const { slice, position, moved, isHeld } = arrival;
    const { partition, dropped = [] } = slice;
    if (!isHeld(partition)) return;
    writing = arrival;
    isBehind = true;
    read += slice.records.length + (slice.refused?.length ?? 0);
    await writeSlice(arrival, into, signal);
    writing = undefined;
    if (isHeld(partition)) {
      const changes = Object.entries({ ...moved, [partition]: position }).filter(([each]) => isHeld(each));
      reached.advance(Object.fromEntries(changes), dropped.filter(isHeld));
    }
    sourceBytes += slice.bytes ?? 0;
    onProgress?.({ read, sourceBytes, stats: into.stats });
  }

  /** Partitions that are to be given up, and whose slices are written. */
  async function giveUp(): Promise<boolean> {
    const due = partitions.waiting.filter((each) => !reader!.holds(each.partitions));
    if (due.length === 0) return false;
    if (isBehind) await checkpoint();
    for (const each of due) reached.forget(each.partitions);
    partitions.settle(due);
    return true;
  }

  if (recovery !== "none") into.keepToCheckpoints();
  const stopping = watchStop(options.stop, from, () => news.signal());
  const onAbort = () => news.signal();
  signal.addEventListener("abort", onAbort);
  let endLease = () => {};
  let hasFailed = false;
  try {
    throwIfAborted(signal, doing);
    endLease = keepLease(from, signal);
    if (!stopping.isStopped || from.stop)
      reader = sliceReader(
        from.name,
        from.read({ ...reached.stored }, signal, { isContinued, partitions: partitions.ownership }),
        partitions.ownership,
        from.prefetch ?? defaultPrefetch,
        () => news.signal(),
      );
    while (reader) {
      throwIfAborted(signal, doing);
      if (await giveUp()) continue;
      if (isBehind && performance.now() - lastCheckpoint >= checkpointMs) {
        await checkpoint();
        continue;
      }
      if (stopping.isStopped && !from.stop) reader.stop();
      // What came of a source that cannot give it again is written; another gives it to the next run.
      if (stopping.isOver && (recovery !== "none" || !reader.holds())) break;
      const step = reader.take();
      if (!step) {
        await news.wait(isBehind ? lastCheckpoint + checkpointMs - performance.now() : undefined);
        continue;
      }
      if (step.kind === "ended") break;
      if (step.kind === "failed") await failed(step.error);
      if (step.kind === "unstorable") throw step.error;
      if (step.kind === "slice") await write(step);
    }
    await checkpoint();
    partitions.settle(partitions.waiting.filter((each) => !reader?.holds(each.partitions)));
    const { isStopped } = stopping;
    return { read, sourceBytes, positions: reached.now, checkpoints, isStopped, stats: into.stats };
  } catch (error) {
    hasFailed = true;
    throw error;
  } finally {
    stopping.unwatch();
    end.abort();
    signal.removeEventListener("abort", onAbort);
    partitions.close();
    endLease();
    await reader?.close();
    await releaseUnacknowledged(from);
    await closeSource(from, hasFailed);
  }
}

/** What ended the run is what is told, not that the source does not close either. */
async function closeSource<R>(from: Source<R>, hasFailed: boolean): Promise<void> {
  try {
    await from.close?.();
  } catch (error) {
    if (!hasFailed) throw error;
    warnOfSource(from.name, `close() failed too: ${reasonOf(error)}`);
  }
}

function checkRunOptions<Raw, R>(options: RunOptions<Raw, R>): void {
  refuseUnknownOptions("run()", options, optionNames);
  const { from, into, through, checkpointMs = defaultCheckpointMs, onProgress } = options;
  if (typeof from?.read !== "function")
    throw badArgument("run()", "from", from, "a source: files(), stdin(), iterable(records), or an object with read()");
  if (sinkCalls.some((call) => typeof into?.[call] !== "function"))
    throw badArgument(
      "run()",
      "into",
      into,
      `the sink that open() gives, or an object with ${sinkCalls.join("(), ")}()`,
    );
  checkOptionalFunction("run()", "through", through);
  checkOptionalFunction("run()", "onProgress", onProgress);
  checkOptionalSignal("run()", "signal", options.signal);
  checkOptionalSignal("run()", "stop", options.stop);
  if (typeof checkpointMs !== "number" || !(checkpointMs > 0))
    throw badArgument("run()", "checkpointMs", checkpointMs, "a positive number");
  const { name, recovery, prefetch = defaultPrefetch, lease } = from;
  checkText("run()", "from.name", name, "the name of the source, for messages");
  if (!recoveries.includes(recovery))
    throw badArgument("run()", "from.recovery", recovery, '"position", "redelivery" or "none"');
  if (!Number.isSafeInteger(prefetch) || prefetch < 0)
    throw badArgument("run()", "from.prefetch", prefetch, "a whole number of slices, from 0");
  checkLease(lease);
  if (options.positions !== undefined && recovery !== "position")
    throw new MillraceError("BAD_OPTION", `run(): positions have no use with a source of recovery "${recovery}".`, {
      context: { option: "positions" },
    });
}

function checkLease(lease: Lease | undefined): void {
  if (lease === undefined) return;
  checkObject("run()", "from.lease", lease, "an object with everyMs and extend()");
  if (typeof lease.everyMs !== "number" || !(lease.everyMs > 0))
    throw badArgument("run()", "from.lease.everyMs", lease.everyMs, "a positive number of milliseconds");
  if (typeof lease.extend !== "function")
    throw badArgument("run()", "from.lease.extend", lease.extend, "a function: see Lease");
}

function startOf<Raw, R>({ from, into, positions }: RunOptions<Raw, R>): Positions {
  const given = positions === undefined ? into.restored?.positions : copyPositions("run(): positions", positions);
  return from.recovery === "position" ? (given ?? {}) : {};
}

interface Stopping {
  readonly isStopped: boolean;
  /** A source that has no `stop()` is not waited for any more. */
  readonly isOver: boolean;
  unwatch(): void;
}

function watchStop<Raw>(stop: AbortSignal | undefined, from: Source<Raw>, onOver: () => void): Stopping {
  const stopping = { isStopped: false, isOver: false, unwatch: () => stop?.removeEventListener("abort", onStop) };
  function onStop(): void {
    stopping.isStopped = true;
    if (from.stop) from.stop();
    // Not at once: what the source has answered by now is taken.
    else
      setImmediate(() => {
        stopping.isOver = true;
        onOver();
      });
  }
  if (stop?.aborted) onStop();
  else stop?.addEventListener("abort", onStop, { once: true });
  return stopping;
}

/** Writes until the partition is lost: its new owner reads the rest. */
async function writeSlice<R>(arrival: Arrival<R>, into: RecordSink<R>, signal: AbortSignal): Promise<void> {
  const { slice } = arrival;
  const room = () => unlessAborted(into.ready, signal, "waiting for room in the sink");
  for (const refusal of slice.refused ?? []) {
    if (arrival.isLost) return;
    if (!into.reject(refusal)) await room();
  }
  let index = 0;
  const origin = slice.originOf && (() => slice.originOf!(index));
  const place = slice.placeOf && (() => slice.placeOf!(index));
  for (; index < slice.records.length && !arrival.isLost; index++)
    if (!into.write(slice.records[index]!, place, origin)) await room();
}
