import { columnNames } from "../schema/names.ts";
import type { FilesOptions } from "../source/file-options.ts";
import { type FilesPlan, files } from "../source/files.ts";
import type { RawRecord } from "../source/records.ts";

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
      for (const record of records) for (const field of Object.keys(record)) names.add(field);
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
  options: FilesOptions,
  columns: readonly string[],
  mostRecords: number,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const found = fieldNames(columns);
  let left = mostRecords || Number.POSITIVE_INFINITY;
  for (const { path, format } of plan.files) {
    for await (const { records } of files([path], options).read({}, signal)) {
      found.add(records);
      left -= records.length;
      if (found.isComplete()) return [...found.names];
      if (records.length > 0 && (format === "csv" || left <= 0)) break; // the header names all fields
    }
  }
  return [...found.names];
}
