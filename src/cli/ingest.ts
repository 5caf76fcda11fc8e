import { Command, Option } from "commander";
import { fileState } from "../checkpoint/file-state.ts";
import type { CommitMode } from "../destination/destination.ts";
import type { KustoAdmin } from "../destination/kusto/admin.ts";
import type { KustoOptions } from "../destination/kusto/options.ts";
import type { Emulator } from "../emulator/index.ts";
import type { GzipLevel } from "../encode/encoder.ts";
import { MillraceError } from "../errors.ts";
import type { DeliveryGuarantee, SinkOptions } from "../options.ts";
import { coerce } from "../schema/coerce.ts";
import { type InferOptions, inferTable } from "../schema/infer.ts";
import { listed } from "../schema/match-fields.ts";
import type { FilesOptions } from "../source/file-options.ts";
import { type FilesPlan, type FilesSource, files } from "../source/files.ts";
import { readAhead } from "../source/read-ahead.ts";
import type { RawRecord } from "../source/records.ts";
import type { Refusal, Slice, Source } from "../source/source.ts";
import { stdin } from "../source/stdin.ts";
import { addConnectionFlags, type ConnectionFlags, connectionFrom, longRetries, usage } from "./connection.ts";
import { refuseInputAsDeadLetter } from "./dead-letter-flag.ts";
import { failureLine } from "./failure-line.ts";
import { matchSamples, sampleFields } from "./field-match.ts";
import { fieldNames, fieldsOfFiles } from "./field-names.ts";
import { addFileFlags, byteCount, type FileFlags, fileOptions, gzipLevel, valueOptions, wholeNumber } from "./flags.ts";
import { inferenceNotes, inferFiles, noRecord } from "./infer-files.ts";
import { interrupted, onInterrupt } from "./interrupt.ts";
import { type LoadSummary, load, unknownFieldNotes } from "./load.ts";
import type { Finish } from "./program.ts";
import { ratio } from "./progress.ts";
import { bytes, count, duration, plural } from "./quantities.ts";
import { showRetries } from "./retry-lines.ts";
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
    .option("--state <folder>", "checkpoints are kept there, and a run that was killed goes on from the newest")
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
    .option("--dead-letter <file>", "append rejected records to this file, as NDJSON with their reasons")
    .option(
      "--strict",
      "fail where the data has fields that the table has no column for (default: leave them out with a warning)",
    )
    .option("--max-rejected <n>", "how many records may be rejected", wholeNumber(0))
    .option("--quiet", "no progress, and no single rejections")
    .option("--json", "end with one line of JSON on stdout")
    .addHelpText("after", help)
    .action(async (patterns: string[], _: IngestFlags, self: Command) =>
      finish(await ingest(patterns, self.optsWithGlobals<IngestFlags>(), processTerminal())),
    );
}

/** The command itself, by its flags. */
export async function ingest(patterns: readonly string[], flags: IngestFlags, terminal: Terminal): Promise<number> {
  const say = (line: string) => {
    if (!flags.quiet) terminal.err.write(`${line}\n`);
  };
  checkFlags(flags);
  if (flags.state !== undefined && patterns.includes("-"))
    throw usage("--state needs files: standard input cannot be read again");
  const options: FilesOptions = {
    ...fileOptions(flags, (notice) => say(plainLine(`note: ${notice}`))),
    final: flags.state === undefined || flags.final === true,
    ...(flags.onChanged !== undefined && { onChanged: flags.onChanged }),
  };
  const source = sourceOf(patterns, options);
  const interrupt = onInterrupt();
  const { signal } = interrupt;
  const stopLines = flags.quiet ? () => {} : showRetries(terminal);
  let emulator: Emulator | undefined;
  let admin: KustoAdmin | undefined;
  try {
    // Files first: a missing one should be told before anything is started or asked.
    if (flags.state !== undefined && !source.replayable)
      throw usage("--state needs files: a pipe or a device cannot be read again");
    const plan = await source.plan(signal);
    if (flags.deadLetter !== undefined) {
      const inputs = [...plan.files.map(({ path }) => path), ...(flags.schema === undefined ? [] : [flags.schema])];
      await refuseInputAsDeadLetter(flags.deadLetter, inputs);
    }
    const schema = flags.schema === undefined ? undefined : await readSchemaFile(flags.schema);
    if (flags.emulator) emulator = await startOwnEmulator(flags, signal);
    const connection = emulator ? { cluster: emulator.url, database: databaseOf(flags) } : connectionFrom(flags);
    const { kustoAdmin } = await import("../destination/kusto/admin.ts");
    const { kusto } = await import("../destination/kusto/index.ts");
    admin = await kustoAdmin(connection, signal, longRetries(flags));

    // The notices about the files come when they are read for good, and should not come twice.
    const { onNotice: _, ...quiet } = options;
    const begun = beginning(source, plan.form === "csv", signal);
    const target = await targetTable({
      admin,
      name: flags.table!,
      database: connection.database,
      schema,
      mayCreate: flags.createTable === true || flags.emulator === true,
      isMapped: flags.mapping !== undefined,
      infer: () => inferred(flags, source, plan, options, begun, signal),
      fields: (columns) =>
        source.replayable ? fieldsOfFiles(plan, quiet, columns, flags.inferRecords, signal) : begun.fields(columns),
      signal,
    });
    const { table, isCreated } = target;
    if (isCreated) say(plainLine(`created table ${table.name} with ${plural(table.list.length, "column")}`));
    const samples = source.replayable
      ? await sampleFields(plan, options, signal)
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
    const summary = await load({
      source: begun.source(),
      convert: coerce(table, plan.form, { renames, ...valueOptions(flags) }),
      totalBytes: plan.totalBytes,
      table,
      to: kusto(connection),
      sink: sinkOptions(flags, connection),
      deadLetter: flags.deadLetter,
      maxRejected: flags.maxRejected,
      checkpointMs: flags.checkpointMs,
      isQuiet: flags.quiet === true,
      isVerbose: flags.verbose === true,
      terminal,
      signal,
    });
    tell(summary, flags, new Set(unknown), say, terminal);
    const late = Object.keys(summary.unknownFields);
    if (flags.strict && late.length > 0)
      throw new MillraceError(
        "BAD_SOURCE",
        `Table ${table.name} has no column for ${listed(late)}, which came after the first records; they were left out.`,
      );
    if (emulator) await showArrived(admin, table.name, emulator, flags, terminal, signal);
    return summary.rejected > (flags.maxRejected ?? 0) ? 1 : 0;
  } catch (error) {
    if (interrupt.exitCode === undefined) throw error;
    terminal.err.write(`millrace: interrupted. ${plainLine(error instanceof Error ? error.message : String(error))}\n`);
    if (flags.json) terminal.out.write(failureLine("ABORTED", "interrupted"));
    return interrupt.exitCode;
  } finally {
    stopLines();
    await source.close?.();
    admin?.close();
    await emulator?.close();
    interrupt.dispose();
  }
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
const aheadLimit = { records: 10_000, bytes: 16 * 1024 * 1024 };

interface Beginning {
  /** Field names of the first records: as many records as the columns of the table need. */
  fields(columns: readonly string[]): Promise<readonly string[]>;
  /** The first records of a stream, and what of it could not be read. */
  records(): Promise<{ readonly records: readonly RawRecord[]; readonly refused: readonly Refusal[] }>;
  /** The source from its start, whatever has been looked at. */
  source(): Source<RawRecord>;
}

/** Looks at the first records, which a stream gives only once. */
function beginning(source: FilesSource, isCsv: boolean, signal: AbortSignal): Beginning {
  let whole: Source<RawRecord> = source;
  async function ahead(isEnough: (slice: Slice<RawRecord>) => boolean) {
    const { slices, source: rest } = await readAhead(whole, { ...aheadLimit, isEnough }, signal);
    whole = rest;
    return {
      records: slices.flatMap(({ records }) => records),
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
  source: FilesSource,
  plan: FilesPlan,
  options: FilesOptions,
  begun: Beginning,
  signal: AbortSignal,
) {
  // The notices about the files come when they are read for good, and should not come twice.
  const { onNotice, ...quiet } = options;
  const values = valueOptions(flags);
  const inferred = source.replayable
    ? await inferFiles(flags.table!, plan, quiet, flags.inferRecords, signal, undefined, values)
    : await inferredAhead(flags.table!, begun, { from: plan.form, ...values });
  for (const note of inferenceNotes(inferred)) onNotice?.(note);
  return inferred;
}

async function inferredAhead(table: string, begun: Beginning, options: InferOptions) {
  const { records, refused } = await begun.records();
  if (records.length === 0 && refused[0] !== undefined) throw noRecord(table, refused[0]);
  return inferTable(table, records, options);
}

function sinkOptions(flags: IngestFlags, { cluster }: KustoOptions): SinkOptions {
  const isLoopback = /^https?:\/\/(localhost|127\.)/.test(cluster);
  const { parallelism, batchSize, batchIntervalMs, clientBatchSizeLimit, flushImmediately, mapping, tag } = flags;
  const isWaiting = flags.wait === true || isLoopback;
  return {
    preset: "bulk",
    ...(parallelism !== undefined && { parallelism }),
    ...(flags.gzipLevel !== undefined && { gzipLevel: flags.gzipLevel }),
    ...(batchSize !== undefined && { batchSize }),
    ...(batchIntervalMs !== undefined && { batchIntervalMs }),
    ...(clientBatchSizeLimit !== undefined && { clientBatchSizeLimit }),
    ...(flushImmediately !== undefined && { flushImmediately }),
    ...(flags.retryTimeoutMs !== undefined && { retryTimeoutMs: flags.retryTimeoutMs }),
    ...(mapping !== undefined && { ingestionMappingRef: mapping }),
    ...(tag !== undefined && { additionalTags: tag }),
    ...(flags.guarantee !== undefined && { deliveryGuarantee: flags.guarantee }),
    ...(flags.state !== undefined && { state: fileState(flags.state), job: flags.job ?? flags.table! }),
    ...(flags.commitMode !== undefined && { commitMode: flags.commitMode }),
    ...(flags.acceptDuplicates !== undefined && { acceptDuplicates: flags.acceptDuplicates }),
    ...(isWaiting && { pollForIngestionStatus: true }),
    ...(isLoopback && { pollIntervalMs: 100 }),
    // Without staging the service gathers for as long as the table's policy says, which on a laptop nobody gains by.
    ...(isLoopback && flags.state !== undefined && flushImmediately === undefined && { flushImmediately: true }),
  };
}

/** @param warned Fields of which it was said before the first row that they are left out. */
function tell(
  summary: LoadSummary,
  flags: IngestFlags,
  warned: ReadonlySet<string>,
  say: (line: string) => void,
  terminal: Terminal,
): void {
  const { table, read, delivered, rejected, rawBytes, packedBytes, batches, seconds } = summary;
  const counts = Object.entries(summary.unknownFields);
  const known = Object.fromEntries(counts.filter(([field]) => warned.has(field)));
  const late = Object.fromEntries(counts.filter(([field]) => !warned.has(field)));
  for (const note of unknownFieldNotes(table, known)) say(note);
  for (const note of unknownFieldNotes(table, late)) terminal.err.write(`${note.replace(/^note/, "warning")}\n`);
  for (const [column, { count: n, texts }] of Object.entries(summary.readAsNull).slice(0, 10))
    say(plainLine(`note: column ${column}: ${listed(texts)} read as null (${plural(n, "time")})`));
  const packed =
    packedBytes > 0 ? `, ${bytes(rawBytes)} as ${bytes(packedBytes)} (${ratio(rawBytes, packedBytes)})` : "";
  const line = `${table}: ${plural(delivered, "record")} of ${count(read)} delivered, ${count(rejected)} rejected, in ${plural(batches, "batch", "batches")}${packed}, ${duration(seconds)}`;
  if (flags.json) {
    const { rejections: _, ...figures } = summary;
    const ok = rejected <= (flags.maxRejected ?? 0);
    terminal.out.write(`${JSON.stringify({ ok, ...figures, rejections: summary.rejections.slice(0, 100) })}\n`);
  } else terminal.out.write(`${plainLine(line)}\n`);
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
