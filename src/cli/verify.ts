import { Command } from "commander";
import { inspectState } from "../checkpoint/inspect.ts";
import type { KustoAdmin } from "../connectors/kusto/admin.ts";
import { isCode, MillraceError } from "../errors.ts";
import { coerce } from "../schema/coerce.ts";
import type { SchemaFile } from "../schema/file.ts";
import type { SampleForm } from "../schema/infer.ts";
import { quoteName } from "../schema/kql.ts";
import type { NamedColumn, Table } from "../schema/table.ts";
import type { FilesOptions } from "../source/file-options.ts";
import { type FilesPlan, type FilesSource, files } from "../source/files.ts";
import { expandPatterns } from "../source/open-files.ts";
import { type Figure, figuresOf, scaledRealFunction, type Values } from "./column-figures.ts";
import { addConnectionFlags, type ConnectionFlags, connectionFrom, shortRetries, usage } from "./connection.ts";
import { matchSamples } from "./field-match.ts";
import { fieldsOfFiles, sampleFields } from "./field-names.ts";
import type { Finish } from "./finish.ts";
import { addFileFlags, type FileFlags, fileOptions, valueOptions } from "./flags.ts";
import type { ReadOne } from "./infer-files.ts";
import { onInterrupt, tellInterrupted } from "./interrupt.ts";
import { unknownFieldNotes } from "./load.ts";
import { plural } from "./quantities.ts";
import { showRetries } from "./retry-lines.ts";
import { readSchemaFile, type Target, targetTable } from "./target-table.ts";
import { plainLine, processTerminal } from "./terminal.ts";
import type { ValueOptions } from "./value-options.ts";

interface VerifyFlags extends ConnectionFlags, FileFlags {
  table: string;
  schema?: string;
  state?: string;
  json?: boolean;
}

const help = `
The files are read as millrace ingest would read them into the table: the same names, the same conversions, the same rejections. Give
every option of reading that they were ingested with, such as --schema, --path, --delimiter or --null-text. CSV and JSON files may be given together.

Compared are the number of rows and, for each column, figures that are exact on both sides: how many values there are, sums, least and
greatest, and a checksum of texts, times and reals. Of dynamic values nested ones are not compared. Rows of other writers in the table
show as a difference. With --state, checkpoints that are not committed yet are named. Exit code 1: something differs.`;

const neverAsked = (): never => {
  throw new MillraceError("INTERNAL", "The table exists, so nothing is inferred.");
};

/** Compares files with the table that they were ingested into. */
export function verifyCommand(finish: Finish): Command {
  const command = new Command("verify")
    .description("compare files with the table that they were ingested into")
    .argument("<files...>", "as for millrace ingest")
    .requiredOption("--table <name>", "the table");
  addConnectionFlags(command);
  addFileFlags(command);
  return command
    .option("--schema <file>", "the schema that the files were ingested with, if they were")
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
    const { kustoAdmin } = await import("../connectors/kusto/admin.ts");
    const connection = connectionFrom(flags);
    const admin = await kustoAdmin(connection, signal, shortRetries(flags));
    try {
      const table = await admin.table(flags.table, signal);
      const schema = flags.schema === undefined ? undefined : await readSchemaFile(flags.schema);
      const { rows, rejected, unknownFields, differing } = await compareFiles({
        admin,
        database: connection.database,
        table,
        patterns,
        options: fileOptions(flags, () => {}),
        values: valueOptions(flags),
        inferRecords: flags.inferRecords,
        schema,
        signal,
      });
      const pending = flags.state === undefined ? [] : (await inspectState(flags.state)).pending;
      const ok = differing.length === 0;
      if (flags.json)
        process.stdout.write(
          `${JSON.stringify({ ok, table: table.name, rejected, pending: pending.length, differing })}\n`,
        );
      else {
        for (const { what, source: ours, target: theirs } of differing)
          process.stdout.write(`${plainLine(`${what}: ${ours} in the files, ${theirs} in the table`)}\n`);
        const inFiles = plural(rows, "row");
        process.stdout.write(
          plainLine(
            ok
              ? `${table.name}: the same on both sides, ${inFiles}`
              : `${table.name}: ${plural(differing.length, "figure")} differ`,
          ),
        );
        process.stdout.write(
          `${rejected > 0 ? `, ${rejected} not taken into account: they do not fit the table` : ""}\n`,
        );
        for (const note of unknownFieldNotes(table.name, unknownFields)) process.stdout.write(`${note}\n`);
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

export interface Comparison {
  readonly admin: KustoAdmin;
  readonly database: string;
  readonly table: Table;
  readonly patterns: readonly string[];
  readonly options: FilesOptions;
  readonly values?: ValueOptions;
  readonly inferRecords: number;
  readonly schema: SchemaFile | undefined;
  readonly signal: AbortSignal;
}

export interface Verdict {
  /** Rows that the files hold, without those that are rejected. */
  readonly rows: number;
  readonly rejected: number;
  readonly unknownFields: Readonly<Record<string, number>>;
  readonly differing: readonly Compared[];
}

/** Compares what `millrace ingest` would do with the files and what the table holds. */
export async function compareFiles(job: Comparison): Promise<Verdict> {
  const { admin, database, table, patterns, options, values, inferRecords, schema, signal } = job;
  const groups = await groupsOf(patterns, options, signal);
  const targetOf = async ({ source, plan }: FileGroup) => {
    const readOne: ReadOne = (path) => source.readOne!(path, signal);
    const target = await targetTable({
      admin,
      name: table.name,
      database,
      schema,
      mayCreate: false,
      isMapped: false,
      infer: neverAsked,
      fields: (columns) => fieldsOfFiles(plan, readOne, columns, inferRecords),
      signal,
    });
    const isCsv = plan.form === "csv";
    const hasHeader = !isCsv || options.header !== false;
    const samples = await sampleFields(plan, readOne);
    return { ...target, ...matchSamples(samples, target.table, target.renames, { isCsv, hasHeader, isStrict: false }) };
  };
  const figures = table.list.flatMap((column, i) =>
    figuresOf(column, `millrace_${i}`).map((figure) => ({ column, figure })),
  );
  const ofFiles = await figuresOfFiles(groups, figures, targetOf, values, signal);
  const ofTable = await figuresOfTable(
    admin,
    table.name,
    figures.map(({ figure }) => figure),
    signal,
  );
  const compared = figures.map(({ figure: { what } }, i) => ({
    what,
    source: ofFiles.results[i],
    target: ofTable.results[i]!,
  }));
  const { rows, rejected, unknownFields } = ofFiles;
  const differing = [{ what: "rows", source: String(rows), target: ofTable.rows }, ...compared].filter(
    (each): each is Compared => each.source !== undefined && each.source !== each.target,
  );
  return { rows, rejected, unknownFields, differing };
}

/** What one pass over the files comes to. */
interface OfFiles {
  readonly rows: number;
  readonly rejected: number;
  /** By the places of the figures. */
  readonly results: readonly (string | undefined)[];
  readonly unknownFields: Readonly<Record<string, number>>;
}

/** Files of one form, ingested together: so are the names of their fields decided on. */
interface FileGroup {
  readonly source: FilesSource;
  readonly plan: FilesPlan;
}

/** Files of several forms may have been ingested one after the other. */
async function groupsOf(patterns: readonly string[], options: FilesOptions, signal: AbortSignal): Promise<FileGroup[]> {
  const byForm = new Map<SampleForm, (FileGroup & { readonly path: string })[]>();
  for (const path of await expandPatterns(patterns)) {
    const group = await groupOf([path]);
    const { form } = group.plan;
    byForm.set(form, [...(byForm.get(form) ?? []), { path, ...group }]);
  }
  const groups: FileGroup[] = [];
  for (const alike of byForm.values()) {
    const [first, ...others] = alike;
    groups.push(others.length === 0 ? first! : await groupOf(alike.map(({ path }) => path)));
  }
  return groups;

  async function groupOf(paths: readonly string[]): Promise<FileGroup> {
    const source = files(paths, options);
    if (source.recovery === "none") throw usage(`${paths[0]} is a pipe or a device, which cannot be read again`);
    return { source, plan: await source.plan(signal) };
  }
}

async function figuresOfFiles(
  groups: readonly FileGroup[],
  figures: readonly ColumnFigure[],
  targetOf: (group: FileGroup) => Promise<Pick<Target, "table" | "renames">>,
  values: ValueOptions | undefined,
  signal: AbortSignal,
): Promise<OfFiles> {
  const { compilePacker } = await import("../encode/packer.ts");
  const tallies = figures.map(({ column, figure }) => ({ name: column.name, tally: figure.start() }));
  const unknownFields: Record<string, number> = {};
  let rows = 0;
  let rejected = 0;
  for (const group of groups) {
    const { table, renames } = await targetOf(group);
    const convert = coerce(table, group.plan.form, { renames, ...values });
    // What the sink would refuse is not in the table.
    const packer = compilePacker(table, { format: "csv", maxRecordBytes: 300 * 1024 * 1024 });
    for await (const slice of group.source.read({}, signal)) {
      rejected += slice.refused?.length ?? 0;
      for (const raw of slice.records) {
        const record = convert(raw);
        try {
          packer.pack(record);
        } catch (error) {
          if (!isCode(error, "RECORD_REFUSED")) throw error;
          rejected++;
          continue;
        }
        if (packer.isFull) packer.take();
        rows++;
        // A record without a column `constructor` would answer with Object's own member.
        for (const { name, tally } of tallies) tally.add(Object.hasOwn(record, name) ? (record[name] ?? null) : null);
      }
    }
    for (const [field, count] of convert.unknownFields) unknownFields[field] = (unknownFields[field] ?? 0) + count;
  }
  return { rows, rejected, unknownFields, results: tallies.map(({ tally }) => tally.result()) };
}

interface ColumnFigure {
  readonly column: NamedColumn;
  readonly figure: Figure;
}

/** Aggregates of one query: a table of many columns takes several. */
const termsPerQuery = 200;

async function figuresOfTable(
  admin: KustoAdmin,
  table: string,
  figures: readonly Figure[],
  signal: AbortSignal,
): Promise<{ rows: string; results: string[] }> {
  const results: string[] = [];
  let rows = "0";
  for (let at = 0; at === 0 || at < figures.length; ) {
    const some: Figure[] = [];
    for (let count = 0; at < figures.length && count < termsPerQuery; at++) {
      const figure = figures[at]!;
      some.push(figure);
      count += figure.terms.length;
    }
    const [row = []] = (await admin.query(figuresQuery(table, some), signal)).rows;
    rows = String(row[0] ?? 0);
    let next = 1;
    for (const { terms, ofAnswer } of some) {
      results.push(ofAnswer(row.slice(next, next + terms.length)));
      next += terms.length;
    }
    if (figures.length === 0) break;
  }
  return { rows, results };
}

/** The number of rows, and the terms of the figures. Only the columns that they need go on from the table: it may have thousands. */
function figuresQuery(table: string, figures: readonly Figure[]): string {
  const values: Values = Object.assign({}, ...figures.map((figure) => figure.values));
  const derived: Values = Object.assign({}, ...figures.map((figure) => figure.derived));
  const terms = ["count()", ...figures.flatMap((figure) => figure.terms)].map((term, i) => `f${i} = ${term}`);
  const isScaling = Object.values(derived).some((kql) => kql.startsWith("scaled_real("));
  return [
    `${isScaling ? `${scaledRealFunction}\n` : ""}${quoteName(table)}`,
    ...operator("project", values),
    ...operator("extend", derived),
    `summarize ${terms.join(", ")}`,
  ].join(" | ");
}

function operator(name: string, values: Values): string[] {
  const list = Object.entries(values).map(([value, kql]) => `${value} = ${kql}`);
  return list.length === 0 ? [] : [`${name} ${list.join(", ")}`];
}
