import { columnNames } from "../schema/names.ts";
import type { FilesPlan } from "../source/files.ts";
import type { RawRecord } from "../source/records.ts";
import type { ReadOne } from "./infer-files.ts";

/** The names in the beginning of one file, or of standard input. */
export interface FieldSample {
  readonly path: string;
  readonly fields: readonly string[];
}

/** The names of the fields in the beginning of each file. A file without a record has none. */
export async function sampleFields(plan: FilesPlan, readOne: ReadOne): Promise<FieldSample[]> {
  const samples: FieldSample[] = [];
  for (const { path } of plan.files) samples.push({ path, fields: await firstFields(readOne(path)) });
  return samples;
}

async function firstFields(slices: ReturnType<ReadOne>): Promise<readonly string[]> {
  for await (const { records } of slices) if (records.length > 0) return namesIn(records);
  return [];
}

/** Every name that one of the records has. */
function namesIn(records: readonly RawRecord[]): readonly string[] {
  return [...new Set(records.flatMap((record) => Object.keys(record)))];
}

/** The names of the fields of some records, in the order of their first appearance. */
export interface FieldNames {
  readonly names: ReadonlySet<string>;
  add(records: readonly RawRecord[]): void;
  /**
   * No column of the table is left that a field further on may have to be renamed to. A name that Kusto does not take becomes one with
   * an underscore, or of the greatest length, so for other columns nothing need be searched.
   */
  isComplete(): boolean;
}

const longestName = 1024;

export function fieldNames(columns: readonly string[]): FieldNames {
  const names = new Set<string>();
  return {
    names,
    add(records) {
      for (const name of namesIn(records)) names.add(name);
    },
    isComplete() {
      const taken = new Set(columnNames([...names]).names);
      return names.size > 0 && columns.every((c) => taken.has(c) || !(c.includes("_") || c.length >= longestName));
    },
  };
}

/**
 * The fields of files, for a table that exists: the first slice of each file and more where a column with a name made up from a field's
 * may be missing; of all files `mostRecords`, 0: all.
 */
export async function fieldsOfFiles(
  plan: FilesPlan,
  readOne: ReadOne,
  columns: readonly string[],
  mostRecords: number,
): Promise<readonly string[]> {
  const found = fieldNames(columns);
  let left = mostRecords || Number.POSITIVE_INFINITY;
  for (const { path, format } of plan.files) {
    for await (const { records } of readOne(path)) {
      found.add(records);
      left -= records.length;
      if (found.isComplete()) return [...found.names];
      if (records.length > 0 && (format === "csv" || left <= 0)) break; // the header names all fields
    }
  }
  return [...found.names];
}
