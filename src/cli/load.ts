import { existsSync } from "node:fs";
import type { Destination } from "../destination/destination.ts";
import { isCode, MillraceError } from "../errors.ts";
import type { SinkOptions } from "../options.ts";
import type { ReadAsNull } from "../schema/coerce.ts";
import type { Rename } from "../schema/names.ts";
import type { Table } from "../schema/table.ts";
import { decorated } from "../source/decorated.ts";
import type { Source } from "../source/source.ts";
import { type FileReport, type InputFile, landedRecords } from "./landed.ts";
import { narrate } from "./narration.ts";
import { type ProgressBar, startProgress } from "./progress.ts";
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
  /** `to` waits until the service has loaded what it took. */
  readonly isWaiting: boolean;
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
  /** The files of the source, for the report. Default none. */
  readonly files?: readonly InputFile[];
  /** Ends it in good order: nothing more is read, and what was read is delivered. */
  readonly stop?: AbortSignal | undefined;
  /** Aborts it. */
  readonly signal: AbortSignal;
}

/** Everything that can be said about a load afterwards. `read` = `delivered` + `rejected` + `inState` + `notDelivered`. */
export interface LoadSummary {
  readonly table: string;
  /** With a state: the checkpoint that it went on from; 0: a new state. */
  readonly resumedFrom: number | undefined;
  readonly read: number;
  /** Records whose batches the service has taken (or loaded, where that was waited for). */
  readonly delivered: number;
  readonly rejected: number;
  /** Records in the log of the state: the next run with it delivers them. */
  readonly inState: number;
  /** Records that were read and are not known to be anywhere else. After a lost answer some of them may have arrived. */
  readonly notDelivered: number;
  /** Records that an earlier run had left in the state, and that were delivered in this one. */
  readonly deliveredFromEarlierRun: number;
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

/** How a load ended. */
export interface LoadOutcome {
  readonly summary: LoadSummary;
  readonly files: readonly FileReport[];
  /** What made it fail: what the source, the sink or the service threw; RECORD_REFUSED when more than `maxRejected` were rejected. */
  readonly failure: { readonly error: unknown } | undefined;
}

/**
 * Runs the load to its end.
 *
 * @throws what made it fail.
 */
export async function load<Raw>(job: Load<Raw>): Promise<LoadSummary> {
  const { summary, failure } = await loadOutcome(job);
  if (failure) throw failure.error;
  return summary;
}

/**
 * The same, and says what has become of the records where it failed. When the source fails, or too many records are rejected, what was
 * read before is delivered.
 *
 * @throws what `open()` throws: nothing has been read then.
 */
export async function loadOutcome<Raw>(job: Load<Raw>): Promise<LoadOutcome> {
  const [{ open }, { run }] = await Promise.all([import("../open.ts"), import("../run/run.ts")]);
  const { table, terminal, convert } = job;
  const { signal } = job;
  const enough = new AbortController();
  const stop = AbortSignal.any([enough.signal, ...(job.stop ? [job.stop] : [])]);
  let progress: ProgressBar | undefined;
  /** The first of what went wrong while the sink itself was sound. */
  let failure: { readonly error: unknown } | undefined;
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
      failure ??= { error };
      enough.abort(error);
    },
  });

  const stopNarration = job.isVerbose ? narrate(terminal, () => progress?.clear()) : undefined;
  const started = performance.now();
  let read = 0;
  let sourceBytes = 0;
  let isFinishing = false;
  // Nothing else is said while the sink opens.
  const stopLines = job.isVerbose || job.isQuiet ? undefined : showRetries(terminal);
  let resumedFrom: number | undefined;
  const landed = landedRecords({
    files: job.files ?? [],
    hasState: job.sink.state !== undefined,
    isWaiting: job.isWaiting,
    resumedFrom: () => resumedFrom ?? 0,
  });
  const opening = open({ ...job.sink, table, to: job.to, deadLetter: rejected, signal });
  opening.catch(() => {
    landed.close();
    stopNarration?.();
  });
  const sink = await opening.finally(() => stopLines?.());
  resumedFrom = sink.restored?.epoch;
  if (resumedFrom && !job.isQuiet) terminal.err.write(`going on behind checkpoint ${resumedFrom}\n`);
  stop.addEventListener("abort", () => {
    isFinishing = true;
  });
  const source = withEnd(landed.watch(job.source), signal, (error) => {
    isFinishing = true;
    if (error !== undefined) failure ??= { error };
    else if (!stop.aborted) landed.end();
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
      stop,
      signal,
      onProgress: (now) => {
        read = now.read;
        sourceBytes = now.sourceBytes;
        landed.note(now.stats);
      },
    });
    await sink.close();
  } catch (error) {
    landed.note(sink.stats, false);
    await sink.abort(error);
    failure ??= { error };
  } finally {
    landed.close();
    stopNarration?.();
    progress?.stop();
    noteHidden(job, rejected);
  }
  const { stats } = sink;
  const deliveredFromEarlierRun = landed.fromEarlierRun;
  const delivered = stats.delivered - deliveredFromEarlierRun;
  const seen = landed.read;
  const left = Math.max(0, seen - delivered - rejected.count);
  const inState = Math.min(left, Math.max(0, landed.checkpointed - delivered));
  if (left > 0 && inState === 0) failure ??= { error: undelivered(table.name, left) };
  const failedFile = isCode(failure?.error, "BAD_SOURCE", "SOURCE_CHANGED")
    ? String(failure.error.context.file ?? "")
    : undefined;
  return {
    summary: {
      table: table.name,
      resumedFrom,
      read: seen,
      delivered,
      rejected: rejected.count,
      inState,
      notDelivered: left - inState,
      deliveredFromEarlierRun,
      rejections: rejected.first,
      batches: stats.batches,
      retries: stats.retries,
      sourceBytes,
      rawBytes: stats.rawBytes,
      packedBytes: stats.packedBytes,
      seconds: Math.round(performance.now() - started) / 1_000,
      unknownFields: Object.fromEntries(convert.unknownFields),
      readAsNull: Object.fromEntries(
        [...(convert.readAsNull ?? [])].map(([column, { count, texts }]) => [column, { count, texts: [...texts] }]),
      ),
    },
    files: landed.report(failedFile),
    failure,
  };
}

/** With delivery "none" batches are given up without an error. Anything else would be a defect, and must not end as a success. */
function undelivered(table: string, records: number): MillraceError {
  return new MillraceError(
    "INGESTION_FAILED",
    `Table ${table}: ${count(records)} records were not delivered: their batches were given up.`,
  );
}

function rejectionLine({ place, reason }: Rejection): string {
  return plainLine(`rejected ${place ?? "a record"}: ${reason}`);
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

/** The source, telling when it has given everything, or has failed; then it ends, and what it gave before is delivered. */
function withEnd<R>(source: Source<R>, signal: AbortSignal, onEnd: (error?: unknown) => void): Source<R> {
  return decorated(source, async function* (from, inner, context) {
    try {
      yield* source.read(from, inner, context);
    } catch (error) {
      if (signal.aborted || inner.aborted) throw error;
      return onEnd(error);
    }
    onEnd();
  });
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
