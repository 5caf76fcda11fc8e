import { copyPosition, copyPositions } from "./checkpoint/positions.ts";
import { unlessAborted } from "./deliver/unless-aborted.ts";
import { MillraceError, throwIfAborted } from "./errors.ts";
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
  /** Where to read on from. Default: where the sink's state says, and without one the start. */
  positions?: Positions;
  signal?: AbortSignal;
  /** Called after each slice. */
  onProgress?: (progress: RunProgress) => void;
}

const optionNames = ["from", "into", "through", "checkpointMs", "positions", "signal", "onProgress"];

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
}

/** The longest delay `setTimeout` takes; beyond it fires at once. */
const longestTimeoutMs = 2 ** 31 - 1;

/**
 * Pumps a source into a sink until the source ends, with a checkpoint every `checkpointMs`, also while the source is
 * silent, and one at the end; the source is acknowledged only after a checkpoint. A sink with a state is given the positions
 * with each checkpoint, and gives them back to the next process: a run that was killed goes on where its newest checkpoint
 * stands. A source that fails leaves a checkpoint of what it gave before, if the sink has a state. The sink stays open.
 *
 * @throws MillraceError BAD_OPTION for a position that JSON cannot hold (see {@link Position}), before the records of its slice are
 *   written. What the source or the sink throws; RECORD_REFUSED at the first bad record where the sink has no dead letter.
 */
export async function run<Raw, R = Raw>(options: RunOptions<Raw, R>): Promise<RunSummary> {
  refuseUnknownOptions("run()", options, optionNames);
  const { from, into, through, checkpointMs = 30_000, onProgress } = options;
  if (!(checkpointMs > 0))
    throw new MillraceError("BAD_OPTION", `run(): checkpointMs is ${checkpointMs}; it takes a positive number.`);
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  // Without a prototype, for a partition may be called "__proto__".
  const positions: Record<string, Position> = Object.assign(
    Object.create(null),
    options.positions === undefined ? into.restored?.positions : copyPositions("run(): positions", options.positions),
  );
  let read = 0;
  let sourceBytes = 0;
  let checkpoints = 0;
  let lastCheckpoint = performance.now();
  /** Slices were read since the last checkpoint. */
  let isBehind = false;

  async function checkpoint(): Promise<void> {
    const reached = { ...positions };
    await into.checkpoint({ positions: reached });
    await from.acknowledge?.(reached);
    checkpoints++;
    lastCheckpoint = performance.now();
    isBehind = false;
  }

  const doing = `reading ${from.name}`;
  let reading: AsyncIterator<Slice<Raw>> | undefined;
  /** The source has been asked for a slice and has not answered. */
  let isWaiting = false;
  /** The source has thrown. */
  let hasFailed = false;
  const isContinued = into.restored !== undefined;

  /** The source's next slice. Checkpoints do not wait for it: a silent source is acknowledged, a failed sink noticed. */
  async function arrival(next: Promise<IteratorResult<Slice<Raw>>>): Promise<IteratorResult<Slice<Raw>>> {
    isWaiting = true;
    for (;;) {
      let timer: NodeJS.Timeout | undefined;
      const due = new Promise<void>((resolve) => {
        const delay = lastCheckpoint + checkpointMs - performance.now();
        if (isBehind) timer = setTimeout(resolve, Math.min(delay, longestTimeoutMs));
      });
      try {
        const arrived = await unlessAborted(Promise.race([next, due]), signal, doing);
        isWaiting = arrived === undefined;
        if (arrived) return arrived;
      } finally {
        clearTimeout(timer);
      }
      await checkpoint();
    }
  }

  function failed(error: unknown): never {
    hasFailed = true;
    throw error;
  }

  if (from.replayable) into.keepToCheckpoints();
  try {
    reading = from.read({ ...positions }, signal, { isContinued })[Symbol.asyncIterator]();
    for (;;) {
      const { value: slice, done } = await arrival(reading.next().catch(failed));
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
    return { read, sourceBytes, positions: { ...positions }, checkpoints, stats: into.stats };
  } catch (error) {
    // What a source gave before it failed is sound: with a state the next run need not read it again.
    if (hasFailed && isBehind && isContinued && !signal.aborted) await checkpoint().catch(() => {});
    throw error;
  } finally {
    stop.abort();
    const end = reading?.return?.().catch(() => {}); // what ended the run is what is told
    if (!isWaiting) await end; // else it ends with its answer, which may never come
    await from.close?.();
  }
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
