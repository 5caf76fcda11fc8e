import { gzipSync } from "node:zlib";
import { encoder } from "../encode/choose-encoder.ts";
import { sealed } from "../encode/gzip-member.ts";
import { compilePacker } from "../encode/packer.ts";
import type { RowFormat } from "../encode/row-format.ts";
import { embeddedWasm } from "../encode/wasm-embedded.ts";
import { throwIfAborted } from "../errors.ts";
import { defaults } from "../options.ts";
import type { Table } from "../schema/table.ts";
import { csvByHand, ndjsonByHand } from "./rows-by-hand.ts";

/** What one way of making gzip of the records took. */
export interface Result {
  readonly case: string;
  readonly recordsPerSecond: number;
  /** Half the way from the first to the third quartile of the runs, in percent of the median. */
  readonly spread: number;
  readonly rawBytes: number;
  readonly packedBytes: number;
  /** Of uncompressed bytes, each in its own format. */
  readonly megabytesPerSecond: number;
  /** How many times more records per second our CSV does; below 1 it loses. */
  readonly timesFaster: number;
}

type Bytes = Pick<Result, "rawBytes" | "packedBytes">;

interface Contestant {
  readonly name: string;
  run(): Bytes;
}

const fewestRounds = 3;

/**
 * The records through our encoders and through what a program would write by hand, in turns on one thread, each for about
 * `seconds`. The first is our CSV; the values are medians.
 *
 * @throws MillraceError ABORTED between two runs.
 */
export async function race(
  table: Table,
  records: readonly Record<string, unknown>[],
  seconds: number,
  signal: AbortSignal,
): Promise<Result[]> {
  const contestants = contestantsFor(table, records);
  const bytes = contestants.map(({ run }) => run()); // and the engine gets to know the code
  const times = contestants.map((): number[] => []);
  const end = performance.now() + seconds * 1_000 * contestants.length;
  for (let round = 0; round < fewestRounds || performance.now() < end; round++)
    for (let turn = 0; turn < contestants.length; turn++) {
      // Another one begins each round, so that what else the machine does falls on all of them.
      const i = (turn + round) % contestants.length;
      const start = performance.now();
      contestants[i]!.run();
      times[i]!.push(performance.now() - start);
      await new Promise(setImmediate); // Ctrl-C is heard here
      throwIfAborted(signal, "measuring");
    }
  const medians = times.map((runs) => quantile(runs, 0.5));
  return contestants.map(({ name }, i) => ({
    case: name,
    recordsPerSecond: Math.round((records.length * 1e3) / medians[i]!),
    spread: Math.round(((quantile(times[i]!, 0.75) - quantile(times[i]!, 0.25)) / 2 / medians[i]!) * 100),
    ...bytes[i]!,
    megabytesPerSecond: Number((bytes[i]!.rawBytes / 1e3 / medians[i]!).toPrecision(3)),
    timesFaster: Number((medians[i]! / medians[0]!).toFixed(2)),
  }));
}

function contestantsFor(table: Table, records: readonly Record<string, unknown>[]): Contestant[] {
  const plain = withoutBigints(records);
  const writeCsv = csvByHand(table, plain);
  const csv = () => writeCsv(plain);
  const json = () => ndjsonByHand(plain);
  return [
    { name: "millrace CSV", run: ours(table, "csv", records) },
    { name: "millrace NDJSON", run: ours(table, "ndjson", records) },
    { name: "CSV by hand + node:zlib", run: byHand(csv) },
    { name: "CSV by hand + node:zlib level 1", run: byHand(csv, 1) },
    { name: "JSON.stringify + node:zlib", run: byHand(json) },
    { name: "JSON.stringify + node:zlib level 1", run: byHand(json, 1) },
  ];
}

function ours(table: Table, format: RowFormat, records: readonly unknown[]): () => Bytes {
  const maxBytes = defaults.clientBatchSizeLimit;
  const packer = compilePacker(table, { format, maxRecordBytes: maxBytes });
  const rows = encoder(table, format, { maxRows: records.length, maxBytes }, embeddedWasm());
  return () => {
    const made = { rawBytes: 0, packedBytes: 0 };
    const seal = () => {
      const { rawBytes, packedBytes } = sealed(rows);
      made.rawBytes += rawBytes;
      made.packedBytes += packedBytes;
    };
    const handOver = () => {
      const chunk = packer.take()!;
      for (let from = 0; from < chunk.rows; ) {
        from += rows.append(chunk, from);
        if (from < chunk.rows) seal();
      }
      packer.recycle(chunk);
    };
    for (const record of records) {
      packer.pack(record);
      if (packer.isFull) handOver();
    }
    if (packer.rows > 0) handOver();
    if (rows.rows > 0) seal();
    return made;
  };
}

function byHand(text: () => string, level?: number): () => Bytes {
  return () => {
    const bytes = Buffer.from(text());
    const packed = gzipSync(bytes, level === undefined ? {} : { level });
    return { rawBytes: bytes.length, packedBytes: packed.length };
  };
}

/** JSON.stringify refuses bigints; a program by hand would have made texts of them when it read them. */
function withoutBigints(records: readonly Record<string, unknown>[]): readonly Record<string, unknown>[] {
  const isBigint = (value: unknown) => typeof value === "bigint";
  if (!records.some((record) => Object.values(record).some(isBigint))) return records;
  return records.map((record) =>
    Object.fromEntries(Object.entries(record).map(([name, value]) => [name, isBigint(value) ? String(value) : value])),
  );
}

function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return low + (high - low) * (at % 1);
}
