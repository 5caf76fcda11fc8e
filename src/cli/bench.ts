import { basename } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { compilePacker } from "../encode/packer.ts";
import { MillraceError } from "../errors.ts";
import { coerce } from "../schema/coerce.ts";
import type { Table } from "../schema/table.ts";
import { type FilesPlan, files } from "../source/files.ts";
import type { Result } from "./bench-race.ts";
import type { Finish } from "./finish.ts";
import { addFileFlags, type FileFlags, fileOptions, valueOptions, wholeNumber } from "./flags.ts";
import { inferFiles, type ReadOne, tableNameFor } from "./infer-files.ts";
import { onInterrupt, tellInterrupted } from "./interrupt.ts";
import { bytes, count, plural } from "./quantities.ts";
import { plainLine, processTerminal, type Terminal } from "./terminal.ts";

interface BenchFlags extends FileFlags {
  file: string[];
  records: number;
  seconds: number;
  json?: boolean;
}

const defaultRecords = 100_000;
/** Records are held in memory, where they take several times what they take in the file. */
const mostSourceBytes = 256 * 1024 * 1024;

const help = `
The records are read once and held in memory. Then they are made into gzip again and again on one thread: by millrace, and
by what a program would write by hand. Figures of one run can be compared with each other, not with another machine's.`;

export function benchCommand(finish: Finish): Command {
  const command = new Command("bench")
    .description("show how fast your own data is packed, beside JavaScript by hand")
    .requiredOption("--file <files...>", "NDJSON, JSON or CSV, plain or gzip");
  return addFileFlags(command)
    .option("--records <n>", "how many records to take", wholeNumber(1), defaultRecords)
    .option("--seconds <n>", "how long each way is measured", positive, 1)
    .option("--json", "as one line of JSON")
    .addHelpText("after", help)
    .action(async (flags: BenchFlags) => finish(await bench(flags, processTerminal())));
}

function positive(text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError("It takes a positive number.");
}

async function bench(flags: BenchFlags, terminal: Terminal): Promise<number> {
  const interrupt = onInterrupt();
  const say = (line: string) => terminal.err.write(`${plainLine(line)}\n`);
  try {
    const { table, records, rejected } = await sample(flags, say, interrupt.signal);
    say(`${plural(records.length, "record")} of ${plural(table.list.length, "column")}, measuring`);
    const { race } = await import("./bench-race.ts");
    const results = await race(table, records, flags.seconds, interrupt.signal);
    const report = {
      ok: true,
      table: table.name,
      columns: table.list.length,
      records: records.length,
      rejected,
      runtime: `node ${process.versions.node}`,
      cases: results,
    };
    terminal.out.write(flags.json ? `${JSON.stringify(report)}\n` : resultTable(results));
    return 0;
  } catch (error) {
    if (interrupt.exitCode === undefined) throw error;
    return tellInterrupted(interrupt, flags.json);
  } finally {
    interrupt.dispose();
  }
}

interface Sample {
  readonly table: Table;
  readonly records: readonly Record<string, unknown>[];
  readonly rejected: number;
}

/** Reads, infers and converts as `millrace ingest` does, and leaves out what a sink would reject. */
async function sample(flags: BenchFlags, say: (line: string) => void, signal: AbortSignal): Promise<Sample> {
  const options = fileOptions(flags, (notice) => say(`note: ${notice}`));
  const source = files(flags.file, options);
  const plan: FilesPlan = await source.plan();
  const name = tableNameFor(basename(plan.files[0]!.path));
  const readOne: ReadOne = (path) => source.readOne!(path, signal);
  const inferred = await inferFiles(name, plan, readOne, flags.inferRecords, undefined, valueOptions(flags));
  const { table } = inferred;
  const convert = coerce(table, plan.form, inferred);
  const isTaken = taker(table);
  const records: Record<string, unknown>[] = [];
  let rejected = 0;
  let sourceBytes = 0;
  for await (const slice of source.read({}, signal)) {
    rejected += slice.refused?.length ?? 0;
    sourceBytes += slice.bytes ?? 0;
    for (const raw of slice.records) {
      const record = convert(raw);
      if (!isTaken(record)) rejected++;
      else if (records.push(record) === flags.records) break;
    }
    if (records.length === flags.records) break;
    if (sourceBytes > mostSourceBytes) {
      say(`note: only the first ${bytes(sourceBytes)} are taken, ${plural(records.length, "record")}`);
      break;
    }
  }
  if (rejected > 0)
    say(`note: ${plural(rejected, "record")} would be rejected and ${rejected === 1 ? "is" : "are"} left out`);
  if (records.length === 0)
    throw new MillraceError("BAD_SOURCE", `There is no record in ${source.name} that could be packed.`);
  return { table, records, rejected };
}

function taker(table: Table): (record: unknown) => boolean {
  // NDJSON rows are the larger ones, and the records are made into both.
  const packer = compilePacker(table, { format: "ndjson", maxRecordBytes: mostSourceBytes });
  return (record) => {
    try {
      packer.pack(record);
    } catch (error) {
      if (error instanceof MillraceError && error.code === "RECORD_REFUSED") return false;
      throw error;
    }
    if (packer.isFull) packer.recycle(packer.take()!);
    return true;
  };
}

function resultTable(results: readonly Result[]): string {
  const lines = [
    ["", "records/s", "±", "MB/s", "bytes", "packed", "ratio", "millrace CSV is"],
    ...results.map((r, i) => [
      r.case,
      count(r.recordsPerSecond),
      `${r.spread} %`,
      String(r.megabytesPerSecond),
      bytes(r.rawBytes),
      bytes(r.packedBytes),
      (r.rawBytes / r.packedBytes).toFixed(2),
      i === 0 ? "" : `${r.timesFaster.toFixed(2)}x${r.timesFaster < 1 ? " (slower)" : ""}`,
    ]),
  ];
  const widths = lines[0]!.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  const text = lines.map((line) =>
    line
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join("  ")
      .trimEnd(),
  );
  return `${text.join("\n")}\n`;
}
