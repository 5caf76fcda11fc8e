import { existsSync } from "node:fs";
import type { Destination } from "../destination/destination.ts";
import { aborted, isCode } from "../errors.ts";
import type { SinkOptions } from "../options.ts";
import type { ReadAsNull } from "../schema/coerce.ts";
import type { Rename } from "../schema/names.ts";
import type { Table } from "../schema/table.ts";
import type { Source } from "../source/source.ts";
import { narrate } from "./narration.ts";
import { type Progress, startProgress } from "./progress.ts";
import { count, plural } from "./quantities.ts";
import { type Rejection, type Rejections, rejections } from "./rejections.ts";
import { showRetries } from "./retry-lines.ts";
import { plainLine, type Terminal } from "./terminal.ts";

/** Turns what a source reads into records of the table, as `coerce()` does. */
export interface Conversion<Raw> {
  (raw: Raw): Record<string, unknown>;
  readonly unknownFields: ReadonlyMap<string, number>;
  readonly renames: readonly Rename[];
  readonly readAsNull?: ReadonlyMap<string, ReadAsNull>;
}

/** One source into one table. */
export interface Load<Raw> {
  readonly source: Source<Raw>;
  readonly convert: Conversion<Raw>;
  readonly totalBytes: number | undefined;
  readonly table: Table;
  readonly to: Destination;
  readonly sink: SinkOptions;
  readonly deadLetter?: string | undefined;
  readonly maxRejected?: number | undefined;
  readonly checkpointMs?: number | undefined;
  /** Each of them, also where `isQuiet`. */
  onRejected?(rejection: Rejection): void;
  /** No progress and no single rejections on stderr. */
  readonly isQuiet: boolean;
  /** Batches, retries and checkpoints on stderr as they come. */
  readonly isVerbose?: boolean;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/**
 * Everything that can be said about a load afterwards. `read` = `delivered` + `rejected`, unless it went on from a state:
 * then `delivered` also counts what an earlier run had read and not delivered.
 */
export interface LoadSummary {
  readonly table: string;
  /** With a state: the checkpoint that it went on from; 0: a new state. */
  readonly resumedFrom: number | undefined;
  readonly read: number;
  /** Records whose batches the service has taken (or loaded, where that was waited for). */
  readonly delivered: number;
  readonly rejected: number;
  /** The first 1 000. */
  readonly rejections: readonly Rejection[];
  readonly batches: number;
  readonly retries: number;
  readonly sourceBytes: number;
  readonly rawBytes: number;
  readonly packedBytes: number;
  readonly seconds: number;
  /** Fields that no column takes, and in how many records. */
  readonly unknownFields: Readonly<Record<string, number>>;
  /** By column: how many texts beside the empty one were read as null, and which. */
  readonly readAsNull: Readonly<Record<string, { readonly count: number; readonly texts: readonly string[] }>>;
}

const rejectionsShown = 20;
const rejectionsKept = 1_000;
const unknownFieldsShown = 10;

/**
 * Runs the load to its end.
 *
 * @throws what the source, the sink or the service throws; RECORD_REFUSED when more than `maxRejected` were rejected.
 */
export async function load<Raw>(job: Load<Raw>): Promise<LoadSummary> {
  const [{ open }, { run }] = await Promise.all([import("../open.ts"), import("../run.ts")]);
  const { table, terminal, convert } = job;
  const stop = new AbortController();
  const signal = AbortSignal.any([job.signal, stop.signal]);
  let progress: Progress | undefined;
  let exceeded: Error | undefined;
  const rejected = rejections({
    path: job.deadLetter,
    max: job.maxRejected,
    keep: rejectionsKept,
    onRejected: (rejection, n) => {
      job.onRejected?.(rejection);
      if (job.isQuiet || n > rejectionsShown) return;
      progress?.clear();
      terminal.err.write(`${rejectionLine(rejection)}\n`);
    },
    onExceeded: (error) => {
      exceeded = error;
      stop.abort(error);
    },
  });

  const stopNarration = job.isVerbose ? narrate(terminal, () => progress?.clear()) : undefined;
  const started = performance.now();
  let read = 0;
  let sourceBytes = 0;
  let isFinishing = false;
  // Nothing else is said while the sink opens.
  const stopLines = job.isVerbose || job.isQuiet ? undefined : showRetries(terminal);
  const opening = open({ ...job.sink, table, to: job.to, deadLetter: rejected, signal });
  opening.catch(() => stopNarration?.());
  const sink = await opening.finally(() => stopLines?.());
  const resumedFrom = sink.restored?.epoch;
  if (resumedFrom && !job.isQuiet) terminal.err.write(`going on behind checkpoint ${resumedFrom}\n`);
  const source = watchEnd(job.source, () => {
    isFinishing = true;
  });
  if (!job.isQuiet)
    progress = startProgress(table.name, terminal, () => {
      const { rawBytes, packedBytes } = sink.stats;
      return {
        read,
        rejected: rejected.count,
        sourceBytes,
        totalBytes: job.totalBytes,
        rawBytes,
        packedBytes,
        isFinishing,
      };
    });
  try {
    await run<Raw, Record<string, unknown>>({
      from: source,
      into: sink,
      through: convert,
      ...(job.checkpointMs !== undefined && { checkpointMs: job.checkpointMs }),
      signal,
      onProgress: (now) => {
        read = now.read;
        sourceBytes = now.sourceBytes;
      },
    });
    await sink.close();
  } catch (error) {
    // A file that cannot be read to its end says nothing against the sink: what the state holds is committed.
    if (isCode(error, "BAD_SOURCE", "SOURCE_CHANGED") && sink.restored) await sink.close().catch(() => {});
    await sink.abort(error);
    if (exceeded) throw exceeded;
    if (job.signal.aborted)
      throw aborted(job.signal, `ingesting ${table.name}: ${progressSoFar(sink.stats.delivered, read)}`);
    throw error;
  } finally {
    stopNarration?.();
    progress?.stop();
    noteHidden(job, rejected);
  }
  const { delivered, batches, retries, rawBytes, packedBytes } = sink.stats;
  return {
    table: table.name,
    resumedFrom,
    read,
    delivered,
    rejected: rejected.count,
    rejections: rejected.first,
    batches,
    retries,
    sourceBytes,
    rawBytes,
    packedBytes,
    seconds: Math.round(performance.now() - started) / 1_000,
    unknownFields: Object.fromEntries(convert.unknownFields),
    readAsNull: Object.fromEntries(
      [...(convert.readAsNull ?? [])].map(([column, { count, texts }]) => [column, { count, texts: [...texts] }]),
    ),
  };
}

function rejectionLine({ place, reason }: Rejection): string {
  return plainLine(`rejected ${place ?? "a record"}: ${reason}`);
}

function progressSoFar(delivered: number, read: number): string {
  return `${count(delivered)} of the ${plural(read, "record")} read had been delivered`;
}

function noteHidden(
  { isQuiet, terminal, deadLetter }: Pick<Load<unknown>, "isQuiet" | "terminal" | "deadLetter">,
  rejected: Rejections,
): void {
  if (rejected.count === 0 || isQuiet) return;
  const hidden = rejected.count - rejectionsShown;
  if (hidden > 0) terminal.err.write(`... and ${count(hidden)} more\n`);
  if (deadLetter !== undefined && existsSync(deadLetter))
    terminal.err.write(`rejected records are in ${plainLine(deadLetter)}\n`);
  else if (hidden > 0) terminal.err.write("--dead-letter FILE keeps all of them\n");
}

/** The source, telling when it has given everything. */
function watchEnd<R>(source: Source<R>, onEnd: () => void): Source<R> {
  return {
    ...source,
    async *read(from, signal, mode) {
      yield* source.read(from, signal, mode);
      onEnd();
    },
  };
}

/** Fields that no column takes. */
export function unknownFieldNotes(table: string, unknownFields: Readonly<Record<string, number>>): string[] {
  const fields = Object.entries(unknownFields);
  const notes = fields
    .slice(0, unknownFieldsShown)
    .map(([field, n]) =>
      plainLine(
        `note: field ${JSON.stringify(field)} (in ${plural(n, "record")}) has no column in ${table} and was left out`,
      ),
    );
  const more = fields.length - unknownFieldsShown;
  return more > 0 ? [...notes, `note: and ${count(more)} more fields`] : notes;
}
