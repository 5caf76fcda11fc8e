import { Command } from "commander";
import type { Table } from "../schema/table.ts";
import {
  addConnectionFlags,
  type ConnectionFlags,
  connectionFrom,
  isWaiting,
  longRetries,
  pollingOptions,
} from "./connection.ts";
import { checkDeadLetter } from "./dead-letter-flag.ts";
import type { Finish } from "./finish.ts";
import { wholeNumber } from "./flags.ts";
import { onInterrupt, tellInterrupted } from "./interrupt.ts";
import { letterConversion, letterSource } from "./letter-source.ts";
import { load, unknownFieldNotes } from "./load.ts";
import { plural } from "./quantities.ts";
import { ledgerPath, noLedger, openLedger, type ReplayLedger } from "./replay-ledger.ts";
import { showRetries } from "./retry-lines.ts";
import { plainLine, processTerminal } from "./terminal.ts";

interface ReplayFlags extends ConnectionFlags {
  table: string;
  deadLetter?: string;
  maxRejected?: number;
  again?: boolean;
  wait?: boolean;
  json?: boolean;
  /** Of the whole program. */
  verbose?: boolean;
}

const help = `
FILE is what --dead-letter (or fileDeadLetter()) wrote: a line of JSON for each record. Mend the records under "original" in an
editor, or the table, and replay. "source" says how an original is read: leave it as it is.

A letter that is refused again is named by its line; the others are ingested. It stays in FILE, and goes to --dead-letter, which
must be another file. FILE.replayed lists the letters that have arrived: they are skipped the next time, unless they were changed.

Letters of several tables may lie in one file: those of other tables are rejected here.`;

/** Sends the records of a dead letter again. */
export function replayCommand(finish: Finish): Command {
  const command = new Command("replay-dlq")
    .description("ingest the records that a dead letter has kept")
    .argument("<file>", "the dead letter")
    .requiredOption("--table <name>", "the table");
  addConnectionFlags(command);
  return command
    .option("--dead-letter <file>", "append what is refused again to this file")
    .option("--again", "send letters that were replayed before, too")
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
  let ledger: ReplayLedger | undefined;
  try {
    if (flags.deadLetter !== undefined) await checkDeadLetter(flags.deadLetter, [file, ledgerPath(file)], signal);
    const connection = connectionFrom(flags);
    const { kustoAdmin } = await import("../connectors/kusto/admin.ts");
    const { kusto } = await import("../connectors/kusto/index.ts");
    const admin = await kustoAdmin(connection, signal, longRetries(flags));
    let table: Table;
    try {
      table = await admin.table(flags.table, signal);
    } finally {
      admin.close();
    }
    stopLines();
    ledger = flags.again ? noLedger() : await openLedger(file);
    const { add, drop, has, save } = ledger;
    let skipped = 0;
    const source = letterSource(file, table, {
      onRead: add,
      onTaken: save,
      isReplayed(line) {
        const isReplayed = has(line);
        if (isReplayed) skipped++;
        return isReplayed;
      },
    });
    const summary = await load({
      source,
      convert: letterConversion(table),
      totalBytes: undefined,
      table,
      to: kusto({ ...connection, ...pollingOptions(flags, connection) }),
      sink: {
        preset: "bulk",
        ...(flags.retryTimeoutMs !== undefined && { retryTimeoutMs: flags.retryTimeoutMs }),
      },
      isWaiting: isWaiting(flags, connection),
      deadLetter: flags.deadLetter,
      maxRejected: flags.maxRejected,
      onRejected: ({ place }) => drop(place!),
      isQuiet: flags.json === true,
      isVerbose: flags.verbose === true,
      terminal,
      signal,
    });
    const { read, delivered, rejected, unknownFields } = summary;
    const notes = unknownFieldNotes(table.name, unknownFields);
    if (source.lines === 0) notes.push(plainLine(`note: ${file} is empty: it holds no letters`));
    if (skipped > 0)
      notes.push(
        plainLine(
          `note: ${plural(skipped, "letter")} of ${file} had been replayed before (${ledgerPath(file)}) and ${skipped === 1 ? "was" : "were"} skipped; --again sends all`,
        ),
      );
    if (!flags.json) for (const note of notes) terminal.err.write(`${note}\n`);
    const result = { ok: rejected <= (flags.maxRejected ?? 0), table: table.name, read, delivered, rejected };
    terminal.out.write(
      flags.json
        ? `${JSON.stringify({ ...result, ...(skipped > 0 && { skipped }) })}\n`
        : `${table.name}: ${plural(delivered, "record")} of ${read} delivered, ${rejected} rejected\n`,
    );
    return rejected > (flags.maxRejected ?? 0) ? 1 : 0;
  } catch (error) {
    if (interrupt.exitCode !== undefined) return tellInterrupted(interrupt, flags.json);
    throw error;
  } finally {
    stopLines();
    await ledger?.close();
    interrupt.dispose();
  }
}
