import { Command } from "commander";
import { MillraceError } from "../errors.ts";
import { coerce } from "../schema/coerce.ts";
import type { Table } from "../schema/table.ts";
import { csvFields } from "../source/csv-rows.ts";
import { files } from "../source/files.ts";
import type { RawRecord } from "../source/records.ts";
import type { Source } from "../source/source.ts";
import { addConnectionFlags, type ConnectionFlags, connectionFrom, longRetries } from "./connection.ts";
import { wholeNumber } from "./flags.ts";
import { onInterrupt, tellInterrupted } from "./interrupt.ts";
import { load } from "./load.ts";
import type { Finish } from "./program.ts";
import { plural } from "./quantities.ts";
import { showRetries } from "./retry-lines.ts";
import { processTerminal } from "./terminal.ts";

interface ReplayFlags extends ConnectionFlags {
  table: string;
  deadLetter?: string;
  maxRejected?: number;
  wait?: boolean;
  json?: boolean;
  /** Of the whole program. */
  verbose?: boolean;
}

const help = `
FILE is what --dead-letter (or fileDeadLetter()) wrote: a line of JSON for each record, with the record as it was under
"original". Mend the records in the file, or the table, and replay. What is refused again goes to --dead-letter, which must
be another file.`;

/** Sends the records of a dead letter again. */
export function replayCommand(finish: Finish): Command {
  const command = new Command("replay-dlq")
    .description("ingest the records that a dead letter has kept")
    .argument("<file>", "the dead letter")
    .requiredOption("--table <name>", "the table");
  addConnectionFlags(command);
  return command
    .option("--dead-letter <file>", "append what is refused again to this file")
    .option("--max-rejected <n>", "how many records may be rejected", wholeNumber(0))
    .option("--wait", "wait until the service has loaded everything")
    .option("--json", "end with one line of JSON on stdout")
    .addHelpText("after", help)
    .action(async (file: string, _: ReplayFlags, self: Command) =>
      finish(await replay(file, self.optsWithGlobals<ReplayFlags>())),
    );
}

async function replay(file: string, flags: ReplayFlags): Promise<number> {
  const interrupt = onInterrupt();
  const { signal } = interrupt;
  const terminal = processTerminal();
  const stopLines = showRetries(terminal);
  try {
    const connection = connectionFrom(flags);
    const { kustoAdmin } = await import("../destination/kusto/admin.ts");
    const { kusto } = await import("../destination/kusto/index.ts");
    const admin = await kustoAdmin(connection, signal, longRetries(flags));
    let table: Table;
    try {
      table = await admin.table(flags.table, signal);
    } finally {
      admin.close();
    }
    stopLines();
    const isLoopback = /^https?:\/\/(localhost|127\.)/.test(connection.cluster);
    const summary = await load({
      source: originals(files(file, { format: "ndjson" }), table),
      form: "json",
      totalBytes: undefined,
      table,
      renames: [],
      to: kusto(connection),
      sink: {
        preset: "bulk",
        ...(flags.retryTimeoutMs !== undefined && { retryTimeoutMs: flags.retryTimeoutMs }),
        ...((flags.wait || isLoopback) && { pollForIngestionStatus: true }),
        ...(isLoopback && { pollIntervalMs: 100 }),
      },
      deadLetter: flags.deadLetter,
      maxRejected: flags.maxRejected,
      isQuiet: flags.json === true,
      isVerbose: flags.verbose === true,
      terminal,
      signal,
    });
    const { read, delivered, rejected } = summary;
    terminal.out.write(
      flags.json
        ? `${JSON.stringify({ ok: rejected <= (flags.maxRejected ?? 0), table: table.name, read, delivered, rejected })}\n`
        : `${table.name}: ${plural(delivered, "record")} of ${read} delivered, ${rejected} rejected\n`,
    );
    return rejected > (flags.maxRejected ?? 0) ? 1 : 0;
  } catch (error) {
    if (interrupt.exitCode !== undefined) return tellInterrupted(interrupt, flags.json);
    throw error;
  } finally {
    stopLines();
    interrupt.dispose();
  }
}

/** The originals of the letters: records as they were given, or rows as they stood in a batch that the service refused. */
function originals(letters: Source<RawRecord>, table: Table): Source<RawRecord> {
  const fromTexts = coerce(table, "csv");
  function originalOf(letter: RawRecord): RawRecord {
    const { original } = letter;
    if (typeof original !== "string") return original as RawRecord;
    return rowOf(original, table, fromTexts);
  }
  return {
    ...letters,
    async *read(from, signal) {
      for await (const slice of letters.read(from, signal)) yield { ...slice, records: slice.records.map(originalOf) };
    },
  };
}

/** A row of a batch: JSON where it begins as JSON does, else CSV in the order of the columns. */
function rowOf(text: string, table: Table, fromTexts: (record: Record<string, string>) => unknown): RawRecord {
  const row = text.replace(/\r?\n$/, "");
  if (row.startsWith("{")) return JSON.parse(row) as RawRecord;
  const fields = csvFields(row, ",");
  if (typeof fields === "string" || fields.length !== table.list.length)
    throw new MillraceError(
      "BAD_SOURCE",
      `An original is neither a record nor a row of table ${table.name}: ${row.slice(0, 200)}`,
    );
  const record = Object.fromEntries(table.list.map(({ name }, i) => [name, fields[i]!]));
  return fromTexts(record) as RawRecord;
}
