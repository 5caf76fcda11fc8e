import { outOfRange, type Range, sortOf } from "./arguments.ts";
import type { StateBackend } from "./checkpoint/state-backend.ts";
import type { DeadLetter } from "./deliver/dead-letter.ts";
import type { Destination } from "./destination/destination.ts";
import type { GzipLevel } from "./encode/encoder.ts";
import type { Payload } from "./encode/payload.ts";
import type { RowFormat } from "./encode/row-format.ts";
import { MillraceError } from "./errors.ts";
import { refuseUnknownOptions } from "./option-names.ts";
import type { Table } from "./schema/table.ts";
import { checkTelemetry, type TelemetryOptions } from "./telemetry/telemetry-options.ts";

/**
 * What is promised of every accepted record:
 * - `none`: batches are sent and not waited for; one that fails for good is counted and reported, and the sink goes on.
 * - `at-least-once`: a checkpoint resolves when every batch before it has been taken; a batch that fails for good fails
 *   the sink. With a `state` it resolves when they are in the log on the disk, from where they are taken in the background,
 *   by the next process if need be.
 * - `exactly-once`: needs a `state`. A checkpoint resolves when its records and positions are on the disk; they are then
 *   committed into the table in the background, once, whatever happens to this process, the network or the service.
 */
export type DeliveryGuarantee = "none" | "at-least-once" | "exactly-once";

/** What the connector calls write options, with its names in camelCase and its defaults. */
export interface WriteOptions {
  /** Default "at-least-once". */
  deliveryGuarantee?: DeliveryGuarantee;
  /** Records per batch (and per subtask, see `batchPerSubtask`). Default 1 000. */
  batchSize?: number;
  /**
   * The greatest age of a record that waits for its batch to fill, in milliseconds; 0: no limit. Default 30 000. The process lives until
   * then. With 0 it may end before: a process warning, MILLRACE_UNDELIVERED, tells what was not delivered.
   */
  batchIntervalMs?: number;
  /** Uncompressed bytes per batch; a larger record is refused. Default 314 572 800 (300 MB). */
  clientBatchSizeLimit?: number;
}

/** All options of a sink but its table and destination; what is left out has its value in {@link defaults}. */
export interface SinkOptions extends WriteOptions {
  /** Sensible groups of the options above, which still override them: see {@link presets}. */
  preset?: keyof typeof presets;
  /** "csv" (default, the fastest for the service to load) or "ndjson". */
  format?: RowFormat;
  /** How hard batches are packed: 1 (default) for speed, 2 for size, where bandwidth is dearer than processor time. */
  gzipLevel?: GzipLevel;
  /**
   * Worker threads that encode and pack; 0: everything on the caller's thread. Default 1. Sinks of one process share their threads: there
   * are as many as processors, or as the sink with the most asks for, and a sink's own subtasks stand on different ones. So another sink
   * on a thread that is there takes less than 1 MB instead of 7, and more busy sinks than processors take turns.
   */
  parallelism?: number;
  /**
   * Each subtask fills batches of its own, as in the connector (default true). False: all subtasks fill one batch, in the
   * order of the records, so that blobs are fewer and larger and are sealed sooner. Each run of some hundred kilobytes is then
   * packed for itself, which costs 0.1 to 0.8 % of size, and a batch that ends by its bytes, or that holds rows of
   * `writeRaw()`, may be less full by such a run.
   */
  batchPerSubtask?: boolean;
  /** Batches that are sent at a time, begun in their order. When so many are sealed and not yet taken, `write()` returns false. Default 4. */
  maxBatchesInFlight?: number;
  /** First delay of a retry, doubled each time up to `retryMaxMs`, and jittered. Default 200. */
  retryBaseMs?: number;
  /** The longest delay between two attempts. Default 10 000. */
  retryMaxMs?: number;
  /** The longest time one batch's step is tried for. Default 300 000. */
  retryTimeoutMs?: number;
  /** Where refused records go; without one, `write()` throws for them. */
  deadLetter?: DeadLetter;
  /** Text with lone surrogates has no UTF-8 form: refuse the record (default), or put U+FFFD in their place. */
  malformedText?: "refuse" | "replace";
  /** Where checkpoints and the batches on their way are kept: `fileState(folder)`, one folder per job and table. */
  state?: StateBackend;
  /** The name of the job, part of the tags that its extents bear. Default "default". */
  job?: string;
  /**
   * Go on with a new state where the table bears tags of this job's older one, or with a state that is older than the table: rows since
   * its checkpoint may arrive twice. Default false: STATE_LOST, STATE_OUTDATED.
   */
  acceptDuplicates?: boolean;
  /** A checkpoint every so often by itself, in milliseconds, for writers without positions: where a checkpoint bears some, or `run()` reads, nothing comes of it. 0 (default): none. */
  checkpointMs?: number;
  /** Checkpoints not committed yet, before `write()` returns false. Default 16. */
  maxPendingEpochs?: number;
  /** Bytes of batches on the disk, before `write()` returns false. Default 8 589 934 592 (8 GiB). */
  logBytesLimit?: number;
  /** OpenTelemetry's meter and tracer, or what looks like them: metrics and spans of this sink. Default none. */
  telemetry?: TelemetryOptions;
  /** Look at everything that the sink needs before it opens, and fail with what is wrong: see `checkTarget()`. Default false. */
  check?: boolean;
  /** Aborts the sink and everything it waits for. */
  signal?: AbortSignal;
}

/** What {@link open} takes: a table, a destination, and the options of the sink. */
export interface OpenOptions<T extends Table> extends SinkOptions {
  table: T;
  to: Destination<Payload>;
}

/** The value of every option that is left out. They live here and nowhere else. */
export const defaults = {
  deliveryGuarantee: "at-least-once",
  batchSize: 1_000,
  batchIntervalMs: 30_000,
  clientBatchSizeLimit: 300 * 1024 * 1024,
  format: "csv",
  gzipLevel: 1,
  parallelism: 1,
  batchPerSubtask: true,
  maxBatchesInFlight: 4,
  retryBaseMs: 200,
  retryMaxMs: 10_000,
  retryTimeoutMs: 300_000,
  deadLetter: undefined,
  malformedText: "refuse",
  state: undefined,
  job: "default",
  acceptDuplicates: false,
  checkpointMs: 0,
  maxPendingEpochs: 16,
  logBytesLimit: 8 * 1024 ** 3,
  telemetry: undefined,
  check: false,
  signal: undefined,
} as const satisfies SinkOptions;

/**
 * Groups of options by a name, for the option `preset`. `realtime`: seconds matter more than the service's load; `kusto()` then sets `flushImmediately`. `bulk`: blobs of the size Kusto wants (100 MB to 1 GB
 * uncompressed, documentation), for files and back-fills; two of them in flight, and one that all subtasks fill.
 */
export const presets = {
  realtime: { batchSize: 1_000, batchIntervalMs: 1_000 },
  bulk: { batchSize: 10_000_000, batchIntervalMs: 60_000, maxBatchesInFlight: 2, batchPerSubtask: false },
} as const satisfies Record<string, SinkOptions>;

export type ResolvedOptions = {
  readonly [N in keyof typeof defaults]-?: (typeof defaults)[N] extends undefined
    ? SinkOptions[N]
    : NonNullable<SinkOptions[N]>;
} & {
  /** Filled in already; a destination's own defaults may follow it. */
  readonly preset: SinkOptions["preset"];
};

export const sinkOptionNames: readonly string[] = ["preset", ...Object.keys(defaults)];

/** Which numbers an option may have: least, greatest. All are whole. */
const ranges: Partial<Record<keyof ResolvedOptions, Range>> = {
  batchSize: [1, 1_000_000_000],
  batchIntervalMs: [0, 2 ** 31 - 1],
  clientBatchSizeLimit: [16, 1024 ** 3],
  gzipLevel: [1, 2],
  parallelism: [0, 256],
  maxBatchesInFlight: [1, 1_000],
  retryBaseMs: [1, 3_600_000],
  retryMaxMs: [1, 3_600_000],
  retryTimeoutMs: [0, 7 * 24 * 3_600_000],
  checkpointMs: [0, 2 ** 31 - 1],
  maxPendingEpochs: [1, 10_000],
  logBytesLimit: [1, Number.MAX_SAFE_INTEGER],
};

const choices: Partial<Record<keyof ResolvedOptions, readonly string[]>> = {
  deliveryGuarantee: ["none", "at-least-once", "exactly-once"],
  format: ["csv", "ndjson"],
  malformedText: ["refuse", "replace"],
};

/**
 * Fills in the preset and the defaults, once, and checks every value.
 *
 * @throws MillraceError BAD_OPTION naming the option, its value and what it takes.
 */
export function resolveOptions(what: string, options: SinkOptions, to?: Destination<Payload>): ResolvedOptions {
  refuseDestinationOptions(what, options, to);
  refuseUnknownOptions(what, options, sinkOptionNames);
  const { preset, ...own } = options;
  if (preset !== undefined && !(typeof preset === "string" && Object.hasOwn(presets, preset)))
    refuse("preset", preset, Object.keys(presets).join(", "));
  const format = to?.payload === "records" ? "ndjson" : to?.format;
  const chosen = {
    ...defaults,
    ...(format && { format }),
    ...(preset && presets[preset]),
    ...withoutUndefined(own),
    preset,
  } as ResolvedOptions;

  const beyond = outOfRange(chosen, ranges);
  if (beyond) refuse(beyond.name, chosen[beyond.name], beyond.takes);
  for (const [name, values] of Object.entries(choices)) {
    const value = chosen[name as keyof ResolvedOptions];
    if (!values.includes(value as string)) refuse(name, value, values.join(", "));
  }
  if (format !== undefined && chosen.format !== format)
    refuse("format", chosen.format, `${format} here, which is what ${to!.kind ?? to!.name} writes`);
  for (const name of ["batchPerSubtask", "acceptDuplicates", "check"] as const)
    if (typeof chosen[name] !== "boolean") refuse(name, chosen[name], "true or false");
  const { deadLetter, signal } = chosen;
  if (deadLetter !== undefined && !(isFunction(deadLetter?.write) && isFunction(deadLetter.close)))
    refuse("deadLetter", deadLetter, "fileDeadLetter(path), memoryDeadLetter(), or an object with write() and close()");
  if (signal !== undefined && !isFunction(signal?.addEventListener)) refuse("signal", signal, "an AbortSignal");
  if (chosen.telemetry !== undefined) checkTelemetry(what, chosen.telemetry);
  const { state, deliveryGuarantee, job } = chosen;
  if (state !== undefined && !isFunction(state?.open))
    refuse("state", state, "fileState(folder), memoryState() or stateIn(store, logFolder)");
  if (typeof job !== "string" || !/^[^\u0000-\u001f]{1,100}$/.test(job))
    refuse("job", job, "a name of up to 100 characters");
  if (deliveryGuarantee === "exactly-once" && state === undefined)
    throw new MillraceError(
      "BAD_OPTION",
      `${what}: deliveryGuarantee "exactly-once" needs a state: fileState(folder).`,
      {
        context: { option: "state" },
      },
    );
  if (deliveryGuarantee === "none" && state !== undefined)
    throw new MillraceError("BAD_OPTION", `${what}: a state has no use with deliveryGuarantee "none".`, {
      context: { option: "state" },
    });
  for (const [name, isGiven] of [
    ["checkpointMs", chosen.checkpointMs > 0],
    ["acceptDuplicates", chosen.acceptDuplicates],
  ] as const)
    if (isGiven && state === undefined)
      throw new MillraceError("BAD_OPTION", `${what}: ${name} needs a state: fileState(folder).`, {
        context: { option: name },
      });
  if (chosen.retryBaseMs > chosen.retryMaxMs)
    throw new MillraceError(
      "BAD_OPTION",
      `retryBaseMs ${chosen.retryBaseMs} is greater than retryMaxMs ${chosen.retryMaxMs}.`,
    );
  return chosen;

  function refuse(name: string, value: unknown, takes: string): never {
    throw new MillraceError("BAD_OPTION", `${what}: ${name} is ${show(value)}; it takes ${takes}.`, {
      context: { option: name },
    });
  }
}

/** What the destination takes is told to it, where its own kind is chosen. */
function refuseDestinationOptions(what: string, options: object, to: Destination<Payload> | undefined): void {
  const name = Object.keys(options).find((each) => to?.optionNames?.includes(each) && !sinkOptionNames.includes(each));
  if (name === undefined) return;
  throw new MillraceError(
    "BAD_OPTION",
    `${what} has no option ${name}: it is one of the destination: give it to ${to!.kind ? `${to!.kind}()` : to!.name}.`,
    { context: { option: name } },
  );
}

function isFunction(value: unknown): boolean {
  return typeof value === "function";
}

function show(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : sortOf(value).replace(/^the number /, "");
}

function withoutUndefined(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
