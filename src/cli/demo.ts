import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import type { KustoAdmin } from "../connectors/kusto/admin.ts";
import type { Emulator } from "../emulator/index.ts";
import { coerce } from "../schema/coerce.ts";
import { createMergeTableCommand, quoteName } from "../schema/kql.ts";
import { files } from "../source/files.ts";
import { answerTable } from "./answer-text.ts";
import { demoFiles, writeDemoFile } from "./demo-data.ts";
import type { Finish } from "./finish.ts";
import { inferFiles } from "./infer-files.ts";
import { interrupted, onInterrupt, tellInterrupted } from "./interrupt.ts";
import { type LoadSummary, load } from "./load.ts";
import { ratio } from "./progress.ts";
import { bytes, count, duration, plural } from "./quantities.ts";
import { plainLine, processTerminal, type Terminal } from "./terminal.ts";

interface DemoFlags {
  keep?: boolean;
  json?: boolean;
}

const database = "demo";

const summarize = "Trips | summarize trips = count(), metres = round(avg(metres)) by district | order by trips";

/** One table of the report: `read` = `landed` + `rejected`. */
interface DemoTable {
  readonly table: string;
  readonly read: number;
  /** Counted by a query. */
  readonly landed: number;
  readonly rejected: number;
  readonly rawBytes: number;
  readonly packedBytes: number;
  readonly seconds: number;
  readonly rejections: LoadSummary["rejections"];
}

export function demoCommand(finish: Finish): Command {
  return new Command("demo")
    .description("ingest four generated files into an emulator, and query them; no cloud, no account")
    .option("--keep", "keep the emulator running afterwards, until Ctrl-C")
    .option("--json", "end with one line of JSON on stdout")
    .action(async (flags: DemoFlags) => finish(await demo(flags, processTerminal())));
}

async function demo({ keep, json }: DemoFlags, terminal: Terminal): Promise<number> {
  const interrupt = onInterrupt();
  const { signal } = interrupt;
  // With --json, stdout is for the program that reads it, and the tour goes to stderr.
  const say = (text: string) => (json ? terminal.err : terminal.out).write(`${text}\n`);
  const width = (process.stdout.columns || 120) - 2;
  let folder: string | undefined;
  let emulator: Emulator | undefined;
  let admin: KustoAdmin | undefined;
  try {
    const { startEmulator } = await import("../emulator/index.ts");
    const { kustoAdmin } = await import("../connectors/kusto/admin.ts");
    say("Starting the emulator: Kusto's endpoints over Azurite and DuckDB, on this machine only.");
    emulator = await startEmulator({ databases: [database], signal });
    admin = await kustoAdmin({ cluster: emulator.url, database }, signal);
    folder = await mkdtemp(join(tmpdir(), "millrace-demo-"));
    const report: DemoTable[] = [];
    for (const demoFile of demoFiles) {
      const { table, file, about } = demoFile;
      say(`\n${table}: ${file}, ${about}`);
      const path = await writeDemoFile(demoFile, folder);
      const done = await loadOne(table, path, emulator.url, admin, terminal, signal);
      say(resultLine(done));
      say(indented(answerTable(await admin.query(`${quoteName(table)} | take 3`, signal), { width })));
      report.push(done);
    }
    say(`\n${summarize}\n${indented(answerTable(await admin.query(summarize, signal)))}`);

    const ok = report.every(
      (t, i) => t.read > 0 && t.read === t.landed + t.rejected && t.rejected === demoFiles[i]!.unreadable,
    );
    say(
      ok
        ? "\nEvery record that was read has landed or was rejected with a reason."
        : "\nRecords are missing: this is a defect.",
    );
    if (json) terminal.out.write(`${JSON.stringify({ ok, tables: report })}\n`);
    if (keep) {
      terminal.err.write(
        `\nThe emulator runs on. Try:\n  millrace query 'Ratings | take 5' --cluster ${emulator.url} --database ${database}\nCtrl-C ends it.\n`,
      );
      await interrupted(signal);
    }
    return ok ? 0 : 1;
  } catch (error) {
    if (interrupt.exitCode === undefined) throw error;
    return tellInterrupted(interrupt, json);
  } finally {
    admin?.close();
    await emulator?.close();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    interrupt.dispose();
  }
}

async function loadOne(
  name: string,
  path: string,
  cluster: string,
  admin: KustoAdmin,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<DemoTable> {
  const { kusto } = await import("../connectors/kusto/index.ts");
  const source = files(path);
  const plan = await source.plan(signal);
  // From all records, so that every one fits: the demo shows what inference can do.
  const { table, renames } = await inferFiles(name, plan, (each) => source.readOne!(each, signal), 0);
  await admin.execute(createMergeTableCommand(table), signal);
  const summary = await load({
    source,
    convert: coerce(table, plan.form, { renames }),
    totalBytes: plan.totalBytes,
    table,
    to: kusto({ cluster, database, pollForIngestionStatus: true, pollIntervalMs: 100 }),
    sink: { preset: "bulk", batchSize: 50_000 },
    isWaiting: true,
    isQuiet: !terminal.isLive,
    terminal,
    signal,
  });
  const landed = await countRows(admin, name, signal);
  const { read, rejected, rawBytes, packedBytes, seconds, rejections } = summary;
  return { table: name, read, landed, rejected, rawBytes, packedBytes, seconds, rejections };
}

async function countRows(admin: KustoAdmin, table: string, signal: AbortSignal): Promise<number> {
  const { rows } = await admin.query(`${quoteName(table)} | count`, signal);
  return Number(rows[0]?.[0]);
}

function resultLine({ read, landed, rejected, rawBytes, packedBytes, seconds, rejections }: DemoTable): string {
  const lines = [
    `  ${plural(read, "record")} read, ${count(landed)} landed, ${count(rejected)} rejected; ${bytes(rawBytes)} as ${bytes(packedBytes)} (${ratio(rawBytes, packedBytes)}) in ${duration(seconds)}`,
    ...rejections.map(({ place, reason }) => plainLine(`  rejected ${place}: ${reason}`)),
  ];
  return `${lines.join("\n")}\n`;
}

function indented(text: string): string {
  return text.replace(/^/gm, "  ");
}
