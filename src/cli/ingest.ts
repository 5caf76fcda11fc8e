import { Command, Option } from "commander";
import { fileState } from "../checkpoint/file-state.ts";
import type { KustoAdmin } from "../connectors/kusto/admin.ts";
import type { CommitMode, KustoIngestionOptions } from "../connectors/kusto/index.ts";
import type { KustoOptions } from "../connectors/kusto/options.ts";
import type { Emulator } from "../emulator/index.ts";
import type { GzipLevel } from "../encode/encoder.ts";
import { MillraceError, reasonOf, throwIfAborted } from "../errors.ts";
import type { DeliveryGuarantee, SinkOptions } from "../options.ts";
import { coerce } from "../schema/coerce.ts";
import { type InferOptions, startInference } from "../schema/infer.ts";
import { listed } from "../schema/match-fields.ts";
import type { FilesOptions } from "../source/file-options.ts";
import { type FilesPlan, type FilesSource, files } from "../source/files.ts";
import { type AheadLimit, readAhead } from "../source/read-ahead.ts";
import type { RawRecord } from "../source/records.ts";
import type { Refusal, Slice, Source } from "../source/source.ts";
import { stdin } from "../source/stdin.ts";
import {
  addConnectionFlags,
  type ConnectionFlags,
  connectionFrom,
  isLoopback,
  isWaiting,
  longRetries,
  pollingOptions,
  usage,
} from "./connection.ts";
import { checkDeadLetter } from "./dead-letter-flag.ts";
import { CommandFailed } from "./failure-line.ts";
import { matchSamples } from "./field-match.ts";
import { fieldNames, fieldsOfFiles, sampleFields } from "./field-names.ts";
import type { Finish } from "./finish.ts";
import { addFileFlags, byteCount, type FileFlags, fileOptions, gzipLevel, valueOptions, wholeNumber } from "./flags.ts";
import { inferenceNotes, inferFiles, noRecord, type ReadOne } from "./infer-files.ts";
import { failedReport, successLine, tell } from "./ingest-report.ts";
import { interrupted, onStop, type SignalName } from "./interrupt.ts";
import { type LoadSummary, loadOutcome } from "./load.ts";
import { inPhrases } from "./option-words.ts";
import { duration, plural } from "./quantities.ts";
import { showRetries } from "./retry-lines.ts";
import { shellWord } from "./shell.ts";
import { countUnreplayed, stateLetters } from "./state-letters.ts";
import { readSchemaFile, targetTable } from "./target-table.ts";
import { plainLine, processTerminal, type Terminal } from "./terminal.ts";

export interface IngestFlags extends ConnectionFlags, FileFlags {
  emulator?: boolean;
  keep?: boolean;
  table?: string;
  schema?: string;
  createTable?: boolean;
  mapping?: string;
  parallelism?: number;
  gzipLevel?: GzipLevel;
  batchSize?: number;
  batchIntervalMs?: number;
  clientBatchSizeLimit?: number;
  flushImmediately?: boolean;
  tag?: string[];
  wait?: boolean;
  waitTimeoutMs?: number;
  attemptTimeoutMs?: number;
  guarantee?: DeliveryGuarantee;
  state?: string;
  job?: string;
  commitMode?: CommitMode;
  checkpointMs?: number;
  acceptDuplicates?: boolean;
  final?: boolean;
  onChanged?: NonNullable<FilesOptions["onChanged"]>;
  deadLetter?: string;
  strict?: boolean;
  maxRejected?: number;
  malformedText?: NonNullable<SinkOptions["malformedText"]>;
  stopTimeoutMs?: number;
  quiet?: boolean;
  /** Of the whole program. */
  verbose?: boolean;
  json?: boolean;
}

const help = `
Records that do not fit the table are rejected, each with its place and reason on stderr; the others are ingested. Then:
  - without --max-rejected, the exit code is 1 if any was rejected
  - with --max-rejected N, up to N are accepted (exit code 0), and one more stops the run (exit code 1)
Queued ingestion is asynchronous: the command ends when the service has taken everything, and with --wait when it has
loaded it (minutes, by the table's batching policy). A loopback cluster is always waited for.
The first Ctrl-C or SIGTERM ends the reading; what was read is delivered, and the exit code is 130 or 143. The second one
aborts at once. Whenever not everything arrived, stderr and --json say what became of each file, and how to go on.
With --verbose each step of a batch, each retry and each checkpoint is a line on stderr.

Examples:
  millrace ingest 'in/*.ndjson' --cluster https://adx.westeurope.kusto.windows.net --database iot --table Readings --azure-cli
  millrace ingest flights.csv.gz --table Flights --create-table --emulator
  millrace ingest 'in/*.ndjson' --guarantee exactly-once --state ./state/readings --table Readings --cluster ... --database ...
  journalctl -o json | millrace ingest - --table Journal --create-table --cluster ... --database ...`;

export function ingestCommand(finish: Finish): Command {
  const command = new Command("ingest")
    .description("ingest files, or standard input (-), into a table")
    .argument("<files...>", "NDJSON, JSON or CSV, plain or gzip; patterns such as 'in/*.csv'; - is standard input")
    .requiredOption("--table <name>", "the table")
    .option("--emulator", "ingest into an emulator started for this command, and show what arrived")
    .option("--keep", "with --emulator: keep it running until Ctrl-C");
  addConnectionFlags(command);
  addFileFlags(command);
  return command
    .option("--schema <file>", "the table's schema: JSON, or KQL (default: the table's own, or what the data says)")
    .option("--create-table", "create the table if it is missing; with --schema, add the columns it lacks")
    .option("--mapping <name>", "an ingestion mapping that exists in the database")
    .option("--parallelism <n>", "worker threads that encode and pack; 0: none (default: 1)", wholeNumber(0))
    .addOption(
      new Option("--gzip-level <n>", "1: pack for speed, 2: for size (default: 1)")
        .choices(["1", "2"])
        .argParser(gzipLevel),
    )
    .option("--batch-size <records>", "records per batch (default: as many as the bytes allow)", wholeNumber(1))
    .option(
      "--batch-interval-ms <ms>",
      "the greatest age of a record that waits for its batch (default: 60000)",
      wholeNumber(0),
    )
    .option("--client-batch-size-limit <bytes>", "uncompressed bytes per batch (default: 300M)", byteCount)
    .option("--flush-immediately", "ask the service not to wait for more data: costly for it")
    .option("--tag <tag...>", "extent tags")
    .addOption(
      new Option("--guarantee <name>", "none, at-least-once (default) or exactly-once; the last needs --state").choices(
        ["none", "at-least-once", "exactly-once"],
      ),
    )
    .option(
      "--state <folder>",
      "checkpoints are kept there, and a run that was killed goes on from the newest; of standard input only what is in the log",
    )
    .option("--job <name>", "with --state: the name in the tags of its extents (default: the table)")
    .addOption(
      new Option("--commit-mode <mode>", "with exactly-once: how rows become visible (default: move)").choices([
        "move",
        "append",
        "tag",
      ]),
    )
    .option("--accept-duplicates", "go on where the state is lost, or older than the table: rows may arrive twice")
    .option("--checkpoint-ms <ms>", "with --state: between two checkpoints (default: 30000)", wholeNumber(1))
    .option("--final", "with --state: the files grow no more, so a last line without a line end is a record, too")
    .addOption(
      new Option(
        "--on-changed <way>",
        "with --state: a file that was replaced or edited since (default: error)",
      ).choices(["error", "read-again", "skip"]),
    )
    .option("--wait", "wait until the service has loaded everything")
    .option("--wait-timeout-ms <ms>", "with --wait: the longest for a batch (default: 300000)", wholeNumber(10))
    .option(
      "--attempt-timeout-ms <ms>",
      "with exactly-once: what the service has not loaded by then is sent again (default: 1200000)",
      wholeNumber(1),
    )
    .option("--dead-letter <file>", "append rejected records to this file, as NDJSON with their reasons")
    .option(
      "--strict",
      "fail where the data has fields that the table has no column for, or a JSON document members beside its records (default: leave them out with a warning)",
    )
    .addOption(
      new Option(
        "--malformed-text <way>",
        "text with half a surrogate pair: refuse the record (default), or replace the half by U+FFFD",
      ).choices(["refuse", "replace"]),
    )
    .option("--max-rejected <n>", "how many records may be rejected", wholeNumber(0))
    .option(
      "--stop-timeout-ms <ms>",
      "how long what was read may take to arrive after a signal; 0: no limit (default: 25000, for Ctrl-C none)",
      wholeNumber(0),
    )
    .option("--quiet", "no progress, and no single rejections")
    .option("--json", "end with one line of JSON on stdout")
    .addHelpText("after", help)
    .action(async (patterns: string[], _: IngestFlags, self: Command) =>
      finish(await ingest(patterns, self.optsWithGlobals<IngestFlags>(), processTerminal(), self)),
    );
}

/** The command itself, by its flags. `command` is what the way to go on is printed for. */
export async function ingest(
  patterns: readonly string[],
  flags: IngestFlags,
  terminal: Terminal,
  command: Command = ingestCommand(() => {}),
): Promise<number> {
  const say = (line: string) => {
    if (!flags.quiet) terminal.err.write(`${line}\n`);
  };
  checkFlags(flags);
  const deadLetter = flags.deadLetter ?? (flags.state === undefined ? undefined : stateLetters(flags.state));
  const options: FilesOptions = {
    ...fileOptions(flags, (notice, kind) => {
      if (kind === "warning") terminal.err.write(`${plainLine(`warning: ${notice}`)}\n`);
      else say(plainLine(`note: ${notice}`));
    }),
    final: flags.state === undefined || flags.final === true,
    ...(flags.onChanged !== undefined && { onChanged: flags.onChanged }),
  };
  const source = sourceOf(patterns, options);
  /** Records may have been read: they are delivered before the end. */
  let holdsRecords = false;
  const interrupt = onStop({
    timeoutOf: (name) => flags.stopTimeoutMs ?? stopTimeouts[name],
    onStop(name, timeoutMs) {
      source.stop?.();
      if (holdsRecords) terminal.err.write(`${stopLine(name, timeoutMs)}\n`);
    },
  });
  const { stop, signal } = interrupt;
  /** As long as nothing was read, the first signal ends everything. */
  const untilRead = AbortSignal.any([stop, signal]);
  const stopLines = flags.quiet ? () => {} : showRetries(terminal);
  let emulator: Emulator | undefined;
  let admin: KustoAdmin | undefined;
  try {
    // Files first: a missing one should be told before anything is started or asked.
    if (flags.state !== undefined && source.recovery === "none" && !patterns.includes("-"))
      throw usage("--state needs files, or standard input (-): a pipe or a device cannot be read again");
    const plan = await source.plan(untilRead);
    if (flags.strict) refuseLeftOut(plan);
    if (flags.deadLetter !== undefined) {
      const inputs = [...plan.files.map(({ path }) => path), ...(flags.schema === undefined ? [] : [flags.schema])];
      await checkDeadLetter(flags.deadLetter, inputs, untilRead);
    }
    // Of files nothing is read for good before the table is known; a stream is.
    const preparing = source.recovery === "position" ? untilRead : signal;
    holdsRecords = source.recovery === "none";
    const schema = flags.schema === undefined ? undefined : await readSchemaFile(flags.schema);
    if (flags.emulator) emulator = await startOwnEmulator(flags, preparing);
    const connection = emulator ? { cluster: emulator.url, database: databaseOf(flags) } : connectionFrom(flags);
    const { kustoAdmin } = await import("../connectors/kusto/admin.ts");
    const { kusto } = await import("../connectors/kusto/index.ts");
    admin = await kustoAdmin(connection, preparing, longRetries(flags));

    // With a state what was read becomes durable soon, so a slow stream is not looked at for long.
    const patienceMs = flags.state === undefined ? undefined : Math.min(flags.checkpointMs ?? mostAheadMs, mostAheadMs);
    const most = {
      ...aheadLimit,
      records: Math.min(aheadLimit.records, flags.inferRecords || aheadLimit.records),
      patienceMs,
    };
    const readOne: ReadOne = (path) => source.readOne!(path, preparing);
    const begun = beginning(source, plan.form === "csv", most, preparing);
    const target = await targetTable({
      admin,
      name: flags.table!,
      database: connection.database,
      schema,
      mayCreate: flags.createTable === true || flags.emulator === true,
      isMapped: flags.mapping !== undefined,
      infer: () =>
        inferred(flags, plan, source.recovery === "position" ? readOne : undefined, begun, options, terminal),
      fields: (columns) =>
        source.recovery === "position"
          ? fieldsOfFiles(plan, readOne, columns, flags.inferRecords)
          : begun.fields(columns),
      signal: preparing,
    });
    const { table, isCreated } = target;
    if (isCreated) say(plainLine(`created table ${table.name} with ${plural(table.list.length, "column")}`));
    const samples =
      source.recovery === "position"
        ? await sampleFields(plan, readOne)
        : [{ path: source.name, fields: await begun.fields(table.list.map(({ name }) => name)) }];
    const isCsv = plan.form === "csv";
    const { renames, unknown, warnings } = matchSamples(samples, table, target.renames, {
      isCsv,
      hasHeader: !isCsv || flags.header !== false,
      isStrict: flags.strict === true,
    });
    for (const { field, column } of renames)
      say(plainLine(`note: field ${JSON.stringify(field)} goes to column ${column}`));
    for (const warning of warnings) terminal.err.write(`${plainLine(`warning: ${warning}`)}\n`);

    stopLines();
    throwIfAborted(preparing, `ingesting into ${table.name}`);
    holdsRecords = true;
    const isPacked = plan.totalBytes === undefined;
    const outcome = await loadOutcome({
      source: begun.source(),
      convert: coerce(table, plan.form, { renames, ...valueOptions(flags) }),
      totalBytes: plan.totalBytes,
      files: plan.files.map(({ path, bytes }) => ({ path, bytes: isPacked ? 0 : bytes })),
      table,
      to: kusto({ ...connection, ...ingestionOptions(flags, connection) }),
      sink: sinkOptions(flags),
      isWaiting: isWaiting(flags, connection),
      deadLetter,
      maxRejected: flags.maxRejected,
      checkpointMs: flags.checkpointMs,
      isQuiet: flags.quiet === true,
      isVerbose: flags.verbose === true,
      terminal,
      stop,
      signal,
    });
    const maxRejected = flags.maxRejected ?? 0;
    const { name } = interrupt;
    const hasState = flags.state !== undefined;
    const isExact = flags.guarantee === "exactly-once";
    const { summary } = outcome;
    const late = flags.strict ? Object.keys(summary.unknownFields) : [];
    const failure = outcome.failure ?? (late.length > 0 ? { error: lateFields(table.name, late) } : undefined);
    if (failure || name !== undefined) {
      const run = { name, command, hasState, isExact, isStream: source.recovery === "none" };
      const report = failedReport({ ...outcome, failure }, run);
      throw new CommandFailed(report.error, report.details, report.figures, interrupt.exitCode);
    }
    tell(summary, new Set(unknown), say, (line) => terminal.err.write(`${line}\n`));
    const earlier = await rejectedEarlier(flags, summary, signal);
    if (earlier > 0) terminal.err.write(`${earlierLine(earlier, flags)}\n`);
    terminal.out.write(`${successLine(outcome, { isJson: flags.json === true, maxRejected, earlier })}\n`);
    if (emulator) await showArrived(admin, table.name, emulator, flags, terminal, untilRead);
    return summary.rejected + earlier > maxRejected ? 1 : 0;
  } catch (error) {
    if (error instanceof CommandFailed || interrupt.exitCode === undefined) throw error;
    throw new CommandFailed(interruptedEarly(error), [], { signal: interrupt.name }, interrupt.exitCode);
  } finally {
    stopLines();
    await source.close?.();
    admin?.close();
    await emulator?.close();
    interrupt.dispose();
  }
}

/** Kubernetes kills 30 seconds after SIGTERM, and what became of the records should be said before. A person decides for himself. */
const stopTimeouts: Readonly<Record<SignalName, number>> = { SIGTERM: 25_000, SIGHUP: 25_000, SIGINT: 0 };

function stopLine(name: SignalName, timeoutMs: number): string {
  const bound = timeoutMs > 0 ? ` for at most ${duration(timeoutMs / 1_000)} (--stop-timeout-ms)` : "";
  return `millrace: ${name}: no more is read; what was read is being delivered${bound}. A second signal aborts at once.`;
}

/** Rejected records of earlier runs of this state that were neither replayed nor deleted. */
async function rejectedEarlier(
  { state, deadLetter }: IngestFlags,
  { rejected }: LoadSummary,
  signal: AbortSignal,
): Promise<number> {
  if (state === undefined || deadLetter !== undefined) return 0;
  return Math.max(0, (await countUnreplayed(stateLetters(state), signal)) - rejected);
}

function earlierLine(earlier: number, { state, table }: IngestFlags): string {
  const file = stateLetters(state!);
  return plainLine(
    `${plural(earlier, "record")} that earlier runs rejected ${earlier === 1 ? "is" : "are"} in ${file}, and not in the table: mend and replay them (millrace replay-dlq ${shellWord(file)} --table ${shellWord(table!)} ...), or delete the file to leave them out.`,
  );
}

function interruptedEarly(error: unknown): MillraceError {
  return new MillraceError("ABORTED", `interrupted. ${reasonOf(error)}`, { cause: error });
}

function checkFlags(flags: IngestFlags): void {
  if (flags.emulator && flags.cluster !== undefined && process.env.MILLRACE_CLUSTER !== flags.cluster)
    throw usage("--emulator and --cluster are two places; give one");
  if (flags.keep && !flags.emulator) throw usage("--keep belongs to --emulator");
  if (flags.guarantee === "exactly-once" && flags.state === undefined)
    throw usage("--guarantee exactly-once needs --state FOLDER");
  for (const [flag, value] of Object.entries({
    job: flags.job,
    "commit-mode": flags.commitMode,
    "accept-duplicates": flags.acceptDuplicates,
    final: flags.final,
    "on-changed": flags.onChanged,
  }))
    if (value !== undefined && flags.state === undefined) throw usage(`--${flag} belongs to --state`);
}

function sourceOf(patterns: readonly string[], options: FilesOptions): FilesSource {
  if (!patterns.includes("-")) return files(patterns, options);
  if (patterns.length > 1) throw usage("- (standard input) cannot be mixed with files");
  return stdin(options);
}

function databaseOf(flags: IngestFlags): string {
  return flags.database ?? "demo";
}

async function startOwnEmulator(flags: IngestFlags, signal: AbortSignal): Promise<Emulator> {
  const { startEmulator } = await import("../emulator/index.ts");
  return startEmulator({ databases: [databaseOf(flags)], signal });
}

/** What a stream's table is inferred from: enough to be worth something, and little enough to be held. */
const aheadLimit: AheadLimit = { records: 10_000, bytes: 16 * 1024 * 1024 };
const mostAheadMs = 5_000;

interface FirstRecords {
  readonly records: readonly RawRecord[];
  /** The index is into `records`. */
  placeOf(index: number): string;
  readonly refused: readonly Refusal[];
}

interface Beginning {
  /** Field names of the first records: as many records as the columns of the table need. */
  fields(columns: readonly string[]): Promise<readonly string[]>;
  /** The first records of a stream, and what could not be read as one. */
  records(): Promise<FirstRecords>;
  /** The source from its start, whatever has been looked at. */
  source(): Source<RawRecord>;
}

/** Looks at the first records, which a stream gives only once. */
function beginning(source: FilesSource, isCsv: boolean, limit: AheadLimit, signal: AbortSignal): Beginning {
  let whole: Source<RawRecord> = source;
  async function ahead(isEnough: (slice: Slice<RawRecord>) => boolean) {
    const { slices, source: rest } = await readAhead(whole, { ...limit, isEnough }, signal);
    whole = rest;
    const places = slices.flatMap(({ records, placeOf }) => records.map((_, i) => () => placeOf?.(i) ?? source.name));
    return {
      records: slices.flatMap(({ records }) => records),
      placeOf: (index: number) => places[index]!(),
      refused: slices.flatMap(({ refused = [] }) => refused),
    };
  }
  return {
    async fields(columns) {
      const found = fieldNames(columns);
      await ahead(({ records }) => {
        found.add(records);
        return found.isComplete() || (isCsv && records.length > 0);
      });
      return [...found.names];
    },
    records: () => ahead(() => false),
    source: () => whole,
  };
}

async function inferred(
  flags: IngestFlags,
  plan: FilesPlan,
  /** Absent for a stream. */
  readOne: ReadOne | undefined,
  begun: Beginning,
  { onNotice }: FilesOptions,
  terminal: Terminal,
) {
  const values = valueOptions(flags);
  const unreadable: Refusal[] = [];
  const keep = (refusal: Refusal): void => {
    if (unreadable.length < unreadableShown) unreadable.push(refusal);
  };
  try {
    const inferred = readOne
      ? await inferFiles(flags.table!, plan, readOne, flags.inferRecords, keep, values)
      : await inferredAhead(flags.table!, begun, { from: plan.form, ...values }, keep);
    for (const note of inferenceNotes(inferred)) onNotice?.(note);
    return inferred;
  } catch (error) {
    // Else they are told when they are rejected. Without them nobody would know why no table could be made.
    for (const { place, reason } of unreadable)
      terminal.err.write(`${plainLine(`unreadable ${place}: ${inPhrases(reason)}`)}\n`);
    throw error;
  }
}

async function inferredAhead(
  table: string,
  begun: Beginning,
  options: InferOptions,
  onRefused: (refusal: Refusal) => void,
) {
  const { records, placeOf, refused } = await begun.records();
  for (const refusal of refused) onRefused(refusal);
  if (records.length === 0 && refused[0] !== undefined) throw noRecord(table, refused[0]);
  const inference = startInference(options);
  for (const [i, record] of records.entries()) inference.observe(record, () => placeOf(i));
  return inference.table(table);
}

/** @throws MillraceError BAD_SOURCE where members of a document beside its records would be left out. */
function refuseLeftOut({ files }: FilesPlan): void {
  for (const { path, leftOut } of files)
    if (leftOut !== undefined)
      throw new MillraceError(
        "BAD_SOURCE",
        `${path}: ${listed(leftOut)} beside the array of records would be left out; --path names the array, or '$' for the object itself. With --strict nothing was sent.`,
        { context: { file: path } },
      );
}

function lateFields(table: string, fields: readonly string[]): MillraceError {
  return new MillraceError(
    "BAD_SOURCE",
    `Table ${table} has no column for ${listed(fields)}, which came after the first records; they were left out (--strict).`,
  );
}

const unreadableShown = 20;

function sinkOptions(flags: IngestFlags): SinkOptions {
  const { parallelism, batchSize, batchIntervalMs, clientBatchSizeLimit } = flags;
  return {
    preset: "bulk",
    ...(parallelism !== undefined && { parallelism }),
    ...(flags.gzipLevel !== undefined && { gzipLevel: flags.gzipLevel }),
    ...(batchSize !== undefined && { batchSize }),
    ...(batchIntervalMs !== undefined && { batchIntervalMs }),
    ...(clientBatchSizeLimit !== undefined && { clientBatchSizeLimit }),
    ...(flags.retryTimeoutMs !== undefined && { retryTimeoutMs: flags.retryTimeoutMs }),
    ...(flags.guarantee !== undefined && { deliveryGuarantee: flags.guarantee }),
    ...(flags.state !== undefined && { state: fileState(flags.state), job: flags.job ?? flags.table! }),
    ...(flags.acceptDuplicates !== undefined && { acceptDuplicates: flags.acceptDuplicates }),
    ...(flags.malformedText !== undefined && { malformedText: flags.malformedText }),
  };
}

function ingestionOptions(flags: IngestFlags, connection: KustoOptions): KustoIngestionOptions {
  const { flushImmediately, mapping, tag } = flags;
  return {
    ...(flushImmediately !== undefined && { flushImmediately }),
    ...(mapping !== undefined && { ingestionMappingRef: mapping }),
    ...(tag !== undefined && { additionalTags: tag }),
    ...(flags.commitMode !== undefined && { commitMode: flags.commitMode }),
    ...pollingOptions(flags, connection),
    ...(flags.waitTimeoutMs !== undefined && { pollTimeoutMs: flags.waitTimeoutMs }),
    ...(flags.attemptTimeoutMs !== undefined && { attemptTimeoutMs: flags.attemptTimeoutMs }),
    // Without staging the service gathers for as long as the table's policy says, which on a laptop nobody gains by.
    ...(isLoopback(connection) &&
      flags.state !== undefined &&
      flushImmediately === undefined && { flushImmediately: true }),
  };
}

async function showArrived(
  admin: KustoAdmin,
  table: string,
  emulator: Emulator,
  flags: IngestFlags,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  if (!flags.json) {
    const { quoteName } = await import("../schema/kql.ts");
    const { answerTable } = await import("./answer-text.ts");
    terminal.out.write(`\n${answerTable(await admin.query(`${quoteName(table)} | count`, signal))}\n`);
    terminal.out.write(
      `\n${answerTable(await admin.query(`${quoteName(table)} | take 5`, signal), { width: process.stdout.columns || undefined })}\n`,
    );
  }
  if (!flags.keep) return;
  terminal.err.write(`\nThe emulator runs at ${emulator.url}, database ${databaseOf(flags)}; Ctrl-C ends it.\n`);
  await interrupted(signal);
}
