import { badArgument, checkObject } from "../../arguments.ts";
import { MillraceError } from "../../errors.ts";
import { refuseUnknownOptions } from "../../option-names.ts";
import { sinkOptionNames } from "../../options.ts";

/** How files are packed, how large they grow, and into which folders their rows go. */
export interface FilesDestinationOptions {
  /** "gzip" (default): `.csv.gz`, `.ndjson.gz`. "none": `.csv`, `.ndjson`. */
  compression?: "gzip" | "none";
  /** CSV files begin with a row of the columns' names. Default true. NDJSON has none. */
  header?: boolean;
  /**
   * Bytes of a file, as they lie on the disk. A file ends before the batch that would make it larger, so one batch is never split; with
   * `partitionBy` it ends behind the row that fills it, give or take 256 KiB. Default 134 217 728 (128 MiB).
   */
  maxFileBytes?: number;
  /** Rows of a file. A file ends before the batch that would exceed it; with `partitionBy` exactly there. Default: no limit. */
  maxFileRows?: number;
  /**
   * Columns whose values name the folders, outermost first: `["country", { column: "at", by: "day" }]` writes into
   * `country=DE/at_day=2024-05-06/`. The columns stay in the rows. Kinds: bool, datetime (with `by`), guid, int, long, string.
   */
  partitionBy?: readonly (string | TimePartition)[];
  /**
   * Who may read the files and folders that are made, as far as the process's umask allows: "owner" (default), "group" or "all".
   */
  readableBy?: "owner" | "group" | "all";
  /** Different folders of one epoch (or of one batch, without exactly once); more are an error. Default 1 000. */
  maxPartitions?: number;
}

/** A folder for each hour, day or month of a datetime column, in UTC: `at_hour=2024-05-06T07`, `at_day=2024-05-06`, `at_month=2024-05`. */
export interface TimePartition {
  column: string;
  by: "hour" | "day" | "month";
}

export type ResolvedFilesOptions = Required<FilesDestinationOptions>;

const defaults: ResolvedFilesOptions = {
  compression: "gzip",
  header: true,
  maxFileBytes: 128 * 1024 ** 2,
  maxFileRows: Number.MAX_SAFE_INTEGER,
  partitionBy: [],
  readableBy: "owner",
  maxPartitions: 1_000,
};

/** By `readableBy`. */
export const modesOf = {
  owner: { file: 0o600, folder: 0o700 },
  group: { file: 0o640, folder: 0o750 },
  all: { file: 0o644, folder: 0o755 },
} as const;

export const filesOptionNames: readonly string[] = Object.keys(defaults);

/** @throws MillraceError BAD_OPTION naming the option, its value and what it takes. */
export function resolveFilesOptions(what: string, given: FilesDestinationOptions): ResolvedFilesOptions {
  refuseUnknownOptions(what, given, filesOptionNames, sinkOptionNames);
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  const options: ResolvedFilesOptions = { ...defaults, ...Object.fromEntries(set) };
  const { compression, header, maxFileBytes, maxFileRows, maxPartitions, partitionBy, readableBy } = options;
  if (compression !== "gzip" && compression !== "none")
    throw badArgument(what, "compression", compression, '"gzip" or "none"');
  if (typeof header !== "boolean") throw badArgument(what, "header", header, "true or false");
  for (const [name, value] of Object.entries({ maxFileBytes, maxFileRows, maxPartitions }))
    if (!Number.isSafeInteger(value) || value < 1) throw badArgument(what, name, value, "a whole number from 1 on");
  if (typeof readableBy !== "string" || !Object.hasOwn(modesOf, readableBy))
    throw badArgument(what, "readableBy", readableBy, '"owner", "group" or "all"');
  if (!Array.isArray(partitionBy)) throw badArgument(what, "partitionBy", partitionBy, "a list of columns");
  for (const [i, each] of partitionBy.entries()) checkPartition(what, `partitionBy[${i}]`, each);
  return options;
}

function checkPartition(what: string, name: string, given: unknown): void {
  if (typeof given === "string") return;
  checkObject(what, name, given, 'a column\'s name, or { column: "at", by: "day" }');
  const { column, by, ...rest } = given as TimePartition;
  if (typeof column !== "string") throw badArgument(what, `${name}.column`, column, "a column's name");
  if (by !== "hour" && by !== "day" && by !== "month")
    throw badArgument(what, `${name}.by`, by, '"hour", "day" or "month"');
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined)
    throw new MillraceError("BAD_OPTION", `${what}: ${name} has no member ${unknown}; it has column and by.`, {
      context: { option: "partitionBy" },
    });
}
