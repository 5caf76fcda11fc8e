import { MillraceError, throwIfAborted } from "./errors.ts";
import type { Sink, SinkStats } from "./sink.ts";
import type { Positions, Slice, Source } from "./source/source.ts";

export interface RunOptions<Raw, R> {
  from: Source<Raw>;
  into: Sink<R>;
  /** Turns what the source reads into what the table takes, such as `coerce(table, "csv")`. Default: as it is. */
  through?: (raw: Raw) => R;
  /** Between two checkpoints, in milliseconds. Default 30 000. */
  checkpointMs?: number;
  /** Where to read on from. Default: the start. */
  positions?: Positions;
  signal?: AbortSignal;
  /** Called after each slice. */
  onProgress?: (progress: RunProgress) => void;
}

export interface RunProgress {
  /** Records read, and what could not be read as one. */
  readonly read: number;
  /** Bytes of the source consumed, where the source tells. */
  readonly sourceBytes: number;
  readonly stats: SinkStats;
}

export interface RunSummary extends RunProgress {
  readonly positions: Positions;
  readonly checkpoints: number;
}

/**
 * Pumps a source into a sink until the source ends, with a checkpoint every `checkpointMs` and one at the end; the
 * source is acknowledged only after a checkpoint. The sink stays open.
 *
 * @throws what the source or the sink throws; RECORD_REFUSED at the first bad record where the sink has no dead letter.
 */
export async function run<Raw, R = Raw>(options: RunOptions<Raw, R>): Promise<RunSummary> {
  const { from, into, through, checkpointMs = 30_000, onProgress } = options;
  if (!(checkpointMs > 0))
    throw new MillraceError("BAD_OPTION", `run(): checkpointMs is ${checkpointMs}; it takes a positive number.`);
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  const positions: Record<string, Positions[string]> = { ...options.positions };
  let read = 0;
  let sourceBytes = 0;
  let checkpoints = 0;
  let lastCheckpoint = performance.now();

  async function checkpoint(): Promise<void> {
    const reached = { ...positions };
    await into.checkpoint();
    await from.acknowledge?.(reached);
    checkpoints++;
    lastCheckpoint = performance.now();
  }

  try {
    for await (const slice of from.read(positions, signal)) {
      read += slice.records.length + (slice.refused?.length ?? 0);
      await writeSlice(slice, into, through);
      positions[slice.partition] = slice.position;
      sourceBytes += slice.bytes ?? 0;
      onProgress?.({ read, sourceBytes, stats: into.stats });
      throwIfAborted(signal, `reading ${from.name}`);
      if (performance.now() - lastCheckpoint >= checkpointMs) await checkpoint();
    }
    await checkpoint();
    return { read, sourceBytes, positions, checkpoints, stats: into.stats };
  } finally {
    stop.abort();
    await from.close?.();
  }
}

async function writeSlice<Raw, R>(slice: Slice<Raw>, into: Sink<R>, through?: (raw: Raw) => R): Promise<void> {
  for (const refusal of slice.refused ?? []) into.reject(refusal);
  let index = 0;
  const place = slice.placeOf && (() => slice.placeOf!(index));
  for (; index < slice.records.length; index++) {
    const raw = slice.records[index]!;
    const record = through ? through(raw) : (raw as unknown as R);
    if (!into.write(record, place)) await into.ready;
  }
}
