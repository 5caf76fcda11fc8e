import { badArgument, checkOptionalFunction, checkOptionalSignal } from "./arguments.ts";
import { copyPosition, copyPositions } from "./checkpoint/positions.ts";
import { unlessAborted } from "./deliver/unless-aborted.ts";
import { throwIfAborted } from "./errors.ts";
import { refuseUnknownOptions } from "./option-names.ts";
import type { Coercion } from "./schema/coerce.ts";
import type { Sink, SinkStats } from "./sink.ts";
import type { Origin, OriginalFormat, Position, Positions, Refusal, Slice, Source } from "./source/source.ts";

/** Options of {@link run}. */
export interface RunOptions<Raw, R> {
  from: Source<Raw>;
  into: Sink<R>;
  /** Turns what the source reads into what the table takes, such as `coerce(table, "csv")`. Default: as it is. */
  through?: (raw: Raw) => R;
  /** Between two checkpoints, in milliseconds. Default 30 000. */
  checkpointMs?: number;
  /** Where to read on from. Default: where the sink's state says, and without one the start. A source that is not replayable has none. */
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
  /** Records read, and what could not be read as one. */
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

/** The longest delay `setTimeout` takes; beyond it fires at once. */
const longestTimeoutMs = 2 ** 31 - 1;

/**
 * Pumps a source into a sink until the source ends, with a checkpoint every `checkpointMs`, also while the source is
 * silent, and one at the end; the source is acknowledged only after a checkpoint. A sink with a state is given the positions
 * with each checkpoint, and gives them back to the next process: a run that was killed goes on where its newest checkpoint
 * stands. A source that fails leaves a checkpoint of what it gave before, if the sink has a state. The sink stays open.
 *
 * Positions of a source that is not replayable mean nothing to the next process: they are neither stored nor given back. With a
 * state its records are safe from each checkpoint on. When such a source fails, what it gave before is delivered, and then `run()` rejects.
 *
 * @throws MillraceError BAD_OPTION for a position that JSON cannot hold (see {@link Position}), before the records of its slice are
 *   written. What the source or the sink throws; RECORD_REFUSED at the first bad record where the sink has no dead letter.
 */
export async function run<Raw, R = Raw>(options: RunOptions<Raw, R>): Promise<RunSummary> {
  refuseUnknownOptions("run()", options, optionNames);
  const { from, into, through, checkpointMs = 30_000, onProgress } = options;
  if (typeof from?.read !== "function")
    throw badArgument("run()", "from", from, "a source: files(), stdin(), iterable(records), or an object with read()");
  if (typeof into?.write !== "function" || typeof into.checkpoint !== "function")
    throw badArgument("run()", "into", into, "the sink that open() gives");
  checkOptionalFunction("run()", "through", through);
  checkOptionalFunction("run()", "onProgress", onProgress);
  checkOptionalSignal("run()", "signal", options.signal);
  checkOptionalSignal("run()", "stop", options.stop);
  if (typeof checkpointMs !== "number" || !(checkpointMs > 0))
    throw badArgument("run()", "checkpointMs", checkpointMs, "a positive number");
  const end = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, end.signal]) : end.signal;
  // Without a prototype, for a partition may be called "__proto__".
  const positions: Record<string, Position> = Object.assign(Object.create(null), startOf(options));
  let read = 0;
  let sourceBytes = 0;
  let checkpoints = 0;
  let lastCheckpoint = performance.now();
  /** Slices were read since the last checkpoint. */
  let isBehind = false;

  async function checkpoint(): Promise<void> {
    const reached = { ...positions };
    await into.checkpoint(from.replayable ? { positions: reached } : {});
    await from.acknowledge?.(reached);
    checkpoints++;
    lastCheckpoint = performance.now();
    isBehind = false;
  }

  const doing = `reading ${from.name}`;
  let reading: AsyncIterator<Slice<Raw>> | undefined;
  /** The source has been asked for a slice and has not answered. */
  let isWaiting = false;
  const stopping = watchStop(options.stop, from);
  const isContinued = into.restored !== undefined;

  /** The source's next slice. Checkpoints do not wait for it: a silent source is acknowledged, a failed sink noticed. */
  async function arrival(next: Promise<IteratorResult<Slice<Raw>>>): Promise<IteratorResult<Slice<Raw>>> {
    isWaiting = true;
    const answer = next.then(
      (result) => ({ result }),
      (error: unknown) => ({ error }),
    );
    for (;;) {
      let timer: NodeJS.Timeout | undefined;
      const due = new Promise<undefined | typeof over>((resolve) => {
        stopping.onOver = () => resolve(over);
        const delay = lastCheckpoint + checkpointMs - performance.now();
        if (isBehind) timer = setTimeout(() => resolve(undefined), Math.min(delay, longestTimeoutMs));
      });
      try {
        const arrived = await unlessAborted(Promise.race([answer, due]), signal, doing);
        isWaiting = arrived === undefined || arrived === over;
        if (arrived === over) return ended;
        if (arrived && "error" in arrived) await failed(arrived.error);
        else if (arrived) return arrived.result;
      } finally {
        clearTimeout(timer);
      }
      await checkpoint();
    }
  }

  /** What a source gave before it failed is sound. With a state the next run need not read it again, and some sources cannot. */
  async function failed(error: unknown): Promise<never> {
    const isKept = isContinued || !from.replayable;
    if (isKept && isBehind && !signal.aborted) await checkpoint().catch(() => {}); // the source's failure is what is told
    throw error;
  }

  if (from.replayable) into.keepToCheckpoints();
  try {
    throwIfAborted(signal, doing);
    reading = from.read({ ...positions }, signal, { isContinued })[Symbol.asyncIterator]();
    for (;;) {
      if (stopping.isStopped && !from.stop) break;
      const { value: slice, done } = await arrival(reading.next());
      if (done) break;
      const { partition } = slice;
      // Before its records are written: a position that cannot be stored leaves the sink as it was.
      const whose = `run(): source ${from.name}`;
      const position = copyPosition(whose, partition, slice.position);
      const moved = slice.moved && copyPositions(whose, slice.moved);
      isBehind = true;
      read += slice.records.length + (slice.refused?.length ?? 0);
      await writeSlice(slice, into, through);
      positions[partition] = position;
      Object.assign(positions, moved);
      sourceBytes += slice.bytes ?? 0;
      onProgress?.({ read, sourceBytes, stats: into.stats });
      throwIfAborted(signal, doing);
      if (performance.now() - lastCheckpoint >= checkpointMs) await checkpoint();
    }
    await checkpoint();
    const { isStopped } = stopping;
    return { read, sourceBytes, positions: { ...positions }, checkpoints, isStopped, stats: into.stats };
  } finally {
    stopping.unwatch();
    end.abort();
    const returned = reading?.return?.().catch(() => {}); // what ended the run is what is told
    if (!isWaiting) await returned; // else it ends with its answer, which may never come
    await from.close?.();
  }
}

function startOf<Raw, R>({ from, into, positions }: RunOptions<Raw, R>): Positions | undefined {
  const given = positions === undefined ? into.restored?.positions : copyPositions("run(): positions", positions);
  return from.replayable ? given : undefined;
}

const over = Symbol("over");
const ended = { value: undefined, done: true } as const;

interface Stopping {
  readonly isStopped: boolean;
  /** Called when a source that has no `stop()` is not waited for any more. */
  onOver: () => void;
  unwatch(): void;
}

function watchStop<Raw>(stop: AbortSignal | undefined, from: Source<Raw>): Stopping {
  const stopping = { isStopped: false, onOver: () => {}, unwatch: () => stop?.removeEventListener("abort", onStop) };
  function onStop(): void {
    stopping.isStopped = true;
    if (from.stop) from.stop();
    // Not at once: what the source has answered by now is taken.
    else setImmediate(() => stopping.onOver());
  }
  if (stop?.aborted) onStop();
  else stop?.addEventListener("abort", onStop, { once: true });
  return stopping;
}

async function writeSlice<Raw, R>(slice: Slice<Raw>, into: Sink<R>, through?: (raw: Raw) => R): Promise<void> {
  for (const refusal of slice.refused ?? []) if (!into.reject(withSource(refusal, through))) await into.ready;
  let index = 0;
  // What a function of the caller's made of the record can be written again; what it was made of cannot.
  const origin =
    slice.originOf && (!through || isCoercion(through))
      ? () => withRenames(slice.originOf!(index), through)
      : undefined;
  const place = slice.placeOf && (() => slice.placeOf!(index));
  for (; index < slice.records.length; index++) {
    const raw = slice.records[index]!;
    const record = through ? through(raw) : (raw as unknown as R);
    if (!into.write(record, place, origin)) await into.ready;
  }
}

function isCoercion(through: object): through is Converting {
  return "renames" in through && Array.isArray(through.renames);
}

function withSource(refusal: Refusal, through: object | undefined): Refusal {
  const { source } = refusal;
  if (!source || !through) return refusal;
  return { ...refusal, source: isCoercion(through) ? sourceWith(source, through) : { ...source, isConverted: true } };
}

function withRenames(origin: Origin, through: Converting | undefined): Origin {
  return through ? { ...origin, source: sourceWith(origin.source, through) } : origin;
}

type Converting = Pick<Coercion, "renames" | "nullTexts" | "excessPrecision">;

function sourceWith(source: OriginalFormat, { renames, nullTexts, excessPrecision }: Converting): OriginalFormat {
  if (renames.length === 0 && !nullTexts && !excessPrecision) return source;
  return {
    ...source,
    ...(renames.length > 0 && { renames }),
    ...(nullTexts && { nullTexts }),
    ...(excessPrecision && { excessPrecision }),
  };
}
