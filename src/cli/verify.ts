import { Command } from "commander";
import { inspectState } from "../checkpoint/inspect.ts";
import type { KustoAdmin } from "../destination/kusto/admin.ts";
import { coerce } from "../schema/coerce.ts";
import { quoteName } from "../schema/kql.ts";
import type { NamedColumn, Table } from "../schema/table.ts";
import { files } from "../source/files.ts";
import { addConnectionFlags, type ConnectionFlags, connectionFrom, shortRetries, usage } from "./connection.ts";
import { addFileFlags, type FileFlags, fileOptions } from "./flags.ts";
import { onInterrupt, tellInterrupted } from "./interrupt.ts";
import type { Finish } from "./program.ts";
import { plural } from "./quantities.ts";
import { showRetries } from "./retry-lines.ts";
import { plainLine, processTerminal } from "./terminal.ts";

interface VerifyFlags extends ConnectionFlags, FileFlags {
  table: string;
  state?: string;
  json?: boolean;
}

const help = `
Compared are the number of rows, and for each column what can be summed up on both sides: values that are there, the sum of
integers, the bytes of texts. Rows of other writers in the table show as a difference. With --state, checkpoints that are
not committed yet are named. Exit code 1: something differs.`;

/** Compares files with the table that they were ingested into. */
export function verifyCommand(finish: Finish): Command {
  const command = new Command("verify")
    .description("compare files with the table that they were ingested into")
    .argument("<files...>", "as for millrace ingest")
    .requiredOption("--table <name>", "the table");
  addConnectionFlags(command);
  addFileFlags(command);
  return command
    .option("--state <folder>", "the state of the run")
    .option("--json", "one line of JSON")
    .addHelpText("after", help)
    .action(async (patterns: string[], flags: VerifyFlags) => finish(await verify(patterns, flags)));
}

/** One figure on both sides. */
interface Compared {
  readonly what: string;
  readonly source: string;
  readonly target: string;
}

async function verify(patterns: readonly string[], flags: VerifyFlags): Promise<number> {
  if (patterns.includes("-")) throw usage("standard input cannot be read again");
  const interrupt = onInterrupt();
  const { signal } = interrupt;
  const stopLines = showRetries(processTerminal());
  try {
    const { kustoAdmin } = await import("../destination/kusto/admin.ts");
    const admin = await kustoAdmin(connectionFrom(flags), signal, shortRetries(flags));
    try {
      const table = await admin.table(flags.table, signal);
      const source = await sumsOfFiles(patterns, flags, table, signal);
      const target = await sumsOfTable(admin, table, signal);
      const pending = flags.state === undefined ? [] : (await inspectState(flags.state)).pending;
      const compared = Object.keys(source.sums).map(
        (what): Compared => ({ what, source: String(source.sums[what]), target: String(target[what]) }),
      );
      const differing = compared.filter((each) => each.source !== each.target);
      const ok = differing.length === 0;
      const { rejected } = source;
      if (flags.json)
        process.stdout.write(
          `${JSON.stringify({ ok, table: table.name, rejected, pending: pending.length, differing })}\n`,
        );
      else {
        for (const { what, source: ours, target: theirs } of differing)
          process.stdout.write(`${plainLine(`${what}: ${ours} in the files, ${theirs} in the table`)}\n`);
        const rows = plural(Number(source.sums.rows), "row");
        process.stdout.write(
          plainLine(
            ok
              ? `${table.name}: the same on both sides, ${rows}`
              : `${table.name}: ${plural(differing.length, "figure")} differ`,
          ),
        );
        process.stdout.write(
          `${rejected > 0 ? `, ${rejected} not taken into account: they do not fit the table` : ""}\n`,
        );
        if (pending.length > 0) process.stdout.write(`${plural(pending.length, "checkpoint")} not committed yet\n`);
      }
      return ok ? 0 : 1;
    } finally {
      admin.close();
    }
  } catch (error) {
    if (interrupt.exitCode !== undefined) return tellInterrupted(interrupt, flags.json);
    throw error;
  } finally {
    stopLines();
    interrupt.dispose();
  }
}

type Sums = Record<string, bigint>;

/** The columns whose kind has figures that both sides reckon alike. */
function figuresOf({ list }: Table): { readonly what: string; readonly column: NamedColumn; readonly kql: string }[] {
  return list.flatMap((column) => {
    const name = quoteName(column.name);
    if (column.kind === "string") return [{ what: `${column.name}: bytes`, column, kql: `sum(string_size(${name}))` }];
    const there = { what: `${column.name}: values`, column, kql: `countif(isnotnull(${name}))` };
    if (column.kind !== "int" && column.kind !== "long") return [there];
    return [there, { what: `${column.name}: sum`, column, kql: `sum(${name})` }];
  });
}

async function sumsOfTable(admin: KustoAdmin, table: Table, signal: AbortSignal): Promise<Sums> {
  const figures = figuresOf(table);
  const terms = ["count()", ...figures.map(({ kql }) => kql)].map((term, i) => `f${i} = ${term}`);
  const { rows } = await admin.query(`${quoteName(table.name)} | summarize ${terms.join(", ")}`, signal);
  const [row = []] = rows;
  const values = row.map((value) => BigInt((value as number | bigint | null) ?? 0));
  return Object.fromEntries(["rows", ...figures.map(({ what }) => what)].map((what, i) => [what, values[i] ?? 0n]));
}

async function sumsOfFiles(
  patterns: readonly string[],
  flags: VerifyFlags,
  table: Table,
  signal: AbortSignal,
): Promise<{ sums: Sums; rejected: number }> {
  const { compilePacker } = await import("../encode/packer.ts");
  const source = files(
    patterns,
    fileOptions(flags, () => {}),
  );
  const plan = await source.plan(signal);
  const convert = coerce(table, plan.form);
  const figures = figuresOf(table);
  const sums: Sums = Object.fromEntries(["rows", ...figures.map(({ what }) => what)].map((what) => [what, 0n]));
  // What the sink would refuse is not in the table.
  const packer = compilePacker(table, { format: "csv", maxRecordBytes: 300 * 1024 * 1024 });
  let rejected = 0;
  for await (const slice of source.read({}, signal)) {
    rejected += slice.refused?.length ?? 0;
    for (const raw of slice.records) {
      const record = convert(raw) as Record<string, unknown>;
      try {
        packer.pack(record);
      } catch {
        rejected++;
        continue;
      }
      if (packer.isFull) packer.take();
      sums.rows!++;
      for (const { what, column } of figures) sums[what]! += figureOf(what, column, record[column.name]);
    }
  }
  return { sums, rejected };
}

const utf8 = new TextEncoder();

function figureOf(what: string, { name, kind }: NamedColumn, value: unknown): bigint {
  if (value === null || value === undefined) return 0n;
  if (kind === "string") return BigInt(utf8.encode(String(value)).length);
  return what === `${name}: sum` ? BigInt(value as number | bigint) : 1n;
}
