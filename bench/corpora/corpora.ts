import { compilePacker } from "../../src/encode/packer.ts";
import { MillraceError } from "../../src/errors.ts";
import type { Table } from "../../src/schema/table.ts";
import { dynamic, dynamicRecords } from "./dynamic.ts";
import { logs, logsRecords } from "./logs.ts";
import { numbers, numbersRecords } from "./numbers.ts";
import { strings, stringsRecords } from "./strings.ts";
import { telemetry, telemetryRecords } from "./telemetry.ts";
import { vegaRecords } from "./vega.ts";
import { wide, wideRecords } from "./wide.ts";

/** A table and records for it, every one of which the sink takes. */
export interface Corpus {
  readonly name: string;
  readonly table: Table;
  readonly records: readonly Readonly<Record<string, unknown>>[];
}

interface CorpusPlan {
  /** How many records, unless fewer are asked for; a generated corpus is some megabytes. */
  readonly count: number;
  make(
    count: number,
    seed: number,
  ): { table: Table; records: Record<string, unknown>[] } | ReturnType<typeof vegaRecords>;
}

function generated(table: Table, records: (seed: number) => Generator<Record<string, unknown>>, count: number) {
  return {
    count,
    make: (most: number, seed: number) => ({ table, records: first(most, records(seed)) }),
  } satisfies CorpusPlan;
}

function first<T>(count: number, from: Iterator<T>): T[] {
  return Array.from({ length: count }, () => from.next().value as T);
}

function vega(name: string, file: string): CorpusPlan {
  return { count: Number.POSITIVE_INFINITY, make: (most) => vegaRecords(name, file, most) };
}

const plans: Readonly<Record<string, CorpusPlan>> = {
  telemetry: generated(telemetry, telemetryRecords, 20_000),
  logs: generated(logs, logsRecords, 10_000),
  strings: generated(strings, stringsRecords, 10_000),
  numbers: generated(numbers, numbersRecords, 20_000),
  dynamic: generated(dynamic, dynamicRecords, 10_000),
  wide: generated(wide, wideRecords, 2_000),
  flights: vega("Flights", "flights-200k.json"),
  earthquakes: vega("Earthquakes", "earthquakes.json"),
  movies: vega("Movies", "movies.json"),
  birdstrikes: vega("Birdstrikes", "birdstrikes.csv"),
};

export const corpusNames: readonly string[] = Object.keys(plans);

export interface CorpusOptions {
  /** Of generated corpora. Default 1, the seed of every published figure. */
  readonly seed?: number;
  /** Default: what the corpus has. */
  readonly mostRecords?: number;
}

export async function corpus(name: string, { seed = 1, mostRecords }: CorpusOptions = {}): Promise<Corpus> {
  const plan = plans[name];
  if (!plan) throw new Error(`No corpus ${name}; there are ${corpusNames.join(", ")}.`);
  const { table, records } = await plan.make(Math.min(plan.count, mostRecords ?? plan.count), seed);
  return { name, table, records: taken(table, records) };
}

/** Without what the sink refuses: a record that the rivals write and ours does not would make the race unequal. */
function taken(table: Table, records: readonly Record<string, unknown>[]): Record<string, unknown>[] {
  const packer = compilePacker(table, { format: "csv", maxRecordBytes: 1024 ** 2 });
  return records.filter((record) => {
    try {
      packer.pack(record);
    } catch (error) {
      if (error instanceof MillraceError && error.code === "RECORD_REFUSED") return false;
      throw error;
    }
    if (packer.isFull) packer.recycle(packer.take()!);
    return true;
  });
}
